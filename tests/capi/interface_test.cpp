// SPDX-License-Identifier: Apache-2.0
//
// That the C interface does what the library does: same pixels, times, texts, and who owns what.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "capi/clips.h"
#include "capi/tools.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/stereo/renderer.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

// Names of all files in a folder.
std::set<std::string> Files(const TempDir& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path()))
    names.insert(entry.path().filename().string());
  return names;
}

MutableImageView View(const mdvt_image& image) {
  MutableImageView view;
  view.format.model = image.format.model == MDVT_MODEL_GRAY  ? ColorModel::kGray
                      : image.format.model == MDVT_MODEL_YUV ? ColorModel::kYuv
                                                             : ColorModel::kRgb;
  view.format.type = image.format.sample_type == MDVT_SAMPLE_U8    ? SampleType::kU8
                     : image.format.sample_type == MDVT_SAMPLE_U16 ? SampleType::kU16
                                                                   : SampleType::kF32;
  view.format.bits = image.format.bits;
  view.format.chroma_shift_x = image.format.chroma_shift_x;
  view.format.chroma_shift_y = image.format.chroma_shift_y;
  view.width = image.width;
  view.height = image.height;
  for (size_t i = 0; i < 3; ++i) {
    view.data[i] = static_cast<std::byte*>(image.data[i]);
    view.stride[i] = static_cast<ptrdiff_t>(image.stride[i]);
  }
  return view;
}

TEST(Version, IsThatOfTheHeader) {
  EXPECT_EQ(MDVT_ABI_VERSION, mdvt_abi_version());
  EXPECT_STREQ(MDVT_TEST_VERSION, mdvt_version());
}

TEST(LogSink, GetsWhatTheLibrarySays) {
  const TempDir folder;
  // RGB without tags: read as depth this is ambiguous, which is a warning.
  const std::string path = folder / "untagged.mkv";
  const mdvt_pixel_format format = Rgb();
  mdvt_writer* opened = nullptr;
  MDVT_ASSERT_OK(mdvt_video_writer_open(path.c_str(), &format, 8, 8, nullptr, &opened));
  {
    const Owned<mdvt_writer> writer(opened);
    Picture gray(format, 8, 8);
    const mdvt_frame frame = FrameOf(gray, 0);
    MDVT_ASSERT_OK(mdvt_writer_write(writer.get(), &frame));
    MDVT_ASSERT_OK(mdvt_writer_finish(writer.get()));
  }
  std::vector<std::pair<int32_t, std::string>> said;
  const mdvt_log_fn sink = [](void* user, int32_t level, const char* text) {
    static_cast<decltype(said)*>(user)->emplace_back(level, text);
  };
  MDVT_ASSERT_OK(mdvt_set_log_sink(sink, &said));
  mdvt_reader* reader = nullptr;
  const mdvt_status status = mdvt_depth_reader_open(path.c_str(), nullptr, &reader);
  MDVT_ASSERT_OK(mdvt_set_log_sink(nullptr, nullptr));
  mdvt_reader_close(reader);
  MDVT_ASSERT_OK(status);
  size_t warnings = 0;
  for (const auto& [level, text] : said)
    warnings += level == MDVT_LOG_WARNING && text.find("untagged.mkv") != std::string::npos;
  EXPECT_EQ(1u, warnings);
}

TEST(Reader, GivesEveryFrameWithItsTimes) {
  const TempDir folder;
  const std::string path = folder / "clip.mkv";
  ASSERT_NO_FATAL_FAILURE(WriteColorClip(path));
  mdvt_reader* opened = nullptr;
  MDVT_ASSERT_OK(mdvt_video_reader_open(path.c_str(), nullptr, &opened));
  const Owned<mdvt_reader> reader(opened);
  mdvt_video_info info;
  mdvt_video_info_init(&info);
  MDVT_ASSERT_OK(mdvt_reader_info(reader.get(), &info));
  EXPECT_EQ(kClipWidth, info.width);
  EXPECT_EQ(kClipHeight, info.height);
  EXPECT_STREQ("ffv1", info.codec);
  EXPECT_STREQ("yuv420p", info.codec_format);
  EXPECT_NE(nullptr, std::strstr(info.container, "matroska"));
  EXPECT_EQ(1, info.lossless);
  EXPECT_EQ(0, info.has_audio);
  EXPECT_EQ(25 * info.frame_rate.den, info.frame_rate.num);
  EXPECT_EQ(0, info.depth_encoding);
  const mdvt_pixel_format format = Yuv420();
  EXPECT_EQ(0, std::memcmp(&format, &info.format, sizeof(format)));

  mdvt_frame frame;
  mdvt_frame_init(&frame);
  for (int i = 0; i < kClipFrames; ++i) {
    MDVT_ASSERT_OK(mdvt_reader_read(reader.get(), &frame));
    EXPECT_EQ(i, frame.index);
    // Seconds are exact whatever time base the container has chosen.
    EXPECT_EQ(i * info.time_base.den, frame.pts * info.time_base.num * kClipTimeBase);
    Picture expected(format, kClipWidth, kClipHeight);
    expected.Fill<uint8_t>([i](int plane, int x, int y) { return ClipSample(i, plane, x, y); });
    EXPECT_TRUE(SamePixels(expected.value(), frame.image)) << "frame " << i;
    EXPECT_EQ(nullptr, frame.confidence.data[0]);
  }
  EXPECT_EQ(MDVT_END, mdvt_reader_read(reader.get(), &frame));
  EXPECT_EQ(MDVT_END, mdvt_reader_read(reader.get(), &frame));
}

