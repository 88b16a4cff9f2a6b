// SPDX-License-Identifier: Apache-2.0
//
// Files that are not what they seem: each must end in the right error, soon and in little memory.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "io/muxer.h"
#include "mdvt/core/log.h"
#include "mdvt/io/image_file.h"
#include "mdvt/io/video_reader.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ClipSpec;
using test::MakeClip;
using test::StatusKib;
using test::TempDir;
using Bytes = std::vector<std::byte>;

Bytes Text(const std::string& text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

// `head`, then zeros.
Bytes Padded(const std::string& head, size_t size) {
  Bytes bytes = Text(head);
  bytes.resize(size);
  return bytes;
}

Bytes Clip(const ClipSpec& spec) {
  const TempDir folder;
  MakeClip(folder / "clip", spec);
  return test::ReadBytes(folder / "clip");
}

Bytes FirstPart(const Bytes& bytes, double share) {
  return Bytes(bytes.begin(),
               bytes.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(bytes.size())));
}

// Replaces the first occurrence of `from` (from `start` on) by `to` of the same length.
void Patch(Bytes* bytes, const std::string& from, const std::string& to) {
  const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos);
  ASSERT_EQ(from.size(), to.size());
  std::memcpy(bytes->data() + at, to.data(), to.size());
}

ClipSpec Ffv1Clip() {
  ClipSpec spec;
  spec.width = 64;
  spec.height = 48;
  spec.frames = 8;
  spec.codec_options = {{"level", "3"}, {"slices", "4"}, {"slicecrc", "1"}, {"g", "1"}};
  return spec;
}

ClipSpec Mp4Clip() {
  ClipSpec spec = Ffv1Clip();
  spec.container = "mp4";
  spec.encoder = "mjpeg";
  spec.pixel_format = AV_PIX_FMT_YUVJ420P;
  spec.codec_options.clear();
  return spec;
}

// A picture's header with a giant size, and next to nothing behind it.
Bytes HugePng(uint32_t width, uint32_t height) {
  const TempDir folder;
  WritePng(folder / "a.png", test::RandomImage(PixelFormat::Rgb(8), 16, 16, 0).view());
  Bytes bytes = test::ReadBytes(folder / "a.png");
  for (int i = 0; i < 4; ++i) {
    bytes[static_cast<size_t>(16 + i)] = static_cast<std::byte>(width >> (24 - 8 * i));
    bytes[static_cast<size_t>(20 + i)] = static_cast<std::byte>(height >> (24 - 8 * i));
  }
  return bytes;
}

Bytes Jpeg(int width = 32, int height = 16, bool huge = false) {
  const auto frame = test::MakeFrame(AV_PIX_FMT_YUVJ420P, width, height, 0);
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  const ff::CodecPtr encoder = ff::NewCodec(codec);
  encoder->width = width;
  encoder->height = height;
  encoder->pix_fmt = AV_PIX_FMT_YUVJ420P;
  encoder->time_base = {1, 25};
  EXPECT_GE(avcodec_open2(encoder.get(), codec, nullptr), 0);
  avcodec_send_frame(encoder.get(), frame.get());
  const ff::PacketPtr packet = ff::NewPacket();
  EXPECT_GE(avcodec_receive_packet(encoder.get(), packet.get()), 0);
  Bytes bytes(static_cast<size_t>(packet->size));
  std::memcpy(bytes.data(), packet->data, bytes.size());
  if (huge) {
    for (size_t i = 0; i + 9 < bytes.size(); ++i) {
      if (bytes[i] == std::byte{0xFF} && bytes[i + 1] == std::byte{0xC0}) {
        for (size_t k = 5; k < 9; ++k) bytes[i + k] = std::byte{0xFF};
      }
    }
  }
  return bytes;
}

// Strictly: imperfect_videos_test.cpp tests what is read of files that are not whole.
void ReadVideo(const std::string& path, const Limits& limits = {}) {
  VideoReaderOptions options;
  options.limits = limits;
  options.strict = true;
  VideoReader reader(path, options);
  while (reader.Read()) {
  }
}

struct Case {
  const char* name;
  Code code;
  const char* text;  // part of the message
  std::function<void(const std::string& folder)> run;
};

