// SPDX-License-Identifier: Apache-2.0
//
// Brightness curves of HDR10+, from the pictures of one file to those of another.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "io/clip_maker.h"
#include "io/hdr10_plus.h"
#include "mdvt/core/error.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ClipSpec;
using test::LogCatcher;
using test::MakeClip;
using test::RandomImage;
using test::ReadBytes;
using test::SamePixels;
using test::TempDir;

using Bytes = std::vector<uint8_t>;

// A message of SMPTE ST 2094-40, bit by bit: numbers and how many bits each has.
Bytes Pack(const std::vector<std::pair<uint32_t, int>>& fields) {
  Bytes message = {0xB5, 0x00, 0x3C, 0x00, 0x01, 4, 1};
  int used = 8;
  for (const auto& [value, count] : fields) {
    for (int i = count - 1; i >= 0; --i, ++used) {
      if (used % 8 == 0) message.push_back(0);
      message.back() = static_cast<uint8_t>(message.back() | (value >> i & 1) << (7 - used % 8));
    }
  }
  return message;
}

// With a value of its own in every field there is; `scene` tells one from another.
Bytes Message(uint32_t scene) {
  std::vector<std::pair<uint32_t, int>> fields = {{1, 2}, {1000 + scene, 27}};
  const auto peaks = [&fields](uint32_t rows, uint32_t columns) {
    fields.insert(fields.end(), {{1, 1}, {rows, 5}, {columns, 5}});
    for (uint32_t i = 0; i < rows * columns; ++i) fields.push_back({i % 16, 4});
  };
  peaks(3, 25);
  fields.insert(fields.end(), {{100000, 17}, {0, 17}, {3, 17}, {70000 + scene, 17}, {9, 4}});
  for (uint32_t i = 0; i < 9; ++i) fields.insert(fields.end(), {{i * 11, 7}, {i * 11111, 17}});
  fields.push_back({50, 10});
  peaks(25, 2);
  fields.insert(fields.end(), {{1, 1}, {4095, 12}, {2047, 12}, {9, 4}});
  for (uint32_t i = 0; i < 9; ++i) fields.push_back({113 * i + 1, 10});
  fields.insert(fields.end(), {{1, 1}, {40, 6}});
  return Pack(fields);
}

// Without anything that may be left out.
Bytes SmallMessage() {
  return Pack({{1, 2},
               {1000, 27},
               {0, 1},
               {1, 17},
               {2, 17},
               {3, 17},
               {4, 17},
               {0, 4},
               {0, 10},
               {0, 1},
               {0, 1},
               {0, 1}});
}

bool HasX265() { return avcodec_find_encoder_by_name("libx265") != nullptr; }

// Frame i carries messages[i], as HEVC has them in front of a picture.
void MakeHevc(const std::string& path, const std::vector<Bytes>& messages) {
  ClipSpec spec;
  spec.encoder = "libx265";
  spec.pixel_format = AV_PIX_FMT_YUV420P10;
  spec.width = spec.height = 64;
  spec.codec_options = {{"x265-params", "log-level=none:pools=none:frame-threads=1:bframes=0"}};
  spec.edit = [&messages](int index, AVPacket* packet) {
    if (static_cast<size_t>(index) >= messages.size()) return true;
    const Bytes& message = messages[static_cast<size_t>(index)];
    Bytes unit = {0, 0, 0, 1, 39 << 1, 1, 4, static_cast<uint8_t>(message.size())};
    EXPECT_LT(message.size(), 255u);
    int zeros = 0;
    for (const uint8_t byte : message) {
      if (zeros == 2 && byte <= 3) {
        unit.push_back(3);
        zeros = 0;
      }
      unit.push_back(byte);
      zeros = byte == 0 ? zeros + 1 : 0;
    }
    unit.push_back(0x80);
    const auto size = static_cast<size_t>(packet->size);
    EXPECT_GE(av_grow_packet(packet, static_cast<int>(unit.size())), 0);
    std::memmove(packet->data + unit.size(), packet->data, size);
    std::memcpy(packet->data, unit.data(), unit.size());
    return true;
  };
  MakeClip(path, spec);
}

