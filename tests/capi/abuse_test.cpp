// SPDX-License-Identifier: Apache-2.0
//
// Row A5 of the scorecard: every pointer NULL, every enumeration outside, every size 0, 1 and huge,
// every number NaN, infinite and negative, in every function of the C interface.
#include <cmath>
#include <limits>
#include <utility>

#include "capi/abuse.h"
#include "capi/clips.h"
#include "capi/fake_models.h"
#include "capi/scorecard.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 16, kHeight = 12;

// Prints the row when all tests of this program have run.
class Scorecard : public ::testing::Environment {
 public:
  void TearDown() override {
    constexpr int64_t kTarget = 500;
    const bool pass = Abuse::passed() == Abuse::tried() && Abuse::tried() >= kTarget;
    PrintScore("A5", Abuse::passed(), Abuse::tried(), pass, "abusive calls answered by name");
    EXPECT_GE(Abuse::tried(), kTarget);
  }
};
[[maybe_unused]] const auto* const kScorecard = ::testing::AddGlobalTestEnvironment(new Scorecard);

TEST(Abuse, StructInit) {
  mdvt_limits limits;
  int32_t id = MDVT_STRUCT_LIMITS;
  void* value = &limits;
  uint32_t size = sizeof(limits);
  Abuse abuse("mdvt_struct_init", [&] { return mdvt_struct_init(id, value, size); });
  abuse.Enum(id, "struct_id", 21);
  abuse.Pointer(value, "value");
  abuse.Values(size, "struct_size", {0u, 1u, size - 1, 4097u, UINT32_MAX});
  abuse.Again();
}

TEST(Abuse, ImageConvert) {
  Picture yuv(Yuv420(), kWidth, kHeight), rgb(Rgb(), kWidth, kHeight);
  mdvt_image from = yuv.value(), to = rgb.value();
  const mdvt_image *from_pointer = &from, *to_pointer = &to;
  mdvt_color color = {1, 1, 1, 0, 1, 0};
  Abuse abuse("mdvt_image_convert",
              [&] { return mdvt_image_convert(from_pointer, &color, to_pointer); });
  abuse.Pointer(from_pointer, "from");
  abuse.Pointer(to_pointer, "to");
  abuse.Image(from, "from");
  abuse.Image(to, "to");
  abuse.Values(to.width, "to.width", {kWidth - 1});
  abuse.Values(to.height, "to.height", {kHeight - 1});
  abuse.Color(color, "color");
  abuse.Again();
}

TEST(Abuse, VideoReader) {
  const TempDir folder;
  const std::string clip = folder / "clip.mkv";
  WriteColorClip(clip);
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  mdvt_video_reader_options options;
  mdvt_video_reader_options_init(&options);
  options.limits = &limits;
  options.format = Rgb();
  const char* path = clip.c_str();
  mdvt_reader* reader = nullptr;
  mdvt_reader** result = &reader;
  Abuse open("mdvt_video_reader_open", [&] {
    const mdvt_status status = mdvt_video_reader_open(path, &options, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, reader);
    }
    mdvt_reader_close(reader);
    reader = nullptr;
    return status;
  });
  open.Text(path, "path");
  open.Pointer(result, "reader");
  open.StructSize(options.struct_size, "options");
  open.Threads(options.num_threads, "options.num_threads");
  open.Flag(options.apply_rotation, "options.apply_rotation");
  open.Reserved(options.reserved, "options.reserved");
  open.Format(options.format, "options.format");
  open.Limits(limits, "options.limits");
  open.Again();

  MDVT_ASSERT_OK(mdvt_video_reader_open(path, nullptr, &reader));
  const Owned<mdvt_reader> owned(reader);
  mdvt_video_info info;
  mdvt_video_info_init(&info);
  mdvt_video_info* info_pointer = &info;
  Abuse tell("mdvt_reader_info", [&] { return mdvt_reader_info(reader, info_pointer); });
  tell.Pointer(reader, "reader");
  tell.Pointer(info_pointer, "info");
  tell.StructSize(info.struct_size, "info");

  mdvt_frame frame;
  mdvt_frame_init(&frame);
  mdvt_frame* frame_pointer = &frame;
  Abuse read("mdvt_reader_read", [&] { return mdvt_reader_read(reader, frame_pointer); });
  read.Pointer(reader, "reader");
  read.Pointer(frame_pointer, "frame");
  read.FrameSize(frame, "frame");
  read.Again();
  EXPECT_EQ(1, frame.index) << "abuse has used up frames";
}

