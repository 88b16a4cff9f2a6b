// SPDX-License-Identifier: Apache-2.0
//
// Indexes that state more than there can be, and what helps against a file that is cut off.
#include "io/mp4_index.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/container_check.h"
#include "io/expect_error.h"
#include "mdvt/io/video_reader.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ClipSpec;
using test::ExpectError;
using test::MakeClip;
using test::StatusKib;
using test::TempDir;
using Bytes = std::vector<std::byte>;

ClipSpec Mp4(const std::string& movflags = "") {
  ClipSpec spec;
  spec.container = "mp4";
  spec.encoder = "mpeg4";
  if (!movflags.empty()) spec.muxer_options = {{"movflags", movflags}};
  return spec;
}

Bytes Clip(const ClipSpec& spec) {
  const TempDir folder;
  MakeClip(folder / "clip", spec);
  return test::ReadBytes(folder / "clip");
}

size_t Find(const Bytes& bytes, const std::string& text, size_t from = 0) {
  const std::string all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const size_t at = all.find(text, from);
  EXPECT_NE(at, std::string::npos) << text;
  return at;
}

void Put(Bytes* bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) (*bytes)[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

// All samples have one size and there are `count` of them, without a table.
Bytes Claims(uint32_t count, uint32_t size) {
  Bytes bytes = Clip(Mp4());
  const size_t stsz = Find(bytes, "stsz") + 4;
  Put(&bytes, stsz + 4, size);
  Put(&bytes, stsz + 8, count);
  const size_t stts = Find(bytes, "stts") + 4;
  Put(&bytes, stts + 8, count);
  return bytes;
}

void Open(const Bytes& bytes, const Limits& limits = {}) {
  VideoReaderOptions options;
  options.limits = limits;
  VideoReader(OpenMemorySource(bytes.data(), bytes.size()), "clip.mp4", options);
}

TEST(Mp4Index, MoreFramesThanAllowedAreRefusedBeforeAnIndexIsBuilt) {
  const Bytes bytes = Claims(80000000, 0);
  Bytes sized = Claims(80000000, 1);
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak counts anew
  const int64_t before = StatusKib("VmRSS:");
  ExpectError(Code::kCorrupt, "80000000 samples, more than it has entries for",
              [&bytes] { Open(bytes); });
  ExpectError(Code::kCorrupt, "80000000 samples of 1 bytes", [&sized] { Open(sized); });
  EXPECT_LT(StatusKib("VmHWM:") - before, 50 << 10);

  Limits three;
  three.max_frames = 3;
  const Bytes whole = Clip(Mp4());
  ExpectError(Code::kLimit, "5 frames, over the limit of 3 frames", [&] { Open(whole, three); });
  three.max_frames = 5;
  Open(whole, three);
}

TEST(Mp4Index, FragmentsAreCountedToo) {
  Bytes bytes = Clip(Mp4("frag_keyframe+empty_moov+default_base_moof"));
  Limits three;
  three.max_frames = 3;
  ExpectError(Code::kLimit, "over the limit of 3 frames", [&] { Open(bytes, three); });
  Open(bytes);
  const size_t trun = Find(bytes, "trun") + 4;
  Put(&bytes, trun + 4, 80000000);
  ExpectError(Code::kCorrupt, "a fragment states 80000000 samples", [&] { Open(bytes); });
  Put(&bytes, trun, 0);  // no fields for each sample
  EXPECT_THROW(Open(bytes), Error);
}

TEST(Mp4Index, ACompressedIndexIsRefused) {
  Bytes bytes = Clip(Mp4());
  const size_t trak = Find(bytes, "trak");
  std::memcpy(bytes.data() + trak, "cmov", 4);
  ExpectError(Code::kUnsupported, "compressed ('cmov' box)", [&bytes] { Open(bytes); });
}

TEST(Mp4Index, SoundOfOldKindsMayStateMoreSamplesThanBytes) {
  ClipSpec spec = Mp4();
  spec.container = "mov";
  spec.audio_encoder = "adpcm_ima_qt";
  spec.audio_seconds = 0.3;
  if (avcodec_find_encoder_by_name("adpcm_ima_qt") == nullptr) GTEST_SKIP();
  Open(Clip(spec));
}

// --- remedies -----------------------------------------------------------------------------------

std::string Refusal(const Bytes& bytes) {
  try {
    Open(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Bytes First(const Bytes& bytes, double share) {
  return Bytes(bytes.begin(),
               bytes.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(bytes.size())));
}

TEST(CutOff, RemediesAreNamedOnlyWhereTheyWork) {
  const std::string remux = "ffmpeg -i FILE -c copy NEW", rebuild = "rebuilds its index";
  const std::string no_index = Refusal(First(Clip(Mp4()), 0.5));
  EXPECT_NE(no_index.find("no index"), std::string::npos);
  EXPECT_EQ(no_index.find(remux), std::string::npos) << no_index;
  EXPECT_NE(no_index.find(rebuild), std::string::npos) << no_index;

  const std::string behind = Refusal(First(Clip(Mp4("faststart")), 0.9));
  EXPECT_NE(behind.find("lies behind its end"), std::string::npos);
  EXPECT_NE(behind.find(remux), std::string::npos) << behind;

  ClipSpec ffv1;
  const Bytes matroska = Clip(ffv1);
  EXPECT_NE(Refusal(First(matroska, 0.7)).find(remux), std::string::npos);
  EXPECT_EQ(Refusal(First(matroska, 0.02)).find(remux), std::string::npos);
}

// --- tiny elements ------------------------------------------------------------------------------

class CountingSource : public ByteSource {
 public:
  explicit CountingSource(const Bytes& bytes) : bytes_(bytes) {}
  size_t ReadAt(int64_t offset, void* buffer, size_t size) override {
    ++reads;
    const size_t at = static_cast<size_t>(offset);
    if (at >= bytes_.size()) return 0;
    const size_t count = std::min(size, bytes_.size() - at);
    std::memcpy(buffer, bytes_.data() + at, count);
    return count;
  }
  int64_t size() const override { return static_cast<int64_t>(bytes_.size()); }
  int reads = 0;

 private:
  const Bytes& bytes_;
};

// An unfinished recording, whose elements are walked: a read for each would take a minute for
// 64 MB.
TEST(ContainerCheck, TinyElementsTakeFewReads) {
  Bytes bytes;
  const unsigned char head[] = {0x1A, 0x45, 0xDF, 0xA3, 0x80, 0x18, 0x53, 0x80, 0x67,
                                0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  for (const unsigned char c : head) bytes.push_back(static_cast<std::byte>(c));
  for (int i = 0; i < 500000; ++i) {
    bytes.push_back(std::byte{0xEC});  // Void, of no bytes
    bytes.push_back(std::byte{0x80});
  }
  CountingSource source(bytes);
  EXPECT_TRUE(ff::CheckContainer(source, ff::ContainerKind::kMatroska).unfinished);
  EXPECT_LE(source.reads, 600);
}

}  // namespace
}  // namespace mdvt
