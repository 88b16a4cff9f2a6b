// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

#include "core/median.h"
#include "infill/finish_fill.h"
#include "infill/hole_pixels.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/infill/observed_fill.h"

namespace mdvt {
namespace {

constexpr int kFlowPixels = 8;   // of the background that tell how a hole moves
constexpr int kFlowRows = 3;     // above and below that are asked too
constexpr int kRimSkip = 2;      // pixels beside a hole that may be mixed
constexpr int kRimPixels = 4;    // behind them, that are followed to compare colours
constexpr int kSeenPerSide = 3;  // colours taken from the frames before, and from those after
constexpr float kMostApart = 1;  // pixels by which there and back may miss, and a share of the way
constexpr float kMostApartShare = 0.05f;
constexpr float kMostDifference = 24;  // steps of 8 bits, between two sightings of a pixel
constexpr size_t kFewRim = 24;         // below it brightness is not matched
constexpr int64_t kSpansPerBlock = 16;

bool IsHole(const std::vector<HoleSpan>& row, int x) {
  for (const HoleSpan& span : row) {
    if (x < span.begin) return false;
    if (x < span.end) return true;
  }
  return false;
}

// Which way the background lies: -1 left, +1 right.
int BackgroundStep(const HoleSpan& span, int width) {
  if (span.background != HoleSide::kBoth) return span.background == HoleSide::kLeft ? -1 : 1;
  return span.begin > 0 || span.end >= width ? -1 : 1;
}

// The motion at a position of a picture, whose flow may have been measured on a smaller one.
Eigen::Vector2f FlowAt(const FlowView& flow, const ImageView& picture, const Eigen::Vector2f& at) {
  const Eigen::Vector2f scale(static_cast<float>(picture.width) / static_cast<float>(flow.width),
                              static_cast<float>(picture.height) / static_cast<float>(flow.height));
  const float px = std::clamp(at.x() / scale.x() - 0.5f, 0.0f, static_cast<float>(flow.width - 1));
  const float py = std::clamp(at.y() / scale.y() - 0.5f, 0.0f, static_cast<float>(flow.height - 1));
  const int x = std::min(static_cast<int>(px), std::max(0, flow.width - 2));
  const int y = std::min(static_cast<int>(py), std::max(0, flow.height - 2));
  const int x1 = std::min(x + 1, flow.width - 1), y1 = std::min(y + 1, flow.height - 1);
  const float a = px - static_cast<float>(x), b = py - static_cast<float>(y);
  const Eigen::Vector2f motion = (flow.At(x, y) * (1 - a) + flow.At(x1, y) * a) * (1 - b) +
                                 (flow.At(x, y1) * (1 - a) + flow.At(x1, y1) * a) * b;
  return motion.cwiseProduct(scale);
}

// The holes of a picture that is made smaller: a pixel is one if a part of it is.
HoleMap ScaledHoles(const HoleMap& holes, int width, int height) {
  HoleMap scaled;
  scaled.Reset(width, height);
  for (int y = 0; y < height; ++y) {
    const int from_y =
        static_cast<int>((2 * int64_t{y} + 1) * holes.height / (2 * int64_t{height}));
    auto& row = scaled.rows[static_cast<size_t>(y)];
    for (const HoleSpan& span : holes.rows[static_cast<size_t>(from_y)]) {
      HoleSpan small = span;
      small.begin = static_cast<int32_t>(int64_t{span.begin} * width / holes.width);
      small.end = static_cast<int32_t>((int64_t{span.end} * width + holes.width - 1) / holes.width);
      if (!row.empty()) small.begin = std::max(small.begin, row.back().end);
      if (small.begin < small.end) row.push_back(small);
    }
  }
  return scaled;
}

// Where a pixel of the filled frame has been seen.
struct Seen {
  int frame = 0;  // index into the window
  Eigen::Vector2f at{0, 0};
};

// Follows a point of the filled frame through one side of the window.
class Follower {
 public:
  Follower(const std::vector<FlowFrame>& frames, size_t own, int step)
      : frames_(frames), own_(own), step_(step) {}

