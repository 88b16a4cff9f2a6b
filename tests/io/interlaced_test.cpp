// SPDX-License-Identifier: Apache-2.0
//
// Interlaced video: recognised, and made whole pictures of. The truth is a plain ramp that moves to
// the side: of two fields taken at two moments the combs can be measured.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/deinterlacer.h"
#include "mdvt/io/video_reader.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ClipSpec;
using test::LogCatcher;
using test::MakeClip;
using test::TempDir;

constexpr int kWidth = 96, kHeight = 64, kFrames = 12;

// A picture of two fields, the second 4 pixels further: woven noise-free stripes.
ff::FramePtr Woven(int index, bool interlaced, bool top_first) {
  ff::FramePtr frame = test::MakeMovingFrame(AV_PIX_FMT_YUV420P, kWidth, kHeight, 0);
  for (int y = 0; y < kHeight; ++y) {
    const bool second = interlaced && (y % 2 == 0) != top_first;
    const int shift = 8 * index + (second ? 4 : 0);
    for (int x = 0; x < kWidth; ++x)
      frame->data[0][y * frame->linesize[0] + x] =
          static_cast<uint8_t>(128 + 90 * std::sin(2 * 3.14159265 * (x + shift) / 24));
  }
  for (int y = 0; y < kHeight / 2; ++y)
    for (int x = 0; x < kWidth / 2; ++x)
      frame->data[1][y * frame->linesize[1] + x] = frame->data[2][y * frame->linesize[2] + x] = 128;
  if (interlaced) ff::MarkInterlaced(frame.get(), top_first);
  return frame;
}

ClipSpec Clip(bool interlaced, bool top_first = true) {
  ClipSpec spec;
  spec.encoder = "mpeg2video";
  spec.width = kWidth;
  spec.height = kHeight;
  spec.frames = kFrames;
  spec.codec_options = {{"b", "8000000"}, {"qmax", "2"}};
  if (interlaced) spec.codec_options.emplace_back("flags", "+ildct+ilme");
  spec.picture = [interlaced, top_first](int index) { return Woven(index, interlaced, top_first); };
  return spec;
}

// How much neighbouring rows differ: nothing in the truth, much where fields are woven.
double Combing(const Image& image) {
  const auto luma = image.Plane<uint8_t>(0);
  double sum = 0;
  int count = 0;
  for (int y = 8; y + 9 < luma.height; ++y)
    for (int x = 16; x + 16 < luma.width; ++x, ++count)
      sum += std::abs(luma.At(x, y) - luma.At(x, y + 1));
  return sum / count;
}

struct Result {
  VideoInfo info;
  std::vector<Frame> frames;
};

Result Read(const std::string& path, Deinterlace how) {
  VideoReaderOptions options;
  options.deinterlace = how;
  VideoReader reader(path, options);
  Result result{reader.info(), {}};
  while (auto frame = reader.Read()) result.frames.push_back(*frame);
  return result;
}

TEST(Interlaced, OneWholePictureOfEachFrame) {
  for (const bool top_first : {true, false}) {
    const TempDir folder;
    MakeClip(folder / "clip.mkv", Clip(true, top_first));
    LogCatcher log;
    const Result whole = Read(folder / "clip.mkv", Deinterlace::kAuto);
    ASSERT_EQ(log.lines.size(), 1u);
    EXPECT_TRUE(
        log.Says(top_first ? "interlaced (top field first)" : "interlaced (bottom field first)"))
        << log.lines[0];
    const Result woven = Read(folder / "clip.mkv", Deinterlace::kOff);
    EXPECT_EQ(log.lines.size(), 1u);  // as asked for: nothing to tell
    ASSERT_EQ(whole.frames.size(), size_t{kFrames});
    ASSERT_EQ(woven.frames.size(), size_t{kFrames});
    for (size_t i = 0; i < whole.frames.size(); ++i) {
      EXPECT_EQ(whole.frames[i].pts, woven.frames[i].pts);
      EXPECT_EQ(whole.frames[i].index, static_cast<int64_t>(i));
      EXPECT_GT(Combing(woven.frames[i].image), 25) << i;
      EXPECT_LT(Combing(whole.frames[i].image), 5) << i;
    }
    EXPECT_EQ(whole.info.frame_rate, woven.info.frame_rate);
  }
}

