// SPDX-License-Identifier: Apache-2.0
#include "pipeline/view_record.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/io/byte_source.h"
#include "mdvt/io/image_file.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

uint32_t U32(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return value;
}
float F32(const std::string& bytes, size_t at) {
  const uint32_t bits = U32(bytes, at);
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// Reads a record by the words of view_record.h, as the page does.
struct Decoded {
  explicit Decoded(const std::string& bytes) {
    EXPECT_EQ(bytes.substr(0, 4), "FVDM");
    const uint32_t depth_bytes = U32(bytes, 4), color_bytes = U32(bytes, 8);
    width = U32(bytes, 12), height = U32(bytes, 16), number = U32(bytes, 20);
    EXPECT_EQ(bytes.size(), 160 + depth_bytes + color_bytes);
    for (size_t i = 0; i < 30; ++i) numbers.push_back(F32(bytes, 28 + 4 * i));
    const uint64_t bits = U32(bytes, 148) | static_cast<uint64_t>(U32(bytes, 152)) << 32;
    std::memcpy(&seconds, &bits, sizeof(seconds));

    const size_t pixels = size_t{width} * height;
    std::vector<uint8_t> codes(2 * pixels);
    uLongf size = codes.size();
    EXPECT_EQ(
        uncompress(codes.data(), &size, reinterpret_cast<const Bytef*>(&bytes[160]), depth_bytes),
        Z_OK);
    EXPECT_EQ(size, codes.size());
    const double nearest = F32(bytes, 24), octaves = F32(bytes, 28);
    for (size_t i = 0; i < pixels; ++i) {
      const unsigned difference = codes[i] * 256u + codes[pixels + i];
      const unsigned before = i % width != 0 ? code.back() : i == 0 ? 0 : code[i - width];
      code.push_back((before + difference) & 0xffff);
      z.push_back(code[i] == 0 ? 0 : nearest * std::exp2((code[i] - 1.0) * octaves));
    }
    const std::byte* picture = reinterpret_cast<const std::byte*>(&bytes[160 + depth_bytes]);
    color = ReadImageFile(OpenMemorySource(std::vector<std::byte>(picture, picture + color_bytes)),
                          "picture");
  }

  uint32_t width = 0, height = 0, number = 0;
  std::vector<float> numbers;  // from octaves on
  double seconds = 0;
  std::vector<unsigned> code;
  std::vector<double> z;
  Image color;
};

struct Scene {
  Scene(int width, int height)
      : depth(PixelFormat::GrayF32(), width, height), color(PixelFormat::Rgb(8), width, height) {
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        depth.MutablePlane<float>().At(x, y) = 1;
        for (int plane = 0; plane < 3; ++plane)
          color.MutablePlane<uint8_t>(plane).At(x, y) =
              static_cast<uint8_t>(40 + 50 * plane + 100 * x / width);
      }
  }
  ViewRecord Record() const {
    ViewRecord record;
    record.depth = depth.Plane<float>();
    record.color = color.view();
    record.camera = Camera::FromFov(depth.width(), depth.height(), 60, std::nullopt);
    return record;
  }
  Image depth;
  Image color;
};

TEST(ViewRecord, KeepsDepthWithinTheStatedErrorAndNoDataExactly) {
  auto rng = test::Rng();
  for (const double farthest : {0.1001, 3.0, 100.0, 1000.0}) {
    Scene scene(97, 31);
    std::uniform_real_distribution<double> log_z(std::log(0.1), std::log(farthest));
    for (int y = 0; y < 31; ++y)
      for (int x = 0; x < 97; ++x)
        scene.depth.MutablePlane<float>().At(x, y) =
            rng() % 5 == 0 ? 0.0f : static_cast<float>(std::exp(log_z(rng)));
    float* z = scene.depth.MutablePlane<float>().Row(3);
    z[0] = static_cast<float>(farthest);
    z[1] = 0.1f;
    z[2] = std::numeric_limits<float>::infinity();
    z[3] = -1;
    z[4] = std::numeric_limits<float>::quiet_NaN();
    const Decoded decoded(EncodeViewRecord(scene.Record()));
    const double bound = std::pow(farthest / 0.1, 1.0 / 131068) - 1;
    EXPECT_LT(bound, 7.03e-5);
    for (int y = 0; y < 31; ++y)
      for (int x = 0; x < 97; ++x) {
        const float true_z = scene.depth.Plane<float>().At(x, y);
        const double got = decoded.z[static_cast<size_t>(97 * y + x)];
        if (!(true_z > 0) || std::isinf(true_z)) {
          ASSERT_EQ(got, 0) << x << " " << y;
        } else {
          ASSERT_NEAR(got / true_z, 1, bound + 2e-6) << x << " " << y << " " << true_z;
        }
      }
  }
}

