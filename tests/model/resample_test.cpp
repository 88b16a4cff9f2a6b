// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/resample.h"

#include <gtest/gtest.h>

#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <opencv2/imgproc.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "support/test_env.h"

namespace mdvt {

static void PrintTo(const PixelSize& size, std::ostream* out) {
  *out << size.width << "x" << size.height;
}

namespace {

constexpr ResampleKind kKinds[] = {
    ResampleKind::kCubicOpenCv,
    ResampleKind::kBilinear,
    ResampleKind::kBilinearAlignCorners,
    ResampleKind::kBilinearAntialias,
    ResampleKind::kBicubic,
    ResampleKind::kArea,
    ResampleKind::kAreaOrCubic,
    ResampleKind::kLanczos3Antialias,
    ResampleKind::kNearest,
};

struct Plane {
  int width = 0, height = 0;
  std::vector<float> samples;

  Plane(int w, int h, float value = 0)
      : width(w), height(h), samples(static_cast<size_t>(w) * static_cast<size_t>(h), value) {}
  float& At(int x, int y) { return samples[static_cast<size_t>(y * width + x)]; }
  float At(int x, int y) const { return samples[static_cast<size_t>(y * width + x)]; }
  PlaneView<float> view() { return {samples.data(), stride(), width, height}; }
  PlaneView<const float> view() const { return {samples.data(), stride(), width, height}; }
  ptrdiff_t stride() const { return static_cast<ptrdiff_t>(sizeof(float)) * width; }
};

Plane RandomPlane(int width, int height) {
  auto rng = test::Rng();
  std::uniform_real_distribution<float> uniform(0, 1);
  Plane plane(width, height);
  for (float& sample : plane.samples) sample = uniform(rng);
  return plane;
}

Plane Resize(const Plane& from, ResampleKind kind, int width, int height,
             const ResampleWindow& window = {}, float pad = 0) {
  const PixelSize whole = window.from == PixelRect{} ? PixelSize{from.width, from.height}
                                                     : PixelSize{from.width + 9, from.height + 6};
  const Resampler resampler(kind, whole, {width, height}, window);
  Plane to(resampler.to().width, resampler.to().height, -1);
  resampler.Run(from.view(), to.view(), nullptr, pad);
  return to;
}

double MaxDifference(const Plane& a, const Plane& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  double difference = 0;
  for (size_t i = 0; i < std::min(a.samples.size(), b.samples.size()); ++i) {
    difference = std::max<double>(difference, std::abs(a.samples[i] - b.samples[i]));
  }
  return difference;
}

// The definition, plain and slow: output i is the mean of the input under a kernel around its
// position, integrated over every input sample from well before the border to well beyond it.
std::vector<double> KernelRow(ResampleKind kind, int i, int from, int to) {
  std::vector<double> row(static_cast<size_t>(from), 0.0);
  const double scale = static_cast<double>(from) / to;
  const double center = (i + 0.5) * scale;
  const auto add = [&](int j, double weight) {
    row[static_cast<size_t>(std::clamp(j, 0, from - 1))] += weight;
  };
  const auto cubic = [](double d) {
    const double x = std::abs(d), a = -0.75;
    if (x < 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0.0;
  };
  const auto tent = [](double d) { return std::max(0.0, 1 - std::abs(d)); };
  const auto lanczos = [](double d) {
    if (d == 0) return 1.0;
    const double x = M_PI * d;
    return std::abs(d) < 3 ? 3 * std::sin(x) * std::sin(x / 3) / (x * x) : 0.0;
  };
  switch (kind) {
    case ResampleKind::kCubicOpenCv:
    case ResampleKind::kBicubic:
      for (int j = -4; j < from + 4; ++j) add(j, cubic(center - (j + 0.5)));
      break;
    case ResampleKind::kBilinear:
      for (int j = -4; j < from + 4; ++j) add(j, tent(center - (j + 0.5)));
      break;
    case ResampleKind::kBilinearAlignCorners: {
      const double at = to == 1 ? 0 : i * (from - 1.0) / (to - 1.0);
      for (int j = 0; j < from; ++j) add(j, tent(at - j));
      break;
    }
    case ResampleKind::kBilinearAntialias:
    case ResampleKind::kLanczos3Antialias: {
      const double wide = std::max(1.0, scale);
      double sum = 0;
      for (int j = 0; j < from; ++j) {
        const double d = (center - (j + 0.5)) / wide;
        const double weight = kind == ResampleKind::kBilinearAntialias ? tent(d) : lanczos(d);
        add(j, weight);
        sum += weight;
      }
      for (double& weight : row) weight /= sum;
      break;
    }
    case ResampleKind::kArea:
    case ResampleKind::kAreaOrCubic:
      for (int j = 0; j < from; ++j) {
        const double overlap =
            std::min(j + 1.0, center + scale / 2) - std::max(1.0 * j, center - scale / 2);
        if (overlap > 0) add(j, overlap / scale);
      }
      break;
    case ResampleKind::kNearest:
      add(static_cast<int>(std::floor(i * scale + 1e-9)), 1);
      break;
  }
  return row;
}

Plane PlainResize(const Plane& from, ResampleKind kind, int width, int height) {
  std::vector<std::vector<double>> across, down;
  for (int x = 0; x < width; ++x) across.push_back(KernelRow(kind, x, from.width, width));
  for (int y = 0; y < height; ++y) down.push_back(KernelRow(kind, y, from.height, height));
  Plane to(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      double sum = 0;
      for (int v = 0; v < from.height; ++v) {
        const double weight = down[static_cast<size_t>(y)][static_cast<size_t>(v)];
        if (weight == 0) continue;
        for (int u = 0; u < from.width; ++u) {
          sum += weight * across[static_cast<size_t>(x)][static_cast<size_t>(u)] * from.At(u, v);
        }
      }
      to.At(x, y) = static_cast<float>(sum);
    }
  }
  return to;
}

TEST(Resampler, FollowsTheDefinitionOfEachKind) {
  const PixelSize sizes[] = {{31, 23}, {17, 9}, {1, 1}, {62, 46}, {31, 50}, {90, 7}, {3, 60}};
  const Plane from = RandomPlane(31, 23);
  for (const ResampleKind kind : kKinds) {
    for (const PixelSize size : sizes) {
      const bool grows = size.width > 31 || size.height > 23;
      ResampleKind plain = kind;
      if (kind == ResampleKind::kArea && grows) continue;  // see AgreesWithOpenCv
      if (kind == ResampleKind::kAreaOrCubic && grows) plain = ResampleKind::kCubicOpenCv;
      EXPECT_LT(MaxDifference(Resize(from, kind, size.width, size.height),
                              PlainResize(from, plain, size.width, size.height)),
                1e-5)
          << ResampleName(kind) << " to " << size.width << "x" << size.height;
    }
  }
}

TEST(Resampler, TakesPicturesOfOnePixelAndOneLine) {
  for (const ResampleKind kind : kKinds) {
    const Plane one = Resize(Plane(1, 1, 0.25f), kind, 5, 4);
    for (const float sample : one.samples) EXPECT_NEAR(sample, 0.25f, 1e-6) << ResampleName(kind);
    const Plane line = RandomPlane(1, 40);
    const Plane column = Resize(line, kind, 3, 20);
    EXPECT_EQ(column.width, 3);
    for (int y = 0; y < 20; ++y) EXPECT_EQ(column.At(0, y), column.At(2, y)) << ResampleName(kind);
  }
}

TEST(Resampler, KeepsAPictureOfTheSameSizeBitForBit) {
  const Plane from = RandomPlane(37, 21);
  for (const ResampleKind kind : kKinds) {
    EXPECT_EQ(Resize(from, kind, 37, 21).samples, from.samples) << ResampleName(kind);
  }
}

TEST(Resampler, KeepsARampAwayFromTheBorder) {
  Plane ramp(64, 48);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) {
      ramp.At(x, y) = 2 * (static_cast<float>(x) + 0.5f) - (static_cast<float>(y) + 0.5f);
    }
  }
  for (const ResampleKind kind : {ResampleKind::kCubicOpenCv, ResampleKind::kBilinear,
                                  ResampleKind::kBilinearAntialias, ResampleKind::kBicubic}) {
    const Plane to = Resize(ramp, kind, 100, 75);
    for (int y = 8; y < 67; ++y) {
      for (int x = 8; x < 92; ++x) {
        // The cubic with a = -0.75 is no exact interpolator of ramps: it is off by up to 3 % of a
        // step.
        EXPECT_NEAR(to.At(x, y), 2 * (x + 0.5) * 0.64 - (y + 0.5) * 0.64, 0.15)
            << ResampleName(kind);
      }
    }
  }
  const Plane corners = Resize(ramp, ResampleKind::kBilinearAlignCorners, 127, 95);
  for (int y = 0; y < 95; ++y) {
    for (int x = 0; x < 127; ++x) {
      EXPECT_NEAR(corners.At(x, y), 2 * (x / 2.0 + 0.5) - (y / 2.0 + 0.5), 1e-4);
    }
  }
}

