// SPDX-License-Identifier: Apache-2.0
//
// Structs of older and newer programs.
#include "../../capi/src/structs.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "capi/picture.h"
#include "mdvt.h"
#include "mdvt/core/error.h"

namespace mdvt::capi {

// A struct as it was in its first version, is, and will be.
struct First {
  uint32_t struct_size;
  int32_t a;
};
struct Today {
  uint32_t struct_size;
  int32_t a;
  int64_t b;
};
struct Later {
  uint32_t struct_size;
  int32_t a;
  int64_t b;
  int64_t c;
};
template <>
inline constexpr uint32_t kFirstSize<Today> = sizeof(First);
template <>
Today Defaults() {
  return {sizeof(Today), 10, 20};
}

namespace {

Today Read(const void* user) { return ReadStruct(static_cast<const Today*>(user), "options"); }

TEST(ReadStruct, TakesTheDefaultOfWhatAnOlderProgramDoesNotKnow) {
  const First older = {sizeof(First), 1};
  const Today read = Read(&older);
  EXPECT_EQ(sizeof(Today), read.struct_size);
  EXPECT_EQ(1, read.a);
  EXPECT_EQ(20, read.b);
}

TEST(ReadStruct, TakesAllOfTodays) {
  const Today same = {sizeof(Today), 1, 2};
  EXPECT_EQ(1, Read(&same).a);
  EXPECT_EQ(2, Read(&same).b);
}

TEST(ReadStruct, AcceptsANewerOneWhileItsNewFieldsAreZero) {
  Later newer = {sizeof(Later), 1, 2, 0};
  EXPECT_EQ(1, Read(&newer).a);
  EXPECT_EQ(2, Read(&newer).b);
  EXPECT_EQ(sizeof(Today), Read(&newer).struct_size);
  newer.c = int64_t{1} << 56;  // the last byte alone
  try {
    Read(&newer);
    FAIL() << "an option that is not known was accepted and ignored";
  } catch (const Error& error) {
    EXPECT_EQ(Code::kUnsupported, error.code());
    EXPECT_NE(nullptr, std::strstr(error.what(), "options"));
  }
}

TEST(ReadStruct, RefusesSizesThatNoVersionHad) {
  for (const uint32_t size : {0u, 1u, 4u, 7u, kLargestStruct + 1, UINT32_MAX}) {
    const Today wrong = {size, 1, 2};
    try {
      Read(&wrong);
      FAIL() << size;
    } catch (const Error& error) {
      EXPECT_EQ(Code::kInvalidArgument, error.code());
      EXPECT_NE(nullptr, std::strstr(error.what(), "options.struct_size")) << error.what();
    }
  }
}

TEST(WriteStruct, FillsInWhatTheProgramKnows) {
  const Today result = {sizeof(Today), 1, 2};
  First older = {sizeof(First), -1};
  WriteStruct(result, reinterpret_cast<Today*>(&older), "report");
  EXPECT_EQ(sizeof(First), older.struct_size);
  EXPECT_EQ(1, older.a);

  Later newer = {sizeof(Later), -1, -1, -1};
  WriteStruct(result, reinterpret_cast<Today*>(&newer), "report");
  EXPECT_EQ(sizeof(Later), newer.struct_size);
  EXPECT_EQ(1, newer.a);
  EXPECT_EQ(2, newer.b);
  EXPECT_EQ(0, newer.c);
}

// The same through the interface, with a real struct.
TEST(StructInit, ServesLongerStructsOfNewerPrograms) {
  struct {
    mdvt_limits known;
    int64_t unknown;
  } limits;
  std::memset(&limits, 0xFF, sizeof(limits));
  MDVT_ASSERT_OK(mdvt_struct_init(MDVT_STRUCT_LIMITS, &limits, sizeof(limits)));
  EXPECT_EQ(sizeof(limits), limits.known.struct_size);
  EXPECT_EQ(16384, limits.known.max_side);
  EXPECT_EQ(0, limits.unknown);

  mdvt_video_reader_options options;
  MDVT_ASSERT_OK(mdvt_video_reader_options_init(&options));
  options.limits = &limits.known;
  mdvt_reader* reader = nullptr;
  EXPECT_EQ(MDVT_NOT_FOUND, mdvt_video_reader_open("/nowhere.mkv", &options, &reader));
  limits.unknown = 1;
  EXPECT_EQ(MDVT_UNSUPPORTED, mdvt_video_reader_open("/nowhere.mkv", &options, &reader));
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "options.limits")) << mdvt_last_error();
}

