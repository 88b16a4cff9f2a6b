// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/observed_fill.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "core/median.h"
#include "infill/finish_fill.h"
#include "infill/hole_pixels.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kLeastDepth = 1e-3;  // metres
constexpr int64_t kPixelsPerBlock = 512;
constexpr int64_t kRowsPerBlock = 8;
constexpr int kStrideWidth = 480;  // pixels of a row that are enough to tell the depth
constexpr int kRounds = 1;         // of looking up where a ray meets a depth
constexpr int kMixed = 2;          // pixels beside an edge of the depth whose colours may be mixed
constexpr int kRimSkip = 1;        // pixels beside a hole that may be mixed
constexpr int kRimLength = 3;      // pixels behind them that tell about the rim
constexpr size_t kMostRim = 1000;  // pixels of rims that a frame is compared at
constexpr size_t kFewRim = 24;     // below it brightness is not matched

// The projection from pixels with a depth in one camera to pixels in another:
// z (a * (u, v, 1)) + b, in homogeneous coordinates.
struct Mapping {
  Eigen::Matrix3d a;
  Eigen::Vector3d b;

  Mapping(const Camera& from, const Pose& world_from_from, const Camera& to,
          const Pose& world_from_to) {
    const Pose to_from_from = world_from_to.inverse() * world_from_from;
    Eigen::Matrix3d k_to, k_from_inverse;
    k_to << to.fx, 0, to.cx, 0, to.fy, to.cy, 0, 0, 1;
    k_from_inverse << 1 / from.fx, 0, -from.cx / from.fx, 0, 1 / from.fy, -from.cy / from.fy, 0, 0,
        1;
    a = k_to * to_from_from.linear() * k_from_inverse;
    b = k_to * to_from_from.translation();
  }
  Eigen::Vector3d operator()(double u, double v, double z) const {
    return z * (a * Eigen::Vector3d(u, v, 1)) + b;
  }
  // Of that, the depth alone.
  double Depth(double u, double v, double z) const {
    return z * (a(2, 0) * u + a(2, 1) * v + a(2, 2)) + b.z();
  }
};

// A point of the filled view: a pixel and its inverse depth.
struct ViewPoint {
  int x = 0;
  int y = 0;
  double inverse_depth = 0;
};

// A frame as seen from the filled view.
struct Source {
  const ObservedView* view;
  Mapping to_view;    // of its pixels into the filled view
  Mapping from_view;  // the reverse
  bool used = true;
  Color offset{};  // to be added to its colours

  Source(const ObservedView& v, const Camera& camera, const Pose& pose)
      : view(&v),
        to_view(v.camera, v.world_from_cam, camera, pose),
        from_view(camera, pose, v.camera, v.world_from_cam) {}

  // The depth at a position, bilinear; empty beside an edge of the depth, outside, or where things
  // move.
  std::optional<double> DepthAt(double u, double v, double tolerance) const {
    const DepthView& depth = view->depth;
    const double px = u - 0.5, py = v - 0.5;
    if (!(px >= 0 && py >= 0 && px <= depth.width - 1 && py <= depth.height - 1) ||
        depth.width < 2 || depth.height < 2)
      return std::nullopt;
    const int x = std::min(static_cast<int>(px), depth.width - 2);
    const int y = std::min(static_cast<int>(py), depth.height - 2);
    const float* upper = depth.Row(y) + x;
    const float* lower = depth.Row(y + 1) + x;
    const float least = std::min(std::min(upper[0], upper[1]), std::min(lower[0], lower[1]));
    const float most = std::max(std::max(upper[0], upper[1]), std::max(lower[0], lower[1]));
    if (!(least > 0) || !(most - least <= 2 * static_cast<float>(tolerance) * least))
      return std::nullopt;
    if (view->moving.data != nullptr &&
        std::max({view->moving.At(x, y), view->moving.At(x + 1, y), view->moving.At(x, y + 1),
                  view->moving.At(x + 1, y + 1)}) > 127)
      return std::nullopt;
    const double a = px - x, b = py - y;
    return (double{upper[0]} * (1 - a) + double{upper[1]} * a) * (1 - b) +
           (double{lower[0]} * (1 - a) + double{lower[1]} * a) * b;
  }

