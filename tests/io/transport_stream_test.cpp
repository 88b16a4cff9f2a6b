// SPDX-License-Identifier: Apache-2.0
//
// MPEG transport streams, whole, cut anywhere and with packets lost.
#include "io/transport_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/container_check.h"
#include "io/expect_error.h"
#include "io/file_content.h"
#include "io/muxer.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ClipSpec;
using test::ExpectError;
using test::LogCatcher;
using test::TempDir;
using Bytes = std::vector<std::byte>;

constexpr int kFrames = 60;
constexpr int kPicturePid = 0x100;  // FFmpeg's first
constexpr int64_t kTicks = 90000;   // a second
constexpr size_t kPacket = 188;

// Copies the streams of a Matroska file, whose pictures have no packet of another time than their
// own, into a transport stream in which the first picture is shown at `begin` ticks.
Bytes Remux(const std::string& from, int64_t begin, int programs = 1) {
  AVFormatContext* source = nullptr;
  if (avformat_open_input(&source, from.c_str(), nullptr, nullptr) < 0) return {};
  const TempDir folder;
  ff::Muxer muxer(folder / "clip", "mpegts", true);
  muxer.context()->avoid_negative_ts = 0;
  for (int program = 0; program < programs; ++program) {
    if (programs > 1) av_new_program(muxer.context(), program + 1);
    for (unsigned i = 0; i < source->nb_streams; ++i) {
      AVStream* stream = muxer.AddStream();
      EXPECT_GE(avcodec_parameters_copy(stream->codecpar, source->streams[i]->codecpar), 0);
      stream->codecpar->codec_tag = 0;
      stream->time_base = source->streams[i]->time_base;
      const auto index = static_cast<unsigned>(stream->index);
      if (programs > 1) av_program_add_stream_index(muxer.context(), program + 1, index);
    }
  }
  ff::Dictionary options;
  options.Set("mpegts_copyts", int64_t{1});
  muxer.WriteHeader(&options);
  const ff::PacketPtr packet = ff::NewPacket();
  while (av_read_frame(source, packet.get()) >= 0) {
    packet->dts = packet->pts;
    AVStream* stream = muxer.context()->streams[packet->stream_index];
    av_packet_rescale_ts(packet.get(), source->streams[packet->stream_index]->time_base,
                         stream->time_base);
    packet->dts += begin;
    packet->pts += begin;
    for (int program = 0; program < programs; ++program) {
      const ff::PacketPtr copy(av_packet_clone(packet.get()));
      copy->stream_index += program * static_cast<int>(source->nb_streams);
      muxer.Write(copy.get());
    }
    av_packet_unref(packet.get());
  }
  avformat_close_input(&source);
  muxer.Finish();
  return test::ReadBytes(folder / "clip");
}

// One key frame in twelve, pictures in the order of showing.
void MakeH264(const std::string& path, bool sound = false) {
  ClipSpec spec;
  spec.moving = true;
  spec.encoder = "libx264";
  spec.codec_options = {{"x264-params", "keyint=12:min-keyint=12:scenecut=0:bframes=0:qp=4"}};
  spec.width = 96;
  spec.height = 64;
  spec.frames = kFrames;
  if (sound) {
    spec.audio_encoder = "mp2";
    spec.audio_seconds = 2.4;
  }
  test::MakeClip(path, spec);
}

struct Result {
  std::vector<int64_t> times;
  std::vector<Image> frames;
  ReadingReport report;
  VideoInfo info;
};

Result ReadAll(const std::string& path, bool strict = false) {
  VideoReaderOptions options;
  options.strict = strict;
  VideoReader reader(path, options);
  Result result;
  while (auto frame = reader.Read()) {
    result.times.push_back(frame->pts);
    result.frames.push_back(frame->image);
  }
  result.report = reader.report();
  result.info = reader.info();
  return result;
}

Result ReadAll(const Bytes& bytes, bool strict = false) {
  const TempDir folder;
  test::WriteBytes(folder / "clip.ts", bytes);
  return ReadAll(folder / "clip.ts", strict);
}

// Pictures coded anew, all other streams as they are.
void CopyWithPictures(const std::string& from, const std::string& to) {
  VideoReader reader(from);
  const VideoInfo& info = reader.info();
  VideoWriterOptions options;
  options.codec = VideoCodec::kH264;
  options.time_base = info.time_base;
  options.frame_rate = info.frame_rate;
  options.copy_streams_from = from;
  VideoWriter writer(to, info.format, info.width, info.height, options);
  while (const auto frame = reader.Read()) writer.Write(frame->image, frame->pts, frame->duration);
  writer.Finish();
}