TEST(Abuse, DepthReader) {
  const TempDir folder;
  const std::string clip = folder / "clip_depth.mkv";
  WriteDepthClip(clip);
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  mdvt_depth_reader_options options;
  mdvt_depth_reader_options_init(&options);
  options.limits = &limits;
  const char* path = clip.c_str();
  mdvt_reader* reader = nullptr;
  mdvt_reader** result = &reader;
  Abuse open("mdvt_depth_reader_open", [&] {
    const mdvt_status status = mdvt_depth_reader_open(path, &options, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, reader);
    }
    mdvt_reader_close(reader);
    reader = nullptr;
    return status;
  });
  open.Text(path, "path");
  open.Pointer(result, "reader");
  open.StructSize(options.struct_size, "options");
  open.Enum(options.encoding, "options.encoding", 5, true);
  open.Real(options.max_depth, "options.max_depth", {1e6 + 1, 1e300});
  open.Flag(options.allow_damaged, "options.allow_damaged");
  open.Flag(options.allow_range, "options.allow_range");
  open.Reserved(options.reserved, "options.reserved");
  open.Threads(options.num_threads, "options.num_threads");
  open.Limits(limits, "options.limits");
  open.Again();
}

TEST(Abuse, VideoWriter) {
  const TempDir folder;
  const std::string file = folder / "out.mkv";
  mdvt_tag tags[2] = {{"TITLE", "one"}, {"COMMENT", "two"}};
  mdvt_video_writer_options options;
  mdvt_video_writer_options_init(&options);
  options.frame_rate = {25, 1};
  options.tags = tags;
  options.num_tags = 2;
  options.preset = "veryfast";
  mdvt_pixel_format format = Yuv420();
  const mdvt_pixel_format* format_pointer = &format;
  int32_t width = kWidth, height = kHeight;
  const char* path = file.c_str();
  mdvt_writer* writer = nullptr;
  mdvt_writer** result = &writer;
  Abuse open("mdvt_video_writer_open", [&] {
    const mdvt_status status =
        mdvt_video_writer_open(path, format_pointer, width, height, &options, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, writer);
    }
    mdvt_writer_close(writer);
    writer = nullptr;
    return status;
  });
  open.Text(path, "path");
  open.Pointer(format_pointer, "format");
  open.Format(format, "format");
  open.Values(width, "width", {0, -1, 16385, INT32_MAX, INT32_MIN});
  open.Values(height, "height", {0, -1, 16385, INT32_MAX, INT32_MIN});
  open.Pointer(result, "writer");
  open.StructSize(options.struct_size, "options");
  open.Enum(options.codec, "options.codec", 3);
  open.Rational(options.time_base, "options.time_base");
  open.Rational(options.frame_rate, "options.frame_rate");
  open.Rational(options.sample_aspect, "options.sample_aspect");
  open.Values<int64_t>(options.time_base.num, "options.time_base", {0});
  open.Values<int64_t>(options.sample_aspect.num, "options.sample_aspect", {0});
  open.Color(options.color, "options.color");
  open.Enum(options.stereo, "options.stereo", 2);
  open.Range(options.num_tags, "options.num_tags", 0, 10000);
  open.Pointer(options.tags, "options.tags");
  for (int i = 0; i < 2; ++i) {
    const std::string tag = "options.tags[" + std::to_string(i) + "]";
    open.Text(tags[i].key, tag + ".key");
    open.Pointer(tags[i].value, tag + ".value");
  }
  open.Values<const char*>(options.preset, "options.preset", {""});
  open.Range(options.crf, "options.crf", 0, 51);
  open.Threads(options.num_threads, "options.num_threads");
  open.Flag(options.overwrite, "options.overwrite");
  open.Reserved(options.reserved, "options.reserved");
  open.Again();

  MDVT_ASSERT_OK(mdvt_video_writer_open(path, &format, kWidth, kHeight, &options, &writer));
  const Owned<mdvt_writer> owned(writer);
  Picture picture(format, kWidth, kHeight);
  mdvt_frame frame = FrameOf(picture, 0, 1);
  const mdvt_frame* frame_pointer = &frame;
  int64_t next_pts = 0;
  bool right = true;
  Abuse write("mdvt_writer_write", [&] {
    frame.pts = next_pts;
    const mdvt_status status = mdvt_writer_write(writer, frame_pointer);
    next_pts += status == MDVT_OK;
    right = right && status == MDVT_OK;
    return status;
  });
  write.Pointer(writer, "writer");
  write.Pointer(frame_pointer, "frame");
  write.FrameSize(frame, "frame");
  write.Image(frame.image, "frame.image");
  write.Values<int64_t>(frame.duration, "frame.duration", {-1, INT64_MIN});
  write.Again();
  Abuse finish("mdvt_writer_finish",
               [&] { return writer == nullptr ? mdvt_writer_finish(nullptr) : MDVT_OK; });
  finish.Pointer(writer, "writer");
  MDVT_ASSERT_OK(mdvt_writer_finish(writer));

  mdvt_reader* reader = nullptr;
  MDVT_ASSERT_OK(mdvt_video_reader_open(path, nullptr, &reader));
  const Owned<mdvt_reader> owned_reader(reader);
  mdvt_frame read;
  mdvt_frame_init(&read);
  for (int64_t i = 0; i < next_pts; ++i) MDVT_ASSERT_OK(mdvt_reader_read(reader, &read));
  EXPECT_EQ(MDVT_END, mdvt_reader_read(reader, &read)) << "abuse has written frames";
}

