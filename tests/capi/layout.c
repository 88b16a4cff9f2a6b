/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of every struct and every value of the C interface, frozen: older programs
 * rely on each line. Lines are added (capi/record_abi.py --asserts), never changed. */
#include "mdvt.h"

#define FROZEN(condition) _Static_assert(condition, "older programs rely on this")
#define FIELD(type, field, offset, size) \
  FROZEN(offsetof(type, field) == (offset) && sizeof(((type*)0)->field) == (size))

FROZEN(sizeof(mdvt_limits) >= 56);
FIELD(mdvt_limits, struct_size, 0, 4);
FIELD(mdvt_limits, max_side, 4, 4);
FIELD(mdvt_limits, max_pixels_per_frame, 8, 8);
FIELD(mdvt_limits, max_frames, 16, 8);
FIELD(mdvt_limits, max_track_points, 24, 8);
FIELD(mdvt_limits, max_text_bytes, 32, 8);
FIELD(mdvt_limits, max_frame_buffer_bytes, 40, 8);
FIELD(mdvt_limits, max_streams, 48, 4);
FIELD(mdvt_limits, max_json_depth, 52, 4);

FROZEN(sizeof(mdvt_pixel_format) >= 8);
FIELD(mdvt_pixel_format, model, 0, 1);
FIELD(mdvt_pixel_format, sample_type, 1, 1);
FIELD(mdvt_pixel_format, bits, 2, 1);
FIELD(mdvt_pixel_format, chroma_shift_x, 3, 1);
FIELD(mdvt_pixel_format, chroma_shift_y, 4, 1);
FIELD(mdvt_pixel_format, reserved, 5, 3);

FROZEN(sizeof(mdvt_image) >= 80);
FIELD(mdvt_image, format, 0, 8);
FIELD(mdvt_image, width, 8, 4);
FIELD(mdvt_image, height, 12, 4);
FIELD(mdvt_image, data, 16, 32);
FIELD(mdvt_image, stride, 48, 32);

FROZEN(sizeof(mdvt_rational) >= 16);
FIELD(mdvt_rational, num, 0, 8);
FIELD(mdvt_rational, den, 8, 8);

FROZEN(sizeof(mdvt_color) >= 24);
FIELD(mdvt_color, matrix, 0, 4);
FIELD(mdvt_color, primaries, 4, 4);
FIELD(mdvt_color, transfer, 8, 4);
FIELD(mdvt_color, full_range, 12, 4);
FIELD(mdvt_color, chroma_location, 16, 4);
FIELD(mdvt_color, reserved, 20, 4);

FROZEN(sizeof(mdvt_camera) >= 40);
FIELD(mdvt_camera, width, 0, 4);
FIELD(mdvt_camera, height, 4, 4);
FIELD(mdvt_camera, fx, 8, 8);
FIELD(mdvt_camera, fy, 16, 8);
FIELD(mdvt_camera, cx, 24, 8);
FIELD(mdvt_camera, cy, 32, 8);

FROZEN(sizeof(mdvt_frame) >= 336);
FIELD(mdvt_frame, struct_size, 0, 4);
FIELD(mdvt_frame, reserved, 4, 4);
FIELD(mdvt_frame, image, 8, 80);
FIELD(mdvt_frame, index, 88, 8);
FIELD(mdvt_frame, pts, 96, 8);
FIELD(mdvt_frame, duration, 104, 8);
FIELD(mdvt_frame, confidence, 112, 80);
FIELD(mdvt_frame, motion, 192, 4);
FIELD(mdvt_frame, scene, 196, 4);
FIELD(mdvt_frame, measured_share, 200, 8);
FIELD(mdvt_frame, world_from_cam, 208, 128);

FROZEN(sizeof(mdvt_video_reader_options) >= 32);
FIELD(mdvt_video_reader_options, struct_size, 0, 4);
FIELD(mdvt_video_reader_options, num_threads, 4, 4);
FIELD(mdvt_video_reader_options, limits, 8, 8);
FIELD(mdvt_video_reader_options, apply_rotation, 16, 4);
FIELD(mdvt_video_reader_options, reserved, 20, 4);
FIELD(mdvt_video_reader_options, format, 24, 8);

