// SPDX-License-Identifier: Apache-2.0
//
// At which size a network sees a picture. Networks take sides that are multiples of something (14
// in the DINOv2 family: Depth-Anything-V2, Video-Depth-Anything), near the size they were trained
// at; how a picture's size becomes one is part of their results. A model's metadata states its
// rule.
#pragma once

#include <array>
#include <limits>
#include <string>

namespace mdvt {

struct PixelSize {
  int width = 0;
  int height = 0;

  friend bool operator==(const PixelSize& a, const PixelSize& b) {
    return a.width == b.width && a.height == b.height;
  }
  friend bool operator!=(const PixelSize& a, const PixelSize& b) { return !(a == b); }
};
std::string ToString(PixelSize size);  // "1920x1080"

// The pixels [x, x + width) x [y, y + height).
struct PixelRect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;

  PixelSize size() const { return {width, height}; }
  friend bool operator==(const PixelRect& a, const PixelRect& b) {
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
  }
  friend bool operator!=(const PixelRect& a, const PixelRect& b) { return !(a == b); }
};

// By which scale a picture comes near the target, in brackets the name in metadata.
enum class SizeMode {
  kCover,    // the larger one of the two sides' scales: no side is short of the target ("cover")
  kFit,      // the smaller one: no side exceeds the target ("fit")
  kMinimal,  // the one that is nearer to 1: changes the picture least ("minimal")
  kArea,     // the number of pixels comes into [min_pixels, max_pixels] ("area")
  kFixed,    // exactly the target ("fixed")
  kNative,   // 1: only the multiple counts ("native")
};

// How a scaled side becomes a multiple.
enum class SizeRounding {
  kNearestEven,  // to the nearest, halves to the even one ("nearest_even"). Under kCover a side
                 // that is then short of the target goes up, under kFit one that exceeds it goes
                 // down
  kCeil,         // up ("ceil")
  kFloor,        // down ("floor")
};

// What fills the room around a picture.
enum class PadMode {
  kZeroNormalized,  // SizePad::value, which the module's normalisation maps to 0
                    // ("zero_normalized")
  kReplicate,       // the nearest pixel of the picture ("replicate")
};

// Borders that a picture gets before it is scaled, so that its proportions come into a range that
// the network knows; and what fills the room that a letterbox leaves.
struct SizePad {
  PadMode mode = PadMode::kZeroNormalized;

  // R, G, B in 0..1: the mean that the module subtracts. The default is that of ImageNet.
  std::array<float, 3> value = {0.485f, 0.456f, 0.406f};

  // width / height. Valid: 0 <= min_aspect <= max_aspect, max_aspect > 0. The defaults pad nothing.
  double min_aspect = 0;
  double max_aspect = std::numeric_limits<double>::infinity();
};

// The "size" of an input in a model's metadata. Pairs in JSON are [height, width], as in a tensor's
// shape.
struct SizeRule {
  SizeMode mode = SizeMode::kFixed;

  // What kCover, kFit, kMinimal and kFixed aim at. Valid: sides in [1, 16384]; a multiple of
  // `multiple` where it is the network's size itself (kFixed, or not dynamic).
  PixelSize target = {518, 518};

  // Both sides are multiples of it. Valid: [1, 1024].
  int multiple = 1;

  SizeRounding rounding = SizeRounding::kNearestEven;

  // true: both sides are scaled alike, up to the rounding; false: each by its own scale. Where the
  // size is the target itself: true letterboxes, false stretches.
  bool keep_aspect = true;

  // false: the module knows one size only, `target`, whatever `mode` says.
  bool dynamic = true;

  // Which sizes the module takes. A scale that leads beyond `max` is reduced until neither side
  // does; a side short of `min` is raised to it. Valid: 1 <= min <= max <= 16384 on both axes, and
  // a multiple in between.
  PixelSize min = {1, 1};
  PixelSize max = {16384, 16384};

  // kArea only: the range of width * height before rounding; the sides are cut to whole pixels
  // between the two, as UniDepth does. Valid: 1 <= min_pixels <= max_pixels <= 2^40.
  double min_pixels = 1;
  double max_pixels = 1099511627776.0;

  // Pictures whose longer side is more than wide_above times the shorter one get a smaller target,
  // floor(side * wide_as / aspect) to the nearest multiple, so that the number of tokens stays that
  // of the proportions wide_as ("wide": [1.78, 1.777] of Video-Depth-Anything). kCover with a
  // square target only. 0 means no such rule. Valid: 0, or in [1, 100] with 1 <= wide_as <=
  // wide_above.
  double wide_above = 0;
  double wide_as = 0;

  SizePad pad;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// The way of a picture into a network's input: it gets borders, is resized as a whole, and is laid
// into the tensor. The way back is the reverse.
struct SizePlan {
  PixelSize padded;   // the picture with its borders
  PixelRect picture;  // where the picture lies in `padded`; all of it without borders
  PixelSize network;  // width and height of the tensor
  PixelRect
      content;  // where the resized `padded` lies in the tensor; all of it without a letterbox
};

// Throws Error(kInvalidArgument) unless the picture's sides are in [1, 2^20] and the rule is valid.
SizePlan PlanSize(PixelSize picture, const SizeRule& rule);

// Whether the module takes a tensor of this size: sides that are multiples, within [min, max], or
// exactly the target if that is all that it knows. Other sizes may give wrong numbers silently.
bool IsDeclaredSize(PixelSize network, const SizeRule& rule);

// The size at which Video-Depth-Anything's tool decodes a video: the long side is at most
// input_size * long / short, so that the short side is about input_size; reduced sides are rounded
// (halves to even) and raised to even numbers. Never enlarges.
//   1920x1080 at 518 -> 922x518    640x360 -> 640x360
// Throws Error(kInvalidArgument) unless the sides are in [1, 2^20] and input_size in [14, 16384].
PixelSize DecodedSize(PixelSize video, int input_size);

// The size of the network's input for a picture of `decoded` pixels: both sides are multiples of
// `multiple`, at least `input_size` (of the "lower bound" kind) and in the picture's proportions as
// far as that allows. Pictures wider than 1.78 : 1 (or as tall) are seen with a shorter short side,
// so that the number of tokens stays about that of 16 : 9.
//   922x518 -> 924x518    1244x518 -> 910x378    640x360 -> 924x518 (small pictures are enlarged)
// Throws Error(kInvalidArgument) as DecodedSize, and unless multiple is in [1, 256].
PixelSize NetworkSize(PixelSize decoded, int input_size, int multiple = 14);

}  // namespace mdvt