TEST(Resampler, AveragesWholeBlocks) {
  const Plane from = RandomPlane(24, 15);
  const Plane to = Resize(from, ResampleKind::kArea, 8, 5);
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 8; ++x) {
      double sum = 0;
      for (int v = 0; v < 3; ++v) {
        for (int u = 0; u < 3; ++u) sum += from.At(3 * x + u, 3 * y + v);
      }
      EXPECT_NEAR(to.At(x, y), sum / 9, 1e-6);
    }
  }
}

TEST(Resampler, AgreesWithOpenCv) {
  struct Pair {
    ResampleKind kind;
    int flag;
  };
  const Pair pairs[] = {{ResampleKind::kCubicOpenCv, cv::INTER_CUBIC},
                        {ResampleKind::kBilinear, cv::INTER_LINEAR},
                        {ResampleKind::kArea, cv::INTER_AREA},
                        {ResampleKind::kNearest, cv::INTER_NEAREST}};
  const PixelSize from_sizes[] = {{160, 90}, {33, 77}, {1920, 1080}};
  const PixelSize to_sizes[] = {{84, 42}, {154, 98}, {80, 45}, {33, 200}, {924, 518}};
  for (const PixelSize size : from_sizes) {
    const Plane from = RandomPlane(size.width, size.height);
    const cv::Mat mat(size.height, size.width, CV_32F, const_cast<float*>(from.samples.data()));
    for (const Pair& pair : pairs) {
      for (const PixelSize to : to_sizes) {
        cv::Mat expected;
        cv::resize(mat, expected, {to.width, to.height}, 0, 0, pair.flag);
        const Plane actual = Resize(from, pair.kind, to.width, to.height);
        const bool grows = to.width > size.width || to.height > size.height;
        double difference = 0;
        for (int y = 0; y < to.height; ++y) {
          for (int x = 0; x < to.width; ++x) {
            // Where the position is a whole number OpenCV's may round to the one below, by chance.
            const bool whole = x * size.width % to.width == 0 || y * size.height % to.height == 0;
            const bool jumps =
                pair.kind == ResampleKind::kNearest || (pair.kind == ResampleKind::kArea && grows);
            if (whole && jumps) continue;
            difference =
                std::max<double>(difference, std::abs(expected.at<float>(y, x) - actual.At(x, y)));
          }
        }
        // Bilinear weights differ where OpenCV rounds positions to float.
        const double allowed = pair.kind == ResampleKind::kBilinear ? 2e-4 : 1e-5;
        EXPECT_LE(difference, allowed) << ResampleName(pair.kind) << " " << size.width << "x"
                                       << size.height << " to " << to.width << "x" << to.height;
      }
    }
  }
}