// Of each frame of a file, empty without one.
std::vector<Bytes> MessagesOf(const std::string& path) {
  VideoReader reader(path);
  std::vector<Bytes> messages;
  while (const auto frame = reader.Read()) {
    const VideoInfo& info = reader.info();
    const auto message =
        info.hdr.hdr10_plus ? info.hdr.hdr10_plus->At(frame->pts, info.time_base) : nullptr;
    messages.push_back(message ? *message : Bytes());
  }
  return messages;
}

TEST(Hdr10Plus, IsReadOfEveryPicture) {
  if (!HasX265()) GTEST_SKIP() << "no libx265";
  const TempDir folder;
  MakeHevc(folder / "none.mkv", {});
  EXPECT_FALSE(VideoReader(folder / "none.mkv").info().hdr.hdr10_plus);
  const std::vector<Bytes> messages = {Message(0), SmallMessage(), Message(2), Message(3),
                                       Message(3)};
  MakeHevc(folder / "plus.mkv", messages);
  EXPECT_EQ(MessagesOf(folder / "plus.mkv"), messages);
}

TEST(Hdr10Plus, OnlyTheWindowOfTheWholePictureIsKept) {
  if (!HasX265()) GTEST_SKIP() << "no libx265";
  std::vector<std::pair<uint32_t, int>> two = {{2, 2}};
  for (int i = 0; i < 6; ++i) two.push_back({10, 16});
  two.push_back({0, 8});
  for (int i = 0; i < 3; ++i) two.push_back({5, 16});
  two.insert(two.end(), {{0, 1}, {1000, 27}, {0, 1}});
  for (uint32_t window = 0; window < 2; ++window) {
    for (uint32_t i = 1; i < 5; ++i) two.push_back({i + window * 9, 17});
    two.insert(two.end(), {{0, 4}, {0, 10}});
  }
  two.insert(two.end(), {{0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}});
  const TempDir folder;
  MakeHevc(folder / "a.mkv", std::vector<Bytes>(5, Pack(two)));
  EXPECT_EQ(MessagesOf(folder / "a.mkv"), std::vector<Bytes>(5, SmallMessage()));
}

// As every program does that writes the pictures of a film.
TEST(Hdr10Plus, GoesFromFileToFile) {
  if (!HasX265()) GTEST_SKIP() << "no libx265";
  const TempDir folder;
  const std::vector<Bytes> messages = {Message(0), SmallMessage(), Message(2), Message(2),
                                       Message(4)};
  MakeHevc(folder / "in.mkv", messages);
  for (const char* name : {"out.mkv", "out.mp4", "out.mov"}) {
    SCOPED_TRACE(name);
    VideoReader reader(folder / "in.mkv");
    const VideoInfo& info = reader.info();
    VideoWriterOptions options;
    options.codec = VideoCodec::kHevc;
    options.time_base = info.time_base;
    options.hdr = info.hdr;
    VideoWriter writer(folder / name, info.format, info.width, info.height, options);
    while (const auto frame = reader.Read())
      writer.Write(frame->image, frame->pts, frame->duration);
    writer.Finish();
    EXPECT_EQ(MessagesOf(folder / name), messages);
  }
}

// Six pictures with curves of two scenes; the third has none.
VideoWriterOptions SixPictures(VideoCodec codec) {
  VideoWriterOptions options;
  options.codec = codec;
  options.time_base = {1, 90000};
  options.frame_rate = {25, 1};
  options.crf = 30;
  options.num_threads = 1;
  options.hdr.hdr10_plus = std::make_shared<Hdr10PlusTrack>(Rational{1, 45000});
  for (int i = 0; i < 6; ++i)
    if (i != 2) options.hdr.hdr10_plus->Add(1800 * i, i < 3 ? Message(7) : SmallMessage());
  return options;
}

void Write(const std::string& path, const VideoWriterOptions& options) {
  VideoWriter writer(path, PixelFormat::Yuv(420, 10), 64, 64, options);
  const Image image = RandomImage(PixelFormat::Yuv(420, 10), 64, 64, 1);
  for (int i = 0; i < 6; ++i) writer.Write(image, 3600 * i, 3600);
  writer.Finish();
}

std::vector<Image> PicturesOf(const std::string& path) {
  VideoReader reader(path);
  std::vector<Image> pictures;
  while (auto frame = reader.Read()) pictures.push_back(std::move(frame->image));
  return pictures;
}

