// SPDX-License-Identifier: Apache-2.0
//
// Recordings that can be watched but are not whole: what is read of them and what is told.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "io/muxer.h"
#include "mdvt/io/video_reader.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ClipSpec;
using test::ExpectError;
using test::LogCatcher;
using test::MakeClip;
using test::TempDir;

constexpr int kFrames = 60;

// Where the clusters of a Matroska file begin, and where its bytes end.
std::vector<size_t> ClusterBounds(const std::vector<std::byte>& file) {
  std::vector<size_t> bounds;
  constexpr unsigned char kCluster[] = {0x1F, 0x43, 0xB6, 0x75};
  for (size_t i = 0; i + 4 <= file.size(); ++i)
    if (std::memcmp(file.data() + i, kCluster, 4) == 0) bounds.push_back(i);
  bounds.push_back(file.size());
  return bounds;
}

struct Codec {
  const char* name;
  const char* encoder;
  std::vector<std::pair<std::string, std::string>> options;
};

const std::vector<Codec>& Codecs() {
  static const std::vector<Codec> codecs = {
      {"h264 open gop",
       "libx264",
       {{"x264-params", "open-gop=1:keyint=12:min-keyint=12:bframes=3:scenecut=0:b-adapt=0"}}},
      {"h264 closed gop", "libx264", {{"x264-params", "keyint=12:min-keyint=12:scenecut=0"}}},
      {"hevc open gop",
       "libx265",
       {{"x265-params",
         "log-level=none:pools=none:frame-threads=1:open-gop=1:keyint=12:min-keyint=12:bframes=3:"
         "scenecut=0:b-adapt=0"}}},
      {"mpeg2", "mpeg2video", {{"g", "12"}, {"bf", "2"}}},
      {"mpeg4", "mpeg4", {{"g", "12"}, {"bf", "0"}}},
      {"vp9", "libvpx-vp9", {{"g", "12"}, {"deadline", "realtime"}, {"cpu-used", "8"}}},
  };
  return codecs;
}

// Copies the pictures of a Matroska file into a new one packet by packet: encoding them twice would
// not always give the same bits.
void Recut(const std::string& from, const std::string& to, const test::PacketEdit& edit) {
  AVFormatContext* source = nullptr;
  ASSERT_GE(avformat_open_input(&source, from.c_str(), nullptr, nullptr), 0);
  ff::Muxer muxer(to, "matroska", true);
  muxer.context()->avoid_negative_ts = 0;
  AVStream* stream = muxer.AddStream();
  ASSERT_GE(avcodec_parameters_copy(stream->codecpar, source->streams[0]->codecpar), 0);
  stream->time_base = source->streams[0]->time_base;
  stream->avg_frame_rate = source->streams[0]->avg_frame_rate;
  ff::Dictionary none;
  muxer.WriteHeader(&none);
  const ff::PacketPtr packet = ff::NewPacket();
  for (int index = 0; av_read_frame(source, packet.get()) >= 0; ++index) {
    // Matroska has none; no codec here holds more than 8 frames back.
    packet->dts = 40 * (index - 8);
    if (edit(index, packet.get())) muxer.Write(packet.get());
    av_packet_unref(packet.get());
  }
  avformat_close_input(&source);
  muxer.Finish();
}

// False if FFmpeg has no such encoder.
bool Make(const std::string& path, const Codec& codec) {
  if (avcodec_find_encoder_by_name(codec.encoder) == nullptr) return false;
  ClipSpec spec;
  spec.moving = true;
  spec.encoder = codec.encoder;
  spec.codec_options = codec.options;
  spec.width = 64;
  spec.height = 48;
  spec.frames = kFrames;
  MakeClip(path, spec);
  return true;
}

struct Result {
  std::map<int64_t, Image> frames;  // by time
  std::vector<int64_t> times;
  ReadingReport report;
};

Result ReadAll(const std::string& path, const VideoReaderOptions& options = {}) {
  Result result;
  VideoReader reader(path, options);
  while (auto frame = reader.Read()) {
    result.frames[frame->pts] = frame->image;
    result.times.push_back(frame->pts);
  }
  result.report = reader.report();
  return result;
}

VideoReaderOptions Strict() {
  VideoReaderOptions options;
  options.strict = true;
  return options;
}

