// SPDX-License-Identifier: Apache-2.0
//
// Sound, subtitles, chapters and attachments that are carried over while a video is written.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "io/file_content.h"
#include "mdvt/core/log.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ClipSpec;
using test::Content;
using test::MakeClip;
using test::Packet;
using test::ReadContent;
using test::TempDir;
using test::Track;

// Reads the pictures of `from` and writes them, or the first `frames`, with everything else.
void Copy(const std::string& from, const std::string& to, VideoCodec codec, int frames = 1 << 30,
          bool audio = true) {
  VideoReader reader(from);
  const VideoInfo& info = reader.info();
  VideoWriterOptions options;
  options.codec = codec;
  options.time_base = info.time_base;
  options.frame_rate = info.frame_rate;
  options.copy_streams_from = from;
  options.copy_audio = audio;
  VideoWriter writer(to, info.format, info.width, info.height, options);
  for (int i = 0; i < frames; ++i) {
    const auto frame = reader.Read();
    if (!frame) break;
    writer.Write(frame->image, frame->pts, frame->duration);
  }
  writer.Finish(frames < (1 << 30) ? StreamEnd::kPictures : StreamEnd::kOwn);
}

ClipSpec FullClip() {
  ClipSpec spec;
  spec.encoder = "libx264";
  spec.codec_options = {{"preset", "ultrafast"}};
  spec.width = 64;
  spec.height = 48;
  spec.frames = 75;  // 3 s
  spec.audio_encoder = "aac";
  spec.audio_seconds = 3;
  spec.subtitles = {"one", "two", "three", "four", "five", "six"};
  spec.chapters = 3;
  spec.attachment = true;
  spec.tags = {{"title", "The film"}};
  return spec;
}

void ExpectSamePackets(const Track& a, const Track& b, double tolerance) {
  ASSERT_EQ(a.packets.size(), b.packets.size());
  for (size_t i = 0; i < a.packets.size(); ++i) {
    ASSERT_EQ(a.packets[i].data, b.packets[i].data) << i;
    ASSERT_NEAR(a.packets[i].seconds, b.packets[i].seconds, tolerance) << i;
  }
}

TEST(StreamCopy, AudioCanBeLeftOut) {
  const TempDir folder;
  MakeClip(folder / "in.mkv", FullClip());
  test::LogCatcher log;
  Copy(folder / "in.mkv", folder / "out.mkv", VideoCodec::kFfv1, 1 << 30, false);
  EXPECT_TRUE(log.lines.empty()) << log.lines[0];
  EXPECT_FALSE(VideoReader(folder / "out.mkv").info().has_audio);
  const Content in = ReadContent(folder / "in.mkv"), out = ReadContent(folder / "out.mkv");
  EXPECT_EQ(out.tracks.size() + 1, in.tracks.size());  // the subtitles are there
}

TEST(StreamCopy, MatroskaToMatroskaKeepsEverything) {
  const TempDir folder;
  MakeClip(folder / "in.mkv", FullClip());
  test::LogCatcher log;
  Copy(folder / "in.mkv", folder / "out.mkv", VideoCodec::kFfv1);
  EXPECT_TRUE(log.lines.empty()) << log.lines[0];
  const Content in = ReadContent(folder / "in.mkv"), out = ReadContent(folder / "out.mkv");
  ASSERT_EQ(out.tracks.size(), 4u);
  for (const AVMediaType type : {AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_SUBTITLE}) {
    ASSERT_NE(out.Find(type), nullptr);
    EXPECT_EQ(out.Find(type)->codec, in.Find(type)->codec);
    EXPECT_EQ(out.Find(type)->language, in.Find(type)->language);
    EXPECT_EQ(out.Find(type)->extradata, in.Find(type)->extradata);
    ExpectSamePackets(*in.Find(type), *out.Find(type), 0.0011);
  }
  EXPECT_EQ(out.Find(AVMEDIA_TYPE_SUBTITLE)->packets[2].duration, 0.4);
  const Track& file = *out.Find(AVMEDIA_TYPE_ATTACHMENT);
  EXPECT_EQ(file.extradata, "hello");
  EXPECT_EQ(file.tags.at("filename"), "note.txt");
  EXPECT_EQ(out.chapters, in.chapters);
  ASSERT_EQ(out.chapters.size(), 3u);
  EXPECT_EQ(out.chapters[1].second, "Part 2");
  EXPECT_EQ(out.tags.at("title"), "The film");
  EXPECT_EQ(out.Find(AVMEDIA_TYPE_VIDEO)->packets.size(), 75u);
}