TEST(Abuse, DepthWriter) {
  const TempDir folder;
  const std::string file = folder / "out_depth.mkv";
  mdvt_depth_codec codec;
  mdvt_depth_codec_init(&codec);
  mdvt_video_writer_options video;
  mdvt_video_writer_options_init(&video);
  mdvt_depth_writer_options options;
  mdvt_depth_writer_options_init(&options);
  options.codec = &codec;
  options.video = &video;
  mdvt_camera camera = {kWidth, kHeight, 14, 14, 8, 6};
  options.camera = &camera;
  int32_t width = kWidth, height = kHeight;
  const char* path = file.c_str();
  mdvt_writer* writer = nullptr;
  mdvt_writer** result = &writer;
  Abuse open("mdvt_depth_writer_open", [&] {
    const mdvt_status status = mdvt_depth_writer_open(path, width, height, &options, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, writer);
    }
    mdvt_writer_close(writer);
    writer = nullptr;
    return status;
  });
  open.Text(path, "path");
  open.Values(width, "width", {0, -1, 16385, INT32_MAX, INT32_MIN});
  open.Values(height, "height", {0, -1, 16385, INT32_MAX, INT32_MIN});
  open.Pointer(result, "writer");
  open.StructSize(options.struct_size, "options");
  open.Threads(options.num_threads, "options.num_threads");
  open.Real(options.xfov_deg, "options.xfov_deg", {180, 1e9});
  open.Real(options.yfov_deg, "options.yfov_deg", {180, 1e9});
  open.Values<int64_t>(options.source_frames, "options.source_frames", {-1, INT64_MIN});
  open.Camera(camera, "options.camera");
  open.Flag(options.write_sidecar, "options.write_sidecar");
  open.Reserved(options.reserved, "options.reserved");
  open.StructSize(codec.struct_size, "options.codec");
  open.Enum(codec.encoding, "options.codec.encoding", 5);
  open.Real(codec.max_depth, "max_depth", {0, 1e6 + 1, 1e300});
  open.Real(codec.log_offset, "log_offset", {0});
  open.Flag(codec.truncate, "options.codec.truncate");
  open.Reserved(codec.reserved, "options.codec.reserved");
  open.StructSize(video.struct_size, "options.video");
  open.Enum(video.codec, "options.video.codec", 3);
  open.Rational(video.time_base, "options.video.time_base");
  open.Again();

  MDVT_ASSERT_OK(mdvt_depth_writer_open(path, kWidth, kHeight, nullptr, &writer));
  const Owned<mdvt_writer> owned(writer);
  Picture depth(DepthFormat(), kWidth, kHeight);
  mdvt_frame frame = FrameOf(depth, 0, 1);
  Abuse write("mdvt_writer_write (depth)", [&] {
    const mdvt_status status = mdvt_writer_write(writer, &frame);
    frame.pts += status == MDVT_OK;
    return status;
  });
  write.Image(frame.image, "frame.image");
  write.Again();
}

TEST(Abuse, DepthCodec) {
  mdvt_depth_codec codec;
  mdvt_depth_codec_init(&codec);
  Picture depth_picture(DepthFormat(), kWidth, kHeight), encoded_picture(Rgb(), kWidth, kHeight);
  mdvt_image depth = depth_picture.value(), encoded = encoded_picture.value();
  const mdvt_image *depth_pointer = &depth, *encoded_pointer = &encoded;
  const auto abuse_all = [&](Abuse& abuse) {
    abuse.StructSize(codec.struct_size, "codec");
    abuse.Enum(codec.encoding, "codec.encoding", 5);
    abuse.Real(codec.max_depth, "max_depth", {0, 1e6 + 1, 1e300});
    abuse.Real(codec.log_offset, "log_offset", {0});
    abuse.Flag(codec.truncate, "codec.truncate");
    abuse.Reserved(codec.reserved, "codec.reserved");
    abuse.Pointer(depth_pointer, "depth");
    abuse.Pointer(encoded_pointer, "encoded");
    abuse.Image(depth, "depth");
    abuse.Image(encoded, "encoded");
    // The wrong encoding for this format.
    abuse.Values<int32_t>(codec.encoding, "encoded.format",
                          {MDVT_DEPTH_GRAY16, MDVT_DEPTH_GRAY16_LEGACY, MDVT_DEPTH_GRAY8});
    abuse.Again();
  };
  Abuse encode("mdvt_depth_encode",
               [&] { return mdvt_depth_encode(&codec, depth_pointer, encoded_pointer); });
  abuse_all(encode);
  Abuse decode("mdvt_depth_decode",
               [&] { return mdvt_depth_decode(&codec, encoded_pointer, depth_pointer); });
  abuse_all(decode);
}