  // Whether no edge of the depth is so near that the colour may be a mixture.
  bool IsClear(const Eigen::Vector2d& at, double tolerance) const {
    const DepthView& depth = view->depth;
    const int x = static_cast<int>(at.x()), y = static_cast<int>(at.y());
    const double z = double{depth.At(x, y)};
    for (int dy = -kMixed; dy <= kMixed; dy += kMixed) {
      for (int dx = -kMixed; dx <= kMixed; dx += kMixed) {
        const int nx = std::clamp(x + dx, 0, depth.width - 1);
        const int ny = std::clamp(y + dy, 0, depth.height - 1);
        if (!(std::fabs(double{depth.At(nx, ny)} - z) <= kMixed * tolerance * z)) return false;
      }
    }
    return true;
  }

  // Where this frame shows the point, whose depth may be a little wrong: the ray of the pixel and
  // the frame's depth meet there. Empty if it does not show it.
  std::optional<Eigen::Vector2d> Find(const ViewPoint& point, double tolerance) const {
    const double u = point.x + 0.5, v = point.y + 0.5;
    double z = 1 / point.inverse_depth;
    for (int round = 0;; ++round) {
      const Eigen::Vector3d p = from_view(u, v, z);
      if (!(p.z() > kLeastDepth)) return std::nullopt;
      const Eigen::Vector2d at(p.x() / p.z(), p.y() / p.z());
      const std::optional<double> depth = DepthAt(at.x(), at.y(), tolerance);
      if (!depth || !(std::fabs(*depth - p.z()) <= tolerance * p.z())) return std::nullopt;
      if (round == kRounds) return at;
      z = to_view.Depth(at.x(), at.y(), *depth);
      if (!(z > kLeastDepth)) return std::nullopt;
    }
  }
};

float Scale(const PixelFormat& format) {
  return static_cast<float>(format.max_value() + 1) / 256.0f;
}

}  // namespace

void ObservedFillOptions::Check() const {
  Require(depth_tolerance > 0 && depth_tolerance <= 1, Code::kInvalidArgument,
          "ObservedFillOptions.depth_tolerance = " + FormatDouble(depth_tolerance) +
              ", must be in (0, 1]");
  Require(color_tolerance > 0 && color_tolerance <= 255, Code::kInvalidArgument,
          "ObservedFillOptions.color_tolerance = " + FormatDouble(color_tolerance) +
              ", must be in (0, 255]");
  Require(max_views >= 1 && max_views <= 64, Code::kInvalidArgument,
          "ObservedFillOptions.max_views = " + std::to_string(max_views) + ", must be in [1, 64]");
  Require(soft_rim >= 0 && soft_rim < 1, Code::kInvalidArgument,
          "ObservedFillOptions.soft_rim = " + FormatDouble(soft_rim) + ", must be in [0, 1)");
  rest.Check();
}

struct ObservedFill::Impl {
  Impl(const ObservedFillOptions& the_options, ThreadPool* the_pool)
      : options(the_options), pool(the_pool), rest(the_options.rest, the_pool) {}

