// SPDX-License-Identifier: Apache-2.0
#include "pipeline/video_kind.h"

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/stereo/view_layout.h"

namespace mdvt {

std::string KindOf(const VideoInfo& video) {
  const auto kind = video.tags.find("MDVT_KIND");
  return kind == video.tags.end() ? "" : kind->second;
}

bool HoldsEyes(const std::string& kind) {
  for (const ViewLayout& layout : ViewLayouts())
    if (layout.views.size() > 1 && layout.kind == kind) return true;
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

}  // namespace mdvt