TEST(Abuse, Renderer) {
  mdvt_stereo_options stereo;
  mdvt_stereo_options_init(&stereo);
  mdvt_fill_options fill;
  mdvt_fill_options_init(&fill);
  mdvt_renderer_options options;
  mdvt_renderer_options_init(&options);
  options.stereo = &stereo;
  options.fill_options = &fill;
  mdvt_renderer* renderer = nullptr;
  mdvt_renderer** result = &renderer;
  Abuse create("mdvt_renderer_create", [&] {
    const mdvt_status status = mdvt_renderer_create(&options, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, renderer);
    }
    mdvt_renderer_destroy(renderer);
    renderer = nullptr;
    return status;
  });
  create.Pointer(result, "renderer");
  create.StructSize(options.struct_size, "options");
  create.Threads(options.num_threads, "options.num_threads");
  create.Enum(options.fill, "options.fill", 2);
  create.Enum(options.mask_style, "options.mask_style", 2);
  create.Color(options.color, "options.color");
  create.StructSize(stereo.struct_size, "options.stereo");
  create.Enum(stereo.edges, "options.stereo.edges", 2);
  create.Real(stereo.baseline, "baseline", {1.0001, 1e300});
  create.Real(stereo.tear_disparity, "tear_disparity", {1001, 1e300});
  create.Real(stereo.tear_depth, "tear_depth", {10.1, 1e300});
  create.StructSize(fill.struct_size, "options.fill_options");
  create.Range(fill.rim, "rim", 0, 16);
  create.Again();

  MDVT_ASSERT_OK(mdvt_renderer_create(nullptr, &renderer));
  const Owned<mdvt_renderer> owned(renderer);
  Picture color_picture(Yuv420(), kWidth, kHeight), depth_picture(DepthFormat(), kWidth, kHeight);
  depth_picture.Fill<float>([](int, int x, int) { return x < 8 ? 2 : 5; });
  mdvt_image color = color_picture.value(), depth = depth_picture.value();
  const mdvt_image *color_pointer = &color, *depth_pointer = &depth;
  mdvt_camera camera = {kWidth, kHeight, 14, 14, 8, 6};
  const mdvt_camera* camera_pointer = &camera;
  double convergence = 3;
  std::vector<Picture> pictures;
  mdvt_eye eyes[2];
  const mdvt_eye* eye_pointers[2] = {&eyes[0], &eyes[1]};
  for (mdvt_eye& eye : eyes) {
    mdvt_eye_init(&eye);
    for (const auto& format : {Yuv420(), DepthFormat(), Rgb()})
      pictures.emplace_back(format, kWidth, kHeight);
    eye.image = pictures[pictures.size() - 3].value();
    eye.depth = pictures[pictures.size() - 2].value();
    eye.mask = pictures[pictures.size() - 1].value();
  }
  Abuse render("mdvt_renderer_render", [&] {
    return mdvt_renderer_render(renderer, color_pointer, depth_pointer, camera_pointer, convergence,
                                eye_pointers[0], eye_pointers[1]);
  });
  render.Pointer(renderer, "renderer");
  render.Pointer(color_pointer, "color");
  render.Pointer(depth_pointer, "depth");
  render.Pointer(camera_pointer, "camera");
  render.Image(color, "color");
  render.Image(depth, "depth");
  render.Camera(camera, "camera");
  render.Real(convergence, "convergence");
  for (int i = 0; i < 2; ++i) {
    const std::string name = i == 0 ? "left" : "right";
    render.Pointer(eye_pointers[i], name);
    render.StructSize(eyes[i].struct_size, name);
    render.Reserved(eyes[i].reserved, name + ".reserved");
    render.Image(eyes[i].image, name + ".image");
    render.OptionalImage(eyes[i].depth, name + ".depth");
    render.OptionalImage(eyes[i].mask, name + ".mask");
  }
  render.Again();
}

TEST(Abuse, FillHoles) {
  Picture mask_picture(Rgb(), kWidth, kHeight), image_picture(Yuv420(), kWidth, kHeight);
  mdvt_image mask = mask_picture.value(), image = image_picture.value();
  const mdvt_image *mask_pointer = &mask, *image_pointer = &image;
  mdvt_fill_options options;
  mdvt_fill_options_init(&options);
  Abuse abuse("mdvt_fill_holes",
              [&] { return mdvt_fill_holes(mask_pointer, &options, image_pointer); });
  abuse.Pointer(mask_pointer, "mask");
  abuse.Pointer(image_pointer, "image");
  abuse.Image(mask, "mask");
  abuse.Image(image, "image");
  abuse.Values(mask.width, "mask.width", {kWidth - 1});
  abuse.StructSize(options.struct_size, "options");
  abuse.Range(options.rim, "rim", 0, 16);
  abuse.Again();
}