// Puts the bytes into a file and reads it as a video.
std::function<void(const std::string&)> Video(const Bytes& bytes, const Limits& limits = {}) {
  return [=](const std::string& folder) {
    test::WriteBytes(folder + "/clip", bytes);
    ReadVideo(folder + "/clip", limits);
  };
}

std::function<void(const std::string&)> Picture(const Bytes& bytes, const Limits& limits = {}) {
  return [=](const std::string& folder) {
    test::WriteBytes(folder + "/image", bytes);
    ReadImageFile(folder + "/image", limits);
  };
}

Bytes Garbage(size_t size) {
  std::mt19937 random(7);
  Bytes bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  bytes[0] = std::byte{0xAA};
  return bytes;
}

// MJPEG frames of two sizes in one stream.
Bytes SizeSwitch(int second_width, int second_height) {
  ClipSpec small = Mp4Clip(), large = Mp4Clip();
  small.container = large.container = "avi";
  small.time_base = large.time_base = {1, 25};
  small.pts = {0, 1, 2, 3};
  large.pts = {0};
  large.width = second_width;
  large.height = second_height;
  const Bytes jpeg = Jpeg(second_width, second_height);
  const TempDir folder;
  // Written anew, so that the container is sound: four small pictures, then the other.
  ff::Muxer muxer(folder / "clip", "matroska", true);
  AVStream* stream = muxer.AddStream();
  stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
  stream->codecpar->codec_id = AV_CODEC_ID_MJPEG;
  stream->codecpar->width = 32;
  stream->codecpar->height = 16;
  stream->codecpar->format = AV_PIX_FMT_YUVJ420P;
  stream->time_base = {1, 1000};
  ff::Dictionary none;
  muxer.WriteHeader(&none);
  for (int i = 0; i < 5; ++i) {
    const Bytes& bytes = i < 4 ? Jpeg() : jpeg;
    const ff::PacketPtr packet = ff::NewPacket();
    av_new_packet(packet.get(), static_cast<int>(bytes.size()));
    std::memcpy(packet->data, bytes.data(), bytes.size());
    packet->pts = packet->dts = i * 40;
    packet->flags |= AV_PKT_FLAG_KEY;
    muxer.Write(packet.get());
  }
  muxer.Finish();
  return test::ReadBytes(folder / "clip");
}

Bytes FlippedFfv1() {
  Bytes bytes = Clip(Ffv1Clip());
  bytes[bytes.size() / 2] ^= std::byte{4};
  return bytes;
}

Bytes FlippedPng() {
  const TempDir folder;
  WritePng(folder / "a.png", test::RandomImage(PixelFormat::Rgb(8), 64, 64, 0).view());
  Bytes bytes = test::ReadBytes(folder / "a.png");
  bytes[bytes.size() / 2] ^= std::byte{4};
  return bytes;
}

// The index comes last and is cut away with some of the frames.
Bytes Mp4WithoutIndex() { return FirstPart(Clip(Mp4Clip()), 0.5); }

Bytes Mp4CutBehindItsIndex() {
  ClipSpec spec = Mp4Clip();
  spec.muxer_options = {{"movflags", "faststart"}};
  return FirstPart(Clip(spec), 0.8);
}

Bytes Fragmented(double share) {
  ClipSpec spec = Mp4Clip();
  spec.muxer_options = {{"movflags", "frag_keyframe+empty_moov"}};
  return FirstPart(Clip(spec), share);
}

Bytes SoundOnly() {
  ClipSpec spec;
  spec.audio_encoder = "flac";
  spec.audio_seconds = 0.5;
  const Bytes bytes = Clip(spec);
  // Track type 1 (picture) becomes 17 (subtitle); the checksum of the tracks is not looked at.
  Bytes patched = bytes;
  Patch(&patched, std::string("\x83\x81\x01", 3), std::string("\x83\x81\x11", 3));
  return patched;
}

Bytes NoFrames() {
  ClipSpec spec = Ffv1Clip();
  spec.frames = 0;
  return Clip(spec);
}

Bytes WithEncoder(const char* encoder, AVPixelFormat format, const char* container = "matroska") {
  ClipSpec spec;
  spec.encoder = encoder;
  spec.container = container;
  spec.pixel_format = format;
  return Clip(spec);
}

Bytes ManyStreams(int count) {
  ClipSpec spec = Ffv1Clip();
  spec.extra_streams = count;
  return Clip(spec);
}