TEST(Reader, ConvertsWhenAsked) {
  const TempDir folder;
  const std::string path = folder / "clip.mkv";
  ASSERT_NO_FATAL_FAILURE(WriteColorClip(path, 1));
  mdvt_video_reader_options options;
  mdvt_video_reader_options_init(&options);
  options.format = Rgb();
  mdvt_reader *plain_opened = nullptr, *rgb_opened = nullptr;
  MDVT_ASSERT_OK(mdvt_video_reader_open(path.c_str(), nullptr, &plain_opened));
  const Owned<mdvt_reader> plain(plain_opened);
  MDVT_ASSERT_OK(mdvt_video_reader_open(path.c_str(), &options, &rgb_opened));
  const Owned<mdvt_reader> rgb(rgb_opened);
  mdvt_frame from, to;
  mdvt_frame_init(&from);
  mdvt_frame_init(&to);
  MDVT_ASSERT_OK(mdvt_reader_read(plain.get(), &from));
  MDVT_ASSERT_OK(mdvt_reader_read(rgb.get(), &to));
  mdvt_video_info info;
  mdvt_video_info_init(&info);
  MDVT_ASSERT_OK(mdvt_reader_info(plain.get(), &info));
  // The same as converting by hand.
  Picture converted(Rgb(), kClipWidth, kClipHeight, 3);
  MDVT_ASSERT_OK(mdvt_image_convert(&from.image, &info.color, converted.image()));
  EXPECT_TRUE(SamePixels(converted.value(), to.image));
}

// Every size up to two vectors of any instruction set, in memory that ends at a forbidden page.
TEST(ImageConvert, StaysWithinTheCallersRows) {
  const mdvt_pixel_format formats[] = {Yuv420(),
                                       Yuv420(10),
                                       Format(MDVT_MODEL_YUV, 8, 1, 0),
                                       Format(MDVT_MODEL_YUV, 16, 0, 0),
                                       Rgb(),
                                       Rgb(12),
                                       Gray(),
                                       Gray(16)};
  for (int width = 1; width <= 130; width += width < 40 ? 1 : 9) {
    for (const mdvt_pixel_format& from_format : formats) {
      for (const mdvt_pixel_format& to_format : formats) {
        Picture from(from_format, width, 3), to(to_format, width, 3),
            padded(to_format, width, 3, 9);
        const auto make = [](int plane, int x, int y) {
          return (x * 7 + y * 31 + plane * 50) % 256;
        };
        if (from_format.bits == 8) {
          from.Fill<uint8_t>(make);
        } else {
          from.Fill<uint16_t>(make);
        }
        MDVT_ASSERT_OK(mdvt_image_convert(from.image(), nullptr, to.image()));
        MDVT_ASSERT_OK(mdvt_image_convert(from.image(), nullptr, padded.image()));
        ASSERT_TRUE(SamePixels(to.value(), padded.value())) << width;
      }
    }
  }
}

TEST(Reader, TellsWhatIsWrong) {
  const TempDir folder;
  mdvt_reader* reader = reinterpret_cast<mdvt_reader*>(1);
  const std::string missing = folder / "missing.mkv";
  EXPECT_EQ(MDVT_NOT_FOUND, mdvt_video_reader_open(missing.c_str(), nullptr, &reader));
  EXPECT_EQ(nullptr, reader);
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "missing.mkv"));

  const std::string clip = folder / "clip.mkv";
  ASSERT_NO_FATAL_FAILURE(WriteColorClip(clip, 1));
  EXPECT_EQ(MDVT_REFUSED, mdvt_depth_reader_open(clip.c_str(), nullptr, &reader));
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  limits.max_side = kClipWidth - 1;
  mdvt_video_reader_options options;
  mdvt_video_reader_options_init(&options);
  options.limits = &limits;
  EXPECT_EQ(MDVT_LIMIT, mdvt_video_reader_open(clip.c_str(), &options, &reader));
  limits.max_side = kClipWidth;
  EXPECT_EQ(MDVT_OK, mdvt_video_reader_open(clip.c_str(), &options, &reader));
  mdvt_reader_close(reader);
}

TEST(Writer, LeavesNothingWithoutFinish) {
  const TempDir folder;
  const std::string path = folder / "out.mkv";
  const mdvt_pixel_format format = Gray();
  for (const bool write : {false, true}) {
    mdvt_writer* writer = nullptr;
    MDVT_ASSERT_OK(mdvt_video_writer_open(path.c_str(), &format, 8, 8, nullptr, &writer));
    Picture picture(format, 8, 8);
    const mdvt_frame frame = FrameOf(picture, 0);
    if (write) {
      MDVT_EXPECT_OK(mdvt_writer_write(writer, &frame));
    } else {
      EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_writer_finish(writer));
    }
    mdvt_writer_close(writer);
    EXPECT_EQ(std::set<std::string>(), Files(folder));
  }
}