FROZEN(sizeof(mdvt_depth_reader_options) >= 40);
FIELD(mdvt_depth_reader_options, struct_size, 0, 4);
FIELD(mdvt_depth_reader_options, encoding, 4, 4);
FIELD(mdvt_depth_reader_options, max_depth, 8, 8);
FIELD(mdvt_depth_reader_options, limits, 16, 8);
FIELD(mdvt_depth_reader_options, num_threads, 24, 4);
FIELD(mdvt_depth_reader_options, allow_damaged, 28, 4);
FIELD(mdvt_depth_reader_options, allow_range, 32, 4);
FIELD(mdvt_depth_reader_options, reserved, 36, 4);

FROZEN(sizeof(mdvt_tag) >= 16);
FIELD(mdvt_tag, key, 0, 8);
FIELD(mdvt_tag, value, 8, 8);

FROZEN(sizeof(mdvt_video_info) >= 200);
FIELD(mdvt_video_info, struct_size, 0, 4);
FIELD(mdvt_video_info, width, 4, 4);
FIELD(mdvt_video_info, height, 8, 4);
FIELD(mdvt_video_info, rotation_deg, 12, 4);
FIELD(mdvt_video_info, format, 16, 8);
FIELD(mdvt_video_info, color, 24, 24);
FIELD(mdvt_video_info, sample_aspect, 48, 16);
FIELD(mdvt_video_info, time_base, 64, 16);
FIELD(mdvt_video_info, frame_rate, 80, 16);
FIELD(mdvt_video_info, start_pts, 96, 8);
FIELD(mdvt_video_info, estimated_frames, 104, 8);
FIELD(mdvt_video_info, container, 112, 8);
FIELD(mdvt_video_info, codec, 120, 8);
FIELD(mdvt_video_info, codec_format, 128, 8);
FIELD(mdvt_video_info, tags, 136, 8);
FIELD(mdvt_video_info, num_tags, 144, 4);
FIELD(mdvt_video_info, lossless, 148, 4);
FIELD(mdvt_video_info, has_audio, 152, 4);
FIELD(mdvt_video_info, mirrored, 156, 4);
FIELD(mdvt_video_info, depth_encoding, 160, 4);
FIELD(mdvt_video_info, reserved, 164, 4);
FIELD(mdvt_video_info, depth_max, 168, 8);
FIELD(mdvt_video_info, depth_log_offset, 176, 8);
FIELD(mdvt_video_info, xfov_deg, 184, 8);
FIELD(mdvt_video_info, yfov_deg, 192, 8);

FROZEN(sizeof(mdvt_video_writer_options) >= 128);
FIELD(mdvt_video_writer_options, struct_size, 0, 4);
FIELD(mdvt_video_writer_options, codec, 4, 4);
FIELD(mdvt_video_writer_options, time_base, 8, 16);
FIELD(mdvt_video_writer_options, frame_rate, 24, 16);
FIELD(mdvt_video_writer_options, sample_aspect, 40, 16);
FIELD(mdvt_video_writer_options, color, 56, 24);
FIELD(mdvt_video_writer_options, stereo, 80, 4);
FIELD(mdvt_video_writer_options, num_tags, 84, 4);
FIELD(mdvt_video_writer_options, tags, 88, 8);
FIELD(mdvt_video_writer_options, copy_streams_from, 96, 8);
FIELD(mdvt_video_writer_options, preset, 104, 8);
FIELD(mdvt_video_writer_options, crf, 112, 4);
FIELD(mdvt_video_writer_options, num_threads, 116, 4);
FIELD(mdvt_video_writer_options, overwrite, 120, 4);
FIELD(mdvt_video_writer_options, reserved, 124, 4);

FROZEN(sizeof(mdvt_depth_codec) >= 32);
FIELD(mdvt_depth_codec, struct_size, 0, 4);
FIELD(mdvt_depth_codec, encoding, 4, 4);
FIELD(mdvt_depth_codec, max_depth, 8, 8);
FIELD(mdvt_depth_codec, log_offset, 16, 8);
FIELD(mdvt_depth_codec, truncate, 24, 4);
FIELD(mdvt_depth_codec, reserved, 28, 4);