// A Matroska file whose header states another picture size.
Bytes StatedSize(int width, int height) {
  ClipSpec spec;
  spec.width = 0x0143;  // two bytes each, easy to find
  spec.height = 0x0157;
  spec.frames = 2;
  Bytes bytes = Clip(spec);
  const auto element = [](int id, int value) {
    return std::string{static_cast<char>(id), '\x82', static_cast<char>(value >> 8),
                       static_cast<char>(value)};
  };
  Patch(&bytes, element(0xB0, 0x0143), element(0xB0, width));
  Patch(&bytes, element(0xBA, 0x0157), element(0xBA, height));
  return bytes;
}

Limits Small(int64_t pixels) {
  Limits limits;
  limits.max_pixels_per_frame = pixels;
  return limits;
}

std::vector<Case> Cases() {
  Limits three_frames, narrow;
  three_frames.max_frames = 3;
  narrow.max_side = 63;
  const Bytes ffv1 = Clip(Ffv1Clip()), mp4 = Clip(Mp4Clip());
  ClipSpec avi = Mp4Clip();
  avi.container = "avi";
  avi.time_base = {1, 25};
  avi.pts = {0, 1, 2, 3, 4, 5};
  std::string ts(188 * 4, '\0');
  for (size_t i = 0; i < ts.size(); i += 188) ts[i] = '\x47';
  return {
      {"missing", Code::kNotFound, "no such file",
       [](const std::string& folder) { ReadVideo(folder + "/missing.mp4"); }},
      {"empty name", Code::kNotFound, "no such file", [](const std::string&) { ReadVideo(""); }},
      {"file as folder", Code::kNotFound, "no such file",
       [](const std::string&) { ReadVideo("/etc/passwd/clip.mp4"); }},
      {"folder", Code::kNotFound, "is a folder",
       [](const std::string& folder) { ReadVideo(folder); }},
      {"pipe", Code::kUnsupported, "pipe",
       [](const std::string& folder) {
         ASSERT_EQ(mkfifo((folder + "/pipe").c_str(), 0600), 0);
         ReadVideo(folder + "/pipe");
       }},
      {"device", Code::kUnsupported, "device", [](const std::string&) { ReadVideo("/dev/zero"); }},
      {"empty", Code::kCorrupt, "the file is empty", Video({})},
      {"one byte", Code::kCorrupt, "not a video", Video(Bytes(1))},
      {"text", Code::kCorrupt, "is a text file", Video(Text("frame,depth\n1,2\n"))},
      {"garbage", Code::kCorrupt, "is not a video file", Video(Garbage(5000))},
      {"png as video", Code::kUnsupported, "PNG image", Video(HugePng(16, 16))},
      {"jpeg as video", Code::kUnsupported, "JPEG image", Video(Jpeg())},
      {"ogg", Code::kUnsupported, "Ogg", Video(Padded("OggS", 300))},
      {"flv", Code::kUnsupported, "Flash", Video(Padded("FLV\x01", 300))},
      {"asf", Code::kUnsupported, "ASF", Video(Padded("\x30\x26\xB2\x75\x8E\x66\xCF\x11", 300))},
      {"transport stream", Code::kCorrupt, "tables of this transport stream", Video(Text(ts))},
      {"playlist", Code::kUnsupported, "playlist", Video(Text("#EXTM3U\nfile:///etc/passwd\n"))},
      {"concat script", Code::kUnsupported, "concat script",
       Video(Text("ffconcat version 1.0\nfile /etc/passwd\n"))},
      {"y4m", Code::kUnsupported, "YUV4MPEG", Video(Text("YUV4MPEG2 W2 H2 F25:1\nFRAME\n"))},
      {"wav", Code::kUnsupported, "other than AVI", Video(Padded("RIFF\x10\x01\x01\x01WAVE", 300))},
      {"bare h264", Code::kUnsupported, "without container",
       Video(Padded(std::string("\0\0\0\x01\x67", 5), 300))},
      {"matroska magic only", Code::kCorrupt, "", Video(Padded("\x1A\x45\xDF\xA3", 200))},
      {"mp4 magic only", Code::kCorrupt, "no index",
       Video(Padded(std::string("\0\0\0\x08"
                                "ftyp",
                                8),
                    8))},
      {"avi magic only", Code::kCorrupt, "",
       Video(Padded("RIFF\x60\x01\x01\x01"
                    "AVI LIST",
                    200))},
      {"matroska cut in a frame", Code::kCorrupt, "is cut off", Video(FirstPart(ffv1, 0.7))},
      {"matroska cut at the start", Code::kCorrupt, "is cut off", Video(FirstPart(ffv1, 0.02))},
      {"matroska without its last byte", Code::kCorrupt, "is cut off",
       Video(Bytes(ffv1.begin(), ffv1.end() - 1))},
      {"mp4 cut before its index", Code::kCorrupt, "no index", Video(Mp4WithoutIndex())},
      {"mp4 cut behind its index", Code::kCorrupt, "of 8 lies behind its end",
       Video(Mp4CutBehindItsIndex())},
      {"fragmented mp4 cut", Code::kCorrupt, "is cut off", Video(Fragmented(0.9))},
      {"avi cut", Code::kCorrupt, "is cut off", Video(FirstPart(Clip(avi), 0.7))},
      {"no frames", Code::kCorrupt, "holds no frame", Video(NoFrames())},
      {"sound only", Code::kNotFound, "no picture stream", Video(SoundOnly())},
      {"codec not on the list", Code::kUnsupported, "'flv1'",
       Video(WithEncoder("flv", AV_PIX_FMT_YUV420P))},
      {"pixel format without equal", Code::kUnsupported, "bayer_bggr8",
       Video(WithEncoder("rawvideo", AV_PIX_FMT_BAYER_BGGR8))},
      {"damaged ffv1 frame", Code::kCorrupt, "is damaged", Video(FlippedFfv1())},
      {"picture size changes", Code::kCorrupt, "frame 4 has 48x32", Video(SizeSwitch(48, 32))},
      {"too many frames", Code::kLimit, "limit of 3 frames", Video(ffv1, three_frames)},
      {"too many pixels", Code::kLimit, "pixels a frame", Video(ffv1, Small(64 * 48 - 1))},
      {"side too long", Code::kLimit, "pixels a side", Video(ffv1, narrow)},
      {"too many streams", Code::kLimit, "streams", Video(ManyStreams(40))},
      {"text as image", Code::kCorrupt, "text file", Picture(Text("hello"))},
      {"gif as image", Code::kUnsupported, "neither PNG nor JPEG",
       Picture(Padded(std::string("GIF89a\0\1", 8), 100))},
      {"empty image", Code::kCorrupt, "empty", Picture({})},
      {"png cut", Code::kCorrupt, "cut off", Picture(FirstPart(FlippedPng(), 0.8))},
      {"png header cut", Code::kCorrupt, "no header", Picture(FirstPart(FlippedPng(), 0.002))},
      {"png damaged", Code::kCorrupt, "damaged", Picture(FlippedPng())},
      {"jpeg cut", Code::kCorrupt, "cut off", Picture(FirstPart(Jpeg(), 0.9))},
      {"jpeg without frame", Code::kCorrupt, "no frame header",
       Picture(Padded("\xFF\xD8\xFF\xE0", 100))},
      {"png too large", Code::kLimit, "pixels a side", Picture(HugePng(20000, 10))},
      {"image missing", Code::kNotFound, "no such file",
       [](const std::string& folder) { ReadImageFile(folder + "/missing.png"); }},
  };
}

