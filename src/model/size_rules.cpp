// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/size_rules.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr int kMaxSide = 1 << 20;
constexpr int kMaxTarget = 16384;
constexpr int kMaxMultiple = 1024;
constexpr double kMaxPixels = double{kMaxSide} * kMaxSide;

// Video-Depth-Anything's tool: pictures wider than the first are reduced to the tokens of the
// second.
constexpr double kWideAspect = 1.78;
constexpr double kTargetAspect = 1.777;

void CheckPicture(PixelSize size) {
  Require(size.width >= 1 && size.height >= 1 && size.width <= kMaxSide && size.height <= kMaxSide,
          Code::kInvalidArgument,
          "picture of " + ToString(size) + " pixels, sides must be in [1, 1048576]");
}

void CheckInputSize(int input_size) {
  Require(input_size >= 14 && input_size <= kMaxTarget, Code::kInvalidArgument,
          "input_size = " + std::to_string(input_size) + ", must be in [14, 16384]");
}

// Halves go to the even neighbour, as in the tools that the networks come with.
double RoundHalfEven(double value) { return std::nearbyint(value); }

int FloorTo(int multiple, int side) { return side / multiple * multiple; }
int CeilTo(int multiple, int side) { return (side + multiple - 1) / multiple * multiple; }

double DownTo(int multiple, double side) { return std::floor(side / multiple) * multiple; }
double UpTo(int multiple, double side) { return std::ceil(side / multiple) * multiple; }

// The multiple for a scaled side; `target` is the bound that kCover and kFit keep.
double RoundSide(double side, int target, const SizeRule& rule) {
  // A scale times a side misses a whole number by some ulp; that must not cost a whole multiple.
  constexpr double kSlack = 1e-6;
  switch (rule.rounding) {
    case SizeRounding::kCeil:
      return UpTo(rule.multiple, side - kSlack);
    case SizeRounding::kFloor:
      return DownTo(rule.multiple, side + kSlack);
    case SizeRounding::kNearestEven:
      break;
  }
  const double nearest = RoundHalfEven(side / rule.multiple) * rule.multiple;
  if (rule.mode == SizeMode::kFit && nearest > target) return DownTo(rule.multiple, side);
  if (rule.mode == SizeMode::kCover && nearest < target) return UpTo(rule.multiple, side);
  return nearest;
}

// The target, smaller for very wide or tall pictures.
PixelSize TargetFor(PixelSize picture, const SizeRule& rule) {
  if (rule.wide_above == 0) return rule.target;
  const double longer = std::max(picture.width, picture.height);
  const double shorter = std::min(picture.width, picture.height);
  const double aspect = longer / shorter;
  if (aspect <= rule.wide_above) return rule.target;
  const double reduced = std::floor(rule.target.width * rule.wide_as / aspect);
  const int side =
      static_cast<int>(std::max(1.0, RoundHalfEven(reduced / rule.multiple)) * rule.multiple);
  return {side, side};
}

PixelSize DynamicSize(PixelSize picture, const SizeRule& rule) {
  const PixelSize target = TargetFor(picture, rule);
  const double width = picture.width, height = picture.height;
  double scale_x = target.width / width;
  double scale_y = target.height / height;
  double both = 1;
  switch (rule.mode) {
    case SizeMode::kCover:
      both = std::max(scale_x, scale_y);
      break;
    case SizeMode::kFit:
      both = std::min(scale_x, scale_y);
      break;
    case SizeMode::kMinimal:
      both = std::abs(1 - scale_x) < std::abs(1 - scale_y) ? scale_x : scale_y;
      break;
    case SizeMode::kArea: {
      const double pixels = width * height;
      both = std::sqrt(std::clamp(pixels, rule.min_pixels, rule.max_pixels) / pixels);
      break;
    }
    case SizeMode::kFixed:
    case SizeMode::kNative:
      break;
  }
  const bool has_target = rule.mode != SizeMode::kArea && rule.mode != SizeMode::kNative;
  if (rule.keep_aspect || !has_target) scale_x = scale_y = both;
  double scaled_x = width * scale_x, scaled_y = height * scale_y;
  if (rule.mode == SizeMode::kArea) {
    scaled_x = std::floor(scaled_x);
    scaled_y = std::floor(scaled_y);
  }
  double x = RoundSide(scaled_x, target.width, rule);
  double y = RoundSide(scaled_y, target.height, rule);

  const int max_x = FloorTo(rule.multiple, rule.max.width);
  const int max_y = FloorTo(rule.multiple, rule.max.height);
  if (x > max_x || y > max_y) {
    double shrink_x = std::min(1.0, max_x / scaled_x), shrink_y = std::min(1.0, max_y / scaled_y);
    if (rule.keep_aspect) shrink_x = shrink_y = std::min(shrink_x, shrink_y);
    SizeRule unbound = rule;
    unbound.mode = SizeMode::kNative;
    x = std::min<double>(max_x, RoundSide(scaled_x * shrink_x, 0, unbound));
    y = std::min<double>(max_y, RoundSide(scaled_y * shrink_y, 0, unbound));
  }
  return {std::max(static_cast<int>(x), CeilTo(rule.multiple, rule.min.width)),
          std::max(static_cast<int>(y), CeilTo(rule.multiple, rule.min.height))};
}

}  // namespace

std::string ToString(PixelSize size) { return FormatSize(size.width, size.height); }

