// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/parallel.h"
#include "mdvt/pipeline/motion_depth.h"
#include "structs.h"

using namespace mdvt::capi;

struct mdvt_stage {
  mdvt_stage(const mdvt::MotionDepthOptions& options, int num_threads)
      : pool(num_threads), motion(options, &pool) {}

  mdvt::ThreadPool pool;
  mdvt::MotionDepthEstimator motion;
  mdvt::DepthEstimate current;  // pixels of the last result given out
  bool ended = false;
};

namespace {

int32_t FromStatus(mdvt::MotionStatus status) {
  switch (status) {
    case mdvt::MotionStatus::kMeasured:
      return MDVT_MOTION_MEASURED;
    case mdvt::MotionStatus::kCarried:
      return MDVT_MOTION_CARRIED;
    case mdvt::MotionStatus::kNoTranslation:
      return MDVT_MOTION_NO_TRANSLATION;
    case mdvt::MotionStatus::kLost:
      return MDVT_MOTION_LOST;
  }
  return MDVT_MOTION_LOST;
}

mdvt::MotionDepthOptions ToMotion(const mdvt_motion_options& from) {
  mdvt::MotionDepthOptions to;
  to.camera = ToCamera(from.camera, "options.camera");
  mdvt::Require(from.num_xfovs >= 0 && from.num_xfovs <= mdvt::Limits().max_frames,
                mdvt::Code::kInvalidArgument,
                "options.num_xfovs = " + std::to_string(from.num_xfovs) + ", must be in [0, " +
                    std::to_string(mdvt::Limits().max_frames) + "]");
  if (from.num_xfovs > 0) {
    RequireSet(from.xfovs_deg, "options.xfovs_deg");
    to.xfovs_deg.assign(from.xfovs_deg, from.xfovs_deg + from.num_xfovs);
  }
  to.scene_scale = from.scene_scale;
  to.working_side = from.working_side;
  to.lookahead = from.lookahead;
  to.Check();
  return to;
}

mdvt_frame Describe(const mdvt::DepthEstimate& from, const mdvt::MotionFrameReport& report) {
  auto to = StructTraits<mdvt_frame>::Defaults();
  to.image = FromView(from.depth.view());
  if (!from.confidence.empty()) to.confidence = FromView(from.confidence.view());
  to.index = from.index;
  to.pts = from.pts;
  to.duration = from.duration;
  to.motion = FromStatus(report.status);
  to.scene = report.scene;
  to.measured_share = report.measured_share;
  for (int row = 0; row < 4; ++row) {
    for (int col = 0; col < 4; ++col)
      to.world_from_cam[row * 4 + col] = report.world_from_cam.matrix()(row, col);
  }
  return to;
}

}  // namespace

mdvt_status mdvt_motion_create(const mdvt_motion_options* options, mdvt_stage** stage) {
  return Guarded([&] {
    RequireSet(stage, "stage");
    *stage = nullptr;
    RequireSet(options, "options");
    const mdvt_motion_options from = ReadOptions(options, "options");
    *stage = std::make_unique<mdvt_stage>(ToMotion(from),
                                          Threads(from.num_threads, "options.num_threads"))
                 .release();
  });
}

mdvt_status mdvt_stage_push(mdvt_stage* stage, const mdvt_frame* frame) {
  return Guarded([&] {
    RequireSet(stage, "stage");
    mdvt::Require(!stage->ended, mdvt::Code::kInvalidArgument,
                  "frame comes after the end of the input");
    if (frame == nullptr) {
      stage->motion.Finish();
      stage->ended = true;
      return;
    }
    const mdvt_frame from = ReadStruct(frame, StructTraits<mdvt_frame>::Defaults(),
                                       StructTraits<mdvt_frame>::kFirstSize, "frame");
    const mdvt::MutableImageView image = ToView(&from.image, "frame.image");
    RequireFormat(image, stage->motion.input_format(), "frame.image");
    mdvt::Frame copy;
    copy.image = mdvt::Image(image, nullptr).Clone();
    copy.index = from.index;
    copy.pts = from.pts;
    copy.duration = from.duration;
    stage->motion.Push(copy);
  });
}

mdvt_status mdvt_stage_pop(mdvt_stage* stage, mdvt_frame* frame) {
  return Guarded([&]() -> mdvt_status {
    RequireSet(stage, "stage");
    CheckedSize(frame, StructTraits<mdvt_frame>::kFirstSize, "frame");
    stage->current = mdvt::DepthEstimate();
    auto next = stage->motion.Pop();
    if (!next) return MDVT_END;
    stage->current = std::move(*next);
    WriteResult(Describe(stage->current, stage->motion.frame_reports().back()), frame, "frame");
    return MDVT_OK;
  });
}

void mdvt_stage_destroy(mdvt_stage* stage) {
  Guarded([&] { delete stage; });
}