TEST(Interlaced, OnePictureOfEachField) {
  const TempDir folder;
  MakeClip(folder / "clip.mkv", Clip(true));
  const LogCatcher log;
  const Result fields = Read(folder / "clip.mkv", Deinterlace::kFields);
  ASSERT_EQ(fields.frames.size(), size_t{2 * kFrames});
  EXPECT_EQ(fields.info.frame_rate, (Rational{50, 1}));
  for (size_t i = 0; i < fields.frames.size(); ++i) {
    EXPECT_EQ(Rescale(fields.frames[i].pts, fields.info.time_base, {1, 1000}),
              static_cast<int64_t>(20 * i));
    EXPECT_LT(Combing(fields.frames[i].image), 5) << i;
    // Each field shows its own moment: the stripes go on by 4 pixels.
    const auto luma = fields.frames[i].image.Plane<uint8_t>(0);
    for (int x = 24; x < kWidth - 24; ++x) {
      const double truth =
          128 + 90 * std::sin(2 * 3.14159265 * (x + 4 * static_cast<double>(i)) / 24);
      ASSERT_NEAR(luma.At(x, kHeight / 2), truth, 16) << i;
    }
  }
}

// The time base is halved whether or not a frame is interlaced, so that it holds for the clip.
TEST(Interlaced, WholeFramesStayOneWithFieldsApart) {
  const TempDir folder;
  MakeClip(folder / "clip.mkv", Clip(false));
  const LogCatcher log;
  const Result fields = Read(folder / "clip.mkv", Deinterlace::kFields);
  ASSERT_EQ(fields.frames.size(), size_t{kFrames});
  EXPECT_EQ(fields.info.frame_rate, (Rational{25, 1}));
  for (size_t i = 0; i < fields.frames.size(); ++i)
    EXPECT_EQ(Rescale(fields.frames[i].pts, fields.info.time_base, {1, 1000}),
              static_cast<int64_t>(40 * i));
  EXPECT_TRUE(log.lines.empty());
}

TEST(Interlaced, ProgressiveVideoIsNotTouched) {
  const TempDir folder;
  MakeClip(folder / "clip.mkv", Clip(false));
  const LogCatcher log;
  const Result automatic = Read(folder / "clip.mkv", Deinterlace::kAuto);
  const Result off = Read(folder / "clip.mkv", Deinterlace::kOff);
  ASSERT_EQ(automatic.frames.size(), off.frames.size());
  for (size_t i = 0; i < off.frames.size(); ++i)
    EXPECT_TRUE(test::SamePixels(automatic.frames[i].image.view(), off.frames[i].image.view()));
  EXPECT_TRUE(log.lines.empty());
}

// MJPEG says nothing of fields; its container does.
TEST(Interlaced, IsKnownFromTheContainerToo) {
  const TempDir folder;
  ClipSpec spec = Clip(true);
  spec.encoder = "ffv1";
  spec.codec_options = {{"level", "3"}};
  spec.field_order = AV_FIELD_TT;
  MakeClip(folder / "clip.mkv", spec);
  LogCatcher log;
  const Result whole = Read(folder / "clip.mkv", Deinterlace::kAuto);
  ASSERT_EQ(whole.frames.size(), size_t{kFrames});
  EXPECT_TRUE(log.Says("interlaced"));
  EXPECT_LT(Combing(whole.frames[3].image), 5);
}

// Codes are no picture: they are never mixed.
TEST(Interlaced, ExactSamplesStayAsTheyAre) {
  const TempDir folder;
  MakeClip(folder / "clip.mkv", Clip(true));
  VideoReaderOptions options;
  options.exact = true;
  VideoReader reader(folder / "clip.mkv", options);
  EXPECT_GT(Combing(reader.Read()->image), 25);
}

}  // namespace
}  // namespace mdvt