void ExpectSame(const Result& part, const Result& whole) {
  for (const auto& [time, image] : part.frames) {
    const auto truth = whole.frames.find(time);
    ASSERT_NE(truth, whole.frames.end()) << "no frame at " << time;
    EXPECT_TRUE(test::SamePixels(image.view(), truth->second.view())) << "at " << time;
  }
}

// A cut anywhere: the clip begins with the first whole picture, and what comes is right.
TEST(ImperfectVideos, BeginWithTheFirstWholePicture) {
  for (const Codec& codec : Codecs()) {
    const TempDir folder;
    if (!Make(folder / "whole.mkv", codec)) continue;
    const Result whole = ReadAll(folder / "whole.mkv");
    ASSERT_EQ(whole.times.size(), size_t{kFrames}) << codec.name;
    for (const int cut : {1, 5, 11, 14, 30}) {
      SCOPED_TRACE(std::string(codec.name) + " without " + std::to_string(cut) + " packets");
      Recut(folder / "whole.mkv", folder / "cut.mkv",
            [cut](int index, AVPacket*) { return index >= cut; });
      LogCatcher log;
      const Result part = ReadAll(folder / "cut.mkv");
      ExpectSame(part, whole);
      const int64_t given = static_cast<int64_t>(part.times.size());
      EXPECT_GE(given, kFrames - cut - 16);
      EXPECT_EQ(part.report.left_out_at_start, kFrames - cut - given);
      EXPECT_EQ(part.report.missing, 0);
      EXPECT_EQ(part.report.damaged, 0);
      if (part.report.left_out_at_start == 0) continue;
      ASSERT_EQ(log.lines.size(), 1u);
      EXPECT_TRUE(log.Says(std::to_string(part.report.left_out_at_start) + " picture"))
          << log.lines[0];
      EXPECT_TRUE(log.Says("before the first whole one"));
      ExpectError(Code::kCorrupt, "damaged", [&folder] { ReadAll(folder / "cut.mkv", Strict()); });
    }
  }
}

// Without any key frame each picture is whole only once the refresh has gone over it.
TEST(ImperfectVideos, IntraRefreshBeginsWhereItIsWhole) {
  const TempDir folder;
  const Codec codec = {"h264 refresh",
                       "libx264",
                       {{"x264-params", "intra-refresh=1:keyint=12:min-keyint=1:bframes=0"}}};
  ASSERT_TRUE(Make(folder / "whole.mkv", codec));
  const Result whole = ReadAll(folder / "whole.mkv");
  ASSERT_EQ(whole.times.size(), size_t{kFrames});
  Recut(folder / "whole.mkv", folder / "cut.mkv", [](int index, AVPacket*) { return index >= 5; });
  LogCatcher log;
  const Result part = ReadAll(folder / "cut.mkv");
  EXPECT_GE(part.report.left_out_at_start, 1);
  EXPECT_GE(part.times.size(), size_t{kFrames - 5 - 24});
  EXPECT_EQ(part.report.left_out_at_start + static_cast<int64_t>(part.times.size()), kFrames - 5);
  ExpectSame(part, whole);
}

TEST(ImperfectVideos, WithoutAnyWholePictureThereIsNoVideo) {
  const TempDir folder;
  const Codec codec = {"mpeg4", "mpeg4", {{"g", "600"}, {"bf", "0"}}};
  ASSERT_TRUE(Make(folder / "whole.mkv", codec));
  Recut(folder / "whole.mkv", folder / "cut.mkv", [](int index, AVPacket*) { return index > 0; });
  LogCatcher log;
  ExpectError(Code::kCorrupt, "holds no frame that can be decoded in full",
              [&folder] { ReadAll(folder / "cut.mkv"); });
}