TEST(StreamCopy, PacketsLieNearTheirPictures) {
  const TempDir folder;
  MakeClip(folder / "in.mkv", FullClip());
  for (const char* name : {"out.mkv", "out.mp4"}) {
    const bool mkv = std::string(name) == "out.mkv";
    const test::LogCatcher log;
    Copy(folder / "in.mkv", folder / name, mkv ? VideoCodec::kFfv1 : VideoCodec::kH264);
    // No long runs of one kind: 25 pictures and 47 sound packets a second take turns.
    const auto order = ReadContent(folder / name).order;
    size_t run = 0, longest = 0;
    for (size_t i = 0; i < order.size(); ++i) {
      run = i > 0 && order[i] == order[i - 1] ? run + 1 : 1;
      longest = std::max(longest, run);
    }
    EXPECT_LE(longest, 12u) << name;
  }
}

TEST(StreamCopy, MatroskaToMp4WarnsOfWhatIsLeftOut) {
  const TempDir folder;
  MakeClip(folder / "in.mkv", FullClip());
  test::LogCatcher log;
  Copy(folder / "in.mkv", folder / "out.mp4", VideoCodec::kH264);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_NE(log.lines[0].find("attachment"), std::string::npos) << log.lines[0];
  const Content in = ReadContent(folder / "in.mkv"), out = ReadContent(folder / "out.mp4");
  ExpectSamePackets(*in.Find(AVMEDIA_TYPE_AUDIO), *out.Find(AVMEDIA_TYPE_AUDIO), 0.0011);
  EXPECT_EQ(out.Find(AVMEDIA_TYPE_AUDIO)->language, "deu");
  EXPECT_EQ(out.chapters, in.chapters);
  EXPECT_EQ(out.tags.at("title"), "The film");
  const Track* text = out.Find(AVMEDIA_TYPE_SUBTITLE);
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(text->codec, AV_CODEC_ID_MOV_TEXT);
  EXPECT_EQ(text->language, "fra");
}

TEST(StreamCopy, SubtitlesSurviveTheWayThroughMp4) {
  const TempDir folder;
  ClipSpec spec = FullClip();
  spec.subtitles = {"one", "two\nlines", "<i>slanted</i> \xC3\xA4"};
  spec.attachment = false;
  MakeClip(folder / "in.mkv", spec);
  const test::LogCatcher log;
  Copy(folder / "in.mkv", folder / "middle.mp4", VideoCodec::kH264);
  Copy(folder / "middle.mp4", folder / "out.mkv", VideoCodec::kFfv1);
  const Content out = ReadContent(folder / "out.mkv");
  const Track* text = out.Find(AVMEDIA_TYPE_SUBTITLE);
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(text->codec, AV_CODEC_ID_SUBRIP);
  std::vector<std::string> lines;
  for (const Packet& packet : text->packets) {
    std::string line(packet.data.begin(), packet.data.end());
    line.erase(std::remove(line.begin(), line.end(), '\r'), line.end());
    if (!line.empty()) lines.push_back(line);
  }
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "one");
  EXPECT_EQ(lines[1], "two\nlines");
  EXPECT_NE(lines[2].find("slanted"), std::string::npos);
  EXPECT_NE(lines[2].find("\xC3\xA4"), std::string::npos);
  const Content in = ReadContent(folder / "in.mkv");
  EXPECT_NEAR(text->packets[0].seconds, in.Find(AVMEDIA_TYPE_SUBTITLE)->packets[0].seconds, 0.002);
}