FROZEN(sizeof(mdvt_depth_writer_options) >= 72);
FIELD(mdvt_depth_writer_options, struct_size, 0, 4);
FIELD(mdvt_depth_writer_options, num_threads, 4, 4);
FIELD(mdvt_depth_writer_options, codec, 8, 8);
FIELD(mdvt_depth_writer_options, video, 16, 8);
FIELD(mdvt_depth_writer_options, xfov_deg, 24, 8);
FIELD(mdvt_depth_writer_options, yfov_deg, 32, 8);
FIELD(mdvt_depth_writer_options, camera, 40, 8);
FIELD(mdvt_depth_writer_options, source, 48, 8);
FIELD(mdvt_depth_writer_options, source_frames, 56, 8);
FIELD(mdvt_depth_writer_options, write_sidecar, 64, 4);
FIELD(mdvt_depth_writer_options, reserved, 68, 4);

FROZEN(sizeof(mdvt_stereo_options) >= 32);
FIELD(mdvt_stereo_options, struct_size, 0, 4);
FIELD(mdvt_stereo_options, edges, 4, 4);
FIELD(mdvt_stereo_options, baseline, 8, 8);
FIELD(mdvt_stereo_options, tear_disparity, 16, 8);
FIELD(mdvt_stereo_options, tear_depth, 24, 8);

FROZEN(sizeof(mdvt_fill_options) >= 8);
FIELD(mdvt_fill_options, struct_size, 0, 4);
FIELD(mdvt_fill_options, rim, 4, 4);

FROZEN(sizeof(mdvt_renderer_options) >= 56);
FIELD(mdvt_renderer_options, struct_size, 0, 4);
FIELD(mdvt_renderer_options, num_threads, 4, 4);
FIELD(mdvt_renderer_options, stereo, 8, 8);
FIELD(mdvt_renderer_options, fill_options, 16, 8);
FIELD(mdvt_renderer_options, fill, 24, 4);
FIELD(mdvt_renderer_options, mask_style, 28, 4);
FIELD(mdvt_renderer_options, color, 32, 24);

FROZEN(sizeof(mdvt_eye) >= 248);
FIELD(mdvt_eye, struct_size, 0, 4);
FIELD(mdvt_eye, reserved, 4, 4);
FIELD(mdvt_eye, image, 8, 80);
FIELD(mdvt_eye, depth, 88, 80);
FIELD(mdvt_eye, mask, 168, 80);

FROZEN(sizeof(mdvt_motion_options) >= 80);
FIELD(mdvt_motion_options, struct_size, 0, 4);
FIELD(mdvt_motion_options, num_threads, 4, 4);
FIELD(mdvt_motion_options, camera, 8, 40);
FIELD(mdvt_motion_options, xfovs_deg, 48, 8);
FIELD(mdvt_motion_options, num_xfovs, 56, 8);
FIELD(mdvt_motion_options, scene_scale, 64, 8);
FIELD(mdvt_motion_options, working_side, 72, 4);
FIELD(mdvt_motion_options, lookahead, 76, 4);

FROZEN(sizeof(mdvt_depth_job_options) >= 112);
FIELD(mdvt_depth_job_options, struct_size, 0, 4);
FIELD(mdvt_depth_job_options, num_threads, 4, 4);
FIELD(mdvt_depth_job_options, limits, 8, 8);
FIELD(mdvt_depth_job_options, max_frames, 16, 8);
FIELD(mdvt_depth_job_options, overwrite, 24, 4);
FIELD(mdvt_depth_job_options, encoding, 28, 4);
FIELD(mdvt_depth_job_options, color_video, 32, 8);
FIELD(mdvt_depth_job_options, output, 40, 8);
FIELD(mdvt_depth_job_options, xfov_deg, 48, 8);
FIELD(mdvt_depth_job_options, yfov_deg, 56, 8);
FIELD(mdvt_depth_job_options, xfov_file, 64, 8);
FIELD(mdvt_depth_job_options, max_depth, 72, 8);
FIELD(mdvt_depth_job_options, scene_scale, 80, 8);
FIELD(mdvt_depth_job_options, target_fps, 88, 8);
FIELD(mdvt_depth_job_options, working_side, 96, 4);
FIELD(mdvt_depth_job_options, reserved, 100, 4);
FIELD(mdvt_depth_job_options, transformation_output, 104, 8);