int PidOf(const Bytes& stream, size_t at) {
  return static_cast<int>(stream[at + 1] & std::byte{0x1F}) << 8 | static_cast<int>(stream[at + 2]);
}

// Where the packets of the pictures lie.
std::vector<size_t> PicturePackets(const Bytes& stream) {
  std::vector<size_t> packets;
  for (size_t at = 0; at < stream.size(); at += kPacket)
    if (PidOf(stream, at) == kPicturePid) packets.push_back(at);
  return packets;
}

bool BeginsPicture(const Bytes& stream, size_t at) {
  return (stream[at + 1] & std::byte{0x40}) != std::byte{0};
}

Bytes Without(Bytes stream, std::vector<size_t> packets) {
  std::sort(packets.rbegin(), packets.rend());
  for (const size_t at : packets) {
    const auto from = stream.begin() + static_cast<ptrdiff_t>(at);
    stream.erase(from, from + static_cast<ptrdiff_t>(kPacket));
  }
  return stream;
}

// As other packets of the same bytes are laid out.
Bytes Spaced(const Bytes& stream, size_t before, size_t behind) {
  Bytes spaced;
  for (size_t at = 0; at < stream.size(); at += kPacket) {
    spaced.resize(spaced.size() + before);
    spaced.insert(spaced.end(), stream.begin() + static_cast<ptrdiff_t>(at),
                  stream.begin() + static_cast<ptrdiff_t>(at + kPacket));
    spaced.resize(spaced.size() + behind);
  }
  return spaced;
}

class TransportStream : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempDir>();
    MakeH264(*folder_ / "whole.mkv");
    MakeH264(*folder_ / "sound.mkv", true);
    stream_ = Remux(*folder_ / "whole.mkv", 5 * kTicks);
    whole_ = ReadAll(*folder_ / "whole.mkv");
  }
  static void TearDownTestSuite() {
    whole_ = {};
    folder_.reset();
  }

  // All frames are those that are shown at these times, of 40 ms each, in the Matroska file.
  static void ExpectPictures(const Result& part, int first) {
    for (size_t i = 0; i < part.frames.size(); ++i) {
      const auto number = static_cast<size_t>(first + part.times[i] / 3600);
      ASSERT_LT(number, whole_.frames.size());
      EXPECT_EQ(part.times[i] % 3600, 0);
      EXPECT_TRUE(test::SamePixels(part.frames[i].view(), whole_.frames[number].view())) << i;
    }
  }

  static std::unique_ptr<TempDir> folder_;
  static Bytes stream_;
  static Result whole_;
};
std::unique_ptr<TempDir> TransportStream::folder_;
Bytes TransportStream::stream_;
Result TransportStream::whole_;

TEST_F(TransportStream, IsReadFrameByFrameFromTimeZero) {
  const LogCatcher log;
  for (const Bytes& bytes : {stream_, Spaced(stream_, 4, 0), Spaced(stream_, 0, 16)}) {
    const Result all = ReadAll(bytes, true);
    ASSERT_EQ(all.frames.size(), size_t{kFrames});
    ExpectPictures(all, 0);
    EXPECT_EQ(all.info.container, "mpegts");
    EXPECT_EQ(all.info.frame_rate, (Rational{25, 1}));
    EXPECT_EQ(all.info.start_pts, 0);
    EXPECT_EQ(all.report.missing + all.report.damaged + all.report.left_out_at_start, 0);
  }
  EXPECT_TRUE(log.lines.empty()) << log.lines[0];
}

// The clock has 33 bits and runs over after 26.5 hours.
TEST_F(TransportStream, ClockThatRunsOverIsNotSeen) {
  const LogCatcher log;
  constexpr int64_t kEnd = int64_t{1} << 33;
  for (const int64_t begin : {kEnd - kTicks, kEnd - 3600, int64_t{20} * 3600 * kTicks}) {
    const Result all = ReadAll(Remux(*folder_ / "whole.mkv", begin), true);
    ASSERT_EQ(all.frames.size(), size_t{kFrames}) << begin;
    ExpectPictures(all, 0);
  }
  EXPECT_TRUE(log.lines.empty()) << log.lines[0];
}