TEST(StreamCopy, AudioThatMp4CannotHoldBecomesAac) {
  const TempDir folder;
  ClipSpec spec = FullClip();
  spec.subtitles.clear();
  spec.attachment = false;
  spec.audio_encoder = "pcm_s16le";
  MakeClip(folder / "in.mkv", spec);
  test::LogCatcher log;
  Copy(folder / "in.mkv", folder / "out.mp4", VideoCodec::kH264);
  const Content out = ReadContent(folder / "out.mp4");
  const Track* audio = out.Find(AVMEDIA_TYPE_AUDIO);
  ASSERT_NE(audio, nullptr);
  if (audio->codec != AV_CODEC_ID_AAC) GTEST_SKIP() << "this FFmpeg puts PCM into MP4";
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_NE(log.lines[0].find("becomes AAC"), std::string::npos) << log.lines[0];
  double total = 0;
  for (const Packet& packet : audio->packets) total += packet.duration;
  EXPECT_NEAR(total, 3.0, 0.07);
  EXPECT_EQ(audio->language, "deu");
}

TEST(StreamCopy, StartOffsetsAreKept) {
  const TempDir folder;
  for (const char* container : {"matroska", "mp4"}) {
    for (const char* encoder : {"aac", "flac"}) {
      ClipSpec spec = FullClip();
      spec.container = container;
      spec.subtitles.clear();
      spec.chapters = 0;
      spec.attachment = false;
      spec.audio_encoder = encoder;
      spec.audio_begin = 0.7;
      spec.audio_seconds = 2;
      MakeClip(folder / "in", spec);
      const test::LogCatcher log;
      for (const char* name : {"out.mkv", "out.mp4"}) {
        const bool mkv = std::string(name) == "out.mkv";
        Copy(folder / "in", folder / name, mkv ? VideoCodec::kFfv1 : VideoCodec::kH264);
        const Content in = ReadContent(folder / "in"), out = ReadContent(folder / name);
        ExpectSamePackets(*in.Find(AVMEDIA_TYPE_AUDIO), *out.Find(AVMEDIA_TYPE_AUDIO), 0.0016);
        EXPECT_NEAR(out.Find(AVMEDIA_TYPE_VIDEO)->packets[0].seconds, 0, 1e-9) << name;
      }
    }
  }
}

// AAC begins before zero by its encoder's delay; the pictures must stay where they are.
TEST(StreamCopy, EncoderDelayDoesNotShiftThePictures) {
  const TempDir folder;
  ClipSpec spec = FullClip();
  spec.container = "mp4";
  spec.subtitles.clear();
  spec.attachment = false;
  MakeClip(folder / "in.mp4", spec);
  const Content in = ReadContent(folder / "in.mp4");
  ASSERT_LT(in.Find(AVMEDIA_TYPE_AUDIO)->packets[0].seconds, 0);
  const test::LogCatcher log;
  for (const char* name : {"out.mkv", "out.mp4"}) {
    const bool mkv = std::string(name) == "out.mkv";
    Copy(folder / "in.mp4", folder / name, mkv ? VideoCodec::kFfv1 : VideoCodec::kH264);
    const Content out = ReadContent(folder / name);
    EXPECT_NEAR(out.Find(AVMEDIA_TYPE_VIDEO)->packets[0].seconds, 0, 1e-9) << name;
    ExpectSamePackets(*in.Find(AVMEDIA_TYPE_AUDIO), *out.Find(AVMEDIA_TYPE_AUDIO), 0.0016);
  }
}