FROZEN(sizeof(mdvt_stereo_job_options) >= 152);
FIELD(mdvt_stereo_job_options, struct_size, 0, 4);
FIELD(mdvt_stereo_job_options, num_threads, 4, 4);
FIELD(mdvt_stereo_job_options, limits, 8, 8);
FIELD(mdvt_stereo_job_options, max_frames, 16, 8);
FIELD(mdvt_stereo_job_options, overwrite, 24, 4);
FIELD(mdvt_stereo_job_options, compressed, 28, 4);
FIELD(mdvt_stereo_job_options, depth_video, 32, 8);
FIELD(mdvt_stereo_job_options, color_video, 40, 8);
FIELD(mdvt_stereo_job_options, output, 48, 8);
FIELD(mdvt_stereo_job_options, xfov_deg, 56, 8);
FIELD(mdvt_stereo_job_options, yfov_deg, 64, 8);
FIELD(mdvt_stereo_job_options, xfov_file, 72, 8);
FIELD(mdvt_stereo_job_options, max_depth, 80, 8);
FIELD(mdvt_stereo_job_options, depth_encoding, 88, 4);
FIELD(mdvt_stereo_job_options, fill, 92, 4);
FIELD(mdvt_stereo_job_options, write_infill_mask, 96, 4);
FIELD(mdvt_stereo_job_options, mask_style, 100, 4);
FIELD(mdvt_stereo_job_options, stereo, 104, 8);
FIELD(mdvt_stereo_job_options, baseline_rule, 112, 4);
FIELD(mdvt_stereo_job_options, swap_eyes, 116, 4);
FIELD(mdvt_stereo_job_options, master_xfov_deg, 120, 8);
FIELD(mdvt_stereo_job_options, baseline_scale, 128, 8);
FIELD(mdvt_stereo_job_options, convergence_file, 136, 8);
FIELD(mdvt_stereo_job_options, convergence, 144, 8);

FROZEN(sizeof(mdvt_export_job_options) >= 160);
FIELD(mdvt_export_job_options, struct_size, 0, 4);
FIELD(mdvt_export_job_options, num_threads, 4, 4);
FIELD(mdvt_export_job_options, limits, 8, 8);
FIELD(mdvt_export_job_options, max_frames, 16, 8);
FIELD(mdvt_export_job_options, overwrite, 24, 4);
FIELD(mdvt_export_job_options, grey_bits, 28, 4);
FIELD(mdvt_export_job_options, depth_video, 32, 8);
FIELD(mdvt_export_job_options, color_video, 40, 8);
FIELD(mdvt_export_job_options, output, 48, 8);
FIELD(mdvt_export_job_options, xfov_deg, 56, 8);
FIELD(mdvt_export_job_options, yfov_deg, 64, 8);
FIELD(mdvt_export_job_options, xfov_file, 72, 8);
FIELD(mdvt_export_job_options, max_depth, 80, 8);
FIELD(mdvt_export_job_options, depth_encoding, 88, 4);
FIELD(mdvt_export_job_options, remove_edges, 92, 4);
FIELD(mdvt_export_job_options, ply_folder, 96, 8);
FIELD(mdvt_export_job_options, obj_folder, 104, 8);
FIELD(mdvt_export_job_options, transformation_file, 112, 8);
FIELD(mdvt_export_job_options, transformation_lock_frame, 120, 8);
FIELD(mdvt_export_job_options, min_frames, 128, 8);
FIELD(mdvt_export_job_options, tear_depth, 136, 8);
FIELD(mdvt_export_job_options, tear_baseline, 144, 8);
FIELD(mdvt_export_job_options, tear_disparity, 152, 8);

FROZEN(sizeof(mdvt_progress) >= 40);
FIELD(mdvt_progress, struct_size, 0, 4);
FIELD(mdvt_progress, reserved, 4, 4);
FIELD(mdvt_progress, frames_done, 8, 8);
FIELD(mdvt_progress, frames_total, 16, 8);
FIELD(mdvt_progress, seconds, 24, 8);
FIELD(mdvt_progress, frames_per_second, 32, 8);

FROZEN(sizeof(mdvt_job_report) >= 72);
FIELD(mdvt_job_report, struct_size, 0, 4);
FIELD(mdvt_job_report, translation_found, 4, 4);
FIELD(mdvt_job_report, frames, 8, 8);
FIELD(mdvt_job_report, measured_frames, 16, 8);
FIELD(mdvt_job_report, output, 24, 8);
FIELD(mdvt_job_report, mask_output, 32, 8);
FIELD(mdvt_job_report, width, 40, 4);
FIELD(mdvt_job_report, height, 44, 4);
FIELD(mdvt_job_report, xfov_deg, 48, 8);
FIELD(mdvt_job_report, hole_share, 56, 8);
FIELD(mdvt_job_report, geometry_files, 64, 8);

