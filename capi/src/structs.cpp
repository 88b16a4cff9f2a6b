// SPDX-License-Identifier: Apache-2.0
//
// The defaults of every struct, taken from the C++ options they stand for, so that the two cannot
// differ.
#include "structs.h"

#include "convert.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "mdvt/pipeline/motion_depth.h"

namespace mdvt::capi {
namespace {

// Zeros: structs hold no padding, so that this is every byte.
template <typename T>
T Empty() {
  T value;
  std::memset(static_cast<void*>(&value), 0, sizeof(value));
  value.struct_size = sizeof(T);
  return value;
}

template <typename T>
void Init(void* value, uint32_t struct_size) {
  const uint32_t size = CheckedSize(&struct_size, StructTraits<T>::kFirstSize, "value");
  std::memcpy(value, &size, sizeof(size));
  WriteResult(StructTraits<T>::Defaults(), static_cast<T*>(value), "value");
}

}  // namespace

mdvt_limits StructTraits<mdvt_limits>::Defaults() {
  const Limits from;
  auto to = Empty<mdvt_limits>();
  to.max_side = from.max_side;
  to.max_pixels_per_frame = from.max_pixels_per_frame;
  to.max_frames = from.max_frames;
  to.max_track_points = from.max_track_points;
  to.max_text_bytes = from.max_text_bytes;
  to.max_frame_buffer_bytes = from.max_frame_buffer_bytes;
  to.max_streams = from.max_streams;
  to.max_json_depth = from.max_json_depth;
  return to;
}

mdvt_frame StructTraits<mdvt_frame>::Defaults() { return Empty<mdvt_frame>(); }

mdvt_video_info StructTraits<mdvt_video_info>::Defaults() { return Empty<mdvt_video_info>(); }

mdvt_video_reader_options StructTraits<mdvt_video_reader_options>::Defaults() {
  const VideoReaderOptions from;
  auto to = Empty<mdvt_video_reader_options>();
  to.num_threads = from.num_threads;
  to.apply_rotation = from.apply_rotation;
  return to;
}

mdvt_depth_reader_options StructTraits<mdvt_depth_reader_options>::Defaults() {
  const DepthVideoReaderOptions from;
  auto to = Empty<mdvt_depth_reader_options>();
  to.allow_damaged = from.allow_damaged;
  to.allow_range = from.allow_range;
  to.num_threads = from.video.num_threads;
  return to;
}

mdvt_video_writer_options StructTraits<mdvt_video_writer_options>::Defaults() {
  const VideoWriterOptions from;
  auto to = Empty<mdvt_video_writer_options>();
  to.codec = MDVT_CODEC_FFV1;
  to.time_base = FromRational(from.time_base);
  to.frame_rate = FromRational(from.frame_rate);
  to.sample_aspect = FromRational(from.sample_aspect);
  to.color = FromColor(from.color);
  to.stereo = MDVT_STEREO_NONE;
  to.crf = from.crf;
  to.num_threads = from.num_threads;
  to.overwrite = from.overwrite;
  return to;
}

mdvt_depth_codec StructTraits<mdvt_depth_codec>::Defaults() {
  const DepthCodecOptions from;
  auto to = Empty<mdvt_depth_codec>();
  to.encoding = FromEncoding(from.encoding);
  to.max_depth = from.max_depth;
  to.log_offset = from.log_offset;
  to.truncate = from.rounding == DepthRounding::kTruncate;
  return to;
}

mdvt_depth_writer_options StructTraits<mdvt_depth_writer_options>::Defaults() {
  auto to = Empty<mdvt_depth_writer_options>();
  to.write_sidecar = DepthVideoWriterOptions().write_sidecar;
  return to;
}

mdvt_stereo_options StructTraits<mdvt_stereo_options>::Defaults() {
  const StereoOptions from;
  auto to = Empty<mdvt_stereo_options>();
  to.edges = from.edges == EdgeMode::kTear ? MDVT_EDGES_TEAR : MDVT_EDGES_STRETCH;
  to.baseline = from.baseline;
  to.tear_disparity = from.tear_disparity;
  to.tear_depth = from.tear_depth;
  return to;
}

mdvt_fill_options StructTraits<mdvt_fill_options>::Defaults() {
  auto to = Empty<mdvt_fill_options>();
  to.rim = DirectionalFillOptions().rim;
  return to;
}

mdvt_renderer_options StructTraits<mdvt_renderer_options>::Defaults() {
  auto to = Empty<mdvt_renderer_options>();
  to.fill = MDVT_FILL_BACKGROUND;
  to.mask_style = MDVT_MASK_DIRECTIONS;
  to.color = FromColor(StereoOptions().color);
  return to;
}

mdvt_eye StructTraits<mdvt_eye>::Defaults() { return Empty<mdvt_eye>(); }

mdvt_motion_options StructTraits<mdvt_motion_options>::Defaults() {
  const MotionDepthOptions from;
  auto to = Empty<mdvt_motion_options>();
  to.scene_scale = from.scene_scale;
  to.working_side = from.working_side;
  to.lookahead = from.lookahead;
  return to;
}

mdvt_depth_job_options StructTraits<mdvt_depth_job_options>::Defaults() {
  const DepthJobOptions from;
  auto to = Empty<mdvt_depth_job_options>();
  to.num_threads = from.job.num_threads;
  to.max_frames = from.job.max_frames;
  to.overwrite = from.job.overwrite;
  to.encoding = FromEncoding(from.encoding);
  to.max_depth = from.max_depth;
  to.scene_scale = from.scene_scale;
  to.working_side = from.working_side;
  to.input_size = from.model.input_size;
  to.batch = from.model.batch;
  return to;
}

mdvt_stereo_job_options StructTraits<mdvt_stereo_job_options>::Defaults() {
  const StereoJobOptions from;
  auto to = Empty<mdvt_stereo_job_options>();
  to.num_threads = from.job.num_threads;
  to.max_frames = from.job.max_frames;
  to.overwrite = from.job.overwrite;
  to.compressed = from.compressed;
  to.baseline_scale = from.baseline_scale;
  to.fill = from.fill == HoleFill::kFill ? MDVT_FILL_BACKGROUND : MDVT_FILL_BLACK;
  to.write_infill_mask = from.write_infill_mask;
  to.mask_style =
      from.mask_style == InfillMaskStyle::kDirections ? MDVT_MASK_DIRECTIONS : MDVT_MASK_GREEN;
  to.swap_eyes = from.swap_eyes;
  to.baseline_rule = MDVT_BASELINE_PLAIN;
  to.master_xfov_deg = from.master_xfov_deg;
  return to;
}

mdvt_export_job_options StructTraits<mdvt_export_job_options>::Defaults() {
  const ExportJobOptions from;
  auto to = Empty<mdvt_export_job_options>();
  to.num_threads = from.job.num_threads;
  to.max_frames = from.job.max_frames;
  to.overwrite = from.job.overwrite;
  to.transformation_lock_frame = -1;
  to.min_frames = from.min_frames;
  to.remove_edges = from.remove_edges;
  to.tear_depth = from.tear_depth;
  to.tear_baseline = from.tear_baseline;
  to.tear_disparity = from.tear_disparity;
  return to;
}

mdvt_job_report StructTraits<mdvt_job_report>::Defaults() { return Empty<mdvt_job_report>(); }

mdvt_model_options StructTraits<mdvt_model_options>::Defaults() {
  const ModelOptions from;
  auto to = Empty<mdvt_model_options>();
  to.num_threads = from.num_threads;
  to.precision = MDVT_PRECISION_FP32;
  to.deterministic = from.deterministic;
  to.channels_last = from.channels_last;
  to.profiling_executor = from.profiling_executor;
  to.optimize = from.optimize;
  to.self_test = from.self_test;
  to.allow_unlisted = from.trust == ModelTrust::kUnlisted;
  return to;
}

mdvt_model_info StructTraits<mdvt_model_info>::Defaults() { return Empty<mdvt_model_info>(); }

mdvt_model_depth_options StructTraits<mdvt_model_depth_options>::Defaults() {
  const ModelDepthOptions from;
  auto to = Empty<mdvt_model_depth_options>();
  to.input_size = from.input_size;
  to.batch = from.batch;
  to.side_by_side = from.side_by_side;
  return to;
}

mdvt_mono_to_sbs_job_options StructTraits<mdvt_mono_to_sbs_job_options>::Defaults() {
  const MonoToSbsJobOptions from;
  const DepthModelOptions model;
  auto to = Empty<mdvt_mono_to_sbs_job_options>();
  to.num_threads = from.job.num_threads;
  to.max_frames = from.job.max_frames;
  to.overwrite = from.job.overwrite;
  to.audio = from.audio;
  to.input_size = model.input_size;
  to.batch = model.batch;
  to.xfov_deg = from.xfov_deg;
  to.scene_scale = from.scene_scale;
  to.working_side = from.working_side;
  to.norm_mode = MDVT_NORM_EMA;
  to.norm_p_lo = from.norm.p_lo;
  to.norm_p_hi = from.norm.p_hi;
  to.norm_beta = from.norm.beta;
  to.norm_metric_near = from.norm.metric_near;
  to.norm_lookahead = from.norm.lookahead;
  to.smoothing_motion_adaptive = from.smoothing.motion_adaptive;
  to.smoothing_alpha = from.smoothing.alpha;
  to.smoothing_tau_seconds = from.smoothing.tau_seconds;
  to.smoothing_still = from.smoothing.still;
  to.smoothing_moving = from.smoothing.moving;
  to.cuts = MDVT_CUTS_AUTO;
  to.convergence_plane = MDVT_SCREEN_AUTO;
  to.convergence_value = from.convergence.value;
  to.convergence_smoothing = from.convergence.smoothing;
  to.max_shift = -1;
  to.shift_min_gain = from.shift.min_gain;
  to.shift_smoothing = from.shift.smoothing;
  to.shift_steep_free = from.shift.steep_free;
  to.shift_steep_full = from.shift.steep_full;
  to.shift_max_behind = from.shift.max_behind;
  to.shift_max_in_front = from.shift.max_in_front;
  to.shift_dynamic = from.shift.dynamic;
  to.warp = MDVT_WARP_FORWARD;
  to.swap_eyes = from.swap_eyes;
  to.packing = MDVT_PACKING_SIDE_BY_SIDE;
  to.fit = MDVT_FIT_CONTAIN;
  to.filter = MDVT_FILTER_LANCZOS;
  to.fps = from.fps;
  to.crf = from.crf;
  return to;
}

void InitStruct(int32_t struct_id, void* value, uint32_t struct_size) {
  RequireSet(value, "value");
  switch (struct_id) {
#define MDVT_CAPI_INIT(NAME, ID, FIRST_SIZE) \
  case MDVT_STRUCT_##ID:                     \
    return Init<mdvt_##NAME>(value, struct_size);
    MDVT_CAPI_STRUCTS(MDVT_CAPI_INIT)
#undef MDVT_CAPI_INIT
    default:
      throw Error(Code::kInvalidArgument,
                  "struct_id = " + std::to_string(struct_id) + ", must be one of MDVT_STRUCT_*");
  }
}

}  // namespace mdvt::capi