  template <typename Body>
  void ForEach(size_t count, int64_t grain, const Body& body) const {
    const auto range = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) body(static_cast<size_t>(i));
    };
    if (pool != nullptr) {
      pool->ParallelFor(static_cast<int64_t>(count), grain, range);
    } else {
      range(0, static_cast<int64_t>(count));
    }
  }

  // Inverse depths of every `stride`-th pixel of some rows of a frame, where they land near a hole:
  // take(x, y, w).
  template <typename Take>
  void ProjectRow(const Source& source, int y, int stride, const Take& take) const {
    const DepthView& depth = source.view->depth;
    const int first = stride / 2, count = (depth.width - first + stride - 1) / stride;
    thread_local std::vector<float> us, vs, ws;
    for (std::vector<float>* one : {&us, &vs, &ws}) one->resize(static_cast<size_t>(count));
    const float* row = depth.Row(y) + first;
    for (int i = 0; i < count; ++i) ws[static_cast<size_t>(i)] = row[i * stride];
    const Eigen::Vector3f ray =
        (source.to_view.a * Eigen::Vector3d(first + 0.5, y + 0.5, 1)).cast<float>();
    const Eigen::Vector3f step = (source.to_view.a.col(0) * stride).cast<float>();
    const Eigen::Vector3f b = source.to_view.b.cast<float>();
    float* const u = us.data();
    float* const v = vs.data();
    float* const w = ws.data();
    for (int i = 0; i < count; ++i) {  // one that vectors are used for
      const float along = static_cast<float>(i), z = w[i];
      const float pz = z * (ray.z() + along * step.z()) + b.z();
      const float inverse = 1 / pz;
      u[i] = (z * (ray.x() + along * step.x()) + b.x()) * inverse;
      v[i] = (z * (ray.y() + along * step.y()) + b.y()) * inverse;
      w[i] = z > 0 && pz > static_cast<float>(kLeastDepth) ? inverse : 0.0f;
    }
    const uint8_t* moving =
        source.view->moving.data == nullptr ? nullptr : source.view->moving.Row(y) + first;
    const auto width = static_cast<float>(size.width), height = static_cast<float>(size.height);
    for (int begin = 0; begin < count; begin += kRun) {
      const int end = std::min(begin + kRun, count);
      if (end == begin + kRun && !MayBeNearHoles(u + begin, v + begin)) continue;
      for (int i = begin; i < end; ++i) {
        if (!(w[i] > 0 && u[i] >= 0 && v[i] >= 0 && u[i] < width && v[i] < height)) continue;
        const int x = static_cast<int>(u[i]), row_of = static_cast<int>(v[i]);
        if (!IsNearHole(x, row_of) || (moving != nullptr && moving[i * stride] > 127)) continue;
        take(x, row_of, w[i]);
      }
    }
  }

  // Whether any of kRun pixels may land near a hole: looks at the rectangle around all of them.
  static constexpr int kRun = 8;
  bool MayBeNearHoles(const float* u, const float* v) const {
    const auto least = [](const float* from) {
      std::array<float, 4> four;  // in a form that vectors are used for
      for (size_t k = 0; k < 4; ++k) four[k] = from[k] < from[k + 4] ? from[k] : from[k + 4];
      return std::min(std::min(four[0], four[1]), std::min(four[2], four[3]));
    };
    const auto most = [](const float* from) {
      std::array<float, 4> four;
      for (size_t k = 0; k < 4; ++k) four[k] = from[k] > from[k + 4] ? from[k] : from[k + 4];
      return std::max(std::max(four[0], four[1]), std::max(four[2], four[3]));
    };
    const float left = least(u), right = most(u), top = least(v), bottom = most(v);
    // Of pixels without depth u and v mean nothing, and may be no numbers.
    constexpr float kWide = 64, kHigh = 16;
    if (!(right - left <= kWide && bottom - top <= kHigh)) return true;
    if (right < 0 || bottom < 0 || left >= static_cast<float>(size.width) ||
        top >= static_cast<float>(size.height))
      return false;
    const int last_x = std::min(static_cast<int>(right), size.width - 1) >> kTileShift;
    const int last_y = std::min(static_cast<int>(bottom), size.height - 1) >> kTileShift;
    for (int y = std::max(static_cast<int>(top), 0) >> kTileShift; y <= last_y; ++y)
      for (int x = std::max(static_cast<int>(left), 0) >> kTileShift; x <= last_x; ++x)
        if (near_holes[static_cast<size_t>(y) * static_cast<size_t>(tiles) +
                       static_cast<size_t>(x)] != 0)
          return true;
    return false;
  }

  // Tiles with holes, and those beside them.
  static constexpr int kTileShift = 3;
  bool IsNearHole(int x, int y) const {
    return near_holes[static_cast<size_t>(y >> kTileShift) * static_cast<size_t>(tiles) +
                      static_cast<size_t>(x >> kTileShift)] != 0;
  }
  void MarkHoles() {
    tiles = (size.width >> kTileShift) + 1;
    const int tile_rows = (size.height >> kTileShift) + 1;
    near_holes.assign(static_cast<size_t>(tiles) * static_cast<size_t>(tile_rows), 0);
    for (const HoleSpanOf& hole : pixels.spans()) {
      const int row = hole.y >> kTileShift;
      const int begin = std::max(0, (hole.span.begin >> kTileShift) - 1);
      const int end = std::min(tiles - 1, ((hole.span.end - 1) >> kTileShift) + 1);
      for (int y = std::max(0, row - 1); y <= std::min(tile_rows - 1, row + 1); ++y)
        std::fill_n(near_holes.begin() + y * tiles + begin, end - begin + 1, uint8_t{1});
    }
  }

  // Inverse depths of pixels where the largest counts, whatever the order in which they come.
  class Nearest {
   public:
    void Reset(size_t count) {
      if (count > capacity_) {
        values_ = std::make_unique<std::atomic<float>[]>(count);
        capacity_ = count;
      }
      for (size_t i = 0; i < count; ++i) values_[i].store(0, std::memory_order_relaxed);
    }
    void Add(size_t i, float value) {
      float now = values_[i].load(std::memory_order_relaxed);
      while (now < value &&
             !values_[i].compare_exchange_weak(now, value, std::memory_order_relaxed)) {
      }
    }
    float operator[](size_t i) const { return values_[i].load(std::memory_order_relaxed); }

   private:
    std::unique_ptr<std::atomic<float>[]> values_;
    size_t capacity_ = 0;
  };

  // The inverse depth of the picture itself near holes, where its own frame shows it; 0 elsewhere.
  void SeeOwn(const Source& own) {
    seen.Reset(static_cast<size_t>(size.width) * static_cast<size_t>(size.height));
    ForEach(static_cast<size_t>(own.view->depth.height), kRowsPerBlock, [&](size_t y) {
      ProjectRow(own, static_cast<int>(y), 1, [&](int x, int row, float w) {
        seen.Add(
            static_cast<size_t>(row) * static_cast<size_t>(size.width) + static_cast<size_t>(x), w);
      });
    });
  }

  // The largest inverse depth beside an end of a span; 0 if none is known.
  float Beside(int y, int first, int step, int width) const {
    float most = 0;
    for (int k = kRimSkip; k < kRimSkip + kRimLength; ++k) {
      const int x = first + k * step;
      if (x < 0 || x >= width || pixels.IndexAt(x, y) >= 0) break;
      most = std::max(
          most, seen[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)]);
    }
    return most;
  }

  // The largest inverse depth that a pixel of each hole may have to be background.
  void FindBounds(int width) {
    bounds.clear();
    rim.clear();
    for (const HoleSpanOf& hole : pixels.spans()) {
      const HoleSpan& span = hole.span;
      const float left = Beside(hole.y, span.begin - 1, -1, width);
      const float right = Beside(hole.y, span.end, 1, width);
      const float far_w = std::min(left, right), near_w = std::max(left, right);
      const bool parted = far_w > 0 && near_w > 1.05f * far_w;
      bounds.push_back(parted ? 0.5f * (far_w + near_w) : 1e30f);
      // Background beside the hole, to compare frames at.
      const bool at_left = parted ? left < right : span.background == HoleSide::kLeft;
      const int first = at_left ? span.begin - 1 : span.end, step = at_left ? -1 : 1;
      for (int k = kRimSkip; k < kRimSkip + kRimLength; ++k) {
        const int x = first + k * step;
        if (x < 0 || x >= width || pixels.IndexAt(x, hole.y) >= 0) break;
        const float w =
            seen[static_cast<size_t>(hole.y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
        if (w > 0) rim.push_back({x, hole.y, double{w}});
      }
    }
    if (rim.size() > kMostRim) {
      const size_t every = (rim.size() + kMostRim - 1) / kMostRim;
      size_t kept = 0;
      for (size_t i = 0; i < rim.size(); i += every) rim[kept++] = rim[i];
      rim.resize(kept);
    }
  }

  // Matches the frame's brightness at the rims; a frame that shows something else is not used.
  void Compare(const ImageView& picture, Source* source) const {
    std::array<std::vector<float>, 3> differences;
    for (const ViewPoint& point : rim) {
      const auto at = source->Find(point, options.depth_tolerance);
      if (!at) continue;
      const Color there = SampleColor(source->view->color, at->x(), at->y());
      const Color here = SampleColor(picture, point.x + 0.5, point.y + 0.5);
      for (size_t c = 0; c < 3; ++c) differences[c].push_back(here[c] - there[c]);
    }
    if (differences[0].size() < kFewRim) return;
    for (size_t c = 0; c < 3; ++c) source->offset[c] = Median(differences[c]);
    std::vector<float> rest_of = differences[0];
    for (float& d : rest_of) d = std::fabs(d - source->offset[0]);
    source->used =
        double{Median(&rest_of)} <= options.color_tolerance * double{Scale(picture.format)};
  }

  // Of the depths that landed on a pixel, the nearest one that enough frames agree on.
  float ChooseDepth(std::vector<float>* found, float bound) const {
    found->erase(std::remove_if(found->begin(), found->end(),
                                [=](float w) { return !(w > 0) || w > bound; }),
                 found->end());
    if (found->empty()) return 0;
    std::sort(found->begin(), found->end(), std::greater<>());
    const float reach = 1 - static_cast<float>(options.depth_tolerance);
    const auto support = [&](size_t first) {
      size_t last = first;
      while (last < found->size() && (*found)[last] >= reach * (*found)[first]) ++last;
      return last - first;
    };
    size_t most = 0;
    for (size_t i = 0; i < found->size(); ++i) most = std::max(most, support(i));
    for (size_t i = 0; i < found->size(); ++i) {
      const size_t count = support(i);
      if (2 * count >= most) return (*found)[i + count / 2];
    }
    return 0;  // not reached
  }

  void FindDepths() {
    // Depth is smooth where it counts: on large pictures some of its pixels tell enough, each for
    // those around it.
    const int stride = std::max(1, (size.width + kStrideWidth / 2) / kStrideWidth);
    const int before = (stride - 1) / 2, after = stride / 2;
    landed.resize(sources.size());
    std::vector<std::pair<size_t, int>> rows;
    for (size_t s = 0; s < sources.size(); ++s) {
      landed[s].Reset(pixels.size());
      if (!sources[s].used) continue;
      for (int y = stride / 2; y < sources[s].view->depth.height; y += stride)
        rows.emplace_back(s, y);
    }
    ForEach(rows.size(), kRowsPerBlock, [&](size_t r) {
      const size_t s = rows[r].first;
      ProjectRow(sources[s], rows[r].second, stride, [&](int x, int y, float w) {
        for (int py = std::max(0, y - before); py <= std::min(size.height - 1, y + after); ++py) {
          for (int px = std::max(0, x - before); px <= std::min(size.width - 1, x + after); ++px) {
            const int32_t i = pixels.IndexAt(px, py);
            if (i < 0) continue;
            // A foreground that covers the background in this frame must not hide it from the
            // others.
            if (w <= bounds[static_cast<size_t>(pixels[static_cast<size_t>(i)].span)])
              landed[s].Add(static_cast<size_t>(i), w);
          }
        }
      });
    });
    depths.assign(pixels.size(), 0);
    ForEach(pixels.size(), kPixelsPerBlock, [&](size_t i) {
      thread_local std::vector<float> found;
      found.clear();
      for (size_t s = 0; s < sources.size(); ++s) found.push_back(landed[s][i]);
      depths[i] = ChooseDepth(&found, bounds[static_cast<size_t>(pixels[i].span)]);
    });
    CloseGaps(size.width, size.height);
  }

  // Pixels that nothing landed on, between pixels that have a depth.
  void CloseGaps(int width, int height) {
    const std::vector<float> before = depths;
    ForEach(pixels.size(), kPixelsPerBlock, [&](size_t i) {
      if (before[i] > 0) return;
      thread_local std::vector<float> around;
      around.clear();
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          const int x = pixels[i].x + dx, y = pixels[i].y + dy;
          if (x < 0 || y < 0 || x >= width || y >= height) continue;
          const int32_t k = pixels.IndexAt(x, y);
          if (k >= 0 && before[static_cast<size_t>(k)] > 0)
            around.push_back(before[static_cast<size_t>(k)]);
        }
      }
      if (around.size() >= 3) depths[i] = Median(&around);
    });
  }

  void FindColors(const ImageView& picture, size_t own) {
    // Nearest in time first: they are the ones that are averaged, and that decide.
    order.resize(sources.size());
    for (size_t s = 0; s < order.size(); ++s) order[s] = s;
    const int64_t now = sources[own].view->index;
    const auto away = [&](size_t s) { return std::abs(sources[s].view->index - now); };
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return away(a) < away(b); });
    const float noise = 6 * Scale(picture.format);
    ForEach(pixels.size(), kPixelsPerBlock, [&](size_t i) {
      if (!(depths[i] > 0)) return;
      // What is seen beside an edge counts where nothing better is seen only.
      thread_local std::vector<Observation> seen_colors, mixed;
      seen_colors.clear();
      mixed.clear();
      const ViewPoint point{pixels[i].x, pixels[i].y, double{depths[i]}};
      for (const size_t s : order) {
        if (seen_colors.size() == static_cast<size_t>(options.max_views)) break;
        if (!sources[s].used) continue;
        const auto at = sources[s].Find(point, options.depth_tolerance);
        if (!at) continue;
        const bool clear = sources[s].IsClear(*at, options.depth_tolerance);
        if (!clear && mixed.size() == static_cast<size_t>(options.max_views)) continue;
        Observation one;
        one.color = SampleColor(sources[s].view->color, at->x(), at->y());
        for (size_t c = 0; c < 3; ++c) one.color[c] += sources[s].offset[c];
        one.weight = 1 / (1 + static_cast<float>(away(s)) / 8);
        (clear ? seen_colors : mixed).push_back(one);
      }
      if (seen_colors.empty()) seen_colors = mixed;
      if (seen_colors.empty()) return;
      pixels.colors[i] = Agree(seen_colors, noise);
      const float most = static_cast<float>(picture.format.max_value());
      for (float& c : pixels.colors[i]) c = std::clamp(c, 0.0f, most);
      pixels.known[i] = 1;
    });
  }

  ObservedFillOptions options;
  ThreadPool* pool;
  DirectionalFill rest;
  HolePixels pixels;
  HoleMap remaining;
  std::vector<Source> sources;
  std::vector<size_t> order;
  struct Size {
    int width = 0, height = 0;
  } size;  // of the picture
  std::vector<uint8_t> near_holes;
  int tiles = 0;              // in a row of them
  Nearest seen;               // per pixel of the picture
  std::vector<float> bounds;  // per span
  std::vector<ViewPoint> rim;
  std::vector<Nearest> landed;  // per frame and hole pixel
  std::vector<float> depths;    // inverse, per hole pixel
};

