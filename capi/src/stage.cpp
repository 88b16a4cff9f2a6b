// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>
#include <utility>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/pipeline/motion_depth.h"
#include "model.h"
#include "structs.h"

using namespace mdvt::capi;

struct mdvt_stage {
  explicit mdvt_stage(int num_threads) : pool(num_threads) {}

  mdvt::ThreadPool pool;
  std::unique_ptr<mdvt::DepthEstimator> estimator;
  const mdvt::MotionDepthEstimator* motion = nullptr;  // if the estimator is one
  mdvt::DepthEstimate current;                         // pixels of the last result given out
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

mdvt::ModelDepthOptions ToModelDepth(const mdvt_model_depth_options& from) {
  mdvt::ModelDepthOptions to;
  to.camera = ToCamera(from.camera, "options.camera");
  to.input_size = from.input_size;
  to.batch = from.batch;
  to.side_by_side = from.side_by_side;
  RequireZero(from.reserved, "options.reserved");
  mdvt::Require(from.disparity_scale >= 0 && from.disparity_scale <= 1e12,
                mdvt::Code::kInvalidArgument,
                "options.disparity_scale = " + mdvt::FormatDouble(from.disparity_scale) +
                    ", must be in (0, 1e12], or 0 for none");
  mdvt::Require(std::isfinite(from.disparity_shift) &&
                    (from.disparity_shift == 0 || from.disparity_scale > 0),
                mdvt::Code::kInvalidArgument,
                "options.disparity_shift = " + mdvt::FormatDouble(from.disparity_shift) +
                    ", must be finite, and 0 without disparity_scale");
  if (from.disparity_scale > 0)
    to.calibration = mdvt::DisparityCalibration{from.disparity_scale, from.disparity_shift};
  if (from.median_depth != 0) to.median_depth = from.median_depth;
  to.Check();
  return to;
}

// `report` is null for other sources than motion.
mdvt_frame Describe(const mdvt::DepthEstimate& from, const mdvt::MotionFrameReport* report) {
  auto to = Defaults<mdvt_frame>();
  to.image = FromView(from.depth.view());
  if (!from.confidence.empty()) to.confidence = FromView(from.confidence.view());
  to.index = from.index;
  to.pts = from.pts;
  to.duration = from.duration;
  to.quantity = from.quantity == mdvt::DepthQuantity::kMetricDepth ? MDVT_QUANTITY_DEPTH
                                                                   : MDVT_QUANTITY_DISPARITY;
  to.starts_scene = from.starts_scene;
  if (report == nullptr) return to;
  to.motion = FromStatus(report->status);
  to.scene = report->scene;
  to.measured_share = report->measured_share;
  for (int row = 0; row < 4; ++row) {
    for (int col = 0; col < 4; ++col)
      to.world_from_cam[row * 4 + col] = report->world_from_cam.matrix()(row, col);
  }
  return to;
}

// Models take RGB of more bits too, depth from motion takes grey.
void RequireStageFormat(const mdvt_stage& stage, const mdvt::ImageView& image) {
  mdvt::PixelFormat wanted = stage.estimator->input_format();
  if (stage.motion != nullptr) {
    if (image.format == mdvt::PixelFormat::Gray(8)) return;
  } else if (wanted.model == mdvt::ColorModel::kRgb && image.format.type == mdvt::SampleType::kU16)
    wanted = mdvt::PixelFormat::Rgb(image.format.bits);
  RequireFormat(image, wanted, "frame.image");
}

}  // namespace

mdvt_status mdvt_motion_create(const mdvt_motion_options* options, mdvt_stage** stage) {
  return Guarded([&] {
    RequireSet(stage, "stage");
    *stage = nullptr;
    RequireSet(options, "options");
    const mdvt_motion_options from = ReadOptions(options, "options");
    const mdvt::MotionDepthOptions motion = ToMotion(from);
    auto made = std::make_unique<mdvt_stage>(Threads(from.num_threads, "options.num_threads"));
    auto estimator = std::make_unique<mdvt::MotionDepthEstimator>(motion, &made->pool);
    made->motion = estimator.get();
    made->estimator = std::move(estimator);
    *stage = made.release();
  });
}

mdvt_status mdvt_model_depth_create(const mdvt_model* model,
                                    const mdvt_model_depth_options* options, mdvt_stage** stage) {
  return Guarded([&] {
    RequireSet(stage, "stage");
    *stage = nullptr;
    RequireSet(model, "model");
    RequireSet(options, "options");
    const mdvt_model_depth_options from = ReadOptions(options, "options");
    const mdvt::ModelDepthOptions depth = ToModelDepth(from);
    auto made = std::make_unique<mdvt_stage>(Threads(from.num_threads, "options.num_threads"));
    made->estimator = std::make_unique<mdvt::ModelDepthEstimator>(model->model, depth, &made->pool);
    *stage = made.release();
  });
}

mdvt_status mdvt_stage_push(mdvt_stage* stage, const mdvt_frame* frame) {
  return Guarded([&] {
    RequireSet(stage, "stage");
    mdvt::Require(!stage->ended, mdvt::Code::kInvalidArgument,
                  "frame comes after the end of the input");
    if (frame == nullptr) {
      stage->estimator->Finish();
      stage->ended = true;
      return;
    }
    const mdvt_frame from = ReadStruct(frame, "frame");
    const mdvt::MutableImageView image = ToView(&from.image, "frame.image");
    RequireStageFormat(*stage, image);
    mdvt::Frame copy;
    copy.image = mdvt::Image(image, nullptr).Clone();
    copy.index = from.index;
    copy.pts = from.pts;
    copy.duration = from.duration;
    stage->estimator->Push(copy);
  });
}

mdvt_status mdvt_stage_pop(mdvt_stage* stage, mdvt_frame* frame) {
  return Guarded([&]() -> mdvt_status {
    RequireSet(stage, "stage");
    CheckedSize(frame, "frame");
    stage->current = mdvt::DepthEstimate();
    auto next = stage->estimator->Pop();
    if (!next) return MDVT_END;
    stage->current = std::move(*next);
    const mdvt::MotionFrameReport* report = nullptr;
    if (stage->motion != nullptr) report = &stage->motion->frame_reports().back();
    WriteStruct(Describe(stage->current, report), frame, "frame");
    return MDVT_OK;
  });
}

void mdvt_stage_destroy(mdvt_stage* stage) {
  Guarded([&] { delete stage; });
}