TEST(Abuse, Stage) {
  mdvt_motion_options options;
  mdvt_motion_options_init(&options);
  options.camera = {kClipWidth, kClipHeight, 55, 55, 32, 24};
  double xfovs[2] = {60, 61};
  options.xfovs_deg = xfovs;
  options.num_xfovs = 2;
  const mdvt_motion_options* options_pointer = &options;
  mdvt_stage* stage = nullptr;
  mdvt_stage** result = &stage;
  Abuse create("mdvt_motion_create", [&] {
    const mdvt_status status = mdvt_motion_create(options_pointer, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, stage);
    }
    mdvt_stage_destroy(stage);
    stage = nullptr;
    return status;
  });
  create.Pointer(options_pointer, "options");
  create.Pointer(result, "stage");
  create.StructSize(options.struct_size, "options");
  create.Threads(options.num_threads, "options.num_threads");
  create.Values(options.camera.width, "options.camera.width", {0, -1, INT32_MAX, INT32_MIN});
  create.Values(options.camera.height, "options.camera.height", {0, -1, INT32_MAX, INT32_MIN});
  create.Real(options.camera.fx, "options.camera.fx", {0});
  create.Real(options.camera.fy, "options.camera.fy", {0});
  create.Pointer(options.xfovs_deg, "options.xfovs_deg");
  create.Values<int64_t>(options.num_xfovs, "options.num_xfovs", {-1, INT64_MIN, INT64_MAX});
  create.Real(xfovs[0], "xfovs_deg", {0, 180, 1e300});
  create.Real(xfovs[1], "xfovs_deg", {0, 180, 1e300});
  create.Real(options.scene_scale, "scene_scale", {0, 10001, 1e300});
  create.Range(options.working_side, "working_side", 64, 4096);
  create.Range(options.lookahead, "lookahead", 2, 64);
  create.Again();

  MDVT_ASSERT_OK(mdvt_motion_create(&options, &stage));
  const Owned<mdvt_stage> owned(stage);
  Picture gray(Gray(), kClipWidth, kClipHeight);
  mdvt_frame frame = FrameOf(gray, 0, 1);
  Abuse push("mdvt_stage_push", [&] {
    const mdvt_status status = mdvt_stage_push(stage, &frame);
    frame.index += status == MDVT_OK;
    frame.pts += status == MDVT_OK;
    return status;
  });
  push.Pointer(stage, "stage");
  push.FrameSize(frame, "frame");
  push.Image(frame.image, "frame.image");
  push.Again();

  mdvt_frame out;
  mdvt_frame_init(&out);
  mdvt_frame* out_pointer = &out;
  Abuse pop(
      "mdvt_stage_pop", [&] { return mdvt_stage_pop(stage, out_pointer); }, MDVT_END);
  pop.Pointer(stage, "stage");
  pop.Pointer(out_pointer, "frame");
  pop.FrameSize(out, "frame");
}

// The fields that the options of all jobs share.
template <typename Options>
void AbuseAnyJob(Abuse& abuse, Options& options, mdvt_limits& limits, uint32_t first_size = 0) {
  abuse.StructSize(options.struct_size, "options", first_size);
  abuse.Threads(options.num_threads, "options.num_threads");
  abuse.template Values<int64_t>(options.max_frames, "options.max_frames", {0, -2, INT64_MIN});
  abuse.Flag(options.overwrite, "options.overwrite");
  abuse.Limits(limits, "options.limits");
}
// And those of jobs on files with a camera.
template <typename Options>
void AbuseJob(Abuse& abuse, Options& options, mdvt_limits& limits, uint32_t first_size = 0) {
  AbuseAnyJob(abuse, options, limits, first_size);
  abuse.Real(options.xfov_deg, "options.xfov_deg", {180, 1e300});
  abuse.Real(options.yfov_deg, "options.yfov_deg", {180, 1e300});
}

// Creates a job and lets it go.
template <typename Options>
std::function<mdvt_status()> CreateJob(mdvt_status (*create)(const Options*, mdvt_job**),
                                       const Options*& options, mdvt_job**& result,
                                       mdvt_job*& job) {
  return [&, create] {
    const mdvt_status status = create(options, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, job);
    }
    mdvt_job_destroy(job);
    job = nullptr;
    return status;
  };
}

TEST(Abuse, DepthJob) {
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  mdvt_depth_job_options options;
  mdvt_depth_job_options_init(&options);
  options.limits = &limits;
  options.color_video = "clip.mp4";
  const mdvt_depth_job_options* pointer = &options;
  mdvt_job* job = nullptr;
  mdvt_job** result = &job;
  Abuse abuse("mdvt_depth_job_create", CreateJob(mdvt_depth_job_create, pointer, result, job));
  abuse.Pointer(pointer, "options");
  abuse.Pointer(result, "job");
  AbuseJob(abuse, options, limits, 112);
  abuse.Enum(options.encoding, "options.encoding", 5);
  abuse.Text(options.color_video, "options.color_video");
  abuse.Real(options.max_depth, "max_depth", {0, 1e6 + 1, 1e300});
  abuse.Real(options.scene_scale, "scene_scale", {0, 1e300});
  abuse.Real(options.target_fps, "target_fps");
  abuse.Range(options.working_side, "working_side", 64, 4096);
  abuse.Reserved(options.reserved, "options.reserved");
  abuse.Values(options.input_size, "input_size", {-1, 13, 16385, INT32_MAX, INT32_MIN});
  abuse.Range(options.batch, "batch", 1, 64);
  // Nothing that could be fitted to it.
  abuse.Values<const char*>(options.reference_depth, "reference depth", {"clip_depth.mkv"});
  abuse.Again();
}

