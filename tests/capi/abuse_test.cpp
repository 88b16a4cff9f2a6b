// SPDX-License-Identifier: Apache-2.0
//
// Row A5 of the scorecard: every pointer NULL, every enumeration outside, every size 0, 1 and huge,
// every number NaN, infinite and negative, in every function of the C interface.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "capi/abuse.h"
#include "capi/clips.h"
#include "capi/fake_models.h"
#include "capi/scorecard.h"
#include "capi/tools.h"
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
  abuse.Enum(id, "struct_id", 19);
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
  read.StructSize(frame.struct_size, "frame");
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
  write.StructSize(frame.struct_size, "frame");
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
  push.StructSize(frame.struct_size, "frame");
  push.Image(frame.image, "frame.image");
  push.Again();

  mdvt_frame out;
  mdvt_frame_init(&out);
  mdvt_frame* out_pointer = &out;
  Abuse pop(
      "mdvt_stage_pop", [&] { return mdvt_stage_pop(stage, out_pointer); }, MDVT_END);
  pop.Pointer(stage, "stage");
  pop.Pointer(out_pointer, "frame");
  pop.StructSize(out.struct_size, "frame");
}

TEST(Abuse, Tools) {
  mdvt_tool_info info;
  mdvt_tool_info_init(&info);
  mdvt_tool_info* pointer = &info;
  int32_t index = 0;
  Abuse tell("mdvt_tool_info_get", [&] { return mdvt_tool_info_get(index, pointer); });
  tell.Range(index, "index", 0, mdvt_tool_count() - 1);
  tell.Pointer(pointer, "info");
  tell.StructSize(info.struct_size, "info");
  tell.Again();

  const char* tool = "stereo_rerender";
  mdvt_options* options = nullptr;
  mdvt_options** result = &options;
  Abuse make("mdvt_options_new", [&] {
    const mdvt_status status = mdvt_options_new(tool, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, options);
    }
    mdvt_options_free(options);
    options = nullptr;
    return status;
  });
  const std::string endless(100000, 'x');
  make.Pointer(tool, "tool");
  // Whatever is asked for, the text tells what there is, even where it is cut off.
  make.Values<const char*>(tool, "there is no tool '", {"", "stereo", "Stereo_Rerender", "%s%n"});
  make.Values<const char*>(tool, "there is no tool 'xxx", {endless.c_str()});
  make.Pointer(result, "options");
  make.Again();

  const char* json = R"({"tool": "stereo_rerender", "options": {"swap_eyes": true}})";
  Abuse from("mdvt_options_from_json", [&] {
    const mdvt_status status = mdvt_options_from_json(json, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, options);
    }
    mdvt_options_free(options);
    options = nullptr;
    return status;
  });
  from.Pointer(json, "json");
  from.Values<const char*>(json, "json: there is no tool", {R"({"tool": "x", "options": {}})"});
  from.Values<const char*>(json, "swap_eyes",
                           {R"({"tool": "stereo_rerender", "options": {"swap_eyes": 1}})",
                            R"({"tool": "stereo_rerender", "options": {"swap_eyes": null}})",
                            R"({"tool": "stereo_rerender", "options": {"swap_eye": true}})"});
  from.Pointer(result, "options");
  from.Again();
}

// What leaves mdvt_option_info, of every option of every tool.
class OptionAbuse {
 public:
  OptionAbuse(mdvt_options* options, const mdvt_option_info& info)
      : options_(options), info_(info), name_(info.name) {}

  void Setters() {
    switch (info_.kind) {
      case MDVT_OPTION_FLAG:
        Flags();
        break;
      case MDVT_OPTION_INTEGER:
        Integers();
        Numbers({Middle() + 0.5});
        Texts({"0.5", "1e", "x", "", " 1", "0x10", "99999999999999999999", "1;2"});
        break;
      case MDVT_OPTION_NUMBER:
        Numbers({});
        Texts({"x", "", "1e", "1,5", "nan", "inf", "-inf", "1 2", "1e999"});
        break;
      case MDVT_OPTION_CHOICE:
        Texts({"", "no such choice", "-1", "%s"});
        break;
      default:
        break;
    }
  }