TEST(Writer, KeepsTagsAndRefusesToOverwriteWhenTold) {
  const TempDir folder;
  const std::string path = folder / "out.mkv";
  const mdvt_tag tags[] = {{"TITLE", "A t\xC3\xAFtle"}, {"MDVT_KIND", "mask"}};
  mdvt_video_writer_options options;
  mdvt_video_writer_options_init(&options);
  options.tags = tags;
  options.num_tags = 2;
  const mdvt_pixel_format format = Gray(16);
  mdvt_writer* opened = nullptr;
  MDVT_ASSERT_OK(mdvt_video_writer_open(path.c_str(), &format, 5, 3, &options, &opened));
  Picture picture(format, 5, 3, 7);
  picture.Fill<uint16_t>([](int, int x, int y) { return 60000 + x * 100 + y; });
  {
    const Owned<mdvt_writer> writer(opened);
    const mdvt_frame frame = FrameOf(picture, 40, 40);
    MDVT_ASSERT_OK(mdvt_writer_write(writer.get(), &frame));
    picture.At<uint16_t>(0, 0, 0) = 1;  // ours again
    MDVT_ASSERT_OK(mdvt_writer_finish(writer.get()));
    picture.At<uint16_t>(0, 0, 0) = 60000;
  }
  options.overwrite = 0;
  mdvt_writer* second = nullptr;
  EXPECT_EQ(MDVT_IO, mdvt_video_writer_open(path.c_str(), &format, 5, 3, &options, &second));

  mdvt_reader* reader_opened = nullptr;
  MDVT_ASSERT_OK(mdvt_video_reader_open(path.c_str(), nullptr, &reader_opened));
  const Owned<mdvt_reader> reader(reader_opened);
  mdvt_video_info info;
  mdvt_video_info_init(&info);
  MDVT_ASSERT_OK(mdvt_reader_info(reader.get(), &info));
  std::map<std::string, std::string> read;
  for (int32_t i = 0; i < info.num_tags; ++i) read[info.tags[i].key] = info.tags[i].value;
  EXPECT_EQ("A t\xC3\xAFtle", read["TITLE"]);
  EXPECT_EQ("mask", read["MDVT_KIND"]);
  mdvt_frame frame;
  mdvt_frame_init(&frame);
  MDVT_ASSERT_OK(mdvt_reader_read(reader.get(), &frame));
  EXPECT_TRUE(SamePixels(picture.value(), frame.image));
}

TEST(DepthCodec, NamesTheArgumentThatHasAnotherSize) {
  mdvt_depth_codec codec;
  mdvt_depth_codec_init(&codec);
  codec.encoding = MDVT_DEPTH_GRAY16;
  Picture depth(DepthFormat(), 8, 4, 0), wide(Gray(16), 9, 4, 0), high(Gray(16), 8, 5, 0);
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_depth_encode(&codec, depth.image(), wide.image()));
  EXPECT_STREQ("encoded.width = 9, must be 8", mdvt_last_error());
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_depth_encode(&codec, depth.image(), high.image()));
  EXPECT_STREQ("encoded.height = 5, must be 4", mdvt_last_error());
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_depth_decode(&codec, wide.image(), depth.image()));
  EXPECT_STREQ("depth.width = 8, must be 9", mdvt_last_error());
}

TEST(DepthCodec, EqualsTheLibraryForOddSizesAndStrides) {
  for (const auto& [width, height] : {std::pair{1, 1},
                                      {3, 1},
                                      {1, 5},
                                      {17, 9},
                                      {31, 2},
                                      {32, 2},
                                      {33, 2},
                                      {64, 48},
                                      {65, 3},
                                      {127, 2}}) {
    for (int32_t encoding = MDVT_DEPTH_RGB16; encoding <= MDVT_DEPTH_GRAY8; ++encoding) {
      SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height) + " encoding " +
                   std::to_string(encoding));
      mdvt_depth_codec codec;
      mdvt_depth_codec_init(&codec);
      codec.encoding = encoding;
      codec.max_depth = 20;
      const mdvt_pixel_format format =
          encoding == MDVT_DEPTH_RGB16 || encoding == MDVT_DEPTH_RGB24_LOG ? Rgb()
          : encoding == MDVT_DEPTH_GRAY8                                   ? Gray()
                                                                           : Gray(16);
      Picture depth(DepthFormat(), width, height, 3), encoded(format, width, height, 5),
          back(DepthFormat(), width, height, 1);
      depth.Fill<float>([](int, int x, int y) {
        return x == 0 && y == 0 ? NAN : 0.01f + 0.37f * static_cast<float>(x + 3 * y);
      });
      MDVT_ASSERT_OK(mdvt_depth_encode(&codec, depth.image(), encoded.image()));
      MDVT_ASSERT_OK(mdvt_depth_decode(&codec, encoded.image(), back.image()));
      DepthCodecOptions options;
      options.encoding = static_cast<DepthEncoding>(encoding - 1);
      options.max_depth = 20;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const uint32_t code = EncodeDepth(depth.At<float>(0, x, y), options);
          ASSERT_EQ(DecodeDepth(code, options), back.At<float>(0, x, y)) << x << ", " << y;
        }
      }
    }
  }
}