// Packets that are gone are counted, in every codec and container that tells the time of each.
TEST(ImperfectVideos, MissingFramesAreCounted) {
  for (const Codec& codec : Codecs()) {
    SCOPED_TRACE(codec.name);
    const TempDir folder;
    if (!Make(folder / "whole.mkv", codec)) continue;
    // In presentation order, so that single ones and several in a row are known.
    std::map<int64_t, int> order;
    Recut(folder / "whole.mkv", folder / "copy.mkv", [&order](int, AVPacket* packet) {
      order[packet->pts] = 0;
      return true;
    });
    int place = 0;
    for (auto& [pts, number] : order) number = place++;
    Recut(folder / "whole.mkv", folder / "holes.mkv", [&order](int, AVPacket* packet) {
      const int number = order[packet->pts];
      return number != 20 && number != 33 && number != 34;
    });
    LogCatcher log;
    const Result part = ReadAll(folder / "holes.mkv");
    EXPECT_EQ(part.times.size() + static_cast<size_t>(part.report.missing), size_t{kFrames});
    EXPECT_GE(part.report.missing, 3);
    // MPEG-2 without a reference may give a picture too late, which is told as well.
    ASSERT_LE(log.lines.size(), codec.name == std::string("mpeg2") ? 2u : 1u);
    EXPECT_TRUE(log.Says(std::to_string(part.report.missing) + " frames are missing"))
        << log.lines.back();
    EXPECT_EQ(part.times.back(), 40 * (kFrames - 1));
    ExpectError(Code::kCorrupt, "", [&folder] { ReadAll(folder / "holes.mkv", Strict()); });
  }
}

TEST(ImperfectVideos, AWipedClusterIsCounted) {
  const TempDir folder;
  ClipSpec spec;
  spec.encoder = "libx264";
  spec.codec_options = {{"x264-params", "keyint=5:min-keyint=5:scenecut=0:bframes=0"}};
  spec.width = spec.height = 64;
  spec.frames = kFrames;
  spec.muxer_options = {{"cluster_time_limit", "200"}};
  MakeClip(folder / "whole.mkv", spec);
  std::vector<std::byte> bytes = test::ReadBytes(folder / "whole.mkv");
  const std::vector<size_t> bounds = ClusterBounds(bytes);
  ASSERT_GE(bounds.size(), 8u);
  for (size_t i = bounds[4]; i < bounds[5]; ++i) bytes[i] = std::byte{0};
  test::WriteBytes(folder / "wiped.mkv", bytes);
  LogCatcher log;
  const Result part = ReadAll(folder / "wiped.mkv");
  EXPECT_EQ(part.report.missing, 5);
  EXPECT_EQ(part.times.size(), size_t{kFrames - 5});
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("5 frames are missing")) << log.lines[0];
  ExpectError(Code::kCorrupt, "5 frames are missing",
              [&folder] { ReadAll(folder / "wiped.mkv", Strict()); });
}

// Strictly, nobody who stops before the end has read past a hole.
TEST(ImperfectVideos, AHoleIsRefusedBeforeWhatComesBehindIt) {
  const TempDir folder;
  ASSERT_TRUE(Make(folder / "whole.mkv", Codecs()[1]));
  Recut(folder / "whole.mkv", folder / "hole.mkv",
        [](int index, AVPacket*) { return index < 24 || index >= 36; });
  const LogCatcher log;
  VideoReader reader(folder / "hole.mkv", Strict());
  ExpectError(Code::kCorrupt, "12 frames are missing", [&reader] {
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(reader.Read()) << i;
  });
}

// A picture that the decoder patches is shown and counted; the clip keeps its length.
TEST(ImperfectVideos, DamagedPicturesAreShownAndCounted) {
  const std::vector<Codec> codecs = {
      Codecs()[1],
      Codecs()[3],
      {"ffv1", "ffv1", {{"level", "3"}, {"slices", "4"}, {"slicecrc", "1"}}}};
  for (const Codec& codec : codecs) {
    SCOPED_TRACE(codec.name);
    const TempDir folder;
    ASSERT_TRUE(Make(folder / "whole.mkv", codec));
    // Half of a key frame in the middle.
    Recut(folder / "whole.mkv", folder / "bad.mkv", [&codec](int index, AVPacket* packet) {
      if (index != 36) return true;
      av_packet_make_writable(packet);
      // H.264 has no checksum: bits that are wrong but make sense are seen by nobody.
      if (std::string(codec.encoder) == "libx264") {
        av_shrink_packet(packet, packet->size / 2);
      } else {
        std::memset(packet->data + packet->size / 2, 0, static_cast<size_t>(packet->size / 4));
      }
      return true;
    });
    LogCatcher log;
    const Result part = ReadAll(folder / "bad.mkv");
    EXPECT_EQ(part.times.size() + static_cast<size_t>(part.report.missing), size_t{kFrames});
    EXPECT_GE(part.report.damaged + part.report.missing, 1);
    EXPECT_EQ(part.report.left_out_at_start, 0);
    // Without a key frame H.264 may give a picture too late, which is told as well.
    ASSERT_LE(log.lines.size(), codec.name == std::string("h264 closed gop") ? 2u : 1u);
    EXPECT_TRUE(log.Says(part.report.damaged > 0 ? "damaged and shown" : "missing or cannot be"));
    ExpectError(Code::kCorrupt, "damaged", [&folder] { ReadAll(folder / "bad.mkv", Strict()); });
  }
}