std::vector<ObservedView> ChooseViews(const std::vector<ObservedView>& views,
                                      const ObservedView& own, const Pose& world_from_view,
                                      size_t most) {
  if (views.size() <= most) return views;
  std::vector<size_t> order(views.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto away = [&](size_t i) { return std::abs(views[i].index - own.index); };
  const auto distance = [&](size_t i) {
    return (views[i].world_from_cam.translation() - world_from_view.translation()).norm();
  };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::make_tuple(distance(a), away(a), a) < std::make_tuple(distance(b), away(b), b);
  });
  std::vector<bool> taken(views.size(), false);
  const size_t near = (most + 1) / 2;
  for (size_t k = 0; k < near; ++k) taken[order[k]] = true;
  // The others lie evenly in time, from the first to the last.
  for (size_t k = 0; near + k < most; ++k) {
    const double share =
        most - near < 2 ? 0.5 : static_cast<double>(k) / static_cast<double>(most - near - 1);
    const double wanted = share * static_cast<double>(views.size() - 1);
    size_t best = views.size();
    const auto off = [&](size_t i) { return std::fabs(static_cast<double>(i) - wanted); };
    for (size_t i = 0; i < views.size(); ++i)
      if (!taken[i] && (best == views.size() || off(i) < off(best))) best = i;
    taken[best] = true;
  }
  std::vector<ObservedView> chosen;
  for (size_t i = 0; i < views.size(); ++i)
    if (taken[i]) chosen.push_back(views[i]);
  return chosen;
}