TEST(DepthReader, GivesMetresAndTags) {
  const TempDir folder;
  const std::string path = folder / "clip_depth.mkv";
  ASSERT_NO_FATAL_FAILURE(WriteDepthClip(path));
  mdvt_reader* opened = nullptr;
  MDVT_ASSERT_OK(mdvt_depth_reader_open(path.c_str(), nullptr, &opened));
  const Owned<mdvt_reader> reader(opened);
  mdvt_video_info info;
  mdvt_video_info_init(&info);
  MDVT_ASSERT_OK(mdvt_reader_info(reader.get(), &info));
  EXPECT_EQ(MDVT_DEPTH_RGB16, info.depth_encoding);
  EXPECT_EQ(100, info.depth_max);
  EXPECT_EQ(kClipFov, info.xfov_deg);
  EXPECT_EQ(MDVT_SAMPLE_F32, info.format.sample_type);
  mdvt_frame frame;
  mdvt_frame_init(&frame);
  int frames = 0;
  mdvt_status status;
  while ((status = mdvt_reader_read(reader.get(), &frame)) == MDVT_OK) {
    const auto* rows = static_cast<const char*>(frame.image.data[0]);
    for (int y = 0; y < kClipHeight; ++y) {
      const auto* row = reinterpret_cast<const float*>(rows + y * frame.image.stride[0]);
      for (int x = 0; x < kClipWidth; ++x)
        ASSERT_NEAR(ClipDepth(frames, x, y), row[x], 100.0 / 64517 / 2 * 1.01);
    }
    ++frames;
  }
  EXPECT_EQ(MDVT_END, status) << mdvt_last_error();
  EXPECT_EQ(kClipFrames, frames);
}

// One frame of the clips through the C renderer, in a format and with a padding.
struct Rendered {
  Picture left, right, left_depth, right_depth, left_mask, right_mask;
};
Rendered Render(const mdvt_pixel_format& format, int width, int height, int padding,
                const mdvt_renderer_options& options) {
  const auto make = [&](const mdvt_pixel_format& f) { return Picture(f, width, height, padding); };
  Rendered out = {make(format),        make(format), make(DepthFormat()),
                  make(DepthFormat()), make(Rgb()),  make(Rgb())};
  Picture color = make(format), depth = make(DepthFormat());
  if (format.sample_type == MDVT_SAMPLE_U8) {
    color.Fill<uint8_t>([](int plane, int x, int y) { return ClipSample(0, plane, x, y); });
  } else {
    color.Fill<uint16_t>([](int plane, int x, int y) { return 4 * ClipSample(0, plane, x, y); });
  }
  depth.Fill<float>([](int, int x, int y) { return ClipDepth(0, x, y); });
  mdvt_renderer* opened = nullptr;
  EXPECT_EQ(MDVT_OK, mdvt_renderer_create(&options, &opened)) << mdvt_last_error();
  const Owned<mdvt_renderer> renderer(opened);
  const mdvt_camera camera = {width, height, 60, 60, width / 2.0, height / 2.0};
  mdvt_eye eyes[2];
  for (mdvt_eye& eye : eyes) mdvt_eye_init(&eye);
  eyes[0].image = out.left.value();
  eyes[0].depth = out.left_depth.value();
  eyes[0].mask = out.left_mask.value();
  eyes[1].image = out.right.value();
  eyes[1].depth = out.right_depth.value();
  eyes[1].mask = out.right_mask.value();
  EXPECT_EQ(MDVT_OK, mdvt_renderer_render(renderer.get(), color.image(), depth.image(), &camera, 4,
                                          &eyes[0], &eyes[1]))
      << mdvt_last_error();
  return out;
}

TEST(Renderer, EqualsTheLibrary) {
  for (const auto& format : {Yuv420(), Yuv420(10), Rgb(), Gray(16)}) {
    mdvt_stereo_options stereo;
    mdvt_stereo_options_init(&stereo);
    stereo.baseline = 0.5;
    mdvt_renderer_options options;
    mdvt_renderer_options_init(&options);
    options.stereo = &stereo;
    Rendered c = Render(format, kClipWidth, kClipHeight, 0, options);

    const auto make = [](const mdvt_pixel_format& f) {
      return Picture(f, kClipWidth, kClipHeight);
    };
    Picture color = make(format), depth = make(DepthFormat());
    if (format.sample_type == MDVT_SAMPLE_U8) {
      color.Fill<uint8_t>([](int plane, int x, int y) { return ClipSample(0, plane, x, y); });
    } else {
      color.Fill<uint16_t>([](int plane, int x, int y) { return 4 * ClipSample(0, plane, x, y); });
    }
    depth.Fill<float>([](int, int x, int y) { return ClipDepth(0, x, y); });
    Picture images[2] = {make(format), make(format)};
    Picture depths[2] = {make(DepthFormat()), make(DepthFormat())};
    Picture masks[2] = {make(Rgb()), make(Rgb())};
    HoleMap holes[2];
    EyeView eyes[2];
    for (int i = 0; i < 2; ++i) {
      eyes[i].image = View(images[i].value());
      eyes[i].depth = View(depths[i].value()).Plane<float>(0);
      eyes[i].holes = &holes[i];
    }
    StereoOptions cpp;
    cpp.baseline = 0.5;
    StereoRenderer renderer(cpp);
    renderer.Render(View(color.value()), View(depth.value()).Plane<float>(0),
                    {kClipWidth, kClipHeight, 60, 60, kClipWidth / 2.0, kClipHeight / 2.0}, 4,
                    eyes[0], eyes[1]);
    for (int i = 0; i < 2; ++i) {
      PaintInfillMask(holes[i], InfillMaskStyle::kDirections, View(masks[i].value()));
      FillHoles(holes[i], {}, View(images[i].value()));
    }
    EXPECT_TRUE(SamePixels(images[0].value(), c.left.value()));
    EXPECT_TRUE(SamePixels(images[1].value(), c.right.value()));
    EXPECT_TRUE(SamePixels(depths[0].value(), c.left_depth.value()));
    EXPECT_TRUE(SamePixels(depths[1].value(), c.right_depth.value()));
    EXPECT_TRUE(SamePixels(masks[0].value(), c.left_mask.value()));
    EXPECT_TRUE(SamePixels(masks[1].value(), c.right_mask.value()));
    bool any_hole = false;
    for (int y = 0; y < kClipHeight; ++y) {
      for (int x = 0; x < kClipWidth; ++x) any_hole |= c.left_mask.At<uint8_t>(0, x, y) != 0;
    }
    EXPECT_TRUE(any_hole) << "nothing was uncovered: the test shows nothing";
  }
}