TEST(Resampler, AgreesWithTorchAndPil) {
  Plane from(13, 11);
  for (int y = 0; y < 11; ++y) {
    for (int x = 0; x < 13; ++x) {
      const int value = (x * 37 + y * 101 + x * y * 13 + x * x * y * 7) % 256;
      from.At(x, y) = static_cast<float>(value / 255.0);
    }
  }
  std::ifstream file(MDVT_GOLDEN);
  ASSERT_TRUE(file) << MDVT_GOLDEN;
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name;
    int width = 0, height = 0;
    ASSERT_TRUE(words >> name >> width >> height);
    Plane expected(width, height);
    for (float& sample : expected.samples) ASSERT_TRUE(words >> sample);
    EXPECT_LT(MaxDifference(Resize(from, ResampleByName(name), width, height), expected), 1e-5)
        << name << " to " << width << "x" << height;
    ++cases;
  }
  EXPECT_EQ(cases, 18);
}

TEST(Resampler, MakesAnyPartOfTheWhole) {
  const Plane from = RandomPlane(40, 30);
  for (const ResampleKind kind : kKinds) {
    for (const PixelSize size : {PixelSize{25, 17}, PixelSize{70, 55}}) {
      const Plane whole = Resize(from, kind, size.width, size.height);
      ResampleWindow window;
      window.to = {3, 5, 11, 9};
      const Resampler resampler(kind, {40, 30}, size, window);
      EXPECT_EQ(resampler.to(), (PixelSize{11, 9}));
      Plane part(11, 9);
      resampler.Run(from.view(), part.view());
      double difference = 0;
      for (int y = 0; y < 9; ++y) {
        for (int x = 0; x < 11; ++x) {
          difference =
              std::max<double>(difference, std::abs(part.At(x, y) - whole.At(x + 3, y + 5)));
        }
      }
      EXPECT_LT(difference, 1e-6) << ResampleName(kind);
    }
  }
}

