// SPDX-License-Identifier: Apache-2.0
#include "pipeline/eye_follower.h"

#include <string>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

InfillSbsJobOptions FillerOptions(const HoleOptions& holes) {
  InfillSbsJobOptions options;
  options.method = InfillMethod::kObserved;
  options.window = holes.infill_window;
  options.provenance_output = holes.provenance_output;
  return options;
}

}  // namespace

EyeFollower::EyeFollower(const HoleOptions& holes, const ViewLayout& layout,
                         const ViewCanvas& canvas, bool plain, const PixelFormat& format,
                         const ColorInfo& color, const Limits& limits, ThreadPool* pool)
    : filler_(FillerOptions(holes), format, color, std::nullopt, pool) {
  Require(
      canvas.columns == 2 && canvas.rows == 1 && layout.views.size() == 2 && !layout.mix &&
          !canvas.panel && canvas.content_width == canvas.tile_width &&
          canvas.content_height == canvas.tile_height && plain,
      Code::kInvalidArgument,
      "the infill 'observed' does not know where the camera is (--infill_poses FILE tells it, "
      "--engine motion finds it): it follows the background in eyes then, which must stand side "
      "by side, whole, in all frames and without subtitles");
  CheckWindowMemory(
      "infill_window", holes.infill_window,
      SbsFiller::BytesPerFrame(FillerOptions(holes), format, canvas.tile_width, canvas.tile_height),
      limits);
}

void EyeFollower::Push(PackedFrame frame) {
  FillInput input;
  input.sbs.color = std::move(frame.image);
  for (size_t eye = 0; eye < 2; ++eye) input.sbs.holes[eye] = (*frame.holes)[eye];
  input.sbs.pts = frame.pts;
  input.sbs.duration = frame.duration;
  frame.image = Image();
  waiting_.push_back(std::move(frame));
  filler_.Push(std::move(input));
}

std::optional<PackedFrame> EyeFollower::Pop() {
  std::optional<FilledSbs> filled = filler_.Pop();
  if (!filled) return std::nullopt;
  PackedFrame frame = std::move(waiting_.front());
  waiting_.pop_front();
  frame.image = std::move(filled->image);
  frame.provenance = std::move(filled->provenance);
  return frame;
}

}  // namespace mdvt