TEST(BadVideos, FailForTheRightReason) {
  const test::LogCatcher log;
  const auto cases = Cases();
  int right = 0;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const TempDir folder;
    const bool failed_before = ::testing::Test::HasFailure();
    test::ExpectError(c.code, c.text, [&] { c.run(folder.path().string()); });
    // And again: a failure leaves nothing behind that changes the next.
    if (std::string(c.name) != "pipe") {
      test::ExpectError(c.code, c.text, [&] { c.run(folder.path().string()); });
    }
    if (failed_before == ::testing::Test::HasFailure()) ++right;
  }
  std::printf("{\"id\":\"A4\",\"value\":%d,\"target\":%zu,\"pass\":%s}\n", right, cases.size(),
              right == static_cast<int>(cases.size()) ? "true" : "false");
  EXPECT_GE(cases.size(), 40u);
}

TEST(BadVideos, NamesTheFileInEveryMessage) {
  const TempDir folder;
  for (const Bytes& bytes : {Bytes(), Text("text"), FirstPart(Clip(Ffv1Clip()), 0.5), NoFrames(),
                             FlippedFfv1(), ManyStreams(40)}) {
    test::WriteBytes(folder / "some name.mkv", bytes);
    try {
      ReadVideo(folder / "some name.mkv");
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("some name.mkv"), std::string::npos) << error.what();
    }
  }
}