// Told also where nobody reads up to the end.
TEST(ImperfectVideos, DamageIsToldWhenReadingStopsEarly) {
  const TempDir folder;
  const Codec codec = {"ffv1", "ffv1", {{"level", "3"}, {"slices", "4"}, {"slicecrc", "1"}}};
  ASSERT_TRUE(Make(folder / "whole.mkv", codec));
  Recut(folder / "whole.mkv", folder / "bad.mkv", [](int index, AVPacket* packet) {
    av_packet_make_writable(packet);
    if (index == 2) packet->data[packet->size / 2] ^= 1;
    return true;
  });
  LogCatcher log;
  {
    VideoReader reader(folder / "bad.mkv");
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(reader.Read());
    EXPECT_TRUE(log.lines.empty());
  }
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("1 is damaged")) << log.lines[0];
}

// --- time ---------------------------------------------------------------------------------------

// Two recordings, one behind the other in one file: times begin anew in the middle.
TEST(ImperfectVideos, JoinedRecordingsGoOnFromWhereTheyWere) {
  const TempDir folder;
  ASSERT_TRUE(Make(folder / "a.mkv", Codecs()[1]));
  std::vector<std::byte> bytes = test::ReadBytes(folder / "a.mkv");
  const std::vector<std::byte> one = bytes;
  bytes.insert(bytes.end(), one.begin(), one.end());
  test::WriteBytes(folder / "joined.mkv", bytes);
  LogCatcher log;
  const Result joined = ReadAll(folder / "joined.mkv");
  ASSERT_EQ(joined.times.size(), size_t{2 * kFrames});
  for (size_t i = 0; i < joined.times.size(); ++i)
    EXPECT_EQ(joined.times[i], static_cast<int64_t>(40 * i));
  EXPECT_EQ(joined.report.missing, 0);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("frame 60 goes back in time, from 2.360 s to 0.000 s")) << log.lines[0];
}

// --- colour -------------------------------------------------------------------------------------

TEST(ImperfectVideos, AChangeOfColourRangeIsTold) {
  const TempDir folder;
  ClipSpec spec;
  spec.encoder = "libx264";
  spec.codec_options = {{"x264-params", "keyint=1"}, {"bf", "0"}};
  spec.width = spec.height = 64;
  spec.container = "avi";  // keeps the headers of the stream in its packets
  spec.time_base = {1, 25};
  spec.pts = {0, 1, 2, 3};
  spec.range = AVCOL_RANGE_JPEG;
  spec.matrix = AVCOL_SPC_BT709;
  std::vector<std::vector<uint8_t>> full;
  spec.edit = [&full](int, AVPacket* packet) {
    full.emplace_back(packet->data, packet->data + packet->size);
    return true;
  };
  MakeClip(folder / "full.avi", spec);
  spec.range = AVCOL_RANGE_MPEG;
  spec.edit = [&full](int index, AVPacket* packet) {
    if (index < 2) return true;
    const std::vector<uint8_t>& other = full[static_cast<size_t>(index)];
    const ff::PacketPtr copy = ff::NewPacket();
    EXPECT_GE(av_new_packet(copy.get(), static_cast<int>(other.size())), 0);
    EXPECT_GE(av_packet_copy_props(copy.get(), packet), 0);
    std::memcpy(copy->data, other.data(), other.size());
    copy->stream_index = packet->stream_index;
    copy->pts = packet->pts;
    copy->dts = packet->dts;
    av_packet_unref(packet);
    av_packet_move_ref(packet, copy.get());
    return true;
  };
  MakeClip(folder / "mixed.avi", spec);
  LogCatcher log;
  EXPECT_EQ(ReadAll(folder / "mixed.avi").times.size(), 4u);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("frame 2 states another colour range")) << log.lines[0];
}

}  // namespace
}  // namespace mdvt