  // Of the kinds that the option is not.
  void Getters() {
    int32_t flag = 0;
    int64_t whole = 0;
    double number = 0;
    if (info_.kind != MDVT_OPTION_FLAG && HasValue())
      Fails("mdvt_options_get_flag", mdvt_options_get_flag(options_, info_.name, &flag));
    if (info_.kind != MDVT_OPTION_INTEGER && HasValue())
      Fails("mdvt_options_get_integer", mdvt_options_get_integer(options_, info_.name, &whole));
    if (info_.kind != MDVT_OPTION_INTEGER && info_.kind != MDVT_OPTION_NUMBER && HasValue())
      Fails("mdvt_options_get_number", mdvt_options_get_number(options_, info_.name, &number));
  }

 private:
  static constexpr double kNoLimit = 9007199254740992;

  // Some right value.
  double Middle() const {
    const double middle =
        info_.high >= kNoLimit ? info_.low + 1 : info_.low + (info_.high - info_.low) / 2;
    return info_.kind == MDVT_OPTION_INTEGER ? std::floor(middle) : middle;
  }
  std::string Text() {
    const char* text = nullptr;
    EXPECT_LE(mdvt_options_get_text(options_, info_.name, &text), MDVT_OK) << mdvt_last_error();
    return text == nullptr ? "none" : text;
  }
  bool HasValue() { return Text() != "none"; }

  void Flags() {
    int32_t value = 1;
    Abuse abuse("mdvt_options_set_flag " + name_,
                [&] { return mdvt_options_set_flag(options_, info_.name, value); });
    abuse.Flag(value, name_);
    Unchanged("on", [&] { abuse.Again(); });
    Texts({"", "2", "maybe", "tru", "ON "});
    Fails("set_number", mdvt_options_set_number(options_, info_.name, 1));
    Fails("set_integer", mdvt_options_set_integer(options_, info_.name, 1));
  }

  void Numbers(std::vector<double> wrong) {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    double value = Middle();
    Abuse abuse("mdvt_options_set_number " + name_,
                [&] { return mdvt_options_set_number(options_, info_.name, value); });
    wrong.insert(wrong.end(), {std::nan(""), -kInf, kInf, -1e300, 1e300});
    wrong.push_back(info_.without_low ? info_.low : std::nextafter(info_.low, -kInf));
    if (info_.high < kNoLimit)
      wrong.push_back(info_.without_high ? info_.high : std::nextafter(info_.high, kInf));
    for (double& one : wrong)  // "or -1, all of them"
      if (*info_.also_means != '\0' && one == info_.also) one = -kInf;
    const std::string before = Text();
    Unchanged(before, [&] { abuse.Values(value, name_, wrong); });
    Fails("set_flag", mdvt_options_set_flag(options_, info_.name, 1));
  }

  void Integers() {
    auto value = static_cast<int64_t>(Middle());
    Abuse abuse("mdvt_options_set_integer " + name_,
                [&] { return mdvt_options_set_integer(options_, info_.name, value); });
    std::vector<int64_t> wrong = {INT64_MIN, INT64_MAX, static_cast<int64_t>(info_.low) - 1};
    if (*info_.also_means != '\0' && wrong.back() == static_cast<int64_t>(info_.also))
      --wrong.back();
    if (info_.high < kNoLimit) wrong.push_back(static_cast<int64_t>(info_.high) + 1);
    const std::string before = Text();
    Unchanged(before, [&] { abuse.Values(value, name_, wrong); });
  }

  void Texts(const std::vector<const char*>& wrong) {
    const std::string before = Text();
    for (const char* text : wrong)
      Fails("set_text '" + std::string(text) + "'",
            mdvt_options_set_text(options_, info_.name, text));
    EXPECT_EQ(before, Text()) << name_;
  }

  template <typename Act>
  void Unchanged(const std::string& before, Act&& act) {
    act();
    EXPECT_EQ(before, Text()) << name_ << " has changed";
  }
  void Fails(const std::string& what, mdvt_status status) { Abuse::Count(what, name_, status); }

  mdvt_options* options_;
  mdvt_option_info info_;
  std::string name_;
};