  // Calls seen(frame, position) for each frame that shows the point, until that gives false.
  template <typename Take>
  void Follow(Eigen::Vector2f at, const Take& seen) const {
    Eigen::Vector2f carried(0, 0);
    bool sure = true;  // the point lies where the field tells its motion
    for (auto j = static_cast<ptrdiff_t>(own_);;) {
      const FlowFrame& from = frames_[static_cast<size_t>(j)];
      const FlowView& field = step_ > 0 ? from.to_next : from.to_previous;
      j += step_;
      if (field.data == nullptr || j < 0 || j >= static_cast<ptrdiff_t>(frames_.size())) return;
      const Eigen::Vector2f motion = sure ? FlowAt(field, from.picture, at) : carried;
      carried = motion;
      at += motion;
      const FlowFrame& to = frames_[static_cast<size_t>(j)];
      const auto width = static_cast<float>(to.picture.width);
      const auto height = static_cast<float>(to.picture.height);
      if (!(at.x() >= 1 && at.y() >= 1 && at.x() <= width - 1 && at.y() <= height - 1)) return;
      const int x = static_cast<int>(at.x() - 0.5f), y = static_cast<int>(at.y() - 0.5f);
      bool hidden = false;
      for (int row = y; row <= y + 1; ++row)
        for (int column = x; column <= x + 1; ++column)
          hidden = hidden || IsHole(to.holes->rows[static_cast<size_t>(row)], column);
      // In a hole the completed motion leads on; on something that moves otherwise, which covers
      // the point, the motion so far does.
      sure = true;
      if (hidden) continue;
      const FlowView& back = step_ > 0 ? to.to_previous : to.to_next;
      const Eigen::Vector2f apart = motion + FlowAt(back, to.picture, at);
      sure = apart.norm() <= kMostApart + kMostApartShare * motion.norm();
      if (sure && !seen(static_cast<int>(j), at)) return;
    }
  }

 private:
  const std::vector<FlowFrame>& frames_;
  size_t own_;
  int step_;
};

// The motion of the background beside a span; empty if there is none.
std::optional<Eigen::Vector2f> BesideFlow(const std::vector<HoleSpan>& row, const HoleSpan& span,
                                          int margin, int width, const Eigen::Vector2f* flow) {
  const int step = BackgroundStep(span, width);
  const int first = (step < 0 ? span.begin - 1 : span.end) + step * (margin + 1);
  std::vector<float> u, v;
  for (int k = 0; k < kFlowPixels; ++k) {
    const int x = first + k * step;
    if (x < 0 || x >= width || IsHole(row, x)) break;
    u.push_back(flow[x].x());
    v.push_back(flow[x].y());
  }
  if (u.empty()) return std::nullopt;
  return Eigen::Vector2f(Median(&u), Median(&v));
}

}  // namespace

void CompleteFlow(const HoleMap& all_holes, int margin, PlaneView<Eigen::Vector2f> flow) {
  Require(flow.width > 0 && flow.height > 0 && flow.width <= all_holes.width &&
              flow.height <= all_holes.height &&
              all_holes.rows.size() == static_cast<size_t>(all_holes.height),
          Code::kInvalidArgument,
          "CompleteFlow: holes are " + FormatSize(all_holes.width, all_holes.height) +
              ", the flow is " + FormatSize(flow.width, flow.height));
  Require(margin >= 0 && margin <= 64, Code::kInvalidArgument,
          "CompleteFlow: margin = " + std::to_string(margin) + ", must be in [0, 64]");
  HoleMap scaled;
  const bool smaller = flow.width < all_holes.width || flow.height < all_holes.height;
  if (smaller) scaled = ScaledHoles(all_holes, flow.width, flow.height);
  const HoleMap& holes = smaller ? scaled : all_holes;
  using Motions = std::vector<std::optional<Eigen::Vector2f>>;
  std::vector<Motions> beside(holes.rows.size());
  for (int y = 0; y < flow.height; ++y) {
    const auto& row = holes.rows[static_cast<size_t>(y)];
    for (const HoleSpan& span : row)
      beside[static_cast<size_t>(y)].push_back(
          BesideFlow(row, span, margin, flow.width, flow.Row(y)));
  }
  for (int y = 0; y < flow.height; ++y) {
    const auto& row = holes.rows[static_cast<size_t>(y)];
    for (const HoleSpan& span : row) {
      std::vector<float> u, v;
      const int last = std::min(flow.height - 1, y + kFlowRows);
      for (int other_y = std::max(0, y - kFlowRows); other_y <= last; ++other_y) {
        const auto& others = holes.rows[static_cast<size_t>(other_y)];
        for (size_t i = 0; i < others.size(); ++i) {
          const auto& motion = beside[static_cast<size_t>(other_y)][i];
          if (!motion || others[i].background != span.background || others[i].begin >= span.end ||
              others[i].end <= span.begin)
            continue;
          u.push_back(motion->x());
          v.push_back(motion->y());
        }
      }
      if (u.empty()) continue;
      const Eigen::Vector2f motion(Median(&u), Median(&v));
      const int step = BackgroundStep(span, flow.width);
      const int begin = step < 0 ? std::max(0, span.begin - margin) : span.begin;
      const int end = step < 0 ? span.end : std::min(flow.width, span.end + margin);
      std::fill(flow.Row(y) + begin, flow.Row(y) + end, motion);
    }
  }
}

struct FlowFill::Impl {
  // What following told about one hole.
  struct Hole {
    std::vector<std::vector<Seen>> seen;          // per pixel
    std::vector<std::pair<int, Color>> compared;  // frame, how much lighter the rim is here
  };