TEST(Abuse, StereoJob) {
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  mdvt_stereo_options stereo;
  mdvt_stereo_options_init(&stereo);
  mdvt_stereo_job_options options;
  mdvt_stereo_job_options_init(&options);
  options.limits = &limits;
  options.stereo = &stereo;
  options.depth_video = "clip_depth.mkv";
  const mdvt_stereo_job_options* pointer = &options;
  mdvt_job* job = nullptr;
  mdvt_job** result = &job;
  Abuse abuse("mdvt_stereo_job_create", CreateJob(mdvt_stereo_job_create, pointer, result, job));
  abuse.Pointer(pointer, "options");
  abuse.Pointer(result, "job");
  AbuseJob(abuse, options, limits);
  abuse.Text(options.depth_video, "options.depth_video");
  abuse.Real(options.max_depth, "max_depth", {1e6 + 1, 1e300});
  abuse.Enum(options.depth_encoding, "options.depth_encoding", 5, true);
  abuse.Enum(options.baseline_rule, "options.baseline_rule", 3);
  abuse.Real(options.master_xfov_deg, "master_xfov_deg", {0, 180});
  abuse.Real(options.baseline_scale, "baseline_scale", {1001});
  abuse.Real(options.convergence, "convergence");
  abuse.Enum(options.fill, "options.fill", 2);
  abuse.Enum(options.mask_style, "options.mask_style", 2);
  abuse.Flag(options.compressed, "options.compressed");
  abuse.Flag(options.write_infill_mask, "options.write_infill_mask");
  abuse.Flag(options.swap_eyes, "options.swap_eyes");
  abuse.StructSize(stereo.struct_size, "options.stereo");
  abuse.Enum(stereo.edges, "options.stereo.edges", 2);
  abuse.Real(stereo.baseline, "baseline", {1.0001, 1e300});
  abuse.Real(stereo.tear_disparity, "tear_disparity", {1001, 1e300});
  abuse.Real(stereo.tear_depth, "tear_depth", {10.1, 1e300});
  abuse.Again();
}

TEST(Abuse, ExportJob) {
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  mdvt_export_job_options options;
  mdvt_export_job_options_init(&options);
  options.limits = &limits;
  options.depth_video = "clip_depth.mkv";
  options.grey_bits = 16;
  const mdvt_export_job_options* pointer = &options;
  mdvt_job* job = nullptr;
  mdvt_job** result = &job;
  Abuse abuse("mdvt_export_job_create", CreateJob(mdvt_export_job_create, pointer, result, job));
  abuse.Pointer(pointer, "options");
  abuse.Pointer(result, "job");
  AbuseJob(abuse, options, limits);
  abuse.Text(options.depth_video, "options.depth_video");
  abuse.Values(options.grey_bits, "grey_bits", {-1, 1, 7, 9, 15, 17, 32, INT32_MAX, INT32_MIN});
  abuse.Real(options.max_depth, "max_depth", {1e6 + 1, 1e300});
  abuse.Values<int64_t>(options.transformation_lock_frame, "transformation_lock_frame",
                        {-2, INT64_MIN});
  abuse.Values<int64_t>(options.min_frames, "min_frames", {-2, INT64_MIN});
  abuse.Flag(options.remove_edges, "options.remove_edges");
  abuse.Enum(options.depth_encoding, "options.depth_encoding", 5, true);
  abuse.Real(options.tear_depth, "tear_depth", {10.1});
  abuse.Real(options.tear_baseline, "tear_baseline", {1.1});
  abuse.Real(options.tear_disparity, "tear_disparity", {1001});
  abuse.Again();
}