TEST(Abuse, EveryOptionOfEveryTool) {
  for (int32_t tool = 0; tool < mdvt_tool_count(); ++tool) {
    mdvt_tool_info info;
    mdvt_tool_info_init(&info);
    MDVT_ASSERT_OK(mdvt_tool_info_get(tool, &info));
    SCOPED_TRACE(info.name);
    const auto options = OptionsOf(info.name);
    int32_t count = 0;
    MDVT_ASSERT_OK(mdvt_option_count(options.get(), &count));
    for (int32_t i = 0; i < count; ++i) {
      mdvt_option_info option;
      mdvt_option_info_init(&option);
      MDVT_ASSERT_OK(mdvt_option_info_get(options.get(), i, &option));
      OptionAbuse abuse(options.get(), option);
      abuse.Setters();
      abuse.Getters();
    }
  }
}

TEST(Abuse, Options) {
  const auto owned = OptionsOf("mono_to_sbs");
  mdvt_options* options = owned.get();
  const char* name = "xfov";
  const std::string endless(100000, 'x');
  const std::vector<const char*> unknown = {"", "xfof", "x_fov", "tool", "%n%n", "xfov ", "\xFF"};
  const auto abuse_name = [&](Abuse& abuse) {
    abuse.Pointer(options, "options");
    abuse.Pointer(name, "name");
    abuse.Values<const char*>(name, "unknown option '", unknown);
    abuse.Values<const char*>(name, "xfov?", {"xfof", "x-fov"});  // did you mean
    abuse.Values<const char*>(name, "unknown option 'xxx", {endless.c_str()});
    abuse.Values<const char*>(name, "is not available", {"encoder"});
    abuse.Again();
  };

  double number = 50;
  Abuse set_number("mdvt_options_set_number",
                   [&] { return mdvt_options_set_number(options, name, number); });
  abuse_name(set_number);
  const char* text = "50";
  Abuse set_text("mdvt_options_set_text",
                 [&] { return mdvt_options_set_text(options, name, text); });
  abuse_name(set_text);
  set_text.Pointer(text, "value");
  set_text.Values<const char*>(text, "xfov is '", {"", "wide", "50,5", "0", "180"});
  Abuse set_integer("mdvt_options_set_integer",
                    [&] { return mdvt_options_set_integer(options, name, 50); });
  abuse_name(set_integer);
  name = "upscale";
  Abuse set_flag("mdvt_options_set_flag", [&] { return mdvt_options_set_flag(options, name, 1); });
  abuse_name(set_flag);
  Abuse unset("mdvt_options_unset", [&] { return mdvt_options_unset(options, name); });
  abuse_name(unset);

  int32_t flag = 0;
  int32_t* flag_pointer = &flag;
  Abuse get_flag("mdvt_options_get_flag",
                 [&] { return mdvt_options_get_flag(options, name, flag_pointer); });
  abuse_name(get_flag);
  get_flag.Pointer(flag_pointer, "value");
  Abuse given("mdvt_options_was_given",
              [&] { return mdvt_options_was_given(options, name, flag_pointer); });
  abuse_name(given);
  given.Pointer(flag_pointer, "given");
  name = "threads";
  int64_t whole = 0;
  int64_t* whole_pointer = &whole;
  Abuse get_integer("mdvt_options_get_integer",
                    [&] { return mdvt_options_get_integer(options, name, whole_pointer); });
  abuse_name(get_integer);
  get_integer.Pointer(whole_pointer, "value");
  double* number_pointer = &number;
  Abuse get_number("mdvt_options_get_number",
                   [&] { return mdvt_options_get_number(options, name, number_pointer); });
  abuse_name(get_number);
  get_number.Pointer(number_pointer, "value");
  const char** text_pointer = &text;
  Abuse get_text("mdvt_options_get_text",
                 [&] { return mdvt_options_get_text(options, name, text_pointer); });
  abuse_name(get_text);
  get_text.Pointer(text_pointer, "value");

  int32_t only_given = 0;
  Abuse to_json("mdvt_options_to_json",
                [&] { return mdvt_options_to_json(options, only_given, text_pointer); });
  to_json.Pointer(options, "options");
  to_json.Flag(only_given, "only_given");
  to_json.Pointer(text_pointer, "json");
  to_json.Again();
}