  Impl(const ObservedFillOptions& the_options, ThreadPool* the_pool)
      : options(the_options), pool(the_pool), rest(the_options.rest, the_pool) {}

  template <typename Body>
  void ForSpans(const Body& body) const {
    const auto range = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) body(static_cast<size_t>(i));
    };
    const auto count = static_cast<int64_t>(pixels.spans().size());
    if (pool != nullptr) {
      pool->ParallelFor(count, kSpansPerBlock, range);
    } else {
      range(0, count);
    }
  }

  void FollowHole(const std::vector<FlowFrame>& frames, size_t own, size_t index) {
    const HoleSpanOf& place = pixels.spans()[index];
    const HoleSpan& span = place.span;
    const ImageView& picture = frames[own].picture;
    Hole& hole = holes[index];
    hole.seen.assign(static_cast<size_t>(span.end - span.begin), {});
    hole.compared.clear();
    for (const int step : {-1, 1}) {
      const Follower follower(frames, own, step);
      for (int x = span.begin; x < span.end; ++x) {
        int count = 0;
        follower.Follow({static_cast<float>(x) + 0.5f, static_cast<float>(place.y) + 0.5f},
                        [&](int frame, const Eigen::Vector2f& at) {
                          hole.seen[static_cast<size_t>(x - span.begin)].push_back({frame, at});
                          return ++count < kSeenPerSide;
                        });
      }
      const int side = BackgroundStep(span, picture.width);
      const int first = side < 0 ? span.begin - 1 : span.end;
      for (int k = kRimSkip; k < kRimSkip + kRimPixels; ++k) {
        const int x = first + k * side;
        if (x < 0 || x >= picture.width || pixels.IndexAt(x, place.y) >= 0) break;
        const Color here = SampleColor(picture, x + 0.5, place.y + 0.5);
        follower.Follow({static_cast<float>(x) + 0.5f, static_cast<float>(place.y) + 0.5f},
                        [&](int frame, const Eigen::Vector2f& at) {
                          const Color there =
                              SampleColor(frames[static_cast<size_t>(frame)].picture,
                                          double{at.x()}, double{at.y()});
                          Color difference;
                          for (size_t c = 0; c < 3; ++c) difference[c] = here[c] - there[c];
                          hole.compared.emplace_back(frame, difference);
                          return true;
                        });
      }
    }
  }

  // How much lighter the filled frame is than each of the others.
  void MatchBrightness(size_t frames) {
    offsets.assign(frames, Color{});
    std::vector<std::array<std::vector<float>, 3>> all(frames);
    for (const Hole& hole : holes)
      for (const auto& [frame, difference] : hole.compared)
        for (size_t c = 0; c < 3; ++c) all[static_cast<size_t>(frame)][c].push_back(difference[c]);
    for (size_t f = 0; f < frames; ++f)
      if (all[f][0].size() >= kFewRim)
        for (size_t c = 0; c < 3; ++c) offsets[f][c] = Median(&all[f][c]);
  }

  void ColorHole(const std::vector<FlowFrame>& frames, size_t own, size_t index, float scale) {
    const HoleSpanOf& place = pixels.spans()[index];
    const Hole& hole = holes[index];
    // Frames whose colours at this rim disagree.
    std::vector<double> apart(frames.size(), 0);
    std::vector<int> count(frames.size(), 0);
    for (const auto& [frame, difference] : hole.compared) {
      const auto f = static_cast<size_t>(frame);
      apart[f] += std::fabs(double{difference[0]} - double{offsets[f][0]});
      ++count[f];
    }
    std::vector<Observation> colors;
    std::vector<Seen> seen;
    for (size_t i = 0; i < hole.seen.size(); ++i) {
      seen = hole.seen[i];
      const auto away = [&](const Seen& one) {
        return std::abs(one.frame - static_cast<int>(own));
      };
      std::stable_sort(seen.begin(), seen.end(),
                       [&](const Seen& a, const Seen& b) { return away(a) < away(b); });
      colors.clear();
      for (const Seen& one : seen) {
        if (colors.size() == static_cast<size_t>(options.max_views)) break;
        const auto f = static_cast<size_t>(one.frame);
        if (count[f] > 0 && apart[f] > options.color_tolerance * double{scale} * count[f]) continue;
        Observation observation;
        observation.color = SampleColor(frames[f].picture, double{one.at.x()}, double{one.at.y()});
        for (size_t c = 0; c < 3; ++c) observation.color[c] += offsets[f][c];
        observation.weight = 1 / static_cast<float>(away(one));
        colors.push_back(observation);
      }
      // Dense motion is wrong now and then: what one frame alone shows, or two show differently, is
      // not believed.
      if (colors.size() < 2 ||
          std::fabs(colors[0].color[0] - colors[1].color[0]) > kMostDifference * scale)
        continue;
      const auto k =
          static_cast<size_t>(pixels.IndexAt(place.span.begin + static_cast<int>(i), place.y));
      pixels.colors[k] = Agree(colors, 6 * scale);
      const float most = static_cast<float>(frames[own].picture.format.max_value());
      for (float& c : pixels.colors[k]) c = std::clamp(c, 0.0f, most);
      pixels.known[k] = 1;
    }
  }

  ObservedFillOptions options;
  ThreadPool* pool;
  DirectionalFill rest;
  HolePixels pixels;
  HoleMap remaining;
  std::vector<Hole> holes;  // per span
  std::vector<Color> offsets;
};