// Times that `message` is in the file; no three bytes of it may look like a start code.
int64_t Count(const std::string& path, Bytes message, bool nal) {
  for (size_t i = 2; nal && i < message.size(); ++i)
    if (message[i] <= 3 && message[i - 1] == 0 && message[i - 2] == 0)
      message.insert(message.begin() + static_cast<ptrdiff_t>(i++), 3);
  const std::vector<std::byte> bytes = ReadBytes(path);
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  int64_t count = 0;
  for (const uint8_t* at = data;; ++at, ++count) {
    at = std::search(at, data + bytes.size(), message.begin(), message.end());
    if (at == data + bytes.size()) return count;
  }
}

TEST(Hdr10Plus, IsWrittenWithThePicturesOfItsTimes) {
  const std::tuple<VideoCodec, const char*> kCases[] = {{VideoCodec::kHevc, "libx265"},
                                                        {VideoCodec::kH264, "libx264"},
                                                        {VideoCodec::kAv1, "libsvtav1"}};
  for (const auto& [codec, name] : kCases) {
    if (avcodec_find_encoder_by_name(name) == nullptr) continue;
    for (const char* ending : {".mkv", ".mp4"}) {
      SCOPED_TRACE(std::string(name) + ending);
      const TempDir folder;
      const std::string with = folder / std::string("with") + ending,
                        without = folder / std::string("without") + ending;
      VideoWriterOptions options = SixPictures(codec);
      const LogCatcher log;
      Write(with, options);
      EXPECT_TRUE(log.Says("1 of 6 frames"));
      options.hdr.hdr10_plus = nullptr;
      Write(without, options);
      const bool nal = codec != VideoCodec::kAv1;
      EXPECT_EQ(Count(with, Message(7), nal), 2);
      EXPECT_EQ(Count(with, SmallMessage(), nal), 3);
      const std::vector<Image> a = PicturesOf(with), b = PicturesOf(without);
      ASSERT_EQ(a.size(), 6u);
      ASSERT_EQ(b.size(), 6u);
      for (size_t i = 0; i < 6; ++i) EXPECT_TRUE(SamePixels(a[i].view(), b[i].view())) << i;
      if (codec != VideoCodec::kHevc) continue;  // others are read by later versions of FFmpeg
      // Of a picture without curves those of the one before hold.
      const std::vector<Bytes> expected = {Message(7),     Message(7),     Message(7),
                                           SmallMessage(), SmallMessage(), SmallMessage()};
      EXPECT_EQ(MessagesOf(with), expected);
      EXPECT_EQ(MessagesOf(without), std::vector<Bytes>(6));
    }
  }
}

TEST(Hdr10Plus, ItsLossIsToldByCodecsThatDoNotHoldIt) {
  const TempDir folder;
  const LogCatcher log;
  Write(folder / "a.mkv", SixPictures(VideoCodec::kFfv1));
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("HDR10+ are left out, which FFV1 video does not hold"));
}

TEST(Hdr10Plus, OnlyTheLastOnesAreKept) {
  Hdr10PlusTrack track({1, 1000});
  const auto count = static_cast<int64_t>(Hdr10PlusTrack::kKept);
  for (int64_t i = 0; i <= count; ++i) track.Add(i, SmallMessage());
  EXPECT_FALSE(track.At(0, {1, 1000}));
  EXPECT_TRUE(track.At(1, {1, 1000}));
  EXPECT_EQ(track.At(1, {1, 1000}), track.At(count, {1, 1000}));  // one for all that are the same
  EXPECT_TRUE(track.At(4, {1, 2000}));
  EXPECT_FALSE(track.At(5, {1, 2000}));
}

TEST(Hdr10Plus, APacketWithoutAPictureIsNoneToPutItInto) {
  for (const AVCodecID codec : {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_AV1}) {
    ff::PacketPtr packet = ff::NewPacket();
    ASSERT_GE(av_new_packet(packet.get(), 6), 0);
    std::memset(packet->data, 0xFF, 6);
    EXPECT_THROW(ff::InsertHdr10Plus(codec, SmallMessage(), packet.get()), Error);
  }
}

}  // namespace
}  // namespace mdvt