TEST(Renderer, GivesTheSameBytesForStridesAndThreads) {
  for (const auto& [width, height] : {std::pair{1, 1},
                                      {2, 3},
                                      {5, 2},
                                      {15, 3},
                                      {31, 3},
                                      {32, 3},
                                      {33, 17},
                                      {47, 5},
                                      {64, 48},
                                      {65, 4},
                                      {130, 2}}) {
    for (const auto& format : {Yuv420(), Yuv420(10), Rgb(), Gray(12)}) {
      mdvt_renderer_options options;
      mdvt_renderer_options_init(&options);
      options.num_threads = 1;
      Rendered one = Render(format, width, height, 0, options);
      options.num_threads = 3;
      Rendered other = Render(format, width, height, 11, options);
      EXPECT_TRUE(SamePixels(one.left.value(), other.left.value()));
      EXPECT_TRUE(SamePixels(one.right.value(), other.right.value()));
      EXPECT_TRUE(SamePixels(one.left_depth.value(), other.left_depth.value()));
      EXPECT_TRUE(SamePixels(one.right_mask.value(), other.right_mask.value()));
    }
  }
}

TEST(Renderer, LeavesHolesBlackWhenTold) {
  mdvt_stereo_options stereo;
  mdvt_stereo_options_init(&stereo);
  stereo.baseline = 0.5;
  mdvt_renderer_options options;
  mdvt_renderer_options_init(&options);
  options.stereo = &stereo;
  options.fill = MDVT_FILL_BLACK;
  options.mask_style = MDVT_MASK_GREEN;
  Rendered out = Render(Rgb(), kClipWidth, kClipHeight, 0, options);
  int holes = 0;
  for (int y = 0; y < kClipHeight; ++y) {
    for (int x = 0; x < kClipWidth; ++x) {
      const int r = out.left_mask.At<uint8_t>(0, x, y), g = out.left_mask.At<uint8_t>(1, x, y);
      ASSERT_EQ(0, r);
      ASSERT_TRUE(g == 0 || g == 255);
      if (g == 0) continue;
      ++holes;
      EXPECT_EQ(0, out.left.At<uint8_t>(0, x, y));
      EXPECT_EQ(0, out.left_depth.At<float>(0, x, y));
    }
  }
  EXPECT_GT(holes, 0);
}

TEST(FillHoles, ClosesWhatTheMaskTells) {
  Picture image(Gray(), 9, 3), mask(Rgb(), 9, 3);
  image.Fill<uint8_t>([](int, int x, int) { return x < 4 ? 50 : x < 6 ? 0 : 200; });
  // Background right of the hole: n = (1, 0, 0).
  mask.Fill<uint8_t>([](int plane, int x, int) { return x < 4 || x >= 6 ? 0 : plane ? 128 : 255; });
  mdvt_fill_options options;
  mdvt_fill_options_init(&options);
  options.rim = 0;
  MDVT_ASSERT_OK(mdvt_fill_holes(mask.image(), &options, image.image()));
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 9; ++x)
      EXPECT_EQ(x < 4 ? 50 : 200, image.At<uint8_t>(0, x, y)) << x << ", " << y;
  }
}

// Row B4 for what has a handle here.
TEST(Handles, LeaveNoDescriptorsOrThreadsBehind) {
  const TempDir folder;
  const std::string color = folder / "clip.mkv", depth = folder / "clip_depth.mkv";
  ASSERT_NO_FATAL_FAILURE(WriteColorClip(color, 2));
  ASSERT_NO_FATAL_FAILURE(WriteDepthClip(depth, 2));
  const auto count = [](const char* what) {
    return std::distance(fs::directory_iterator(what), fs::directory_iterator());
  };
  const auto use_all = [&] {
    const std::string missing = folder / "missing.mkv", out = folder / "out.mkv";
    mdvt_frame frame;
    mdvt_frame_init(&frame);
    for (const std::string& path : {color, missing, depth}) {
      mdvt_reader *video = nullptr, *metres = nullptr;
      mdvt_video_reader_open(path.c_str(), nullptr, &video);
      if (video != nullptr) mdvt_reader_read(video, &frame);
      mdvt_reader_close(video);
      mdvt_depth_reader_open(path.c_str(), nullptr, &metres);
      if (metres != nullptr) mdvt_reader_read(metres, &frame);
      mdvt_reader_close(metres);
    }
    const mdvt_pixel_format format = Gray();
    mdvt_writer* writer = nullptr;
    EXPECT_EQ(MDVT_OK, mdvt_video_writer_open(out.c_str(), &format, 8, 8, nullptr, &writer));
    mdvt_writer_close(writer);
    mdvt_renderer* renderer = nullptr;
    EXPECT_EQ(MDVT_OK, mdvt_renderer_create(nullptr, &renderer));
    mdvt_renderer_destroy(renderer);
    mdvt_motion_options options;
    mdvt_motion_options_init(&options);
    options.camera = {64, 48, 55, 55, 32, 24};
    mdvt_stage* stage = nullptr;
    EXPECT_EQ(MDVT_OK, mdvt_motion_create(&options, &stage));
    mdvt_stage_destroy(stage);
  };
  use_all();  // what the libraries below open once stays open
  const auto descriptors = count("/proc/self/fd"), threads = count("/proc/self/task");
  for (int i = 0; i < 100; ++i) use_all();
  EXPECT_EQ(descriptors, count("/proc/self/fd"));
  EXPECT_EQ(threads, count("/proc/self/task"));
}