// --- bombs --------------------------------------------------------------------------------------

Bytes Mp4WithLyingCount() {
  Bytes bytes = Clip(Mp4Clip());
  // Eight samples of sizes of their own become 2^30.
  Patch(&bytes, std::string("stsz\0\0\0\0\0\0\0\0\0\0\0\x08", 16),
        std::string("stsz\0\0\0\0\0\0\0\0\x40\0\0\0", 16));
  return bytes;
}

Bytes EndlessSound() {
  ClipSpec spec = Ffv1Clip();
  spec.frames = 1;
  spec.audio_encoder = "pcm_s16le";
  spec.audio_seconds = 300;
  return Clip(spec);
}

Bytes PngInMovWithOtherSize() {
  ClipSpec spec;
  spec.container = "mov";
  spec.encoder = "png";
  spec.pixel_format = AV_PIX_FMT_RGB24;
  spec.frames = 2;
  Bytes bytes = Clip(spec);
  // The size inside the pictures: 32 x 16 becomes 16000 x 16000.
  Patch(&bytes, std::string("IHDR\0\0\0\x20\0\0\0\x10", 12),
        std::string("IHDR\0\0\x3E\x80\0\0\x3E\x80", 12));
  return bytes;
}

Bytes HugeElement() {
  // EBML header, then a segment, then tracks that state 2^55 bytes.
  return Text(std::string("\x1A\x45\xDF\xA3\x84\x42\x86\x81\x01"
                          "\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
                          "\x16\x54\xAE\x6B\x01\x7F\xFF\xFF\xFF\xFF\xFF\xFF",
                          33) +
              std::string(1000, 'x'));
}

Bytes DeepBoxes() {
  // 'moov' in 'trak' in 'trak' ...
  std::string inner;
  for (int i = 0; i < 5000; ++i) {
    const auto size = static_cast<uint32_t>(8 * (5000 - i));
    inner += {static_cast<char>(size >> 24), static_cast<char>(size >> 16),
              static_cast<char>(size >> 8), static_cast<char>(size)};
    inner += i == 0 ? "moov" : "trak";
  }
  return Text(std::string("\0\0\0\x10"
                          "ftypisom\0\0\0\0",
                          16) +
              inner);
}

struct Bomb {
  const char* name;
  std::function<void(const std::string&)> run;
  bool may_end_well = false;  // harmless if read in time and memory
};

TEST(BadVideos, BombsAreRefusedSoonAndInLittleMemory) {
  const test::LogCatcher log;
  const std::vector<Bomb> bombs = {
      {"png 30000 x 30000", Picture(HugePng(30000, 30000))},
      {"png 2^31 x 2^31", Picture(HugePng(0x7FFFFFFF, 0x7FFFFFFF))},
      {"png 16000 x 16000", Picture(HugePng(16000, 16000))},
      {"jpeg 65535 x 65535", Picture(Jpeg(32, 16, true))},
      {"matroska 65000 x 65000", Video(StatedSize(65000, 65000))},
      {"matroska 16000 x 16000", Video(StatedSize(16000, 16000))},
      {"size switch to 4000 x 4000", Video(SizeSwitch(4000, 4000), Small(1 << 20))},
      {"png of 16000 x 16000 in mov", Video(PngInMovWithOtherSize())},
      {"200 streams", Video(ManyStreams(200))},
      {"2^30 samples in mp4", Video(Mp4WithLyingCount())},
      {"one frame, five minutes of sound", Video(EndlessSound()), true},
      {"element of 2^55 bytes", Video(HugeElement())},
      {"5000 nested boxes", Video(DeepBoxes())},
      {"frames without end", Video(Clip(Ffv1Clip()),
                                   [] {
                                     Limits limits;
                                     limits.max_frames = 1;
                                     return limits;
                                   }())},
  };
  int held = 0;
  for (const Bomb& bomb : bombs) {
    SCOPED_TRACE(bomb.name);
    const TempDir folder;
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak counts anew
    const int64_t before = StatusKib("VmRSS:");
    const auto start = std::chrono::steady_clock::now();
    bool refused = false;
    try {
      bomb.run(folder.path().string());
    } catch (const Error& error) {
      refused = true;
      EXPECT_TRUE(error.code() == Code::kLimit || error.code() == Code::kCorrupt ||
                  error.code() == Code::kNotFound)
          << error.what();
    }
    EXPECT_TRUE(refused || bomb.may_end_well);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const int64_t mib = (StatusKib("VmHWM:") - before) / 1024;
    const bool good = (refused || bomb.may_end_well) && seconds <= 1 && mib <= 200;
    if (!good)
      std::printf("%s: %.2f s, %lld MiB\n", bomb.name, seconds, static_cast<long long>(mib));
    held += good ? 1 : 0;
  }
  std::printf("{\"id\":\"B1\",\"value\":%d,\"target\":%zu,\"pass\":%s}\n", held, bombs.size(),
              held == static_cast<int>(bombs.size()) ? "true" : "false");
}