// Within any packet, also within that of a key frame.
TEST_F(TransportStream, MayBeginAnywhere) {
  const std::vector<size_t> packets = PicturePackets(stream_);
  for (const size_t cut : {packets[1] + 77, packets[packets.size() / 3] + 5}) {
    SCOPED_TRACE(cut);
    LogCatcher log;
    const Bytes part(stream_.begin() + static_cast<ptrdiff_t>(cut), stream_.end());
    const Result all = ReadAll(part);
    const int given = static_cast<int>(all.frames.size());
    EXPECT_EQ(given % 12, 0) << "begins with a key frame";
    EXPECT_GE(given, 36);
    for (size_t i = 0; i < all.frames.size(); ++i) {
      const auto number = static_cast<size_t>(kFrames - given) + i;
      EXPECT_TRUE(test::SamePixels(all.frames[i].view(), whole_.frames[number].view())) << i;
    }
    EXPECT_GE(all.report.left_out_at_start, 1);
    EXPECT_TRUE(log.Says("before the first whole one"));
    ExpectError(Code::kCorrupt, "damaged", [&] { ReadAll(part, true); });
  }
}

TEST_F(TransportStream, LostPacketsAreCounted) {
  const std::vector<size_t> packets = PicturePackets(stream_);
  size_t begin = 0;  // of a picture in the middle that has more packets than one
  for (size_t i = packets.size() / 2; begin == 0; ++i)
    if (BeginsPicture(stream_, packets[i]) && !BeginsPicture(stream_, packets[i + 1]) &&
        !BeginsPicture(stream_, packets[i + 2]))
      begin = i;
  const struct {
    const char* name;
    std::vector<size_t> lost;
  } cases[] = {{"in the middle", {packets[begin + 1]}},
               {"two pictures", {packets[begin + 1], packets[packets.size() - 2]}},
               {"the beginning", {packets[begin]}}};
  for (const auto& [name, lost] : cases) {
    SCOPED_TRACE(name);
    LogCatcher log;
    const Bytes part = Without(stream_, lost);
    const Result all = ReadAll(part);
    EXPECT_GE(all.report.damaged + all.report.missing, static_cast<int64_t>(lost.size()));
    EXPECT_LE(all.report.damaged + all.report.missing, 3);
    EXPECT_GE(all.frames.size(), size_t{kFrames - 2});
    EXPECT_TRUE(log.Says(all.report.damaged > 0 ? "damaged and shown" : "missing"));
    ExpectError(Code::kCorrupt, "damaged", [&] { ReadAll(part, true); });
  }
}

TEST_F(TransportStream, AWipedSecondIsCounted) {
  const std::vector<size_t> packets = PicturePackets(stream_);
  Bytes part = stream_;
  const size_t begin = packets[packets.size() / 3], end = packets[packets.size() * 2 / 3];
  std::fill(part.begin() + static_cast<ptrdiff_t>(begin),
            part.begin() + static_cast<ptrdiff_t>(end), std::byte{0});
  LogCatcher log;
  const Result all = ReadAll(part);
  EXPECT_GE(all.report.missing, 10);
  // What is before and behind it is there.
  EXPECT_EQ(all.times.front(), 0);
  EXPECT_EQ(all.times.back(), 3600 * (kFrames - 1));
  EXPECT_EQ(static_cast<int64_t>(all.frames.size()) + all.report.missing, kFrames);
  EXPECT_TRUE(log.Says("are missing"));
  ExpectError(Code::kCorrupt, "", [&] { ReadAll(part, true); });
}

TEST_F(TransportStream, AnyFrameIsFound) {
  const TempDir folder;
  test::WriteBytes(folder / "clip.m2ts", Spaced(stream_, 4, 0));
  VideoReader reader(folder / "clip.m2ts");
  EXPECT_EQ(reader.CountFrames(), kFrames);
  for (const int64_t frame : {59, 0, 31, 12, 11, 47, 1}) {
    reader.SeekTo(frame);
    const auto found = reader.Read();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->index, frame);
    EXPECT_EQ(found->pts, 3600 * frame);
    EXPECT_TRUE(
        test::SamePixels(found->image.view(), whole_.frames[static_cast<size_t>(frame)].view()));
  }
}