TEST(Resampler, SeesBordersAsIfTheyWereThere) {
  const Plane from = RandomPlane(21, 16);
  for (const PadMode mode : {PadMode::kZeroNormalized, PadMode::kReplicate}) {
    Plane bordered(30, 22);
    for (int y = 0; y < 22; ++y) {
      for (int x = 0; x < 30; ++x) {
        const int u = x - 4, v = y - 2;
        const bool inside = u >= 0 && u < 21 && v >= 0 && v < 16;
        bordered.At(x, y) = inside || mode == PadMode::kReplicate
                                ? from.At(std::clamp(u, 0, 20), std::clamp(v, 0, 15))
                                : 0.4f;
      }
    }
    ResampleWindow window;
    window.from = {4, 2, 21, 16};
    window.pad.mode = mode;
    for (const ResampleKind kind : kKinds) {
      for (const PixelSize size : {PixelSize{30, 22}, PixelSize{14, 10}, PixelSize{61, 50}}) {
        EXPECT_LT(MaxDifference(Resize(from, kind, size.width, size.height, window, 0.4f),
                                Resize(bordered, kind, size.width, size.height)),
                  1e-6)
            << ResampleName(kind) << " to " << size.width << "x" << size.height;
      }
    }
  }
}

Image RandomRgb(PixelFormat format, int width, int height) {
  auto rng = test::Rng();
  Image image(format, width, height);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const auto value =
            static_cast<int>(rng() % static_cast<uint64_t>(1 << std::min<int>(format.bits, 16)));
        if (format.type == SampleType::kU8)
          image.MutablePlane<uint8_t>(c).At(x, y) = static_cast<uint8_t>(value);
        if (format.type == SampleType::kU16)
          image.MutablePlane<uint16_t>(c).At(x, y) = static_cast<uint16_t>(value);
        if (format.type == SampleType::kF32)
          image.MutablePlane<float>(c).At(x, y) = static_cast<float>(value) / 65535.0f;
      }
    }
  }
  return image;
}

float SampleOf(const Image& image, int c, int x, int y) {
  switch (image.format().type) {
    case SampleType::kU8:
      return static_cast<float>(image.Plane<uint8_t>(c).At(x, y) / 255.0);
    case SampleType::kU16:
      return static_cast<float>(image.Plane<uint16_t>(c).At(x, y) /
                                (1.0 * image.format().max_value()));
    default:
      return image.Plane<float>(c).At(x, y);
  }
}

