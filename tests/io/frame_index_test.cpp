// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "mdvt/io/video_reader.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

// Every frame of a clip in order, then the same frames in random order from a second reader.
void ExpectSameFramesInAnyOrder(const std::string& path) {
  std::vector<Frame> frames;
  VideoReader in_order(path);
  while (std::optional<Frame> frame = in_order.Read()) {
    frame->image = frame->image.Clone();
    frames.push_back(std::move(*frame));
  }
  VideoReader reader(path);
  ASSERT_EQ(reader.CountFrames(), static_cast<int64_t>(frames.size()));
  // Counting does not move the reader.
  EXPECT_TRUE(test::SamePixels(reader.Read()->image.view(), frames[0].image.view()));
  auto rng = test::Rng();
  for (int round = 0; round < 60; ++round) {
    const auto wanted = static_cast<int64_t>(rng() % frames.size());
    reader.SeekTo(wanted);
    // Some frames on from there.
    for (auto i = static_cast<size_t>(wanted);
         i < std::min(frames.size(), static_cast<size_t>(wanted) + rng() % 4 + 1); ++i) {
      const std::optional<Frame> frame = reader.Read();
      ASSERT_TRUE(frame) << i;
      ASSERT_EQ(frame->index, static_cast<int64_t>(i));
      ASSERT_EQ(frame->pts, frames[i].pts) << i;
      ASSERT_TRUE(test::SamePixels(frame->image.view(), frames[i].image.view())) << i;
    }
  }
  // Readers that begin later show a clip of its own.
  for (const size_t first : {size_t{1}, frames.size() / 2, frames.size() - 1}) {
    VideoReaderOptions later;
    later.first_frame = static_cast<int64_t>(first);
    VideoReader clip(path, later);
    EXPECT_EQ(clip.info().start_pts, 0);
    EXPECT_EQ(clip.info().skipped_pts, frames[first].pts);
    EXPECT_EQ(clip.CountFrames(), static_cast<int64_t>(frames.size() - first));
    for (size_t i = first; i < frames.size(); ++i) {
      const std::optional<Frame> frame = clip.Read();
      ASSERT_TRUE(frame) << first << " " << i;
      ASSERT_EQ(frame->index, static_cast<int64_t>(i - first));
      ASSERT_EQ(frame->pts, frames[i].pts - frames[first].pts);
      ASSERT_TRUE(test::SamePixels(frame->image.view(), frames[i].image.view()))
          << first << " " << i;
    }
    EXPECT_FALSE(clip.Read());
    clip.SeekTo(0);
    EXPECT_TRUE(test::SamePixels(clip.Read()->image.view(), frames[first].image.view()));
  }
  test::ExpectError(Code::kInvalidArgument, "there is no frame", [&] {
    VideoReaderOptions past;
    past.first_frame = static_cast<int64_t>(frames.size());
    VideoReader clip(path, past);
  });
  // Also from behind the end.
  reader.SeekTo(static_cast<int64_t>(frames.size()) - 1);
  EXPECT_TRUE(reader.Read());
  EXPECT_FALSE(reader.Read());
  reader.SeekTo(2);
  EXPECT_EQ(reader.Read()->pts, frames[2].pts);
  test::ExpectError(Code::kInvalidArgument, "there is no frame",
                    [&] { reader.SeekTo(static_cast<int64_t>(frames.size())); });
  test::ExpectError(Code::kInvalidArgument, "there is no frame", [&] { reader.SeekTo(-1); });
}

test::ClipSpec H264(const std::string& container) {
  test::ClipSpec spec;
  spec.container = container;
  spec.encoder = "libx264";
  spec.width = 64;
  spec.height = 48;
  spec.frames = 70;
  // Open groups with pictures that are shown before the key frame they follow.
  spec.codec_options = {{"x264-params", "keyint=20:min-keyint=20:bframes=3:open-gop=1:scenecut=0"}};
  return spec;
}

TEST(FrameIndex, FindsFramesOfLosslessMatroska) {
  const test::TempDir folder;
  test::ClipSpec spec;
  spec.frames = 50;
  test::MakeClip(folder / "a.mkv", spec);
  ExpectSameFramesInAnyOrder(folder / "a.mkv");
}

TEST(FrameIndex, FindsFramesAtARateThatIsNoWholeNumberOfTicks) {
  const test::TempDir folder;
  test::ClipSpec spec;
  spec.frame_rate = {24000, 1001};
  for (int i = 0; i < 60; ++i) spec.pts.push_back((i * 1001000 + 12000) / 24000);
  test::MakeClip(folder / "a.mkv", spec);
  ExpectSameFramesInAnyOrder(folder / "a.mkv");
}

TEST(FrameIndex, FindsFramesBetweenKeyFrames) {
  const test::TempDir folder;
  for (const char* container : {"matroska", "mp4"}) {
    SCOPED_TRACE(container);
    test::MakeClip(folder / container, H264(container));
    ExpectSameFramesInAnyOrder(folder / container);
  }
}

TEST(FrameIndex, FindsFramesOfTransportStreams) {
  const test::TempDir folder;
  test::MakeClip(folder / "a.ts", H264("mpegts"));
  ExpectSameFramesInAnyOrder(folder / "a.ts");
  test::ClipSpec every_one_a_key_frame;
  every_one_a_key_frame.container = "mpegts";
  every_one_a_key_frame.encoder = "mpeg2video";
  every_one_a_key_frame.frames = 60;
  every_one_a_key_frame.codec_options = {{"g", "1"}};
  test::MakeClip(folder / "b.ts", every_one_a_key_frame);
  ExpectSameFramesInAnyOrder(folder / "b.ts");
}

TEST(FrameIndex, FindsFramesOfAnUnevenPace) {
  const test::TempDir folder;
  auto rng = test::Rng();
  for (const char* container : {"matroska", "mp4"}) {
    SCOPED_TRACE(container);
    test::ClipSpec spec = H264(container);
    for (int64_t pts = 0; spec.pts.size() < 70; pts += 20 + static_cast<int64_t>(rng() % 80))
      spec.pts.push_back(pts);
    test::MakeClip(folder / container, spec);
    ExpectSameFramesInAnyOrder(folder / container);
  }
  // On the grid of an even pace, with one frame missing.
  test::ClipSpec spec;
  for (int i = 0; i < 40; ++i) spec.pts.push_back(40 * (i + (i > 17 ? 1 : 0)));
  test::MakeClip(folder / "gap.mkv", spec);
  ExpectSameFramesInAnyOrder(folder / "gap.mkv");
}

}  // namespace
}  // namespace mdvt
