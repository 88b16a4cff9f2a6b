// SPDX-License-Identifier: Apache-2.0
//
// Sound, subtitles, chapters and attachments that are carried over while a video is written.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/demuxer.h"
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

TEST(StreamCopy, ChaptersEndWithAShortenedVideo) {
  const TempDir folder;
  ClipSpec spec = FullClip();
  spec.audio_encoder.clear();
  spec.attachment = false;
  spec.chapters = 20;  // 2 s
  MakeClip(folder / "in.mkv", spec);
  for (const char* name : {"out.mkv", "out.mp4"}) {
    SCOPED_TRACE(name);
    const bool is_mkv = std::string(name) == "out.mkv";
    Copy(folder / "in.mkv", folder / name, is_mkv ? VideoCodec::kFfv1 : VideoCodec::kH264, 24);
    const Content out = ReadContent(folder / name);
    ASSERT_EQ(out.chapters.size(), 10u);  // the last one from 0.9 to 0.96 s
    EXPECT_EQ(out.chapters.back().second, "Part 10");
    ff::Demuxer file(OpenFileSource(folder / name), name, Limits());
    file.FindStreamInfo(Limits());
    EXPECT_NEAR(static_cast<double>(file.context()->duration) / 1e6, 0.96, 0.11);
  }
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

// Every kind of sound into every container: as it is, or as AAC with one warning; never lost and
// never the end of the job.
TEST(StreamCopy, EveryKindOfSoundHasAPlace) {
  struct Kind {
    const char* encoder;
    AVCodecID codec;
    bool in_mp4, in_mov;
  };
  const Kind kinds[] = {{"aac", AV_CODEC_ID_AAC, true, true},
                        {"flac", AV_CODEC_ID_FLAC, true, false},
                        {"libopus", AV_CODEC_ID_OPUS, true, false},
                        {"libvorbis", AV_CODEC_ID_VORBIS, false, false},
                        {"libmp3lame", AV_CODEC_ID_MP3, true, true},
                        {"mp2", AV_CODEC_ID_MP2, false, false},
                        {"ac3", AV_CODEC_ID_AC3, true, true},
                        {"eac3", AV_CODEC_ID_EAC3, true, true},
                        {"alac", AV_CODEC_ID_ALAC, true, true},
                        {"wavpack", AV_CODEC_ID_WAVPACK, false, false},
                        {"pcm_s16le", AV_CODEC_ID_PCM_S16LE, false, true},
                        {"pcm_s24le", AV_CODEC_ID_PCM_S24LE, false, true},
                        {"pcm_f32le", AV_CODEC_ID_PCM_F32LE, false, true},
                        {"pcm_u8", AV_CODEC_ID_PCM_U8, false, true},
                        {"pcm_alaw", AV_CODEC_ID_PCM_ALAW, false, true}};
  const TempDir folder;
  int tried = 0;
  for (const Kind& kind : kinds) {
    if (avcodec_find_encoder_by_name(kind.encoder) == nullptr) continue;
    ClipSpec spec = FullClip();
    spec.subtitles.clear();
    spec.attachment = false;
    spec.audio_encoder = kind.encoder;
    MakeClip(folder / "in.mkv", spec);
    for (const char* name : {"out.mkv", "out.mp4", "out.mov"}) {
      SCOPED_TRACE(std::string(kind.encoder) + " in " + name);
      const bool mkv = std::string(name) == "out.mkv", mov = std::string(name) == "out.mov";
      test::LogCatcher log;
      Copy(folder / "in.mkv", folder / name, mkv ? VideoCodec::kFfv1 : VideoCodec::kH264);
      const Content out = ReadContent(folder / name);
      const Track* audio = out.Find(AVMEDIA_TYPE_AUDIO);
      ASSERT_NE(audio, nullptr);
      ++tried;
      const bool pcm = std::string(kind.encoder).rfind("pcm_", 0) == 0;
      const bool held = mkv || (mov ? kind.in_mov : kind.in_mp4);
      // FFmpeg 6 and later put PCM into MP4 as well.
      EXPECT_TRUE((pcm && !mkv && !mov) || audio->codec == (held ? kind.codec : AV_CODEC_ID_AAC))
          << avcodec_get_name(audio->codec);
      EXPECT_EQ(log.lines.size(), audio->codec == kind.codec ? 0u : 1u);
      EXPECT_GT(audio->packets.back().seconds,
                2.4);  // where it begins: WavPack's last half a second
      EXPECT_LT(audio->packets.back().seconds, 3.1);
      EXPECT_EQ(audio->language, mov ? "ger" : "deu");  // QuickTime has a list of its own
    }
  }
  EXPECT_GE(tried, 30);
}

// Subtitles that are pictures, fonts, cover pictures and data: kept where the file can hold them,
// else left out with one warning each, and never the end of the job.
TEST(StreamCopy, PicturesOfTextFontsCoversAndDataHaveAPlaceOrAWarning) {
  const std::string png =
      "\x89PNG\r\n\x1a\n" + std::string("\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x8\0\0\0\0", 21) +
      std::string("\x3a\x7e\x9b\x55\0\0\0\nIDATx\x9c\x63\x60\0\0\0\2\0\1\x48\xaf\xa4\x71", 26) +
      std::string("\0\0\0\0IEND\xae\x42\x60\x82", 12);
  struct Kind {
    const char* what;
    test::OtherStream stream;
    bool in_mp4;
  };
  const Kind kinds[] = {
      {"Blu-ray subtitles",
       {AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_HDMV_PGS_SUBTITLE, std::string("\x80\0\0", 3), "", "",
        ""},
       false},
      {"broadcast subtitles",
       {AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_DVB_SUBTITLE, std::string("\x0f\x10\0\1\0\2\x1e\0", 8),
        "", "", std::string("\0\1\0\1\0", 5)},
       false},
      {"DVD subtitles",
       {AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_DVD_SUBTITLE, std::string("\0\x8\0\4\0\0\0\4\xff", 9),
        "", "", "size: 64x48\npalette: 000000, ffffff\n"},
       true},
      {"font",
       {AVMEDIA_TYPE_ATTACHMENT, AV_CODEC_ID_TTF, "no font", "face.ttf",
        "application/x-truetype-font", ""},
       false},
      {"cover",
       {AVMEDIA_TYPE_ATTACHMENT, AV_CODEC_ID_PNG, png, "cover.png", "image/png", ""},
       false}};
  const TempDir folder;
  for (const Kind& kind : kinds) {
    ClipSpec spec = FullClip();
    spec.attachment = false;
    spec.others = {kind.stream};
    MakeClip(folder / "in.mkv", spec);
    const Content in = ReadContent(folder / "in.mkv");
    const Track& wanted = in.tracks.back();
    for (const char* name : {"out.mkv", "out.mp4", "out.mov"}) {
      SCOPED_TRACE(std::string(kind.what) + " in " + name);
      const bool mkv = std::string(name) == "out.mkv", mp4 = std::string(name) == "out.mp4";
      const bool held = mkv || (mp4 && kind.in_mp4);
      test::LogCatcher log;
      Copy(folder / "in.mkv", folder / name, mkv ? VideoCodec::kFfv1 : VideoCodec::kH264);
      EXPECT_EQ(log.lines.size(), held ? 0u : 1u);
      const Content out = ReadContent(folder / name);
      const auto found =
          std::find_if(out.tracks.begin(), out.tracks.end(), [&wanted](const Track& track) {
            return track.type == wanted.type && track.codec == wanted.codec;
          });
      ASSERT_EQ(found != out.tracks.end(), held);
      if (!held) continue;
      ExpectSamePackets(wanted, *found, 0.0011);
      EXPECT_EQ(found->extradata, mkv ? wanted.extradata : found->extradata);
    }
  }
}

TEST(StreamCopy, WhatACameraMeasuredIsLeftOutWithAWarning) {
  const TempDir folder;
  ClipSpec spec = FullClip();
  spec.container = "mp4";
  spec.subtitles.clear();
  spec.attachment = false;
  spec.others = {{AVMEDIA_TYPE_DATA, AV_CODEC_ID_BIN_DATA, "acceleration", "", "", ""}};
  MakeClip(folder / "in.mp4", spec);
  ASSERT_NE(ReadContent(folder / "in.mp4").Find(AVMEDIA_TYPE_DATA), nullptr);
  test::LogCatcher log;
  Copy(folder / "in.mp4", folder / "out.mkv", VideoCodec::kFfv1);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_NE(log.lines[0].find("is left out"), std::string::npos) << log.lines[0];
  EXPECT_NE(ReadContent(folder / "out.mkv").Find(AVMEDIA_TYPE_AUDIO), nullptr);
}

// Copies a Matroska file as FFmpeg does, with each packet changed first.
void Remux(const std::string& from, const std::string& to,
           const std::function<void(AVMediaType, AVPacket*)>& change) {
  ff::Demuxer in(OpenFileSource(from), from, Limits());
  AVFormatContext* out = nullptr;
  ASSERT_GE(avformat_alloc_output_context2(&out, nullptr, "matroska", to.c_str()), 0);
  for (unsigned i = 0; i < in.context()->nb_streams; ++i) {
    AVStream* stream = avformat_new_stream(out, nullptr);
    avcodec_parameters_copy(stream->codecpar, in.context()->streams[i]->codecpar);
    stream->time_base = in.context()->streams[i]->time_base;
  }
  ASSERT_GE(avio_open(&out->pb, to.c_str(), AVIO_FLAG_WRITE), 0);
  ASSERT_GE(avformat_write_header(out, nullptr), 0);
  const ff::PacketPtr packet = ff::NewPacket();
  while (in.Read(packet.get())) {
    change(in.context()->streams[packet->stream_index]->codecpar->codec_type, packet.get());
    ASSERT_GE(av_write_frame(out, packet.get()), 0);
    av_packet_unref(packet.get());
  }
  ASSERT_GE(av_write_trailer(out), 0);
  avio_closep(&out->pb);
  avformat_free_context(out);
}

// Times and durations of a broken file would end an MP4: they are brought into what it holds.
TEST(StreamCopy, TimesOutOfRangeAreClamped) {
  const TempDir folder;
  ClipSpec spec = FullClip();
  spec.attachment = false;
  MakeClip(folder / "whole.mkv", spec);
  const std::function<void(AVMediaType, AVPacket*)> changes[] = {
      [](AVMediaType type, AVPacket* packet) {
        if (type == AVMEDIA_TYPE_SUBTITLE) packet->duration = int64_t{1} << 33;
      },
      [](AVMediaType type, AVPacket* packet) {
        if (type == AVMEDIA_TYPE_SUBTITLE && packet->pts > 1200)
          packet->pts = packet->dts = packet->pts + (int64_t{1} << 40);
      },
      [](AVMediaType type, AVPacket* packet) {
        if (type == AVMEDIA_TYPE_AUDIO && packet->pts > 1500)
          packet->pts = packet->dts = packet->pts + (int64_t{1} << 34);
      }};
  for (const auto& change : changes) {
    Remux(folder / "whole.mkv", folder / "in.mkv", change);
    for (const char* name : {"out.mkv", "out.mp4", "out.mov"}) {
      const bool mkv = std::string(name) == "out.mkv";
      const test::LogCatcher log;
      Copy(folder / "in.mkv", folder / name, mkv ? VideoCodec::kFfv1 : VideoCodec::kH264);
      const Content out = ReadContent(folder / name);
      EXPECT_EQ(out.Find(AVMEDIA_TYPE_VIDEO)->packets.size(), 75u) << name;
      EXPECT_GE(out.Find(AVMEDIA_TYPE_AUDIO)->packets.size(), 140u) << name;
      EXPECT_GE(out.Find(AVMEDIA_TYPE_SUBTITLE)->packets.size(), 6u) << name;
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