TEST(Abuse, MonoToSbsJob) {
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  mdvt_mono_to_sbs_job_options options;
  mdvt_mono_to_sbs_job_options_init(&options);
  options.limits = &limits;
  options.input = "clip.mp4";
  options.preset = "veryfast";
  const mdvt_mono_to_sbs_job_options* pointer = &options;
  mdvt_job* job = nullptr;
  mdvt_job** result = &job;
  Abuse abuse("mdvt_mono_to_sbs_job_create",
              CreateJob(mdvt_mono_to_sbs_job_create, pointer, result, job));
  abuse.Pointer(pointer, "options");
  abuse.Pointer(result, "job");
  AbuseAnyJob(abuse, options, limits);
  abuse.Text(options.input, "options.input");
  abuse.Flag(options.audio, "options.audio");
  abuse.Values(options.input_size, "input_size", {-1, 13, 16385, INT32_MAX, INT32_MIN});
  abuse.Range(options.batch, "batch", 1, 64);
  abuse.Real(options.xfov_deg, "xfov", {0, 180});
  abuse.Real(options.scene_scale, "scene_scale", {0, 10001});
  abuse.Range(options.working_side, "working_side", 64, 4096);
  abuse.Enum(options.norm_mode, "options.norm_mode", 5);
  abuse.Real(options.norm_p_lo, "p_lo", {99, 100});
  abuse.Real(options.norm_p_hi, "p_hi", {0, 1, 100.1});
  abuse.Real(options.norm_beta, "beta", {1});
  abuse.Real(options.norm_fixed_lo, "norm_fixed_lo", {1});
  abuse.Real(options.norm_fixed_hi, "norm_fixed_hi", {1});  // not in this mode
  options.norm_mode = MDVT_NORM_FIXED;
  options.norm_fixed_lo = 2;
  options.norm_fixed_hi = 3;
  abuse.Again();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  abuse.Values(options.norm_fixed_lo, "norm_fixed_lo", {3.0, 4.0, std::nan(""), -kInf});
  abuse.Values(options.norm_fixed_hi, "norm_fixed_hi", {2.0, 1.0, std::nan(""), kInf});
  options.norm_fixed_lo = options.norm_fixed_hi = 0;
  abuse.Values(options.norm_lookahead, "lookahead", {1, 64});  // of EMA alone
  options.norm_mode = MDVT_NORM_EMA;
  abuse.Range(options.norm_lookahead, "lookahead", 0, 64);
  abuse.Real(options.norm_metric_near, "metric_near", {0, 10001});
  abuse.Flag(options.smoothing_motion_adaptive, "options.smoothing_motion_adaptive");
  abuse.Real(options.smoothing_alpha, "alpha", {1});
  abuse.Real(options.smoothing_tau_seconds, "tau_seconds", {3601});
  abuse.Real(options.smoothing_still, "still", {8});
  abuse.Real(options.smoothing_moving, "moving", {2, 256});
  abuse.Enum(options.cuts, "options.cuts", 3);
  abuse.Values<int32_t>(options.cuts, "list of scenes", {MDVT_CUTS_FILE});
  abuse.Values<const char*>(options.scene_file, "list of scenes", {"scenes.txt"});
  abuse.Enum(options.convergence_plane, "options.convergence_plane", 4);
  abuse.Real(options.convergence_value, "ConvergenceOptions.value", {1.1});
  abuse.Real(options.convergence_smoothing, "ConvergenceOptions.smoothing", {1});
  abuse.Values(options.max_shift, "max_shift", {-2.0, -1e-300, 4097.0, std::nan(""), kInf});
  abuse.Real(options.shift_min_gain, "min_gain", {1.1});
  abuse.Real(options.shift_smoothing, "ShiftOptions.smoothing", {1});
  abuse.Real(options.shift_steep_free, "steep_free", {0.1, 1});
  abuse.Real(options.shift_steep_full, "steep_full", {0.02, 1.1});
  abuse.Real(options.shift_max_behind, "max_behind", {0, 1.1});
  abuse.Real(options.shift_max_in_front, "max_in_front", {0, 1.1});
  abuse.Flag(options.shift_dynamic, "options.shift_dynamic");
  abuse.Enum(options.warp, "options.warp", 2);
  abuse.Flag(options.swap_eyes, "options.swap_eyes");
  abuse.Enum(options.packing, "options.packing", 4);
  abuse.Enum(options.fit, "options.fit", 3);
  abuse.Enum(options.filter, "options.filter", 4);
  options.picture_width = options.picture_height = 64;  // one needs the other
  for (auto [side, name] :
       {std::pair(&options.frame_width, "frame_width"),
        std::pair(&options.frame_height, "frame_height"),
        std::pair(&options.eye_width, "eye_width"), std::pair(&options.eye_height, "eye_height"),
        std::pair(&options.picture_width, "picture sides"),
        std::pair(&options.picture_height, "picture sides")}) {
    abuse.Values(*side, name, {-1, INT32_MAX, INT32_MIN});
  }
  abuse.Real(options.fps, "fps", {0.01, 1001});
  abuse.Real(options.preview_interval, "preview_interval", {86401});
  abuse.Values<int64_t>(options.preview_every, "preview_every", {-1, INT64_MIN});
  options.preview_interval = 1;
  abuse.Values<int64_t>(options.preview_every, "not both", {1});
  options.preview_interval = 0;
  abuse.Range(options.crf, "options.crf", 0, 51);
  abuse.Values<const char*>(options.preset, "options.preset", {""});
  abuse.Reserved(options.reserved, "options.reserved");
  abuse.Again();
}

