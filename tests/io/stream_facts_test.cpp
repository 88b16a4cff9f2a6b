// SPDX-License-Identifier: Apache-2.0
//
// What container and pictures state beside the pixels.
#include "io/stream_facts.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "mdvt/io/video_reader.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

extern "C" {
#include <libavutil/dovi_meta.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/spherical.h>
#include <libavutil/stereo3d.h>
}

namespace mdvt {
namespace {

using test::ClipSpec;
using test::MakeClip;
using test::TempDir;

// FFmpeg's structs may grow, so that only its own functions make them.
template <typename T>
std::vector<uint8_t> Take(T* data, size_t size) {
  std::vector<uint8_t> bytes(size);
  std::memcpy(bytes.data(), data, size);
  av_free(data);
  return bytes;
}

std::vector<uint8_t> Mastering() {
  AVMasteringDisplayMetadata* m = av_mastering_display_metadata_alloc();
  m->has_primaries = m->has_luminance = 1;
  const int xy[4][2] = {{34000, 16000}, {13250, 34500}, {7500, 3000}, {15635, 16450}};
  for (int i = 0; i < 3; ++i) {
    m->display_primaries[i][0] = {xy[i][0], 50000};
    m->display_primaries[i][1] = {xy[i][1], 50000};
  }
  m->white_point[0] = {xy[3][0], 50000};
  m->white_point[1] = {xy[3][1], 50000};
  m->min_luminance = {50, 10000};
  m->max_luminance = {10000000, 10000};
  return Take(m, sizeof(*m));
}

std::vector<uint8_t> Light(unsigned content, unsigned average) {
  size_t size = 0;
  AVContentLightMetadata* light = av_content_light_metadata_alloc(&size);
  light->MaxCLL = content;
  light->MaxFALL = average;
  return Take(light, size);
}

std::vector<uint8_t> DolbyVision(int profile, int compatibility) {
  size_t size = 0;
  AVDOVIDecoderConfigurationRecord* config = av_dovi_alloc(&size);
  config->dv_version_major = 1;
  config->dv_profile = static_cast<uint8_t>(profile);
  config->dv_level = 6;
  config->rpu_present_flag = config->bl_present_flag = 1;
  config->dv_bl_signal_compatibility_id = static_cast<uint8_t>(compatibility);
  return Take(config, size);
}

VideoInfo InfoOf(const ClipSpec& spec) {
  const TempDir folder;
  MakeClip(folder / "clip", spec);
  return VideoReader(folder / "clip").info();
}

void ExpectMastering(const HdrMetadata& hdr) {
  ASSERT_TRUE(hdr.mastering && hdr.mastering->colors && hdr.mastering->luminance);
  const auto& colors = *hdr.mastering->colors;
  EXPECT_NEAR(colors.primaries[0].x.ToDouble(), 0.68, 1e-4);  // red
  EXPECT_NEAR(colors.primaries[0].y.ToDouble(), 0.32, 1e-4);
  EXPECT_NEAR(colors.primaries[1].x.ToDouble(), 0.265, 1e-4);
  EXPECT_NEAR(colors.primaries[2].y.ToDouble(), 0.06, 1e-4);
  EXPECT_NEAR(colors.white.x.ToDouble(), 0.3127, 1e-4);
  EXPECT_NEAR(hdr.mastering->luminance->min.ToDouble(), 0.005, 1e-6);
  EXPECT_NEAR(hdr.mastering->luminance->max.ToDouble(), 1000, 1e-6);
}

TEST(StreamFacts, HdrOfTheContainer) {
  for (const char* container : {"mp4", "mov", "matroska"}) {
    SCOPED_TRACE(container);
    ClipSpec spec;
    spec.container = container;
    spec.encoder = "mpeg4";
    spec.side_data = {{AV_PKT_DATA_MASTERING_DISPLAY_METADATA, Mastering()},
                      {AV_PKT_DATA_CONTENT_LIGHT_LEVEL, Light(900, 321)}};
    const HdrMetadata hdr = InfoOf(spec).hdr;
    ExpectMastering(hdr);
    ASSERT_TRUE(hdr.content_light);
    EXPECT_EQ(hdr.content_light->max_content, 900);
    EXPECT_EQ(hdr.content_light->max_frame_average, 321);
    EXPECT_FALSE(hdr.hdr10_plus);
  }
  EXPECT_TRUE(InfoOf(ClipSpec()).hdr.empty());
}

// The container says nothing; the first picture does.
TEST(StreamFacts, HdrOfThePictures) {
  if (avcodec_find_encoder_by_name("libx265") == nullptr) GTEST_SKIP() << "no libx265";
  ClipSpec spec;
  spec.encoder = "libx265";
  spec.pixel_format = AV_PIX_FMT_YUV420P10;
  spec.width = spec.height = 64;
  spec.codec_options = {
      {"x265-params",
       "log-level=none:pools=none:frame-threads=1:hdr10=1:max-cll=1000,400:master-display="
       "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"}};
  const HdrMetadata hdr = InfoOf(spec).hdr;
  ExpectMastering(hdr);
  ASSERT_TRUE(hdr.content_light);
  EXPECT_EQ(hdr.content_light->max_content, 1000);
  EXPECT_EQ(hdr.content_light->max_frame_average, 400);
}

TEST(StreamFacts, DolbyVisionKeepsAnOrdinaryBaseLayer) {
  ClipSpec spec;
  spec.container = "mp4";
  spec.encoder = "libx264";
  spec.side_data = {{AV_PKT_DATA_DOVI_CONF, DolbyVision(8, 1)}};
  const test::LogCatcher log;
  EXPECT_EQ(InfoOf(spec).width, spec.width);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_NE(log.lines[0].find("Dolby Vision profile 8: its base layer"), std::string::npos);
}

TEST(StreamFacts, DolbyVisionWithoutOneIsRefusedByName) {
  for (const auto& [profile, compatibility] : {std::pair(5, 0), std::pair(10, 0)}) {
    ClipSpec spec;
    spec.container = "mp4";
    spec.encoder = "libx264";
    spec.side_data = {{AV_PKT_DATA_DOVI_CONF, DolbyVision(profile, compatibility)}};
    test::ExpectError(Code::kUnsupported, "Dolby Vision profile " + std::to_string(profile),
                      [&spec] { InfoOf(spec); });
  }
}

TEST(StreamFacts, TransparencyThatIsNotReadIsTold) {
  const TempDir folder;
  ClipSpec spec;
  spec.encoder = "libvpx-vp9";
  if (avcodec_find_encoder_by_name("libvpx-vp9") == nullptr) GTEST_SKIP() << "no libvpx-vp9";
  test::LogCatcher log;
  MakeClip(folder / "opaque.webm", spec);
  VideoReader(folder / "opaque.webm");
  EXPECT_TRUE(log.lines.empty());
  spec.stream_tags = {{"alpha_mode", "1"}};
  MakeClip(folder / "alpha.webm", spec);
  VideoReader(folder / "alpha.webm");
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("which is not read"));
}

TEST(StreamFacts, StereoAndSpheresAreNoticed) {
  ClipSpec spec;
  EXPECT_EQ(InfoOf(spec).stereo, StereoMark::kNone);
  EXPECT_EQ(InfoOf(spec).projection, "");

  AVStereo3D* stereo = av_stereo3d_alloc();
  stereo->type = AV_STEREO3D_TOPBOTTOM;
  size_t size = 0;
  AVSphericalMapping* sphere = av_spherical_alloc(&size);
  sphere->projection = AV_SPHERICAL_EQUIRECTANGULAR;
  spec.container = "mp4";
  spec.encoder = "mpeg4";
  spec.side_data = {{AV_PKT_DATA_STEREO3D, Take(stereo, sizeof(*stereo))},
                    {AV_PKT_DATA_SPHERICAL, Take(sphere, size)}};
  EXPECT_EQ(InfoOf(spec).stereo, StereoMark::kTopBottom);
  EXPECT_STREQ(Describe(InfoOf(spec).stereo), "two eyes one above the other");
  EXPECT_EQ(InfoOf(spec).projection, "equirectangular");

  // Said by the H.264 stream only.
  ClipSpec packed;
  packed.encoder = "libx264";
  packed.width = packed.height = 64;
  packed.codec_options = {{"x264-params", "frame-packing=3"}};
  EXPECT_EQ(InfoOf(packed).stereo, StereoMark::kSideBySide);
}

}  // namespace
}  // namespace mdvt