// --- faults of the source, leaks ----------------------------------------------------------------

class FailingSource : public ByteSource {
 public:
  FailingSource(Bytes bytes, int fail_at, size_t most)
      : bytes_(std::move(bytes)), fail_at_(fail_at), most_(most) {}
  size_t ReadAt(int64_t offset, void* buffer, size_t size) override {
    if (reads_++ == fail_at_) throw Error(Code::kIo, "source: injected failure");
    const auto begin = std::min(static_cast<size_t>(offset), bytes_.size());
    const size_t count = std::min({size, bytes_.size() - begin, most_});
    std::memcpy(buffer, bytes_.data() + begin, count);
    return count;
  }
  int64_t size() const override { return static_cast<int64_t>(bytes_.size()); }

 private:
  Bytes bytes_;
  int fail_at_;
  size_t most_;
  int reads_ = 0;
};

TEST(BadVideos, ReadErrorsArriveAsTheyAre) {
  ClipSpec avi = Mp4Clip();
  avi.container = "avi";
  avi.time_base = {1, 25};
  avi.pts = {0, 1, 2, 3, 4, 5};
  for (const Bytes& bytes : {Clip(Ffv1Clip()), Clip(Mp4Clip()), Clip(avi)}) {
    int failures = 0;
    for (int n = 0;; ++n) {
      try {
        VideoReader reader(std::make_unique<FailingSource>(bytes, n, 4096), "source");
        while (reader.Read()) {
        }
        break;  // fewer reads than n: done
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), Code::kIo) << n << ": " << error.what();
        ASSERT_STREQ(error.what(), "source: injected failure");
        ++failures;
      }
      ASSERT_LT(n, 100000);
    }
    EXPECT_GT(failures, 5);
  }
}

TEST(BadVideos, ShortReadsChangeNothing) {
  const Bytes bytes = Clip(Ffv1Clip());
  VideoReader whole(OpenMemorySource(bytes), "whole");
  VideoReader pieces(std::make_unique<FailingSource>(bytes, -1, 7), "pieces");
  for (int i = 0; i < 8; ++i) {
    const auto a = whole.Read(), b = pieces.Read();
    ASSERT_TRUE(a && b);
    EXPECT_TRUE(test::SamePixels(a->image.view(), b->image.view()));
  }
  EXPECT_FALSE(pieces.Read());
}