// Sound stays where it was beside the pictures, in whatever file both go into.
TEST_F(TransportStream, SoundKeepsItsPlace) {
  const TempDir folder;
  test::WriteBytes(folder / "clip.ts", Remux(*folder_ / "sound.mkv", 12345 * kTicks));
  for (const char* name : {"out.mkv", "out.mp4"}) {
    const LogCatcher log;
    CopyWithPictures(folder / "clip.ts", folder / name);
    const test::Content in = test::ReadContent(folder / "clip.ts");
    const test::Content out = test::ReadContent(folder / name);
    const test::Track* sound = out.Find(AVMEDIA_TYPE_AUDIO);
    const test::Track* pictures = out.Find(AVMEDIA_TYPE_VIDEO);
    ASSERT_NE(sound, nullptr);
    EXPECT_EQ(pictures->packets.size(), size_t{kFrames});
    // AAC, which MP2 becomes in MP4, begins with a packet that is not heard.
    const double priming = std::string(name) == "out.mp4" ? 1024.0 / 48000 : 0.0;
    const double lead = in.Find(AVMEDIA_TYPE_AUDIO)->packets[0].seconds -
                        in.Find(AVMEDIA_TYPE_VIDEO)->packets[0].seconds - priming;
    EXPECT_NEAR(sound->packets[0].seconds - pictures->packets[0].seconds, lead, 0.0011) << name;
    EXPECT_NEAR(sound->packets.back().seconds - pictures->packets[0].seconds, 2.37, 0.05) << name;
    EXPECT_LT(pictures->packets[0].seconds, 0.1) << name;
  }
}

// Subtitles of broadcasts are pictures: Matroska holds them, the others say that they are lost.
// Pages of teletext fit into neither.
TEST_F(TransportStream, SubtitlesGoWhereTheyCanBeHeld) {
  const TempDir folder;
  ClipSpec spec;
  spec.container = "mpegts";
  spec.encoder = "libx264";
  spec.frames = 50;
  spec.others = {
      {AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_DVB_SUBTITLE, std::string("\x0f\x10\0\1\0\2\x1e\0", 8),
       "", "", std::string("\0\1\0\1\0", 5), "deu"},
      {AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_DVB_TELETEXT, std::string("\x10", 1) + std::string(45, 0),
       "", "", "", "eng"}};
  test::MakeClip(folder / "clip.ts", spec);
  const test::Content in = test::ReadContent(folder / "clip.ts");
  ASSERT_EQ(in.tracks.size(), 3u);
  for (const char* name : {"out.mkv", "out.mp4"}) {
    SCOPED_TRACE(name);
    const LogCatcher log;
    CopyWithPictures(folder / "clip.ts", folder / name);
    EXPECT_TRUE(log.Says("subtitle stream 2 (dvb_teletext) is left out"));
    const test::Content out = test::ReadContent(folder / name);
    const test::Track* text = out.Find(AVMEDIA_TYPE_SUBTITLE);
    if (std::string(name) == "out.mp4") {
      EXPECT_EQ(text, nullptr);
      EXPECT_TRUE(log.Says("subtitle stream 1 (dvb_subtitle) is left out"));
      continue;
    }
    EXPECT_EQ(log.lines.size(), 1u);
    ASSERT_NE(text, nullptr);
    EXPECT_EQ(text->codec, AV_CODEC_ID_DVB_SUBTITLE);
    ASSERT_EQ(text->packets.size(), 3u);
    const double lead = in.Find(AVMEDIA_TYPE_SUBTITLE)->packets[1].seconds -
                        in.Find(AVMEDIA_TYPE_VIDEO)->packets[0].seconds;
    EXPECT_NEAR(text->packets[1].seconds - out.Find(AVMEDIA_TYPE_VIDEO)->packets[0].seconds, lead,
                0.0011);
  }
}

TEST_F(TransportStream, OfSeveralProgramsOneIsRead) {
  const TempDir folder;
  test::WriteBytes(folder / "clip.ts", Remux(*folder_ / "sound.mkv", kTicks, 3));
  LogCatcher log;
  VideoReader reader(folder / "clip.ts");
  EXPECT_TRUE(log.Says("holds 3 programs, the first one with pictures is read"));
  VideoWriterOptions options;
  options.codec = VideoCodec::kFfv1;
  options.time_base = reader.info().time_base;
  options.frame_rate = reader.info().frame_rate;
  options.copy_streams_from = folder / "clip.ts";
  VideoWriter writer(folder / "out.mkv", reader.info().format, 96, 64, options);
  while (const auto frame = reader.Read()) writer.Write(frame->image, frame->pts, frame->duration);
  writer.Finish(StreamEnd::kOwn);
  EXPECT_EQ(test::ReadContent(folder / "out.mkv").tracks.size(), 2u);
  EXPECT_EQ(log.lines.size(), 1u);
}