TEST(StructInit, GivesTheDocumentedDefaults) {
  mdvt_limits limits;
  MDVT_ASSERT_OK(mdvt_limits_init(&limits));
  EXPECT_EQ(int64_t{8192} * 8192, limits.max_pixels_per_frame);
  EXPECT_EQ(2592000, limits.max_frames);
  EXPECT_EQ(32, limits.max_streams);
  EXPECT_EQ(10000000, limits.max_track_points);
  EXPECT_EQ(int64_t{64} << 20, limits.max_text_bytes);
  EXPECT_EQ(64, limits.max_json_depth);
  EXPECT_EQ(int64_t{4} << 30, limits.max_frame_buffer_bytes);

  mdvt_video_writer_options writer;
  MDVT_ASSERT_OK(mdvt_video_writer_options_init(&writer));
  EXPECT_EQ(MDVT_CODEC_FFV1, writer.codec);
  EXPECT_EQ(1, writer.time_base.num);
  EXPECT_EQ(1000, writer.time_base.den);
  EXPECT_EQ(2, writer.color.matrix);
  EXPECT_EQ(MDVT_STEREO_NONE, writer.stereo);
  EXPECT_EQ(18, writer.crf);
  EXPECT_EQ(1, writer.overwrite);

  mdvt_depth_codec codec;
  MDVT_ASSERT_OK(mdvt_depth_codec_init(&codec));
  EXPECT_EQ(MDVT_DEPTH_RGB16, codec.encoding);
  EXPECT_EQ(100, codec.max_depth);
  EXPECT_EQ(2, codec.log_offset);
  EXPECT_EQ(0, codec.truncate);

  mdvt_stereo_options stereo;
  MDVT_ASSERT_OK(mdvt_stereo_options_init(&stereo));
  EXPECT_EQ(MDVT_EDGES_TEAR, stereo.edges);
  EXPECT_EQ(0.063, stereo.baseline);

  mdvt_fill_options fill;
  MDVT_ASSERT_OK(mdvt_fill_options_init(&fill));
  EXPECT_EQ(2, fill.rim);

  mdvt_renderer_options renderer;
  MDVT_ASSERT_OK(mdvt_renderer_options_init(&renderer));
  EXPECT_EQ(MDVT_FILL_BACKGROUND, renderer.fill);
  EXPECT_EQ(MDVT_MASK_DIRECTIONS, renderer.mask_style);

  mdvt_motion_options motion;
  MDVT_ASSERT_OK(mdvt_motion_options_init(&motion));
  EXPECT_EQ(3, motion.scene_scale);
  EXPECT_EQ(640, motion.working_side);
  EXPECT_EQ(16, motion.lookahead);

  mdvt_model_options model;
  MDVT_ASSERT_OK(mdvt_model_options_init(&model));
  EXPECT_EQ(MDVT_PRECISION_FP32, model.precision);
  EXPECT_EQ(0, model.allow_unlisted);
  EXPECT_EQ(nullptr, model.device);
  EXPECT_EQ(0, model.max_run_seconds);

  mdvt_model_depth_options model_depth;
  MDVT_ASSERT_OK(mdvt_model_depth_options_init(&model_depth));
  EXPECT_EQ(1, model_depth.batch);
  EXPECT_EQ(1, model_depth.side_by_side);
  EXPECT_EQ(0, model_depth.disparity_scale);
}

}  // namespace
}  // namespace mdvt::capi