ObservedFill::ObservedFill(const ObservedFillOptions& options, ThreadPool* pool) {
  options.Check();
  impl_ = std::make_unique<Impl>(options, pool);
}
ObservedFill::~ObservedFill() = default;

FillCounts ObservedFill::Fill(const HoleMap& holes, const Camera& camera,
                              const Pose& world_from_cam, const std::vector<ObservedView>& views,
                              size_t own, const MutableImageView& picture,
                              PlaneView<uint8_t> provenance) {
  CheckFillTarget("ObservedFill", holes, picture, provenance);
  Require(own < views.size(), Code::kInvalidArgument,
          "ObservedFill: there is no frame that the picture was made of");
  camera.Check();
  for (const ObservedView& view : views) {
    view.camera.Check();
    Require(view.color.format == picture.format && view.color.width == view.depth.width &&
                view.color.height == view.depth.height &&
                (view.moving.data == nullptr || (view.moving.width == view.depth.width &&
                                                 view.moving.height == view.depth.height)),
            Code::kInvalidArgument,
            "ObservedFill: the colour, depth and mask of frame " + std::to_string(view.index) +
                " do not fit together or not the picture");
  }
  Impl& impl = *impl_;
  impl.pixels.Reset(holes);
  if (impl.pixels.size() > 0) {
    impl.sources.clear();
    for (const ObservedView& view : views) impl.sources.emplace_back(view, camera, world_from_cam);
    impl.size = {picture.width, picture.height};
    impl.MarkHoles();
    impl.SeeOwn(impl.sources[own]);
    impl.FindBounds(picture.width);
    impl.ForEach(impl.sources.size(), 1, [&](size_t s) {
      if (s != own) impl.Compare(picture, &impl.sources[s]);
    });
    impl.FindDepths();
    impl.FindColors(picture, own);
  }
  return FinishFill(impl.pixels, holes, impl.options.soft_rim, &impl.rest, &impl.remaining, picture,
                    provenance);
}

}  // namespace mdvt