FlowFill::FlowFill(const ObservedFillOptions& options, ThreadPool* pool) {
  options.Check();
  impl_ = std::make_unique<Impl>(options, pool);
}
FlowFill::~FlowFill() = default;

FillCounts FlowFill::Fill(const std::vector<FlowFrame>& frames, size_t own,
                          const MutableImageView& picture, PlaneView<uint8_t> provenance) {
  Require(own < frames.size(), Code::kInvalidArgument,
          "FlowFill: there is no frame " + std::to_string(own) + " to be filled");
  for (const FlowFrame& frame : frames) {
    const auto fits = [&](const FlowView& flow) {
      return flow.data == nullptr || (flow.width > 0 && flow.width <= picture.width &&
                                      flow.height > 0 && flow.height <= picture.height);
    };
    Require(frame.holes != nullptr && frame.picture.format == picture.format &&
                frame.picture.width == picture.width && frame.picture.height == picture.height &&
                frame.holes->width == picture.width && frame.holes->height == picture.height &&
                frame.holes->rows.size() == static_cast<size_t>(picture.height) &&
                fits(frame.to_next) && fits(frame.to_previous),
            Code::kInvalidArgument, "FlowFill: frames, holes and motion differ in size or format");
  }
  const HoleMap& holes = *frames[own].holes;
  CheckFillTarget("FlowFill", holes, picture, provenance);
  Impl& impl = *impl_;
  impl.pixels.Reset(holes);
  impl.holes.resize(impl.pixels.spans().size());
  impl.ForSpans([&](size_t i) { impl.FollowHole(frames, own, i); });
  impl.MatchBrightness(frames.size());
  const float scale = static_cast<float>(picture.format.max_value() + 1) / 256.0f;
  impl.ForSpans([&](size_t i) { impl.ColorHole(frames, own, i, scale); });
  return FinishFill(impl.pixels, holes, impl.options.soft_rim, &impl.rest, &impl.remaining, picture,
                    provenance);
}

}  // namespace mdvt