TEST(ViewRecord, KeepsOneDepthAndNoneExactly) {
  for (const float z : {0.0f, 1e-6f, 2.5f, 1e9f}) {
    Scene scene(5, 3);
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 5; ++x) scene.depth.MutablePlane<float>().At(x, y) = z;
    for (const double got : Decoded(EncodeViewRecord(scene.Record())).z) EXPECT_EQ(got, z);
  }
}

TEST(ViewRecord, TellsCamerasTimeAndPicture) {
  Scene scene(64, 48);
  ViewRecord record = scene.Record();
  record.number = 70000;
  record.seconds = 7200.04;
  record.world_from_cam.translation() = Eigen::Vector3d(1, 2, 3);
  record.world_from_view.linear() =
      Eigen::AngleAxisd(0.5, Eigen::Vector3d::UnitY()).toRotationMatrix();
  record.view_xfov_deg = 90;
  const Decoded decoded(EncodeViewRecord(record));
  EXPECT_EQ(decoded.width, 64u);
  EXPECT_EQ(decoded.height, 48u);
  EXPECT_EQ(decoded.number, 70000u);
  EXPECT_EQ(decoded.seconds, 7200.04);
  EXPECT_FLOAT_EQ(decoded.numbers[1], static_cast<float>(record.camera.fx));
  EXPECT_FLOAT_EQ(decoded.numbers[4], 24);
  for (size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(decoded.numbers[5 + 4 * row + 3], static_cast<float>(row + 1));
    for (size_t column = 0; column < 4; ++column)
      EXPECT_FLOAT_EQ(decoded.numbers[17 + 4 * row + column],
                      static_cast<float>(record.world_from_view.matrix()(
                          static_cast<int>(row), static_cast<int>(column))));
  }
  EXPECT_FLOAT_EQ(decoded.numbers[29], static_cast<float>(M_PI / 2));
  // A smooth picture survives JPEG within a few codes.
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < 48; ++y)
      for (int x = 0; x < 64; ++x)
        ASSERT_NEAR(decoded.color.Plane<uint8_t>(plane).At(x, y),
                    scene.color.Plane<uint8_t>(plane).At(x, y), 4);
}

TEST(ViewRecord, RefusesPartsOfDifferentSizes) {
  const Scene scene(8, 6), other(8, 7);
  ViewRecord record = scene.Record();
  record.color = other.color.view();
  test::ExpectError(Code::kInvalidArgument, "differ in size", [&] { EncodeViewRecord(record); });
}

TEST(ViewRecord, PacksRecordsWithTheirOffsets) {
  const std::string pack = PackViewRecords({"abc", "", "defgh"});
  ASSERT_EQ(pack.size(), 4u * 5 + 8);
  EXPECT_EQ(U32(pack, 0), 3u);
  EXPECT_EQ(U32(pack, 4), 20u);
  EXPECT_EQ(U32(pack, 8), 23u);
  EXPECT_EQ(U32(pack, 12), 23u);
  EXPECT_EQ(U32(pack, 16), 28u);
  EXPECT_EQ(pack.substr(20), "abcdefgh");
}

}  // namespace
}  // namespace mdvt