TEST(Writer, IsOverAfterFinish) {
  const TempDir folder;
  const std::string path = folder / "out.mkv";
  const mdvt_pixel_format format = Gray();
  mdvt_writer* opened = nullptr;
  MDVT_ASSERT_OK(mdvt_video_writer_open(path.c_str(), &format, 8, 8, nullptr, &opened));
  const Owned<mdvt_writer> writer(opened);
  Picture picture(format, 8, 8);
  mdvt_frame frame = FrameOf(picture, 0);
  MDVT_ASSERT_OK(mdvt_writer_write(writer.get(), &frame));
  MDVT_ASSERT_OK(mdvt_writer_finish(writer.get()));
  frame.pts = 1;
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_writer_write(writer.get(), &frame));
  EXPECT_EQ(std::set<std::string>{"out.mkv"}, Files(folder));
}

TEST(Stage, GivesEveryFrameOnceInOrder) {
  constexpr int kFrames = 9;
  mdvt_motion_options options;
  mdvt_motion_options_init(&options);
  options.camera = {kClipWidth, kClipHeight, 55, 55, 32, 24};
  options.lookahead = 3;
  mdvt_stage* opened = nullptr;
  MDVT_ASSERT_OK(mdvt_motion_create(&options, &opened));
  const Owned<mdvt_stage> stage(opened);
  mdvt_frame out;
  mdvt_frame_init(&out);
  int popped = 0;
  const auto pop_all = [&] {
    mdvt_status status;
    while ((status = mdvt_stage_pop(stage.get(), &out)) == MDVT_OK) {
      EXPECT_EQ(popped, out.index);
      EXPECT_EQ(1000 + 40 * popped, out.pts);
      EXPECT_EQ(40, out.duration);
      EXPECT_EQ(MDVT_SAMPLE_F32, out.image.format.sample_type);
      EXPECT_EQ(kClipWidth, out.image.width);
      EXPECT_EQ(MDVT_SAMPLE_U8, out.confidence.format.sample_type);
      EXPECT_GE(out.motion, MDVT_MOTION_MEASURED);
      EXPECT_LE(out.motion, MDVT_MOTION_LOST);
      EXPECT_EQ(1, out.world_from_cam[0]) << "a camera that stands still";
      EXPECT_EQ(1, out.world_from_cam[15]);
      for (int y = 0; y < kClipHeight; ++y) {
        const auto* row = reinterpret_cast<const float*>(
            static_cast<const char*>(out.image.data[0]) + y * out.image.stride[0]);
        for (int x = 0; x < kClipWidth; ++x) EXPECT_GT(row[x], 0);
      }
      ++popped;
    }
    EXPECT_EQ(MDVT_END, status) << mdvt_last_error();
  };
  for (int i = 0; i < kFrames; ++i) {
    Picture gray(Gray(), kClipWidth, kClipHeight);  // gone when the next one is made
    gray.Fill<uint8_t>([](int, int x, int y) { return ClipSample(0, 0, x, y); });
    mdvt_frame frame = FrameOf(gray, 1000 + 40 * i, 40);
    frame.index = i;
    MDVT_ASSERT_OK(mdvt_stage_push(stage.get(), &frame));
    pop_all();
    EXPECT_GE(popped, i - options.lookahead);
  }
  MDVT_ASSERT_OK(mdvt_stage_push(stage.get(), nullptr));
  pop_all();
  EXPECT_EQ(kFrames, popped);
  Picture gray(Gray(), kClipWidth, kClipHeight);
  const mdvt_frame late = FrameOf(gray, 9999);
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_stage_push(stage.get(), &late));
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_stage_push(stage.get(), nullptr));
}

// ---- Jobs ----

struct Calls {
  int count = 0;
  int64_t last = 0;
  int32_t answer = 0;
  std::function<void()> act;
};
int32_t OnProgress(void* user, const mdvt_progress* progress) {
  auto& calls = *static_cast<Calls*>(user);
  EXPECT_EQ(sizeof(mdvt_progress), progress->struct_size);
  EXPECT_STREQ("stereo", progress->phase);
  EXPECT_GE(progress->frames_done, calls.last);
  ++calls.count;
  calls.last = progress->frames_done;
  if (calls.act) calls.act();
  return calls.answer;
}

class Jobs : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(WriteColorClip(color_, kFrames));
    ASSERT_NO_FATAL_FAILURE(WriteDepthClip(depth_, kFrames));
    before_ = Files(folder_);
  }
  Values Stereo() const {
    return {{"color_video", color_}, {"depth_video", depth_}, {"output", output_}};
  }
  Owned<mdvt_job> StereoJob() const { return JobOf("stereo_rerender", Stereo()); }

  static constexpr int kFrames = 12;
  const TempDir folder_;
  const std::string color_ = folder_ / "clip.mkv", depth_ = folder_ / "clip_depth.mkv",
                    output_ = folder_ / "stereo.mkv";
  std::set<std::string> before_;
};