TEST_F(TransportStream, LimitsHold) {
  const TempDir folder;
  test::WriteBytes(folder / "clip.ts", stream_);
  VideoReaderOptions options;
  options.limits.max_frames = 20;
  const LogCatcher log;
  ExpectError(Code::kLimit, "limit of 20 frames", [&] {
    VideoReader reader(folder / "clip.ts", options);
    while (reader.Read()) {
    }
  });
  options.limits = {};
  options.limits.max_pixels_per_frame = 96 * 64 - 1;
  ExpectError(Code::kLimit, "pixels", [&] { VideoReader reader(folder / "clip.ts", options); });
}

TEST_F(TransportStream, WithoutTablesNobodyKnowsWhatItHolds) {
  Bytes part;
  for (const size_t at : PicturePackets(stream_))
    part.insert(part.end(), stream_.begin() + static_cast<ptrdiff_t>(at),
                stream_.begin() + static_cast<ptrdiff_t>(at + kPacket));
  const LogCatcher log;
  ExpectError(Code::kCorrupt, "tables of this transport stream are missing",
              [&] { ReadAll(part); });
}

// --- packets ------------------------------------------------------------------------------------

std::string Packets(size_t count, size_t spacing, size_t begin) {
  std::string bytes(count * spacing, '\0');
  for (size_t at = begin; at < bytes.size(); at += spacing) bytes[at] = '\x47';
  return bytes;
}

TEST(TransportPackets, AreFoundAtEveryDistanceAndOffset) {
  EXPECT_EQ(ff::FindTransportPackets(Packets(6, 188, 0)), 188);
  EXPECT_EQ(ff::FindTransportPackets(Packets(6, 188, 187)), 188);
  EXPECT_EQ(ff::FindTransportPackets(Packets(6, 192, 4)), 192);
  EXPECT_EQ(ff::FindTransportPackets(Packets(6, 204, 100)), 204);
  EXPECT_EQ(ff::FindTransportPackets(Packets(3, 188, 0)), 188);
  EXPECT_EQ(ff::FindTransportPackets(Packets(2, 188, 0)), std::nullopt);
  EXPECT_EQ(ff::FindTransportPackets(Packets(6, 190, 0)), std::nullopt);
  EXPECT_EQ(ff::FindTransportPackets(""), std::nullopt);
}

// A packet of stream 0x100 with that counter.
std::string Packet(int counter, bool begins = false, bool payload = true, int flags = -1) {
  std::string bytes(kPacket, '\0');
  bytes[0] = '\x47';
  bytes[1] = static_cast<char>(begins ? 0x41 : 0x01);
  bytes[3] = static_cast<char>((flags >= 0 ? 0x20 : 0) | (payload ? 0x10 : 0) | (counter & 15));
  if (flags >= 0) {
    bytes[4] = 1;
    bytes[5] = static_cast<char>(flags);
  }
  return bytes;
}

bool IsWhole(const std::string& bytes) {
  const auto source = OpenMemorySource(bytes.data(), bytes.size());
  ff::TransportCheck check(*source, 188, 0x100);
  return check.IsWhole(0);
}

TEST(TransportPackets, CounterTellsWhatIsMissing) {
  const std::string head = Packet(15, true);
  EXPECT_TRUE(IsWhole(head));
  EXPECT_TRUE(IsWhole(head + Packet(0) + Packet(1) + Packet(2, true)));
  EXPECT_FALSE(IsWhole(head + Packet(1)));
  EXPECT_FALSE(IsWhole(head + Packet(0) + Packet(2, true)));
  EXPECT_TRUE(IsWhole(head + Packet(0) + Packet(1, true) + Packet(7))) << "of the next picture";
  EXPECT_TRUE(IsWhole(head + Packet(0) + Packet(0) + Packet(1))) << "sent twice";
  EXPECT_FALSE(IsWhole(head + Packet(0) + Packet(0) + Packet(0))) << "sent three times";
  EXPECT_TRUE(IsWhole(head + Packet(15, false, false, 0) + Packet(0))) << "a clock only";
  EXPECT_TRUE(IsWhole(head + Packet(9, false, true, 0x80) + Packet(10))) << "jumps, and says so";
  std::string bad = Packet(0);
  bad[1] = '\x81';
  EXPECT_FALSE(IsWhole(head + bad)) << "sent as damaged";
  EXPECT_FALSE(IsWhole(head + std::string(2 * kPacket, '\0') + Packet(0))) << "no packet";
  EXPECT_TRUE(IsWhole(head + Packet(0) + std::string(100, '\0'))) << "the end of the file";
}

}  // namespace
}  // namespace mdvt
