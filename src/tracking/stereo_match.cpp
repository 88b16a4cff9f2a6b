// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/stereo_match.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kReach = 4;  // texture is looked for in 9 x 9 pixels
constexpr int kLeastSide = 16;

// Sums of |I(x + 1) - I(x)| over the pixels within reach, by columns and then along the row.
class Texture {
 public:
  // sure(x, y, strong) for each pixel, row by row; `strong`: its mean change is `least` or more.
  template <typename Visit>
  void ForEach(PlaneView<const uint8_t> picture, double least, const Visit& visit) {
    const int w = picture.width, h = picture.height;
    columns_.assign(static_cast<size_t>(w), 0);
    for (int y = 0; y < std::min(kReach, h); ++y) AddRow(picture, y, 1);
    for (int y = 0; y < h; ++y) {
      if (y + kReach < h) AddRow(picture, y + kReach, 1);
      if (y - kReach - 1 >= 0) AddRow(picture, y - kReach - 1, -1);
      const int rows = std::min(y + kReach, h - 1) - std::max(y - kReach, 0) + 1;
      int64_t sum = 0;
      for (int x = 0; x < std::min(kReach, w); ++x) sum += columns_[static_cast<size_t>(x)];
      for (int x = 0; x < w; ++x) {
        if (x + kReach < w) sum += columns_[static_cast<size_t>(x + kReach)];
        if (x - kReach - 1 >= 0) sum -= columns_[static_cast<size_t>(x - kReach - 1)];
        const int count = rows * (std::min(x + kReach, w - 1) - std::max(x - kReach, 0) + 1);
        visit(x, y, static_cast<double>(sum) >= least * count);
      }
    }
  }

 private:
  void AddRow(PlaneView<const uint8_t> picture, int y, int sign) {
    const uint8_t* row = picture.Row(y);
    for (int x = 0; x + 1 < picture.width; ++x)
      columns_[static_cast<size_t>(x)] += sign * std::abs(row[x + 1] - row[x]);
  }
  std::vector<int> columns_;
};

}  // namespace

void StereoMatchOptions::Check() const {
  Require(max_round_trip > 0 && max_round_trip <= 10, Code::kInvalidArgument,
          "StereoMatchOptions.max_round_trip must be in (0, 10] pixels");
  Require(min_texture >= 0 && min_texture <= 255, Code::kInvalidArgument,
          "StereoMatchOptions.min_texture must be in [0, 255]");
}

struct StereoMatcher::Impl {
  explicit Impl(const StereoMatchOptions& wanted) : options(wanted), flow(FlowEffort::kBalanced) {}

  void Judge(PlaneView<const uint8_t> picture, const FlowField& there, const FlowField& back,
             Image* quality) {
    if (quality->width() != picture.width || quality->height() != picture.height)
      *quality = Image(PixelFormat::Gray(8), picture.width, picture.height);
    RoundTripError(there, back, error.MutablePlane<float>());
    const PlaneView<const float> miss = error.Plane<float>();
    const PlaneView<uint8_t> to = quality->MutablePlane<uint8_t>();
    const float most = static_cast<float>(options.max_round_trip);
    texture.ForEach(picture, options.min_texture, [&](int x, int y, bool strong) {
      const MatchQuality found = strong ? MatchQuality::kSure : MatchQuality::kSmooth;
      to.At(x, y) = static_cast<uint8_t>(miss.At(x, y) < most ? found : MatchQuality::kHidden);
    });
  }

  StereoMatchOptions options;
  DenseFlow flow;
  Texture texture;
  Image error;
  StereoMatch match;
};

StereoMatcher::StereoMatcher(const StereoMatchOptions& options) {
  options.Check();
  impl_ = std::make_unique<Impl>(options);
}
StereoMatcher::~StereoMatcher() = default;
StereoMatcher::StereoMatcher(StereoMatcher&&) noexcept = default;
StereoMatcher& StereoMatcher::operator=(StereoMatcher&&) noexcept = default;

const StereoMatch& StereoMatcher::Match(PlaneView<const uint8_t> left,
                                        PlaneView<const uint8_t> right) {
  Impl& impl = *impl_;
  StereoMatch& match = impl.match;
  // Every pair is searched from nothing: what frames before it showed never matters.
  match.left_to_right = FlowField();
  match.right_to_left = FlowField();
  impl.flow.Compute(left, right, &match.left_to_right);
  impl.flow.Compute(right, left, &match.right_to_left);
  if (impl.error.width() != left.width || impl.error.height() != left.height)
    impl.error = Image(PixelFormat::GrayF32(), left.width, left.height);
  impl.Judge(left, match.left_to_right, match.right_to_left, &match.left_quality);
  impl.Judge(right, match.right_to_left, match.left_to_right, &match.right_quality);
  if (left.width < kLeastSide || left.height < kLeastSide) {
    for (Image* quality : {&match.left_quality, &match.right_quality})
      for (int y = 0; y < left.height; ++y)
        std::fill_n(quality->MutablePlane<uint8_t>().Row(y), left.width, uint8_t{0});
  }
  return match;
}

}  // namespace mdvt
