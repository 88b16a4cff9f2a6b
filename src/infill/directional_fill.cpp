// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/directional_fill.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "infill/finish_fill.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kRowsPerBlock = 16;

// Background samples averaged at a distance (in samples, from 0 at the rim).
constexpr int kMaxSamples = 8;
int SamplesAt(int distance) { return std::min(2 + distance / 8, kMaxSamples); }

// Rows above and below that are blended in, and how far their rim may lie from ours: beyond that
// it is another hole.
constexpr int kMaxReach = 8;
int ReachAt(int distance) { return std::min(2 + distance / 8, kMaxReach); }
constexpr int kMaxRimStep = 3;

// A hole of one row of a plane.
struct Span {
  int begin = 0;
  int end = 0;
  bool from_left = false;  // where its background lies
  bool at_border = false;
  int limit = 0;      // the last background sample that belongs to the run beside the hole
  size_t offset = 0;  // of its samples in the row buffer

  int rim() const { return from_left ? begin : end; }
};

// The holes of a plane.
struct SpanRows {
  int width = 0;
  std::vector<std::vector<Span>> rows;
  std::vector<size_t> samples;  // per row: sum of the lengths
  std::vector<uint8_t> empty;   // per row: no data at all
};

// Chroma samples are holes if all luma samples that they stand for are.
void FindRowSpans(const HoleMap& holes, int shift_x, int shift_y, int row, SpanRows& out) {
  const auto index = static_cast<size_t>(row);
  std::vector<Span>& spans = out.rows[index];
  spans.clear();
  int last_end = -1;
  const auto add = [&](const HoleSpan& hole, int begin, int end) {
    Span span;
    // Inwards, but holes that touch go on touching.
    span.begin = (begin + (begin == last_end ? 0 : (1 << shift_x) - 1)) >> shift_x;
    last_end = end;
    span.end = end == holes.width ? out.width : end >> shift_x;
    if (span.begin >= span.end) return;
    span.from_left = hole.background == HoleSide::kLeft;
    if (hole.background == HoleSide::kBoth && span.end - span.begin > 1) {
      Span half = span;  // not known: half from each side
      half.end = span.begin = (span.begin + span.end) / 2;
      spans.push_back(half);
    }
    spans.push_back(span);
  };
  const auto& upper = holes.rows[index << shift_y];
  const size_t second_row = (index << shift_y) + 1;
  if (shift_y == 0 || second_row >= holes.rows.size()) {
    for (const HoleSpan& hole : upper) add(hole, hole.begin, hole.end);
  } else {
    const auto& lower = holes.rows[second_row];
    for (size_t i = 0, j = 0; i < upper.size() && j < lower.size();) {
      const int begin = std::max(upper[i].begin, lower[j].begin);
      const int end = std::min(upper[i].end, lower[j].end);
      if (begin < end) add(upper[i], begin, end);
      upper[i].end <= lower[j].end ? ++i : ++j;
    }
  }

  // Holes that touch are one gap: only its outer ends have a background. Its first hole is filled
  // from the left, the rest from the right, or all from where there is data.
  size_t kept = 0;
  for (size_t i = 0; i < spans.size();) {
    size_t last = i;
    while (last + 1 < spans.size() && spans[last + 1].begin == spans[last].end) ++last;
    Span first = spans[i], second = spans[last];
    const bool data_left = first.begin > 0, data_right = second.end < out.width;
    if (i == last || !data_left || !data_right) {
      first.end = second.end;
      if (i != last || !data_left || !data_right) first.from_left = data_left;
      first.at_border = !data_left || !data_right;
      spans[kept++] = first;
    } else {
      first.from_left = true;
      second.begin = first.end;
      second.from_left = false;
      spans[kept++] = first;
      spans[kept++] = second;
    }
    i = last + 1;
  }
  spans.resize(kept);
  out.empty[index] = spans.size() == 1 && spans[0].begin == 0 && spans[0].end == out.width;
  size_t offset = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    Span& span = spans[i];
    span.offset = offset;
    offset += static_cast<size_t>(span.end - span.begin);
    span.limit = span.from_left ? (i > 0 ? spans[i - 1].end : 0)
                                : (i + 1 < spans.size() ? spans[i + 1].begin : out.width) - 1;
  }
  out.samples[index] = offset;
}

// The background beside a hole, read outwards.
template <typename T>
class Background {
 public:
  Background(const T* row, const Span& span)
      : row_(row),
        start_(span.from_left ? span.begin - 1 : span.end),
        step_(span.from_left ? -1 : 1),
        length_(std::max(0, span.from_left ? span.begin - span.limit : span.limit - span.end + 1)) {
  }
  int length() const { return length_; }
  int operator[](int i) const { return row_[start_ + step_ * i]; }