TEST(StreamCopy, SoundEndsWithAShortenedVideo) {
  const TempDir folder;
  ClipSpec spec = FullClip();
  spec.frames = 250;  // 10 s
  spec.audio_seconds = 10;
  MakeClip(folder / "in.mkv", spec);
  const test::LogCatcher log;
  Copy(folder / "in.mkv", folder / "out.mkv", VideoCodec::kFfv1, 25);
  const Content out = ReadContent(folder / "out.mkv");
  EXPECT_EQ(out.Find(AVMEDIA_TYPE_VIDEO)->packets.size(), 25u);
  const auto& sound = out.Find(AVMEDIA_TYPE_AUDIO)->packets;
  const double end = out.Find(AVMEDIA_TYPE_VIDEO)->packets.back().seconds + 0.04;
  EXPECT_NEAR(end, 1.0, 0.03);
  EXPECT_GT(sound.back().seconds, end - 0.05);
  EXPECT_LT(sound.back().seconds, end);
}

// Of Matroska only the length of the whole file is known, which is that of the sound here.
TEST(StreamCopy, SoundAndTextLongerThanTheWholeVideoAreKept) {
  const TempDir folder;
  ClipSpec spec = FullClip();
  spec.frames = 25;
  spec.audio_seconds = 6;
  for (const char* container : {"matroska", "webm", "mp4"}) {
    spec.container = container;
    const bool mp4 = spec.container == "mp4", webm = spec.container == "webm";
    spec.subtitles.clear();
    if (!mp4 && !webm) spec.subtitles = {"one", "two", "three", "four", "five", "six"};
    spec.attachment = false;
    spec.encoder = webm ? "libvpx" : "libx264";
    if (webm) spec.codec_options = {{"cpu-used", "8"}, {"deadline", "realtime"}};
    spec.audio_encoder = webm ? "libopus" : "aac";
    MakeClip(folder / "in", spec);
    const test::LogCatcher log;
    for (const char* name : {"out.mkv", "out.mp4", "out.mov"}) {
      if (webm && std::string(name) == "out.mov") continue;  // Opus becomes AAC there
      const bool mkv = std::string(name) == "out.mkv";
      Copy(folder / "in", folder / name, mkv ? VideoCodec::kFfv1 : VideoCodec::kH264);
      const Content in = ReadContent(folder / "in"), out = ReadContent(folder / name);
      EXPECT_EQ(out.Find(AVMEDIA_TYPE_AUDIO)->packets.size(),
                in.Find(AVMEDIA_TYPE_AUDIO)->packets.size())
          << container << " " << name;
      if (spec.subtitles.empty()) continue;
      ASSERT_NE(out.Find(AVMEDIA_TYPE_SUBTITLE), nullptr);
      EXPECT_NEAR(out.Find(AVMEDIA_TYPE_SUBTITLE)->packets.back().seconds, 2.5, 0.45);
    }
  }
}

TEST(StreamCopy, SourcesWithoutSoundAreFine) {
  const TempDir folder;
  MakeClip(folder / "in.mkv", ClipSpec());
  Copy(folder / "in.mkv", folder / "out.mkv", VideoCodec::kFfv1);
  EXPECT_EQ(ReadContent(folder / "out.mkv").tracks.size(), 1u);
}

TEST(StreamCopy, BadSourcesAreRefusedAndLeaveNothing) {
  const TempDir folder;
  test::WriteBytes(folder / "text.mp4", std::vector<std::byte>(100, std::byte{'a'}));
  VideoWriterOptions options;
  options.copy_streams_from = folder / "text.mp4";
  const PixelFormat gray = PixelFormat::Gray(8);
  test::ExpectError(Code::kCorrupt, "text",
                    [&] { VideoWriter(folder / "out.mkv", gray, 8, 8, options); });
  options.copy_streams_from = folder / "missing.mp4";
  test::ExpectError(Code::kNotFound, "missing",
                    [&] { VideoWriter(folder / "out.mkv", gray, 8, 8, options); });
  EXPECT_EQ(test::ListFolder(folder.path()), std::vector<std::string>{"text.mp4"});
}

}  // namespace
}  // namespace mdvt