TEST(BadVideos, DamagedMediaEndInAStatus) {
  const test::LogCatcher log;
  ClipSpec h264 = Ffv1Clip();
  h264.encoder = "libx264";
  h264.codec_options = {{"preset", "ultrafast"}};
  ClipSpec mov = Mp4Clip();
  mov.container = "mov";
  mov.audio_encoder = "aac";
  mov.audio_seconds = 0.3;
  int tried = 0;
  for (const Bytes& bytes : {Clip(Ffv1Clip()), Clip(Mp4Clip()), Clip(h264), Clip(mov)}) {
    auto random = test::Rng();
    for (int i = 0; i < 150; ++i) {
      Bytes damaged = bytes;
      if (i < 30) {
        damaged.resize(random() % bytes.size());
      } else if (i < 130) {
        // Half of the flips where the structure is rather than the pixels.
        const size_t range = i % 2 == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 2000);
        damaged[random() % range] ^= static_cast<std::byte>(1 << (random() % 8));
      } else {
        const size_t at = random() % bytes.size();
        const size_t count = std::min<size_t>(random() % 512, bytes.size() - at);
        std::fill_n(damaged.begin() + static_cast<ptrdiff_t>(at), count, std::byte{0});
      }
      try {
        VideoReader reader(OpenMemorySource(damaged), "damaged");
        while (reader.Read()) {
        }
      } catch (const Error& error) {
        EXPECT_NE(error.code(), Code::kInternal) << error.what();
        EXPECT_NE(error.code(), Code::kInvalidArgument) << error.what();
      }
      ++tried;
    }
  }
  EXPECT_EQ(tried, 600);
}

TEST(BadVideos, CutOffFilesAreNeverShortVideos) {
  const test::LogCatcher log;
  ClipSpec mp4 = Mp4Clip();
  ClipSpec front = Mp4Clip();
  front.muxer_options = {{"movflags", "faststart"}};
  ClipSpec h264 = Ffv1Clip();
  h264.encoder = "libx264";
  h264.codec_options = {{"preset", "ultrafast"}};
  for (const Bytes& bytes : {Clip(Ffv1Clip()), Clip(mp4), Clip(front), Clip(h264)}) {
    for (size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 97) {
      try {
        VideoReader reader(OpenMemorySource(bytes.data(), size), "cut");
        int frames = 0;
        while (reader.Read()) ++frames;
        EXPECT_EQ(frames, 8) << size << " of " << bytes.size();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::kCorrupt) << error.what();
      }
    }
  }
}

// FFmpeg skips a damaged Matroska cluster as if it were not there.
TEST(BadVideos, MissingEndIsWarnedOf) {
  ClipSpec spec = Ffv1Clip();
  spec.frames = 100;  // 4 s in several clusters
  spec.muxer_options = {{"cluster_time_limit", "400"}};
  Bytes bytes = Clip(spec);
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string id = "\x1F\x43\xB6\x75";
  size_t cluster = 0;
  for (size_t at = text.find(id); at != std::string::npos; at = text.find(id, at + 1)) cluster = at;
  ASSERT_GT(cluster, bytes.size() / 2);
  std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(cluster), 4, std::byte{0xFF});
  const test::LogCatcher log;
  int frames = 0;
  std::string error;
  try {
    VideoReader reader(OpenMemorySource(bytes), "holey");
    while (reader.Read()) ++frames;
  } catch (const Error& e) {
    error = e.what();
  }
  EXPECT_LT(frames, 100);
  EXPECT_TRUE(log.Says("missing or damaged") || !error.empty()) << frames << " frames, no word";
}

TEST(BadVideos, ThousandOpensLeakNothing) {
  const test::LogCatcher log;
  const TempDir folder;
  MakeClip(folder / "good.mkv", Ffv1Clip());
  test::WriteBytes(folder / "cut.mkv", FirstPart(Clip(Ffv1Clip()), 0.5));
  test::WriteBytes(folder / "text.mp4", Text("text"));
  test::WriteBytes(folder / "damaged.mkv", FlippedFfv1());
  VideoReaderOptions options;
  options.num_threads = 2;
  options.strict = true;
  const auto open = [&](const std::string& name) {
    try {
      VideoReader reader(folder / name, options);
      while (reader.Read()) {
      }
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  open("good.mkv");
  const int descriptors = test::CountDescriptors(), threads = test::CountThreads();
  int failed = 0;
  for (int i = 0; i < 1000; ++i) {
    static const char* const kBad[] = {"cut.mkv", "text.mp4", "damaged.mkv", "missing.mkv"};
    if (!open(i % 2 == 0 ? "good.mkv" : kBad[i / 2 % 4])) ++failed;
  }
  const int leaked = test::CountDescriptors() - descriptors + test::CountThreads() - threads;
  EXPECT_EQ(failed, 500);
  EXPECT_EQ(leaked, 0);
  std::printf("{\"id\":\"B4\",\"value\":%d,\"target\":0,\"pass\":%s}\n", leaked,
              leaked == 0 ? "true" : "false");
}

}  // namespace
}  // namespace mdvt