std::vector<float> RunRgb(const Image& image, ResampleKind kind, PixelSize size, ThreadPool* pool) {
  const Resampler resampler(kind, {image.width(), image.height()}, size);
  const auto plane = static_cast<size_t>(size.width) * static_cast<size_t>(size.height);
  std::vector<float> tensor(3 * plane);
  std::array<PlaneView<float>, 3> planes;
  for (size_t c = 0; c < 3; ++c) {
    planes[c] = {tensor.data() + c * plane, static_cast<ptrdiff_t>(sizeof(float)) * size.width,
                 size.width, size.height};
  }
  resampler.RunRgb(image.view(), planes, pool);
  return tensor;
}

TEST(Resampler, MakesFloatsOfEverySampleType) {
  const PixelFormat formats[] = {PixelFormat::Rgb(8), PixelFormat::Rgb(10), PixelFormat::Rgb(16),
                                 PixelFormat::RgbF32()};
  for (const PixelFormat& format : formats) {
    const Image image = RandomRgb(format, 53, 41);
    for (const PixelSize size : {PixelSize{28, 14}, PixelSize{70, 84}}) {
      const std::vector<float> tensor = RunRgb(image, ResampleKind::kCubicOpenCv, size, nullptr);
      for (int c = 0; c < 3; ++c) {
        Plane plane(53, 41);
        for (int y = 0; y < 41; ++y) {
          for (int x = 0; x < 53; ++x) plane.At(x, y) = SampleOf(image, c, x, y);
        }
        const Plane expected = Resize(plane, ResampleKind::kCubicOpenCv, size.width, size.height);
        double difference = 0;
        for (size_t i = 0; i < expected.samples.size(); ++i) {
          difference = std::max<double>(
              difference, std::abs(expected.samples[i] -
                                   tensor[static_cast<size_t>(c) * expected.samples.size() + i]));
        }
        EXPECT_LT(difference, 1e-6) << format.ToString() << " plane " << c;
      }
    }
  }
}

TEST(Resampler, MapsTheLargestSampleToOne) {
  for (const int bits : {8, 10, 12, 16}) {
    Image image(PixelFormat::Rgb(bits), 6, 5);
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < 5; ++y) {
        for (int x = 0; x < 6; ++x) {
          if (bits == 8) image.MutablePlane<uint8_t>(c).At(x, y) = 255;
          if (bits != 8)
            image.MutablePlane<uint16_t>(c).At(x, y) = static_cast<uint16_t>((1 << bits) - 1);
        }
      }
    }
    for (const float sample : RunRgb(image, ResampleKind::kNearest, {3, 3}, nullptr)) {
      EXPECT_FLOAT_EQ(sample, 1.0f);
    }
  }
}

TEST(Resampler, GivesTheSameBitsForEveryThreadCountAndInstructionSet) {
  const Image image = RandomRgb(PixelFormat::Rgb(8), 261, 187);
  ThreadPool three(3);
  for (const ResampleKind kind : kKinds) {
    for (const PixelSize size : {PixelSize{126, 98}, PixelSize{315, 203}}) {
      const std::vector<float> one = RunRgb(image, kind, size, nullptr);
      EXPECT_EQ(RunRgb(image, kind, size, &three), one) << ResampleName(kind);
      for (int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
        const int64_t target = rest & -rest;
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
        const std::vector<float> other = RunRgb(image, kind, size, &three);
        hwy::SetSupportedTargetsForTest(0);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
        EXPECT_EQ(other, one) << ResampleName(kind) << " on " << hwy::TargetName(target);
      }
    }
  }
}

