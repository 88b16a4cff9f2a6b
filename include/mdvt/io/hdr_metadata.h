// SPDX-License-Identifier: Apache-2.0
//
// What an HDR video states beside its pixels: the display that it was mastered on and how bright
// it gets. Read from the container and from the pictures, written by both as well.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "mdvt/core/rational.h"

namespace mdvt {

// SMPTE ST 2086. Exact fractions, as containers and streams hold them.
struct MasteringDisplay {
  struct Chromaticity {
    Rational x, y;  // CIE 1931
  };
  // Red, green, blue, white; empty if the file states brightness only.
  struct Colors {
    std::array<Chromaticity, 3> primaries;
    Chromaticity white;
  };
  struct Luminance {
    Rational min, max;  // cd/m2
  };
  std::optional<Colors> colors;
  std::optional<Luminance> luminance;
};

// CTA-861.3, cd/m2; 0 is not known.
struct ContentLight {
  int max_content = 0;        // MaxCLL, of any pixel
  int max_frame_average = 0;  // MaxFALL, of any picture
};

// HDR10+ (SMPTE ST 2094-40): how bright each picture is and the curve by which displays of less
// light show it. A reader puts in what the picture that it gives out carries, a writer takes out
// what belongs to the picture that it writes, by their common time. Only the last kKept are kept,
// so that it does not grow with the video: a writer may be so many pictures behind. Any thread.
class Hdr10PlusTrack {
 public:
  // A message of ITU-T T.35, from the country code on.
  using Message = std::shared_ptr<const std::vector<uint8_t>>;
  static constexpr size_t kKept = 4096;

  explicit Hdr10PlusTrack(Rational time_base) : time_base_(time_base) {}

  // pts  in the track's time base.
  void Add(int64_t pts, std::vector<uint8_t> message);
  // Of the picture at exactly this time, null without one.
  Message At(int64_t pts, Rational time_base) const;

 private:
  const Rational time_base_;
  mutable std::mutex mutex_;
  std::map<int64_t, Message> messages_;
  std::deque<int64_t> order_;  // in which they came; a reader may jump
  Message last_;               // pictures of one scene share one
};

struct HdrMetadata {
  std::optional<MasteringDisplay> mastering;
  std::optional<ContentLight> content_light;
  // Null if the first picture carries none.
  std::shared_ptr<Hdr10PlusTrack> hdr10_plus;

  bool empty() const { return !mastering && !content_light && !hdr10_plus; }
};

}  // namespace mdvt