TEST(Abuse, WhatCanBeSet) {
  const auto owned = OptionsOf("mono_to_sbs");
  const mdvt_options* options = owned.get();
  int32_t number = 0;
  int32_t* count = &number;
  for (const auto& [function, call] :
       {std::pair("mdvt_option_count", mdvt_option_count),
        std::pair("mdvt_report_field_count", mdvt_report_field_count)}) {
    Abuse abuse(function, [&, tell = call] { return tell(options, count); });
    abuse.Pointer(options, "options");
    abuse.Pointer(count, "count");
  }
  int32_t index = 0;
  mdvt_option_info option;
  mdvt_option_info_init(&option);
  mdvt_option_info* option_pointer = &option;
  Abuse tell("mdvt_option_info_get",
             [&] { return mdvt_option_info_get(options, index, option_pointer); });
  tell.Pointer(options, "options");
  MDVT_ASSERT_OK(mdvt_option_count(options, count));
  tell.Range(index, "index", 0, number - 1);
  tell.Pointer(option_pointer, "info");
  tell.StructSize(option.struct_size, "info");
  tell.Again();
  mdvt_report_field_info field;
  mdvt_report_field_info_init(&field);
  mdvt_report_field_info* field_pointer = &field;
  Abuse report("mdvt_report_field_info_get",
               [&] { return mdvt_report_field_info_get(options, index, field_pointer); });
  report.Pointer(options, "options");
  MDVT_ASSERT_OK(mdvt_report_field_count(options, count));
  report.Range(index, "index", 0, number - 1);
  report.Pointer(field_pointer, "info");
  report.StructSize(field.struct_size, "info");
  report.Again();
}