// What a network sees stays the same, bit for bit, from one version to the next.
TEST(Resampler, KeepsItsBytes) {
  const std::pair<ResampleKind, uint64_t> cases[] = {
      {ResampleKind::kCubicOpenCv, 0xc65f34e65d63e94e},
      {ResampleKind::kBilinear, 0x89a83f5607c762ad},
      {ResampleKind::kBilinearAlignCorners, 0x14733eb7b51f373a},
      {ResampleKind::kBilinearAntialias, 0xab9aee0278ac55b0},
      {ResampleKind::kBicubic, 0xde5391e7f8865c99},
      {ResampleKind::kArea, 0x4205f901c8eceaf6},
      {ResampleKind::kAreaOrCubic, 0x0abde76e5c7fffc5},
      {ResampleKind::kLanczos3Antialias, 0x9c1e40afea3e7e63},
      {ResampleKind::kNearest, 0xa8cfe8d9acd28eb5},
  };
  std::mt19937_64 rng(7);
  Plane from(71, 53);
  for (float& sample : from.samples) sample = static_cast<float>(rng() >> 48) / 65536;
  Image rgb(PixelFormat::Rgb(8), 71, 53);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 53; ++y) {
      for (int x = 0; x < 71; ++x)
        rgb.MutablePlane<uint8_t>(c).At(x, y) = static_cast<uint8_t>(rng() >> 56);
    }
  }
  for (const auto& [kind, expected] : cases) {
    uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&hash](const std::vector<float>& samples) {
      for (const float sample : samples) {
        uint32_t bits;
        std::memcpy(&bits, &sample, sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3;
      }
    };
    for (const PixelSize size : {PixelSize{30, 22}, PixelSize{71, 25}, PixelSize{160, 131},
                                 PixelSize{33, 120}, PixelSize{1, 1}}) {
      add(Resize(from, kind, size.width, size.height).samples);
      add(RunRgb(rgb, kind, size, nullptr));
      for (const PadMode mode : {PadMode::kZeroNormalized, PadMode::kReplicate}) {
        ResampleWindow window;
        window.from = {4, 2, 71, 53};
        window.to = {0, 0, size.width, (size.height + 1) / 2};
        window.pad.mode = mode;
        add(Resize(from, kind, size.width, size.height, window, 0.4f).samples);
      }
    }
    EXPECT_EQ(hash, expected) << ResampleName(kind);
  }
}

TEST(Resampler, LeavesThePaddingOfRowsAlone) {
  const Plane from = RandomPlane(20, 10);
  const Resampler resampler(ResampleKind::kBilinear, {20, 10}, {13, 7});
  Plane wide(16, 7, -5);
  resampler.Run(from.view(), {wide.samples.data(), wide.stride(), 13, 7});
  for (int y = 0; y < 7; ++y) {
    for (int x = 13; x < 16; ++x) EXPECT_EQ(wide.At(x, y), -5);
    for (int x = 0; x < 13; ++x) EXPECT_GE(wide.At(x, y), 0);
  }
}

TEST(Resampler, RefusesWhatDoesNotFit) {
  EXPECT_EQ(test::CodeOf([] {
              Resampler(ResampleKind::kArea, {0, 4}, {4, 4});
            }),
            Code::kInvalidArgument);
  EXPECT_EQ(test::CodeOf([] {
              Resampler(ResampleKind::kArea, {4, 4}, {4, 1 << 21});
            }),
            Code::kInvalidArgument);
  ResampleWindow outside;
  outside.to = {2, 0, 3, 4};
  EXPECT_EQ(test::CodeOf([&] {
              Resampler(ResampleKind::kArea, {4, 4}, {4, 4}, outside);
            }),
            Code::kInvalidArgument);
  outside.to = {0, 0, 4, 0};
  EXPECT_EQ(test::CodeOf([&] {
              Resampler(ResampleKind::kArea, {4, 4}, {4, 4}, outside);
            }),
            Code::kInvalidArgument);

  const Resampler resampler(ResampleKind::kArea, {4, 4}, {2, 2});
  Plane four(4, 4), three(3, 4), two(2, 2);
  EXPECT_EQ(test::CodeOf([&] { resampler.Run(three.view(), two.view()); }), Code::kInvalidArgument);
  EXPECT_EQ(test::CodeOf([&] { resampler.Run(four.view(), three.view()); }),
            Code::kInvalidArgument);
  const Image gray(PixelFormat::Gray(8), 4, 4);
  EXPECT_EQ(test::CodeOf([&] {
              resampler.RunRgb(gray.view(), {two.view(), two.view(), two.view()});
            }),
            Code::kInvalidArgument);
}