TEST_F(Jobs, StereoReportsWhatItDid) {
  const auto options = OptionsOf("stereo_rerender", Stereo());
  MDVT_ASSERT_OK(mdvt_options_set_flag(options.get(), "infill_mask", 1));
  const auto job = JobOf(options.get());
  // The job has its own copy.
  MDVT_ASSERT_OK(mdvt_options_set_text(options.get(), "output", "/nowhere/else.mkv"));
  Calls calls;
  MDVT_ASSERT_OK(mdvt_job_run(job.get(), OnProgress, &calls));
  EXPECT_GE(calls.count, 1);
  EXPECT_EQ(kFrames, calls.last) << "the call at the end is missing";
  EXPECT_EQ(kFrames, Frames(job.get()));
  const std::string mask = folder_ / "stereo.mkv_infillmask.mkv";
  EXPECT_EQ((std::vector<std::string>{output_, mask}), Outputs(job.get()));
  EXPECT_EQ(mask, Reported(job.get(), "mask_output"));
  EXPECT_TRUE(fs::exists(mask));
  EXPECT_GT(Number(job.get(), "hole_share"), 0);
  EXPECT_LT(Number(job.get(), "hole_share"), 1);
  int64_t width = 0;
  MDVT_ASSERT_OK(mdvt_job_report_integer(job.get(), "width", &width));
  EXPECT_EQ(2 * kClipWidth, width);
  EXPECT_EQ(2 * kClipWidth, Number(job.get(), "width")) << "an integer is a number too";
  const char* summary = nullptr;
  MDVT_ASSERT_OK(mdvt_job_summary(job.get(), &summary));
  EXPECT_EQ(0, std::string(summary).rfind("128x48, ", 0)) << summary;
  mdvt_reader* opened = nullptr;
  MDVT_ASSERT_OK(mdvt_video_reader_open(output_.c_str(), nullptr, &opened));
  const Owned<mdvt_reader> reader(opened);
  mdvt_video_info info;
  mdvt_video_info_init(&info);
  MDVT_ASSERT_OK(mdvt_reader_info(reader.get(), &info));
  EXPECT_EQ(2 * kClipWidth, info.width);
  // A job runs once, and its report stays.
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_job_run(job.get(), nullptr, nullptr));
  EXPECT_EQ(kFrames, Frames(job.get()));
}

TEST_F(Jobs, CancelByTheCallback) {
  const auto job = StereoJob();
  Calls calls;
  calls.answer = 1;
  EXPECT_EQ(MDVT_CANCELLED, mdvt_job_run(job.get(), OnProgress, &calls));
  EXPECT_EQ(1, calls.count);
  EXPECT_EQ(before_, Files(folder_));
  int64_t frames = 0;
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_job_frames(job.get(), &frames));
  double share = 0;
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_job_report_number(job.get(), "hole_share", &share));
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_job_run(job.get(), nullptr, nullptr)) << "it has been run";
}

TEST_F(Jobs, CancelFromAnotherThread) {
  const auto job = StereoJob();
  // The callback waits until the other thread has cancelled, so that it comes in the middle.
  std::atomic<bool> running{false}, cancelled{false};
  std::thread other([&] {
    while (!running) std::this_thread::yield();
    EXPECT_EQ(MDVT_OK, mdvt_job_cancel(job.get()));
    cancelled = true;
  });
  Calls calls;
  calls.act = [&] {
    running = true;
    while (!cancelled) std::this_thread::yield();
  };
  EXPECT_EQ(MDVT_CANCELLED, mdvt_job_run(job.get(), OnProgress, &calls));
  running = true;
  other.join();
  EXPECT_EQ(before_, Files(folder_));
}

mdvt_job* g_signalled = nullptr;

TEST_F(Jobs, CancelFromASignalHandler) {
  const auto job = StereoJob();
  g_signalled = job.get();
  const auto before = std::signal(SIGUSR1, [](int) { mdvt_job_cancel(g_signalled); });
  Calls calls;
  calls.act = [] { std::raise(SIGUSR1); };
  EXPECT_EQ(MDVT_CANCELLED, mdvt_job_run(job.get(), OnProgress, &calls));
  std::signal(SIGUSR1, before);
  EXPECT_EQ(before_, Files(folder_));
}

TEST_F(Jobs, CancelBeforeTheStart) {
  const auto job = StereoJob();
  MDVT_ASSERT_OK(mdvt_job_cancel(job.get()));
  EXPECT_EQ(MDVT_CANCELLED, mdvt_job_run(job.get(), nullptr, nullptr));
  EXPECT_EQ(before_, Files(folder_));
}

// Callbacks that misbehave.
TEST_F(Jobs, SurviveACallbackThatThrows) {
  const auto job = StereoJob();
  Calls calls;
  calls.act = [] { throw std::runtime_error("out of the callback"); };
  EXPECT_EQ(MDVT_INTERNAL, mdvt_job_run(job.get(), OnProgress, &calls));
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "out of the callback"));
  EXPECT_EQ(before_, Files(folder_));
}

TEST_F(Jobs, SurviveACallbackThatDestroysTheJob) {
  mdvt_job* job = StereoJob().release();
  Calls calls;
  bool destroyed = false;
  calls.act = [&] {
    if (!destroyed) mdvt_job_destroy(job);
    destroyed = true;
  };
  EXPECT_EQ(MDVT_CANCELLED, mdvt_job_run(job, OnProgress, &calls));
  EXPECT_EQ(before_, Files(folder_));
}

