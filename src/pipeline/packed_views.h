// SPDX-License-Identifier: Apache-2.0
//
// The two views of a packed stereo video.
#pragma once

#include <string>

#include "mdvt/core/image.h"
#include "mdvt/core/options.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

// Whether the views are one above the other: as it was chosen, else as the file says; `unmarked`
// where it says nothing. Throws Error(kRefused) if the file says that it is packed otherwise.
bool IsTopBottom(PackingChoice choice, const VideoInfo& info, bool unmarked = false);

// What the file says of the order of the eyes counts as long as its packing does.
inline bool RightEyeFirst(PackingChoice choice, const VideoInfo& info) {
  return choice == PackingChoice::kAuto && info.right_eye_first;
}

// The option "packing"; `otherwise` ends its help: "sbs".
void DescribePacking(OptionList* list, PackingChoice* packing, const std::string& otherwise);

struct PackedViews {
  bool top_bottom = false;
  int width = 0;  // of a view
  int height = 0;
  PixelFormat format;  // in which each has chroma samples of its own

  // Throws Error(kInvalidArgument) for a picture too small to be split.
  PackedViews(bool below, const VideoInfo& info);
  ImageView Of(const Image& frame, bool second) const;
};

}  // namespace mdvt
