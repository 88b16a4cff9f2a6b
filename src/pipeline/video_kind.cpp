// SPDX-License-Identifier: Apache-2.0
#include "pipeline/video_kind.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/stereo/view_layout.h"

namespace mdvt {

std::string KindOf(const VideoInfo& video) {
  const auto kind = video.tags.find("MDVT_KIND");
  if (kind != video.tags.end()) return kind->second;
  const std::string sidecar = DepthSidecarPath(video.path);
  std::error_code error;
  if (!std::filesystem::is_regular_file(sidecar, error)) return "";
  try {
    return ReadAndParse(sidecar, "depth sidecar", {}, DepthTags::FromJson).kind.value_or("");
  } catch (const Error&) {
    return "";  // it is none; whoever needs it tells
  }
}

bool HoldsEyes(const std::string& kind) {
  for (const ViewLayout& layout : ViewLayouts())
    if (layout.views.size() > 1 && layout.kind == kind) return true;
  return false;
}

bool HoldsTwoViews(const std::string& kind) {
  for (const ViewLayout& layout : ViewLayouts())
    if (layout.kind == kind) return layout.views.size() == 2 && !layout.mix && !layout.depth_tile;
  return false;
}

void TellIfNoFilm(const VideoInfo& video) {
  const std::string kind = KindOf(video);
  for (const char* tool : {"depth", "sbs_depth", "mask", "infillmask", "provenance"})
    if (kind == tool)
      LogWarning("'" + video.path + "' is taken as a color video, but its tag MDVT_KIND says \"" +
                 kind + "\": is it the right file?");
}

void CheckIsMask(const VideoInfo& video) {
  const std::string kind = KindOf(video);
  Require(kind != "depth" && kind != "sbs_depth" && kind != "provenance" && !HoldsEyes(kind),
          Code::kCorrupt,
          "'" + video.path + "' is no mask video, its tag MDVT_KIND says \"" + kind + "\"");
}

void CheckLooksLikeMask(const Image& picture, const std::string& path) {
  constexpr int kColored = 16, kNearlyBlack = 16, kNearlyWhite = 239;  // of 255
  constexpr double kMostColored = 0.25, kMostBetween = 0.9;
  int64_t colored = 0, between = 0;
  for (int y = 0; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      const auto [low, high] =
          std::minmax({picture.Plane<uint8_t>(0).At(x, y), picture.Plane<uint8_t>(1).At(x, y),
                       picture.Plane<uint8_t>(2).At(x, y)});
      colored += high - low > kColored;
      between += low > kNearlyBlack && high < kNearlyWhite;
    }
  }
  const double all = double(picture.width()) * picture.height();
  const auto refuse = [&](int64_t pixels, const std::string& what) {
    throw Error(Code::kCorrupt, "'" + path + "' is no mask: " +
                                    FormatFixed(100 * static_cast<double>(pixels) / all, 0) +
                                    " % of its first picture are " + what +
                                    ", a mask is white, or black where nothing is masked");
  };
  if (static_cast<double>(colored) > kMostColored * all) refuse(colored, "colored");
  if (static_cast<double>(between) > kMostBetween * all) refuse(between, "grey");
}

}  // namespace mdvt