TEST(ResampleByName, KnowsEveryKindAndListsThem) {
  for (const ResampleKind kind : kKinds) EXPECT_EQ(ResampleByName(ResampleName(kind)), kind);
  try {
    ResampleByName("lanczos");
    FAIL() << "took an unknown name";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("lanczos3_antialias"), std::string::npos);
  }
}

TEST(PictureToTensor, FillsTheLetterbox) {
  Image image(PixelFormat::Rgb(8), 40, 20);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 20; ++y) {
      for (int x = 0; x < 40; ++x)
        image.MutablePlane<uint8_t>(c).At(x, y) = static_cast<uint8_t>(51 * (c + 1));
    }
  }
  SizeRule rule;
  rule.target = {20, 16};
  rule.dynamic = false;
  for (const PadMode mode : {PadMode::kZeroNormalized, PadMode::kReplicate}) {
    rule.pad.mode = mode;
    const PictureToTensor convert(ResampleKind::kBilinear, {40, 20}, rule);
    EXPECT_EQ(convert.plan().content, (PixelRect{0, 3, 20, 10}));
    std::vector<float> tensor(3 * 20 * 16, -1);
    convert.Run(image.view(), tensor.data());
    for (size_t c = 0; c < 3; ++c) {
      for (size_t y = 0; y < 16; ++y) {
        for (size_t x = 0; x < 20; ++x) {
          const bool inside = (y >= 3 && y < 13) || mode == PadMode::kReplicate;
          EXPECT_NEAR(tensor[(c * 16 + y) * 20 + x],
                      inside ? 0.2f * static_cast<float>(c + 1) : rule.pad.value[c], 1e-6);
        }
      }
    }
  }
}

// There and back through borders and letterbox: what comes back lies where it came from.
TEST(TensorToPicture, UndoesThePlan) {
  SizeRule rules[4];
  rules[0].mode = SizeMode::kCover;
  rules[0].target = {140, 140};
  rules[0].multiple = 14;
  rules[1].target = {150, 90};
  rules[1].dynamic = false;
  rules[2] = rules[1];
  rules[2].keep_aspect = false;
  rules[3].mode = SizeMode::kArea;
  rules[3].min_pixels = 10000;
  rules[3].max_pixels = 20000;
  rules[3].multiple = 14;
  rules[3].rounding = SizeRounding::kCeil;
  rules[3].pad.min_aspect = 0.5;
  rules[3].pad.max_aspect = 1.2;
  for (const PixelSize size : {PixelSize{160, 90}, PixelSize{91, 203}}) {
    Image image(PixelFormat::RgbF32(), size.width, size.height);
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < size.height; ++y) {
        for (int x = 0; x < size.width; ++x) {
          image.MutablePlane<float>(c).At(x, y) =
              0.01f * static_cast<float>(x) + 0.003f * static_cast<float>(y);
        }
      }
    }
    for (const SizeRule& rule : rules) {
      const PictureToTensor there(ResampleKind::kBilinear, size, rule);
      const SizePlan& plan = there.plan();
      std::vector<float> tensor(3 * static_cast<size_t>(plan.network.width) *
                                static_cast<size_t>(plan.network.height));
      there.Run(image.view(), tensor.data());
      Plane back(size.width, size.height);
      TensorToPicture(ResampleKind::kBilinear, plan).Run(tensor.data(), back.view());
      for (int y = 4; y < size.height - 4; ++y) {
        for (int x = 4; x < size.width - 4; ++x) {
          ASSERT_NEAR(back.At(x, y), image.Plane<float>(0).At(x, y), 1e-4)
              << "at " << x << ", " << y;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mdvt
