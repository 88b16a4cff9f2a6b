// SPDX-License-Identifier: Apache-2.0
//
// The defaults of every struct, taken from the C++ options they stand for, so that the two cannot
// differ.
#include "structs.h"

#include "convert.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/pipeline/motion_depth.h"

namespace mdvt::capi {
namespace {

template <typename T>
void Init(void* value, uint32_t struct_size) {
  T sized = {};  // of the caller's struct only the size is looked at
  sized.struct_size = struct_size;
  const uint32_t size = CheckedSize(&sized, "value");
  std::memcpy(value, &size, sizeof(size));
  WriteStruct(Defaults<T>(), static_cast<T*>(value), "value");
}

}  // namespace

template <>
mdvt_limits Defaults() {
  const Limits from;
  auto to = Zeros<mdvt_limits>();
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

template <>
mdvt_video_reader_options Defaults() {
  const VideoReaderOptions from;
  auto to = Zeros<mdvt_video_reader_options>();
  to.num_threads = from.num_threads;
  to.apply_rotation = from.apply_rotation;
  return to;
}

template <>
mdvt_depth_reader_options Defaults() {
  const DepthVideoReaderOptions from;
  auto to = Zeros<mdvt_depth_reader_options>();
  to.allow_damaged = from.allow_damaged;
  to.allow_range = from.allow_range;
  to.num_threads = from.video.num_threads;
  return to;
}

template <>
mdvt_video_writer_options Defaults() {
  const VideoWriterOptions from;
  auto to = Zeros<mdvt_video_writer_options>();
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

template <>
mdvt_depth_codec Defaults() {
  const DepthCodecOptions from;
  auto to = Zeros<mdvt_depth_codec>();
  to.encoding = FromEncoding(from.encoding);
  to.max_depth = from.max_depth;
  to.log_offset = from.log_offset;
  to.truncate = from.rounding == DepthRounding::kTruncate;
  return to;
}

template <>
mdvt_depth_writer_options Defaults() {
  auto to = Zeros<mdvt_depth_writer_options>();
  to.write_sidecar = DepthVideoWriterOptions().write_sidecar;
  return to;
}

template <>
mdvt_stereo_options Defaults() {
  const StereoOptions from;
  auto to = Zeros<mdvt_stereo_options>();
  to.edges = from.edges == EdgeMode::kTear ? MDVT_EDGES_TEAR : MDVT_EDGES_STRETCH;
  to.baseline = from.baseline;
  to.tear_disparity = from.tear.disparity;
  to.tear_depth = from.tear.depth;
  return to;
}

template <>
mdvt_fill_options Defaults() {
  auto to = Zeros<mdvt_fill_options>();
  to.rim = DirectionalFillOptions().rim;
  return to;
}

template <>
mdvt_renderer_options Defaults() {
  auto to = Zeros<mdvt_renderer_options>();
  to.fill = MDVT_FILL_BACKGROUND;
  to.mask_style = MDVT_MASK_DIRECTIONS;
  to.color = FromColor(StereoOptions().color);
  return to;
}

template <>
mdvt_motion_options Defaults() {
  const MotionDepthOptions from;
  auto to = Zeros<mdvt_motion_options>();
  to.scene_scale = from.scene_scale;
  to.working_side = from.working_side;
  to.lookahead = from.lookahead;
  return to;
}

template <>
mdvt_model_options Defaults() {
  const ModelOptions from;
  auto to = Zeros<mdvt_model_options>();
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

template <>
mdvt_model_depth_options Defaults() {
  const ModelDepthOptions from;
  auto to = Zeros<mdvt_model_depth_options>();
  to.input_size = from.input_size;
  to.batch = from.batch;
  to.side_by_side = from.side_by_side;
  return to;
}

void InitStruct(int32_t struct_id, void* value, uint32_t struct_size) {
  RequireSet(value, "value");
  switch (struct_id) {
#define MDVT_CASE(ID, NAME) \
  case MDVT_STRUCT_##ID:    \
    return Init<mdvt_##NAME>(value, struct_size)
    MDVT_CASE(LIMITS, limits);
    MDVT_CASE(FRAME, frame);
    MDVT_CASE(VIDEO_INFO, video_info);
    MDVT_CASE(VIDEO_READER_OPTIONS, video_reader_options);
    MDVT_CASE(DEPTH_READER_OPTIONS, depth_reader_options);
    MDVT_CASE(VIDEO_WRITER_OPTIONS, video_writer_options);
    MDVT_CASE(DEPTH_WRITER_OPTIONS, depth_writer_options);
    MDVT_CASE(DEPTH_CODEC, depth_codec);
    MDVT_CASE(STEREO_OPTIONS, stereo_options);
    MDVT_CASE(FILL_OPTIONS, fill_options);
    MDVT_CASE(RENDERER_OPTIONS, renderer_options);
    MDVT_CASE(EYE, eye);
    MDVT_CASE(MOTION_OPTIONS, motion_options);
    MDVT_CASE(MODEL_OPTIONS, model_options);
    MDVT_CASE(MODEL_INFO, model_info);
    MDVT_CASE(MODEL_DEPTH_OPTIONS, model_depth_options);
    MDVT_CASE(TOOL_INFO, tool_info);
    MDVT_CASE(OPTION_INFO, option_info);
    MDVT_CASE(REPORT_FIELD_INFO, report_field_info);
#undef MDVT_CASE
    default:
      throw Error(Code::kInvalidArgument,
                  "struct_id = " + std::to_string(struct_id) + ", must be one of MDVT_STRUCT_*");
  }
}

}  // namespace mdvt::capi