TEST(Abuse, Model) {
  const TempDir folder;
  const std::string file = FakeModel(folder / "net.fake");
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  mdvt_model_options options;
  mdvt_model_options_init(&options);
  options.limits = &limits;
  options.allow_unlisted = 1;
  const char* path = file.c_str();
  mdvt_model* model = nullptr;
  mdvt_model** result = &model;
  Abuse open("mdvt_model_open", [&] {
    const mdvt_status status = mdvt_model_open(path, &options, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, model);
    }
    mdvt_model_close(model);
    model = nullptr;
    return status;
  });
  open.Text(path, "path");
  open.Pointer(result, "model");
  open.StructSize(options.struct_size, "options");
  open.Threads(options.num_threads, "options.num_threads");
  open.Limits(limits, "options.limits");
  open.Values<const char*>(options.device, "device", {"", "cuda:", "cuda:x", "a b"});
  open.Enum(options.precision, "options.precision", 3);
  open.Values<int32_t>(options.precision, "precision", {MDVT_PRECISION_BF16_CPU_ENCODER});
  open.Flag(options.deterministic, "options.deterministic");
  open.Flag(options.channels_last, "options.channels_last");
  open.Flag(options.profiling_executor, "options.profiling_executor");
  open.Flag(options.optimize, "options.optimize");
  open.Flag(options.self_test, "options.self_test");
  open.Flag(options.allow_unlisted, "options.allow_unlisted");
  open.Reserved(options.reserved, "options.reserved");
  open.Values<const char*>(options.sha256, "sha256", {"0", "not a hash"});
  open.Values(options.max_run_seconds, "max_run_seconds", {-1.0, -1e-300, std::nan("")});
  open.Again();

  MDVT_ASSERT_OK(mdvt_model_open(path, &options, &model));
  const Owned<mdvt_model> owned(model);
  mdvt_model_info info;
  mdvt_model_info_init(&info);
  mdvt_model_info* info_pointer = &info;
  Abuse tell("mdvt_model_info_get", [&] { return mdvt_model_info_get(model, info_pointer); });
  tell.Pointer(model, "model");
  tell.Pointer(info_pointer, "info");
  tell.StructSize(info.struct_size, "info");
  tell.Again();
  Abuse test("mdvt_model_self_test", [&] { return mdvt_model_self_test(model); });
  test.Pointer(model, "model");
  test.Again();

  mdvt_model_depth_options depth;
  mdvt_model_depth_options_init(&depth);
  depth.camera = {kClipWidth, kClipHeight, 55, 55, 32, 24};
  const mdvt_model_depth_options* depth_pointer = &depth;
  mdvt_stage* stage = nullptr;
  mdvt_stage** stage_result = &stage;
  Abuse create("mdvt_model_depth_create", [&] {
    const mdvt_status status = mdvt_model_depth_create(model, depth_pointer, stage_result);
    if (status != MDVT_OK && stage_result != nullptr) {
      EXPECT_EQ(nullptr, stage);
    }
    mdvt_stage_destroy(stage);
    stage = nullptr;
    return status;
  });
  create.Pointer(model, "model");
  create.Pointer(depth_pointer, "options");
  create.Pointer(stage_result, "stage");
  create.StructSize(depth.struct_size, "options");
  create.Threads(depth.num_threads, "options.num_threads");
  create.Values(depth.camera.width, "options.camera.width", {0, -1, INT32_MAX, INT32_MIN});
  create.Values(depth.camera.height, "options.camera.height", {0, -1, INT32_MAX, INT32_MIN});
  create.Real(depth.camera.fx, "options.camera.fx", {0});
  create.Real(depth.camera.fy, "options.camera.fy", {0});
  create.Values(depth.input_size, "input_size", {-1, 13, 16385, INT32_MAX, INT32_MIN});
  create.Range(depth.batch, "batch", 1, 64);
  create.Range(depth.side_by_side, "side_by_side", 1, 1024);
  create.Reserved(depth.reserved, "options.reserved");
  create.Real(depth.disparity_scale, "disparity_scale", {1e13});
  create.Real(depth.disparity_shift, "disparity_shift", {1});  // without a scale
  create.Real(depth.median_depth, "median_depth", {10001});
  create.Again();

  MDVT_ASSERT_OK(mdvt_model_depth_create(model, &depth, &stage));
  const Owned<mdvt_stage> owned_stage(stage);
  Picture rgb(Rgb(), kClipWidth, kClipHeight);
  mdvt_frame frame = FrameOf(rgb, 0, 1);
  Abuse push("mdvt_stage_push (model)", [&] { return mdvt_stage_push(stage, &frame); });
  push.FrameSize(frame, "frame");
  push.Image(frame.image, "frame.image");
  push.Again();
}

TEST(Abuse, BackendRegister) {
  static mdvt_backend table = FakeTable();
  table.name = "abuse";
  const mdvt_backend* pointer = &table;
  Abuse abuse("mdvt_backend_register", [&] { return mdvt_backend_register(pointer); });
  abuse.Pointer(pointer, "backend");
  abuse.Again();
}

TEST(Abuse, Job) {
  mdvt_depth_job_options options;
  mdvt_depth_job_options_init(&options);
  options.color_video = "/nowhere/clip.mp4";
  mdvt_job* job = nullptr;
  MDVT_ASSERT_OK(mdvt_depth_job_create(&options, &job));
  const Owned<mdvt_job> owned(job);
  mdvt_job_report report;
  mdvt_job_report_init(&report);
  mdvt_job_report* report_pointer = &report;
  // Before the job has run there is none.
  Abuse tell(
      "mdvt_job_report_get", [&] { return mdvt_job_report_get(job, report_pointer); },
      MDVT_INVALID_ARGUMENT);
  tell.Pointer(job, "job");
  tell.Pointer(report_pointer, "report");
  tell.StructSize(report.struct_size, "report", 72);
  Abuse run("mdvt_job_run",
            [&] { return job == nullptr ? mdvt_job_run(job, nullptr, nullptr) : MDVT_OK; });
  run.Pointer(job, "job");
  Abuse cancel("mdvt_job_cancel", [&] { return mdvt_job_cancel(job); });
  cancel.Pointer(job, "job");
}

}  // namespace
}  // namespace mdvt::test
