// SPDX-License-Identifier: Apache-2.0
#include "pipeline/packed_views.h"

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/video_kind.h"

namespace mdvt {

bool IsTopBottom(PackingChoice choice, const VideoInfo& info, bool unmarked) {
  if (choice != PackingChoice::kAuto) return choice == PackingChoice::kTopBottom;
  if (info.stereo == StereoMark::kNone) {
    const std::string kind = KindOf(info);
    Require(!HoldsEyes(kind) || HoldsTwoViews(kind), Code::kRefused,
            "'" + info.path + "' is no stereo video of two views, its tag MDVT_KIND says \"" +
                kind + "\"; give --packing if the tag is wrong");
    return unmarked;
  }
  Require(info.stereo == StereoMark::kSideBySide || info.stereo == StereoMark::kTopBottom,
          Code::kRefused,
          "'" + info.path + "' holds " + Describe(info.stereo) +
              ", which cannot be split; give --packing if the file is wrong");
  return info.stereo == StereoMark::kTopBottom;
}

void DescribePacking(OptionList* list, PackingChoice* packing, const std::string& otherwise) {
  static const EnumNames<PackingChoice> packings = {{"auto", PackingChoice::kAuto},
                                                    {"sbs", PackingChoice::kSideBySide},
                                                    {"tab", PackingChoice::kTopBottom}};
  list->Field("packing", packing, packings,
              "sbs: left half and right half; tab: upper half and lower half; auto: as the file "
              "says, else " +
                  otherwise);
}

PackedViews::PackedViews(bool below, const VideoInfo& info)
    : top_bottom(below),
      width(below ? info.width : info.width / 2),
      height(below ? info.height / 2 : info.height),
      format(info.format) {
  Require(width > 0 && height > 0, Code::kInvalidArgument,
          "'" + info.path + "' has " + FormatSize(info.width, info.height) +
              " pixels, too few to be split");
  const bool odd = below ? height % 2 != 0 && format.chroma_shift_y > 0
                         : width % 2 != 0 && format.chroma_shift_x > 0;
  if (odd) format = PixelFormat::Yuv(444, format.bits);
}

ImageView PackedViews::Of(const Image& frame, bool second) const {
  return Crop(frame.view(), second && !top_bottom ? width : 0, second && top_bottom ? height : 0,
              width, height);
}

}  // namespace mdvt
