// SPDX-License-Identifier: Apache-2.0
#include "stereo/silhouettes.h"

#include <algorithm>
#include <cmath>

#include "stereo/row_math.h"

namespace mdvt::stereo {
namespace {

constexpr int kBeside = 2;  // samples of each surface that a tear needs beside the one at it
// With less of the foreground a sample counts as background, unless a tear tells its share.
constexpr float kClearPart = 0.3f;

float Clamped(float value) { return std::min(std::max(value, 0.0f), 1.0f); }

// The two samples at a tear hold a share of the near surface each, which together tell where it
// ends, better than the depth, which knows it to half a sample.
template <typename T>
void Measure(const T* row, float min_contrast, Tear* tear) {
  const int step = tear->step();
  const auto at = [row](int i) { return static_cast<float>(row[i]); };
  const float far1 = at(tear->far - step), far2 = at(tear->far - 2 * step);
  const float near1 = at(tear->near + step), near2 = at(tear->near + 2 * step);
  const float background = 0.5f * (far1 + far2);
  const float contrast = 0.5f * (near1 + near2) - background;
  const float square = contrast * contrast;
  if (!(square > 0)) return;
  const auto share = [&](int i) { return Clamped((at(i) - background) * contrast / square); };
  tear->share_near = share(tear->near);
  tear->share_far = share(tear->far);
  const float reach = Clamped((tear->share_far + tear->share_near) - 0.5f);
  const float rough = (far1 - far2) * (far1 - far2) + (near1 - near2) * (near1 - near2);
  tear->sure = square / (square + 4 * rough + min_contrast * min_contrast);
  tear->reach = 0.5f + (reach - 0.5f) * tear->sure;
}

// The part of [centre - half, centre + half] that the near surface covers.
float Cover(const Rim& rim, float centre, float half) {
  const float beyond = rim.near > rim.far ? centre + half - rim.place : rim.place - (centre - half);
  return Clamped(beyond / (2 * half));
}

template <typename T>
void Put(float value, float max_value, void* dst, int index) {
  static_cast<T*>(dst)[index] = static_cast<T>(ClampSample(value, max_value) + 0.5f);
}

}  // namespace

void FindTears(const void* row, int bytes_per_sample, const float* shift, const CutBits& cuts,
               size_t words, int width, float min_contrast, std::vector<Tear>* tears) {
  tears->clear();
  for (size_t w = 0; w < words; ++w) {
    const uint64_t all = cuts.words()[w];
    if (all == 0) continue;
    const uint64_t before = w > 0 ? cuts.words()[w - 1] : 0;
    const uint64_t behind = w + 1 < words ? cuts.words()[w + 1] : 0;
    static_assert(kBeside == 2, "the shifts below");
    const uint64_t beside = (all << 1 | before >> 63) | (all << 2 | before >> 62) |
                            (all >> 1 | behind << 63) | (all >> 2 | behind << 62);
    for (uint64_t bits = all & ~beside; bits != 0; bits &= bits - 1) {
      const int s = static_cast<int>(w * 64) + __builtin_ctzll(bits) - 64;
      if (s < kBeside || s + 1 + kBeside >= width) continue;
      Tear tear;
      const bool left_is_near = shift[s] > shift[s + 1];
      tear.near = left_is_near ? s : s + 1;
      tear.far = left_is_near ? s + 1 : s;
      if (!(shift[tear.near] > shift[tear.far])) continue;  // without data
      bytes_per_sample == 1 ? Measure(static_cast<const uint8_t*>(row), min_contrast, &tear)
                            : Measure(static_cast<const uint16_t*>(row), min_contrast, &tear);
      tears->push_back(tear);
    }
  }
}

void PlaceRims(Eye eye, const std::vector<Tear>& tears, const float* shift, int width,
               float* origin, std::vector<Rim>* rims) {
  rims->clear();
  const int moves = eye == Eye::kLeft ? 1 : -1;  // near surfaces, to the right or left
  const auto farther = [moves](float a, float b) { return moves > 0 ? a > b : a < b; };
  for (const Tear& tear : tears) {
    const int step = tear.step();
    const float own = static_cast<float>(-moves) * shift[tear.near];
    Rim rim;
    rim.near = tear.near;
    rim.far = tear.far;
    rim.place = (static_cast<float>(tear.near) - own) - static_cast<float>(step) * tear.reach;
    rim.uncovers = step == moves;
    rim.target = static_cast<int>(std::floor(rim.place + 0.5f));
    const int t = rim.target;
    if (t < 0 || t >= width) continue;
    rim.cover = Cover(rim, static_cast<float>(t), 0.5f);
    // The near surface itself: a position in the source on its side of the tear, and not far off.
    const auto is_near = [&](int at) {
      if (IsHole(origin[at])) return false;
      const float beyond =
          (static_cast<float>(at) + origin[at] - 0.5f * static_cast<float>(tear.near + tear.far)) *
          static_cast<float>(step);
      return beyond > 0 && beyond < kBeside;
    };
    // A position on the near side of the tear.
    const float here = static_cast<float>(tear.near - t) - static_cast<float>(step) * 0.25f;
    const bool hole = IsHole(origin[t]), near = is_near(t);
    if (rim.uncovers && !hole && !near) rim.uncovers = false;  // the gap is narrower than a sample
    if (rim.uncovers) {
      rim.in_hole = rim.cover < 0.5f;
      if (rim.in_hole && near) origin[t] = HoleOf(eye);
      if (!rim.in_hole && hole) origin[t] = here;
      rims->push_back(rim);
      continue;
    }
    if (hole) continue;
    if (near) {
      const int beside = t - step;
      if (beside < 0 || beside >= width || IsHole(origin[beside]) || is_near(beside) ||
          !farther(origin[beside], own))
        continue;
      rim.behind = origin[beside];
    } else {
      if (!farther(origin[t], own)) continue;
      rim.behind = origin[t];
    }
    const bool shows_near = rim.cover >= 0.5f;
    if (shows_near != near) origin[t] = shows_near ? here : rim.behind;
    rims->push_back(rim);
  }
}

namespace {

// Where background is uncovered, mixed samples would stand there as a ghost of the outline. Takes
// the new values from the old ones alone, so that the order of the cuts does not matter.
void FindGhosts(const float* shift, const CutBits& cuts, size_t words, int width, int rim,
                float min_contrast, const float* samples, std::vector<Mend>* mends) {
  const int reach = std::max(2 * rim, rim + 2);  // no other cut so near: rims never overlap
  for (size_t w = 0; w < words; ++w) {
    for (uint64_t bits = cuts.words()[w]; bits != 0; bits &= bits - 1) {
      const int s = static_cast<int>(w * 64) + __builtin_ctzll(bits) - 64;
      if (s < 0 || s + 1 >= width || std::isnan(shift[s]) || std::isnan(shift[s + 1])) continue;
      const int step = shift[s] > shift[s + 1] ? 1 : -1;  // towards the far side
      const int far = step > 0 ? s + 1 : s, near = far - step;
      const int end = far + (reach - 1) * step;
      if (end < 0 || end >= width) continue;
      const int low = std::min(far, end);
      bool alone = true;
      for (int i = low; i < low + reach - 1 && alone; ++i) alone = !cuts.Test(i);
      if (!alone) continue;
      const int inner = near - step;
      const bool thin = inner < 0 || inner >= width || cuts.Test(std::min(inner, near));
      const float foreground = samples[thin ? near : inner];
      const float background = 0.5f * (samples[far + rim * step] + samples[far + (rim + 1) * step]);
      const float contrast = foreground - background;
      if (std::fabs(contrast) < min_contrast) continue;
      for (int m = 0; m < rim; ++m) {
        const int i = far + m * step;
        if ((samples[i] - background) / contrast < kClearPart) break;
        mends->push_back({i, background});
      }
    }
  }
}

// Takes both surfaces out of the samples at the tears.
void FindMixed(const std::vector<Tear>& tears, float max_value, const float* samples,
               std::vector<Mend>* mends) {
  for (const Tear& tear : tears) {
    const int step = tear.step();
    const auto mean = [&](int i, int direction) {
      return 0.5f * (samples[i + direction] + samples[i + 2 * direction]);
    };
    const auto mend = [&](int i, float own_share, float other, float own) {
      if (own_share >= 1) return;
      // own_share x + (1 - own_share) other = the sample; with little of its own nothing is left
      // to be taken out.
      const float clean =
          own_share >= 0.5f ? samples[i] + (1 - own_share) / own_share * (samples[i] - other) : own;
      mends->push_back({i, ClampSample(samples[i] + tear.sure * (clean - samples[i]), max_value)});
    };
    const float near = mean(tear.near, step), far = mean(tear.far, -step);
    mend(tear.near, tear.share_near, far, near);
    if (tear.share_far < kClearPart) mend(tear.far, 1 - tear.share_far, near, far);
  }
}

}  // namespace

void CleanSilhouettes(const float* shift, const CutBits& cuts, size_t words, int width, int rim,
                      float max_value, const std::vector<Tear>& tears, std::vector<Mend>* mends,
                      float* samples) {
  mends->clear();
  FindMixed(tears, max_value, samples, mends);
  FindGhosts(shift, cuts, words, width, rim, (max_value + 1) / 8, samples, mends);
  for (const Mend& mend : *mends) samples[mend.index] = mend.value;
}

void MixRims(const std::vector<Rim>& rims, const float* samples, const CutBits& cuts,
             const SampleParams& params, int bytes_per_sample, void* dst) {
  for (const Rim& rim : rims) {
    if (rim.in_hole) continue;
    const float behind =
        rim.uncovers ? samples[rim.far] : SampleAt(samples, cuts, rim.target, rim.behind, params);
    const float value = rim.cover * samples[rim.near] + (1 - rim.cover) * behind;
    bytes_per_sample == 1 ? Put<uint8_t>(value, params.max_value, dst, rim.target)
                          : Put<uint16_t>(value, params.max_value, dst, rim.target);
  }
}

void MixChromaRims(const std::vector<Rim>* rows, int num_rows, const float* samples,
                   const float* origin, const ChromaGrid& grid, int bytes_per_sample, void* dst) {
  constexpr float kSameRim = 2;  // of two rows, in columns
  const float width = static_cast<float>(1 << grid.shift_x), half = 0.5f * width;
  const float first_centre = grid.centred ? 0.5f : 0.0f;
  const auto source = [&](int luma) {
    return samples[std::clamp(luma >> grid.shift_x, 0, grid.width - 1)];
  };
  size_t next = 0;
  for (const Rim& rim : rows[0]) {
    const Rim* other = &rim;
    if (num_rows == 2) {
      const std::vector<Rim>& below = rows[1];
      while (next < below.size() && below[next].near < rim.near - 4) ++next;
      other = nullptr;
      for (size_t i = next; i < below.size() && below[i].near <= rim.near + 4; ++i) {
        if (below[i].uncovers == rim.uncovers &&
            (below[i].near > below[i].far) == (rim.near > rim.far) &&
            std::fabs(below[i].place - rim.place) <= kSameRim) {
          other = &below[i];
          break;
        }
      }
      if (other == nullptr) continue;
    }
    const int step = rim.near - rim.far;
    // Samples that hold one surface alone.
    const float near = source(rim.near + 2 * step);
    const float behind =
        source(rim.uncovers ? rim.far - 2 * step
                            : rim.target + static_cast<int>(std::lround(rim.behind)) - step);
    const float low = std::min(rim.place, other->place) - half - first_centre;
    const float high = std::max(rim.place, other->place) + half - first_centre;
    const int begin = std::max(static_cast<int>(std::floor(low / width)), 0);
    const int end = std::min(static_cast<int>(std::ceil(high / width)), grid.width - 1);
    for (int j = begin; j <= end; ++j) {
      if (IsHole(origin[j])) continue;
      const float centre = static_cast<float>(j) * width + first_centre;
      const float cover = 0.5f * (Cover(rim, centre, half) + Cover(*other, centre, half));
      if (!(cover > 0 && cover < 1)) continue;
      const float value = cover * near + (1 - cover) * behind;
      bytes_per_sample == 1 ? Put<uint8_t>(value, 255, dst, j)
                            : Put<uint16_t>(value, 65535, dst, j);
    }
  }
}

}  // namespace mdvt::stereo
