// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of the view synthesis, each working on one row of scratch memory. There are two
// sets: the plain one, which defines the result, and one compiled for every instruction set, which
// must give the same bytes.
//
// Words used here:
//   shift  K[i] = k (1 / z_i - 1 / convergence), pixels that sample i moves: +K in the left eye,
//          -K in the right one. NaN where there is no data.
//   cut    bit s of a CutBits row: the surface is torn between the samples s and s + 1. The bits -1
//          and width - 1 are always set: beyond the borders there is nothing.
//   origin o[t]: the target sample t shows the source at position t + o[t] (in samples, the centre
//          of a sample being an integer). kHoleLeft or kHoleRight where nothing is seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mdvt::stereo {

enum class Eye { kLeft, kRight };

// Origins of holes. In the left eye the nearer of two surfaces has the smaller origin, in the right
// eye the larger one, so that "nothing" is the farthest surface of all.
constexpr float kHoleLeft = 1e9f;
constexpr float kHoleRight = -1e9f;
constexpr float HoleOf(Eye eye) { return eye == Eye::kLeft ? kHoleLeft : kHoleRight; }
inline bool IsHole(float origin) { return origin > 1e8f || origin < -1e8f; }

// Samples before and after each scratch row that kernels may read and write.
constexpr int kRowPad = 64;

// A row of bits with 64 spare ones at both ends.
class CutBits {
 public:
  static size_t Words(int width) { return static_cast<size_t>(width) / 64 + 4; }
  explicit CutBits(uint64_t* words) : words_(words) {}

  bool Test(int s) const { return (words_[Word(s)] >> Bit(s)) & 1; }
  void Set(int s) { words_[Word(s)] |= uint64_t{1} << Bit(s); }
  // The bits s, s + 1, ... s + 56 (at least) from the lowest upwards.
  uint64_t From(int s) const {
    uint64_t value;
    std::memcpy(&value, reinterpret_cast<const char*>(words_) + ((s + 64) >> 3), sizeof(value));
    return value >> ((s + 64) & 7);
  }
  bool Any(int s, int count) const { return (From(s) & ((uint64_t{1} << count) - 1)) != 0; }
  uint64_t* words() { return words_; }
  const uint64_t* words() const { return words_; }

 private:
  static size_t Word(int s) { return static_cast<size_t>(s + 64) >> 6; }
  static int Bit(int s) { return (s + 64) & 63; }
  uint64_t* words_;
};

struct ShiftParams {
  bool inverse = false;  // the map holds 1 / depth
  float k = 0;           // fx * baseline / 2
  float offset = 0;      // k / convergence
  float limit = 0;       // shifts are clamped to [-limit, limit], beyond the view
  float tear_shift = 0;  // the tear rule in this unit: a step of one eye in pixels ...
  float tear_depth = 0;  // ... and relative to the nearer depth
  bool tear = true;      // false: only missing data tears
};

// How the samples of one plane are read and written.
struct SampleParams {
  int width = 0;          // of this plane
  float max_value = 255;  // largest sample
  int black = 0;          // sample of a hole
  Eye eye = Eye::kLeft;
  const float* split = nullptr;  // per cut: position in (0, 1) where it lies; null: 0.5
};

struct RowKernels {
  const char* name;
  // Converts `width` samples (1 or 2 bytes each) to float and pads both ends with the last sample.
  void (*load_row)(const void* src, int bytes_per_sample, int width, float* row);
  // Shifts and cuts of a row of the map.
  void (*shift_row)(const float* map, int width, const ShiftParams& params, float* shift,
                    uint64_t* cuts);
  // Origins of a row of target samples, nearest surface first.
  void (*trace_row)(Eye eye, const float* shift, const uint64_t* cuts, int width, float* origin);
  // Origins of chroma samples from those of one or two rows of luma. columns: how many luma columns
  // (1 or 2) a chroma sample is sited on; step: luma columns per chroma sample (1 or 2).
  void (*chroma_origins)(Eye eye, const float* row0, const float* row1, int columns, int step,
                         int luma_width, int width, float* origin);
  // Samples of the target row.
  void (*sample_row)(const float* row, const float* origin, const uint64_t* cuts,
                     const SampleParams& params, int bytes_per_sample, void* dst);
  // Depth of the target row; inverse holds 1 / depth.
  void (*depth_row)(const float* depth, const float* inverse, const float* origin,
                    const uint64_t* cuts, Eye eye, int width, float* dst);
  // First index in [begin, width) whose origin is (not) a hole; width if there is none.
  int (*next_hole)(const float* origin, int begin, int width);
  int (*next_seen)(const float* origin, int begin, int width);
};

const RowKernels& PlainKernels();
const RowKernels& BestKernels();  // for the processor this runs on

}  // namespace mdvt::stereo