FROZEN(MDVT_END == -1);
FROZEN(MDVT_OK == 0);
FROZEN(MDVT_INVALID_ARGUMENT == 1);
FROZEN(MDVT_NOT_FOUND == 2);
FROZEN(MDVT_CORRUPT == 3);
FROZEN(MDVT_UNSUPPORTED == 4);
FROZEN(MDVT_LIMIT == 5);
FROZEN(MDVT_REFUSED == 6);
FROZEN(MDVT_NOT_CONVERGED == 7);
FROZEN(MDVT_IO == 8);
FROZEN(MDVT_OUT_OF_MEMORY == 9);
FROZEN(MDVT_CANCELLED == 10);
FROZEN(MDVT_INTERNAL == 11);
FROZEN(MDVT_LOG_DEBUG == 1);
FROZEN(MDVT_LOG_INFO == 2);
FROZEN(MDVT_LOG_WARNING == 3);
FROZEN(MDVT_LOG_ERROR == 4);
FROZEN(MDVT_STRUCT_LIMITS == 1);
FROZEN(MDVT_STRUCT_FRAME == 2);
FROZEN(MDVT_STRUCT_VIDEO_INFO == 3);
FROZEN(MDVT_STRUCT_VIDEO_READER_OPTIONS == 4);
FROZEN(MDVT_STRUCT_DEPTH_READER_OPTIONS == 5);
FROZEN(MDVT_STRUCT_VIDEO_WRITER_OPTIONS == 6);
FROZEN(MDVT_STRUCT_DEPTH_WRITER_OPTIONS == 7);
FROZEN(MDVT_STRUCT_DEPTH_CODEC == 8);
FROZEN(MDVT_STRUCT_STEREO_OPTIONS == 9);
FROZEN(MDVT_STRUCT_FILL_OPTIONS == 10);
FROZEN(MDVT_STRUCT_RENDERER_OPTIONS == 11);
FROZEN(MDVT_STRUCT_EYE == 12);
FROZEN(MDVT_STRUCT_MOTION_OPTIONS == 13);
FROZEN(MDVT_STRUCT_DEPTH_JOB_OPTIONS == 14);
FROZEN(MDVT_STRUCT_STEREO_JOB_OPTIONS == 15);
FROZEN(MDVT_STRUCT_EXPORT_JOB_OPTIONS == 16);
FROZEN(MDVT_STRUCT_JOB_REPORT == 17);
FROZEN(MDVT_MODEL_GRAY == 1);
FROZEN(MDVT_MODEL_YUV == 2);
FROZEN(MDVT_MODEL_RGB == 3);
FROZEN(MDVT_SAMPLE_U8 == 1);
FROZEN(MDVT_SAMPLE_U16 == 2);
FROZEN(MDVT_SAMPLE_F32 == 3);
FROZEN(MDVT_DEPTH_RGB16 == 1);
FROZEN(MDVT_DEPTH_GRAY16 == 2);
FROZEN(MDVT_DEPTH_RGB24_LOG == 3);
FROZEN(MDVT_DEPTH_GRAY16_LEGACY == 4);
FROZEN(MDVT_DEPTH_GRAY8 == 5);
FROZEN(MDVT_CODEC_FFV1 == 1);
FROZEN(MDVT_CODEC_H264 == 2);
FROZEN(MDVT_CODEC_H264_RGB == 3);
FROZEN(MDVT_STEREO_NONE == 1);
FROZEN(MDVT_STEREO_SIDE_BY_SIDE == 2);
FROZEN(MDVT_EDGES_TEAR == 1);
FROZEN(MDVT_EDGES_STRETCH == 2);
FROZEN(MDVT_FILL_BACKGROUND == 1);
FROZEN(MDVT_FILL_BLACK == 2);
FROZEN(MDVT_MASK_DIRECTIONS == 1);
FROZEN(MDVT_MASK_GREEN == 2);
FROZEN(MDVT_MOTION_MEASURED == 1);
FROZEN(MDVT_MOTION_CARRIED == 2);
FROZEN(MDVT_MOTION_NO_TRANSLATION == 3);
FROZEN(MDVT_MOTION_LOST == 4);
FROZEN(MDVT_BASELINE_PLAIN == 1);
FROZEN(MDVT_BASELINE_MASTER == 2);
FROZEN(MDVT_BASELINE_ORTHO == 3);
FROZEN(MDVT_ABI_VERSION == 1);