 private:
  const T* row_;
  int start_, step_, length_;
};

// How many samples at the rim are more foreground than background.
template <typename T>
int MixedSamples(const T* row, const Span& span, const Background<T>& background, int width,
                 int rim, int min_contrast) {
  if (span.at_border || background.length() < rim + 3) return 0;
  const int inside =
      span.from_left ? std::min(span.end + 1, width - 1) : std::max(span.begin - 2, 0);
  const int foreground = row[inside];
  const int clean = (background[rim] + background[rim + 1] + background[rim + 2]) / 3;
  if (std::abs(foreground - clean) < min_contrast) return 0;
  int mixed = 0;
  while (mixed < rim &&
         std::abs(background[mixed] - foreground) < std::abs(background[mixed] - clean)) {
    ++mixed;
  }
  return mixed;
}

struct PlaneParams {
  int rim = 0;
  int min_contrast = 0;
};

// Continues the background along the row.
template <typename T>
void ExtendRow(const std::vector<Span>& spans, const PlaneParams& params, int width, T* row) {
  for (const Span& span : spans) {
    const Background<T> background(row, span);
    const int first = MixedSamples(row, span, background, width, params.rim, params.min_contrast);
    const int available = background.length() - first;
    const int length = span.end - span.begin;
    int64_t sum = 0;
    int count = 0;
    for (int distance = 0; distance < length;) {
      const int wanted = std::min(SamplesAt(distance), available);
      while (count < wanted) sum += background[first + count++];
      int next = distance + 1;
      while (next < length && std::min(SamplesAt(next), available) == count) ++next;
      const T value = static_cast<T>((sum + count / 2) / count);
      if (span.from_left) {
        std::fill(row + span.begin + distance, row + span.begin + next, value);
      } else {
        std::fill(row + span.end - next, row + span.end - distance, value);
      }
      distance = next;
    }
  }
}

// Scratch of one blended row.
struct Blend {
  std::vector<uint32_t> sum, weight;
};

// The samples of the holes of row `y`, blended with the rows around, into `out`.
template <typename T>
void BlendRow(const SpanRows& spans, const PlaneView<T>& plane, int y, Blend& blend,
              uint16_t* out) {
  const auto& row_spans = spans.rows[static_cast<size_t>(y)];
  std::array<size_t, 2 * kMaxReach + 1> cursor = {};
  for (const Span& span : row_spans) {
    const int length = span.end - span.begin;
    blend.sum.assign(static_cast<size_t>(length), 0);
    blend.weight.assign(static_cast<size_t>(length), 0);
    const int reach = ReachAt(length - 1);
    for (int k = -reach; k <= reach; ++k) {
      const int other_y = y + k;
      if (other_y < 0 || other_y >= plane.height || spans.empty[static_cast<size_t>(other_y)]) {
        continue;
      }
      const auto& others = spans.rows[static_cast<size_t>(other_y)];
      size_t& at = cursor[static_cast<size_t>(k + kMaxReach)];
      while (at < others.size() && others[at].end <= span.begin) ++at;
      const T* row = plane.Row(other_y);
      for (size_t i = at; i < others.size() && others[i].begin < span.end; ++i) {
        const Span& other = others[i];
        if (other.from_left != span.from_left || std::abs(other.rim() - span.rim()) > kMaxRimStep) {
          continue;
        }
        const int begin = std::max(span.begin, other.begin), end = std::min(span.end, other.end);
        for (int x = begin; x < end; ++x) {
          const int distance = span.from_left ? x - span.begin : span.end - 1 - x;
          const int weight = ReachAt(distance) + 1 - std::abs(k);
          if (weight <= 0) continue;
          const auto j = static_cast<size_t>(x - span.begin);
          blend.sum[j] += static_cast<uint32_t>(weight) * row[x];
          blend.weight[j] += static_cast<uint32_t>(weight);
        }
      }
    }
    for (int j = 0; j < length; ++j) {
      const auto i = static_cast<size_t>(j);
      out[span.offset + i] =
          static_cast<uint16_t>((blend.sum[i] + blend.weight[i] / 2) / blend.weight[i]);
    }
  }
}

}  // namespace

struct DirectionalFill::Impl {
  DirectionalFillOptions options;
  ThreadPool* pool;
  std::array<SpanRows, 2> spans;  // of luma or full-size planes, of smaller chroma planes
  std::vector<size_t> row_offset;
  std::vector<uint16_t> blended;

  template <typename Body>
  void ForRows(int count, const Body& body) const {
    if (pool != nullptr) {
      pool->ParallelFor(count, kRowsPerBlock, std::ref(body));
    } else {
      body(0, count);
    }
  }