TEST(Abuse, UseLimits) {
  const auto owned = OptionsOf("mono_to_sbs");
  mdvt_options* options = owned.get();
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  Abuse abuse("mdvt_options_use_limits", [&] { return mdvt_options_use_limits(options, &limits); });
  abuse.Pointer(options, "options");
  abuse.Limits(limits, "limits");
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
  open.Enum(options.processing, "options.processing", 2, true);
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

  const auto owned_options = OptionsOf("video_metric_convert");
  mdvt_options* used_by = owned_options.get();
  Abuse use("mdvt_options_use_model", [&] { return mdvt_options_use_model(used_by, model); });
  use.Pointer(used_by, "options");
  use.Pointer(model, "model");
  use.Again();

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
  push.StructSize(frame.struct_size, "frame");
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

TEST(Abuse, BackendAddFolder) {
  const char* folder = "/nowhere/plug-ins";
  Abuse abuse("mdvt_backend_add_folder", [&] { return mdvt_backend_add_folder(folder); });
  abuse.Pointer(folder, "folder");
  abuse.Again();
}

TEST(Abuse, Job) {
  const auto owned = OptionsOf("video_metric_convert", {{"color_video", "/nowhere/clip.mp4"}});
  const mdvt_options* options = owned.get();
  Abuse check("mdvt_options_check", [&] { return mdvt_options_check(options); });
  check.Pointer(options, "options");
  mdvt_job* job = nullptr;
  mdvt_job** result = &job;
  Abuse create("mdvt_job_create", [&] {
    const mdvt_status status = mdvt_job_create(options, result);
    if (status != MDVT_OK && result != nullptr) {
      EXPECT_EQ(nullptr, job);
    }
    mdvt_job_destroy(job);
    job = nullptr;
    return status;
  });
  create.Pointer(options, "options");
  create.Pointer(result, "job");
  // What is wrong with the options together comes out here, and in the check.
  const auto wrong_together = [&](const Values& values, const std::string& text) {
    const auto bad = OptionsOf("video_metric_convert", values);
    const mdvt_options* wrong = bad.get();
    create.Values(options, text, {wrong});
    check.Values(options, text, {wrong});
  };
  wrong_together({}, "color_video is required");
  wrong_together({{"color_video", "a"}, {"batch", "2"}}, "batch belongs to model");
  wrong_together({{"color_video", "a"}, {"depth_video", "b"}}, "depth_video belongs to model");
  wrong_together({{"color_video", "a"}, {"model", "m"}, {"fp16", "on"}, {"fp32", "on"}},
                 "fp16 or fp32, not both");
  create.Again();

  MDVT_ASSERT_OK(mdvt_job_create(options, &job));
  const Owned<mdvt_job> owned_job(job);
  Abuse run("mdvt_job_run",
            [&] { return job == nullptr ? mdvt_job_run(job, nullptr, nullptr) : MDVT_OK; });
  run.Pointer(job, "job");
  Abuse cancel("mdvt_job_cancel", [&] { return mdvt_job_cancel(job); });
  cancel.Pointer(job, "job");
}

// Each function of the report: before the run, and after it with wrong arguments.
TEST(Abuse, JobReport) {
  const TempDir folder;
  const std::string color = folder / "clip.mkv", depth = folder / "clip_depth.mkv";
  WriteColorClip(color);
  WriteDepthClip(depth);
  const auto owned = JobOf("stereo_rerender", {{"color_video", color}, {"depth_video", depth}});
  const mdvt_job* job = owned.get();
  const char* name = "hole_share";
  int32_t index = 0, flag = 0, *flag_pointer = &flag;
  int64_t whole = 0, *whole_pointer = &whole;
  double number = 0, *number_pointer = &number;
  const char *text = nullptr, **text_pointer = &text;
  struct Function {
    std::string name;
    std::function<mdvt_status()> call;
    std::function<void(Abuse&)> pointer;
    bool by_name = false;
  };
  const auto value = [](auto& argument, const char* what) {
    return [&argument, what](Abuse& abuse) { abuse.Pointer(argument, what); };
  };
  const Function functions[] = {
      {"mdvt_job_frames", [&] { return mdvt_job_frames(job, whole_pointer); },
       value(whole_pointer, "frames")},
      {"mdvt_job_summary", [&] { return mdvt_job_summary(job, text_pointer); },
       value(text_pointer, "summary")},
      {"mdvt_job_output_count", [&] { return mdvt_job_output_count(job, flag_pointer); },
       value(flag_pointer, "count")},
      {"mdvt_job_output", [&] { return mdvt_job_output(job, index, text_pointer); },
       value(text_pointer, "path")},
      {"mdvt_job_report_number", [&] { return mdvt_job_report_number(job, name, number_pointer); },
       value(number_pointer, "value"), true},
      {"mdvt_job_report_text", [&] { return mdvt_job_report_text(job, name, text_pointer); },
       value(text_pointer, "value"), true},
      {"mdvt_job_report_integer",
       [&] {
         // The right name of this kind is another one.
         const char* asked = name != nullptr && std::string(name) == "hole_share" ? "width" : name;
         return mdvt_job_report_integer(job, asked, whole_pointer);
       },
       value(whole_pointer, "value"), true},
  };
  for (const Function& function : functions) {
    Abuse early(function.name, function.call, MDVT_INVALID_ARGUMENT);
    EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "not been run to its end"))
        << mdvt_last_error();
    early.Pointer(job, "job");
  }
  MDVT_ASSERT_OK(mdvt_job_run(owned.get(), nullptr, nullptr));
  for (const Function& function : functions) {
    Abuse late(function.name, function.call);
    late.Pointer(job, "job");
    function.pointer(late);
    if (function.by_name) {
      late.Pointer(name, "name");
      late.Values<const char*>(name, "hole_share", {"", "hole_shar", "frames", "%s", "\xFF"});
    }
    if (function.name == "mdvt_job_output") late.Range(index, "index", 0, 0);
    late.Again();
  }
  // Values of another kind.
  Abuse::Count("flag", "hole_share", mdvt_job_report_flag(job, "hole_share", &flag));
  Abuse::Count("integer", "hole_share", mdvt_job_report_integer(job, "hole_share", &whole));
  Abuse::Count("integer", "mask_output", mdvt_job_report_integer(job, "mask_output", &whole));
  Abuse::Count("number", "mask_output", mdvt_job_report_number(job, "mask_output", &number));
  Abuse::Count("flag", "width", mdvt_job_report_flag(job, "width", &flag));
  Abuse::Count("flag", "value", mdvt_job_report_flag(job, "width", nullptr));
  Abuse::Count("flag", "name", mdvt_job_report_flag(job, nullptr, &flag));
  Abuse::Count("flag", "job", mdvt_job_report_flag(nullptr, "width", &flag));
}

}  // namespace
}  // namespace mdvt::test