TEST_F(Jobs, SurviveACallbackThatRunsAnother) {
  const auto job = StereoJob();
  const std::string second = folder_ / "second.mkv";
  const auto options = OptionsOf("stereo_rerender", Stereo());
  SetAll(options.get(), {{"output", second}});
  const auto inner = JobOf(options.get());
  Calls calls;
  bool done = false;
  calls.act = [&] {
    if (done) return;
    done = true;
    EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_job_run(job.get(), nullptr, nullptr));
    int64_t frames = 0;
    EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_job_frames(job.get(), &frames)) << "not yet";
    EXPECT_EQ(MDVT_OK, mdvt_job_run(inner.get(), nullptr, nullptr)) << mdvt_last_error();
  };
  MDVT_EXPECT_OK(mdvt_job_run(job.get(), OnProgress, &calls));
  EXPECT_TRUE(fs::exists(second));
  EXPECT_TRUE(fs::exists(output_));
}

TEST_F(Jobs, DepthWritesADepthVideo) {
  const std::string output = folder_ / "motion_depth.mkv";
  const auto options =
      OptionsOf("video_metric_convert", {{"color_video", color_}, {"output", output}});
  MDVT_ASSERT_OK(mdvt_options_set_number(options.get(), "xfov", 50));
  MDVT_ASSERT_OK(mdvt_options_set_integer(options.get(), "max-frames", 5));
  const auto job = JobOf(options.get());
  MDVT_ASSERT_OK(mdvt_job_run(job.get(), nullptr, nullptr));
  EXPECT_EQ(5, Frames(job.get()));
  EXPECT_NEAR(50, Number(job.get(), "xfov"), 1e-9);
  EXPECT_EQ("", Reported(job.get(), "model"));
  int32_t flag = -1;
  MDVT_EXPECT_OK(mdvt_job_report_flag(job.get(), "translation_found", &flag));
  EXPECT_TRUE(flag == 0 || flag == 1) << flag;
  // What belongs to models alone.
  double scale = 7;
  EXPECT_EQ(MDVT_END, mdvt_job_report_number(job.get(), "disparity_scale", &scale));
  EXPECT_EQ(0, scale);
  const char* text = "";
  EXPECT_EQ(MDVT_END, mdvt_job_report_text(job.get(), "fit_samples", &text));
  EXPECT_EQ(nullptr, text);
  EXPECT_EQ(MDVT_END, mdvt_job_report_flag(job.get(), "fit_by_median", &flag));
  mdvt_reader* reader_opened = nullptr;
  MDVT_ASSERT_OK(mdvt_depth_reader_open(output.c_str(), nullptr, &reader_opened));
  const Owned<mdvt_reader> reader(reader_opened);
  mdvt_video_info info;
  mdvt_video_info_init(&info);
  MDVT_ASSERT_OK(mdvt_reader_info(reader.get(), &info));
  EXPECT_NEAR(50, info.xfov_deg, 1e-6);
}

TEST_F(Jobs, ExportWritesAGreyVideo) {
  const std::string output = folder_ / "grey.mkv";
  const auto job = JobOf("convert_metric_depth_video_to_other_format",
                         {{"depth_video", depth_}, {"output", output}, {"bit16", "on"}});
  MDVT_ASSERT_OK(mdvt_job_run(job.get(), nullptr, nullptr));
  EXPECT_EQ(kFrames, Frames(job.get()));
  EXPECT_EQ(std::vector<std::string>{output}, Outputs(job.get()));
  EXPECT_EQ("0", Reported(job.get(), "files"));
}

TEST_F(Jobs, FailBeforeAnythingIsWritten) {
  const auto options = OptionsOf("stereo_rerender", Stereo());
  SetAll(options.get(), {{"depth_video", folder_ / "missing.mkv"}});
  const auto job = JobOf(options.get());
  EXPECT_EQ(MDVT_NOT_FOUND, mdvt_job_run(job.get(), nullptr, nullptr));
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "missing.mkv"));
  EXPECT_EQ(before_, Files(folder_));
}

TEST_F(Jobs, KeepToTheLimitsOfTheirOptions) {
  const auto options = OptionsOf("stereo_rerender", Stereo());
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  limits.max_side = kClipWidth - 1;
  MDVT_ASSERT_OK(mdvt_options_use_limits(options.get(), &limits));
  const auto narrow = JobOf(options.get());
  MDVT_ASSERT_OK(mdvt_options_use_limits(options.get(), nullptr));
  const auto usual = JobOf(options.get());
  EXPECT_EQ(MDVT_LIMIT, mdvt_job_run(narrow.get(), nullptr, nullptr));
  EXPECT_EQ(before_, Files(folder_));
  MDVT_EXPECT_OK(mdvt_job_run(usual.get(), nullptr, nullptr));
}

// Jobs of the same options, side by side.
TEST_F(Jobs, DoNotShareAnything) {
  const auto options = OptionsOf("stereo_rerender", Stereo());
  std::vector<Owned<mdvt_job>> jobs;
  std::vector<std::string> outputs;
  for (int i = 0; i < 4; ++i) {
    outputs.push_back(folder_ / ("side_by_side_" + std::to_string(i) + ".mkv"));
    SetAll(options.get(), {{"output", outputs.back()}});
    jobs.push_back(JobOf(options.get()));
  }
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (const auto& job : jobs)
    threads.emplace_back([&] { good += mdvt_job_run(job.get(), nullptr, nullptr) == MDVT_OK; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(4, good);
  for (size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ(std::vector<std::string>{outputs[i]}, Outputs(jobs[i].get()));
    EXPECT_EQ(fs::file_size(outputs[0]), fs::file_size(outputs[i]));
  }
}

}  // namespace
}  // namespace mdvt::test