  void FindSpans(const HoleMap& holes, int shift_x, int shift_y, int width, int height,
                 SpanRows& out) const {
    out.width = width;
    out.rows.resize(static_cast<size_t>(height));
    out.samples.resize(static_cast<size_t>(height));
    out.empty.resize(static_cast<size_t>(height));
    ForRows(height, [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y) {
        FindRowSpans(holes, shift_x, shift_y, static_cast<int>(y), out);
      }
    });
  }

  template <typename T>
  void FillPlane(const SpanRows& rows, const PlaneParams& params, const PlaneView<T>& plane) {
    const auto row_of = [](int64_t y) { return static_cast<size_t>(y); };
    ForRows(plane.height, [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y) {
        if (!rows.empty[row_of(y)]) {
          ExtendRow(rows.rows[row_of(y)], params, plane.width, plane.Row(static_cast<int>(y)));
        }
      }
    });
    row_offset.resize(row_of(plane.height));
    size_t total = 0;
    for (size_t y = 0; y < row_offset.size(); ++y) {
      row_offset[y] = total;
      total += rows.samples[y];
    }
    if (blended.size() < total) blended.resize(total);
    ForRows(plane.height, [&](int64_t begin, int64_t end) {
      thread_local Blend blend;
      for (int64_t y = begin; y < end; ++y) {
        if (rows.empty[row_of(y)]) continue;
        BlendRow(rows, plane, static_cast<int>(y), blend, blended.data() + row_offset[row_of(y)]);
      }
    });
    ForRows(plane.height, [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y) {
        if (rows.empty[row_of(y)]) continue;
        T* row = plane.Row(static_cast<int>(y));
        const uint16_t* from = blended.data() + row_offset[row_of(y)];
        for (const Span& span : rows.rows[row_of(y)]) {
          std::transform(from + span.offset, from + span.offset + (span.end - span.begin),
                         row + span.begin, [](uint16_t v) { return static_cast<T>(v); });
        }
      }
    });
    RepeatRows(rows, plane);
  }

  // Rows without data repeat the nearest row that has some.
  template <typename T>
  static void RepeatRows(const SpanRows& rows, const PlaneView<T>& plane) {
    int last = -1;  // the last row with data
    for (int y = 0; y <= plane.height; ++y) {
      if (y < plane.height && rows.empty[static_cast<size_t>(y)]) continue;
      for (int hole = last + 1; hole < y; ++hole) {
        if (last < 0 && y == plane.height) return;  // no data at all
        const bool above = y == plane.height || (last >= 0 && hole - last <= y - hole);
        std::copy_n(plane.Row(above ? last : y), plane.width, plane.Row(hole));
      }
      last = y;
    }
  }
};

void DirectionalFillOptions::Check() const {
  Require(rim >= 0 && rim <= 16, Code::kInvalidArgument,
          "DirectionalFillOptions.rim = " + std::to_string(rim) + ", must be in [0, 16] pixels");
}

DirectionalFill::DirectionalFill(const DirectionalFillOptions& options, ThreadPool* pool) {
  options.Check();
  impl_ = std::make_unique<Impl>();
  impl_->options = options;
  impl_->pool = pool;
}

DirectionalFill::~DirectionalFill() = default;
DirectionalFill::DirectionalFill(DirectionalFill&&) noexcept = default;
DirectionalFill& DirectionalFill::operator=(DirectionalFill&&) noexcept = default;

void DirectionalFill::Fill(const HoleMap& holes, const MutableImageView& image) {
  CheckFillTarget("FillHoles", holes, image);
  const PixelFormat& format = image.format;
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const bool chroma = format.model == ColorModel::kYuv && plane > 0;
    const int shift_x = chroma ? format.chroma_shift_x : 0;
    const int shift_y = chroma ? format.chroma_shift_y : 0;
    SpanRows& rows = impl_->spans[shift_x + shift_y > 0 ? 1 : 0];
    if (plane == 0 || (plane == 1 && shift_x + shift_y > 0)) {
      impl_->FindSpans(holes, shift_x, shift_y, format.PlaneWidth(plane, image.width),
                       format.PlaneHeight(plane, image.height), rows);
    }
    PlaneParams params;
    params.rim = (impl_->options.rim + shift_x) >> shift_x;
    params.min_contrast = (format.max_value() + 1) / 8;
    if (format.type == SampleType::kU8) {
      impl_->FillPlane(rows, params, image.Plane<uint8_t>(plane));
    } else {
      impl_->FillPlane(rows, params, image.Plane<uint16_t>(plane));
    }
  }
}

void FillHoles(const HoleMap& holes, const DirectionalFillOptions& options,
               const MutableImageView& image, ThreadPool* pool) {
  DirectionalFill(options, pool).Fill(holes, image);
}

}  // namespace mdvt