void SizeRule::Check() const {
  const auto require = [](bool valid, const std::string& text) {
    Require(valid, Code::kInvalidArgument, "SizeRule." + text);
  };
  require(multiple >= 1 && multiple <= kMaxMultiple,
          "multiple = " + std::to_string(multiple) + ", must be in [1, 1024]");
  require(target.width >= 1 && target.height >= 1 && target.width <= kMaxTarget &&
              target.height <= kMaxTarget,
          "target = " + ToString(target) + ", sides must be in [1, 16384]");
  require((mode != SizeMode::kFixed && dynamic) ||
              (target.width % multiple == 0 && target.height % multiple == 0),
          "target = " + ToString(target) + ", a fixed size must be a multiple of " +
              std::to_string(multiple));
  require(min.width >= 1 && min.height >= 1 && min.width <= max.width && min.height <= max.height &&
              max.width <= kMaxSide && max.height <= kMaxSide,
          "min = " + ToString(min) + ", max = " + ToString(max) +
              ", must be 1 <= min <= max <= 1048576 on both axes");
  require(CeilTo(multiple, min.width) <= max.width && CeilTo(multiple, min.height) <= max.height,
          "min = " + ToString(min) + ", max = " + ToString(max) + ", no multiple of " +
              std::to_string(multiple) + " lies between them");
  require(min_pixels >= 1 && min_pixels <= max_pixels && max_pixels <= kMaxPixels,
          "min_pixels and max_pixels must be 1 <= min_pixels <= max_pixels <= 2^40");
  require(wide_above == 0 || (wide_as >= 1 && wide_as <= wide_above && wide_above <= 100),
          "wide_above must be 0, or 1 <= wide_as <= wide_above <= 100");
  require(wide_above == 0 || (mode == SizeMode::kCover && target.width == target.height),
          "wide_above is for the mode cover with a square target only");
  require(pad.min_aspect >= 0 && pad.min_aspect <= pad.max_aspect && pad.max_aspect > 0 &&
              pad.min_aspect <= kMaxSide,
          "pad: the range of aspects must be 0 <= min_aspect <= max_aspect, max_aspect > 0");
  for (const float value : pad.value) {
    require(value >= 0 && value <= 1, "pad.value must be in [0, 1]");
  }
}

SizePlan PlanSize(PixelSize picture, const SizeRule& rule) {
  CheckPicture(picture);
  rule.Check();
  SizePlan plan;
  plan.padded = picture;
  // Truncated, as UniDepth does, and divided evenly.
  const double aspect = static_cast<double>(picture.width) / picture.height;
  if (aspect > rule.pad.max_aspect) {
    const double height = std::floor(picture.width / rule.pad.max_aspect);
    plan.padded.height =
        std::max(picture.height, static_cast<int>(std::min(height, 1.0 * kMaxSide)));
  } else if (aspect < rule.pad.min_aspect) {
    const double width = std::floor(picture.height * rule.pad.min_aspect);
    plan.padded.width = std::max(picture.width, static_cast<int>(std::min(width, 1.0 * kMaxSide)));
  }
  plan.picture = {(plan.padded.width - picture.width) / 2,
                  (plan.padded.height - picture.height) / 2, picture.width, picture.height};

  if (rule.dynamic && rule.mode != SizeMode::kFixed) {
    plan.network = DynamicSize(plan.padded, rule);
    plan.content = {0, 0, plan.network.width, plan.network.height};
    return plan;
  }
  plan.network = rule.target;
  plan.content = {0, 0, rule.target.width, rule.target.height};
  if (rule.keep_aspect) {
    const double scale = std::min(static_cast<double>(rule.target.width) / plan.padded.width,
                                  static_cast<double>(rule.target.height) / plan.padded.height);
    const auto fit = [scale](int side, int target) {
      return std::clamp(static_cast<int>(RoundHalfEven(side * scale)), 1, target);
    };
    plan.content.width = fit(plan.padded.width, rule.target.width);
    plan.content.height = fit(plan.padded.height, rule.target.height);
    plan.content.x = (rule.target.width - plan.content.width) / 2;
    plan.content.y = (rule.target.height - plan.content.height) / 2;
  }
  return plan;
}

bool IsDeclaredSize(PixelSize network, const SizeRule& rule) {
  if (!rule.dynamic) return network == rule.target;
  const auto declared = [&rule](int side, int min, int max) {
    return side >= min && side <= max && side % rule.multiple == 0;
  };
  return declared(network.width, rule.min.width, rule.max.width) &&
         declared(network.height, rule.min.height, rule.max.height);
}

PixelSize DecodedSize(PixelSize video, int input_size) {
  CheckPicture(video);
  CheckInputSize(input_size);
  const double longer = std::max(video.width, video.height);
  const double shorter = std::min(video.width, video.height);
  const double limit = input_size * (longer / shorter);
  if (longer <= limit) return video;
  const double scale = limit / longer;
  const auto reduce = [scale](int side) {
    const int rounded = static_cast<int>(std::max(1.0, RoundHalfEven(side * scale)));
    return rounded + rounded % 2;
  };
  return {reduce(video.width), reduce(video.height)};
}

PixelSize NetworkSize(PixelSize decoded, int input_size, int multiple) {
  CheckPicture(decoded);
  CheckInputSize(input_size);
  Require(multiple >= 1 && multiple <= 256, Code::kInvalidArgument,
          "multiple = " + std::to_string(multiple) + ", must be in [1, 256]");
  SizeRule rule;
  rule.mode = SizeMode::kCover;
  rule.target = {input_size, input_size};
  rule.multiple = multiple;
  rule.wide_above = kWideAspect;
  rule.wide_as = kTargetAspect;
  return PlanSize(decoded, rule).network;
}

}  // namespace mdvt
