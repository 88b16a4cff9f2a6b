// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/vanishing_points.h"
#include "mdvt/core/count.h"

#include <Eigen/Eigenvalues>
#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "core/median.h"

namespace mdvt {
namespace {

constexpr int kSamples = 2000;
constexpr double kMostSine = 0.0349;  // of an edge to its vanishing point: 2 degrees
constexpr double kLeastFocal = 0.4;   // half widths: 136 degrees
constexpr double kMostFocal = 8;      // 14 degrees
constexpr double kFarthest = 12;      // from the axis, in focal lengths: still finite
constexpr size_t kLeastEdges = 4;

struct Edge {
  Eigen::Vector3d line;  // through both ends, of unit normal
  Eigen::Vector2d middle, direction;
  double length = 0;
};

// Sine of the angle between an edge and the line from its middle to a vanishing point.
double SineTo(const Edge& edge, const Eigen::Vector3d& point) {
  const Eigen::Vector2d to = point.head<2>() - point.z() * edge.middle;
  const double norm = to.norm();
  if (!(norm > 1e-12)) return 1;
  return std::fabs(edge.direction.x() * to.y() - edge.direction.y() * to.x()) / norm;
}

struct Axes {
  std::array<Eigen::Vector3d, 3> points;  // vanishing points, homogeneous
  double focal = 0;
};

// The focal length of two vanishing points, and the third; false if they are at no right angle.
bool Complete(const Eigen::Vector3d& v1, const Eigen::Vector3d& v2, Axes* axes) {
  if (std::fabs(v1.z()) < 1e-9 * v1.norm() || std::fabs(v2.z()) < 1e-9 * v2.norm()) return false;
  const double square = -v1.hnormalized().dot(v2.hnormalized());
  if (!(square > kLeastFocal * kLeastFocal && square < kMostFocal * kMostFocal)) return false;
  axes->focal = std::sqrt(square);
  if (v1.hnormalized().norm() > kFarthest * axes->focal) return false;
  if (v2.hnormalized().norm() > kFarthest * axes->focal) return false;
  const Eigen::Vector3d k(1 / axes->focal, 1 / axes->focal, 1);
  const Eigen::Vector3d third = v1.cwiseProduct(k).cross(v2.cwiseProduct(k));
  axes->points = {v1, v2, third.cwiseQuotient(k)};
  return true;
}

// Which axis an edge points along; -1 for none.
int AxisOf(const Edge& edge, const Axes& axes) {
  int best = -1;
  double least = kMostSine;
  for (int k = 0; k < 3; ++k) {
    const double sine = SineTo(edge, axes.points[static_cast<size_t>(k)]);
    if (!(sine < least)) continue;
    least = sine;
    best = k;
  }
  return best;
}

double Support(const std::vector<Edge>& edges, const Axes& axes) {
  double sum = 0;
  for (const Edge& edge : edges)
    if (AxisOf(edge, axes) >= 0) sum += edge.length;
  return sum;
}

// Where the edges of an axis meet: least squares over their lines, long ones counting more.
bool Refine(const std::vector<Edge>& edges, int axis, const Axes& axes, Eigen::Vector3d* point) {
  Eigen::Matrix3d sum = Eigen::Matrix3d::Zero();
  size_t count = 0;
  const Eigen::Vector3d& at = axes.points[static_cast<size_t>(axis)];
  for (const Edge& edge : edges) {
    if (AxisOf(edge, axes) != axis) continue;
    // Distance of the point from the line over its distance from the edge is the angle.
    const double away = std::max(
        0.1, (at.head<2>() - at.z() * edge.middle).norm() / std::max(1e-9, std::fabs(at.z())));
    sum += edge.length * edge.length / (away * away) * edge.line * edge.line.transpose();
    ++count;
  }
  if (count < kLeastEdges) return false;
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(sum);
  *point = solver.eigenvectors().col(0);
  return point->allFinite();
}

std::vector<Edge> EdgesOf(const std::vector<ImageSegment>& segments) {
  std::vector<Edge> edges;
  for (const auto& [a, b] : segments) {
    Edge edge;
    edge.length = (b - a).norm();
    if (!(edge.length > 1e-6) || !a.allFinite() || !b.allFinite()) continue;
    edge.direction = (b - a) / edge.length;
    edge.middle = 0.5 * (a + b);
    edge.line = {-edge.direction.y(), edge.direction.x(),
                 edge.direction.y() * a.x() - edge.direction.x() * a.y()};
    edges.push_back(edge);
  }
  return edges;
}

}  // namespace

ManhattanFit FitManhattan(const std::vector<ImageSegment>& segments, uint32_t seed) {
  ManhattanFit fit;
  const std::vector<Edge> edges = EdgesOf(segments);
  fit.reason = "too few straight edges";
  if (edges.size() < 3 * kLeastEdges) return fit;
  double total = 0;
  for (const Edge& edge : edges) total += edge.length;
  std::mt19937 random(20211 + seed);
  Axes best;
  double most = 0;
  for (int k = 0; k < kSamples; ++k) {
    std::array<size_t, 4> i;
    for (size_t& one : i) one = random() % edges.size();
    if (i[0] == i[1] || i[2] == i[3]) continue;
    Axes axes;
    if (!Complete(edges[i[0]].line.cross(edges[i[1]].line),
                  edges[i[2]].line.cross(edges[i[3]].line), &axes))
      continue;
    const double support = Support(edges, axes);
    if (!(support > most)) continue;
    most = support;
    best = axes;
  }
  fit.reason = "no two finite vanishing points at right angles";
  if (!(most > 0)) return fit;
  for (int round = 0; round < 5; ++round) {
    Eigen::Vector3d v1, v2;
    Axes axes;
    fit.reason = "too few edges along two of the axes";
    if (!Refine(edges, 0, best, &v1) || !Refine(edges, 1, best, &v2)) return fit;
    if (!Complete(v1, v2, &axes)) break;
    const double support = Support(edges, axes);
    if (support < 0.98 * most) break;
    best = axes;
    most = std::max(most, support);
  }
  fit.focal = best.focal;
  fit.support = most / total;
  fit.ok = fit.support >= 0.5;
  fit.reason = fit.ok ? "" : "most edges point elsewhere";
  return fit;
}

ManhattanFocal JoinManhattan(const std::vector<ManhattanFit>& fits) {
  constexpr double kLeastSigma = 0.03;
  ManhattanFocal joined;
  std::vector<double> logs;
  for (const ManhattanFit& fit : fits)
    if (fit.ok) logs.push_back(std::log(fit.focal));
  joined.pictures = static_cast<int>(logs.size());
  const size_t needed = fits.size() == 1 ? 1 : std::max<size_t>(3, (fits.size() + 2) / 3);
  if (logs.size() < needed) {
    joined.reason = std::to_string(logs.size()) + " of " +
                    CountOf(static_cast<int64_t>(fits.size()), "picture has", "pictures have") +
                    " two vanishing points at right angles";
    return joined;
  }
  const double middle = Median(logs);
  std::vector<double> off;
  for (const double log : logs) off.push_back(std::fabs(log - middle));
  joined.focal = std::exp(middle);
  joined.sigma_log = std::max(kLeastSigma, 1.4826 * Median(&off));
  joined.ok = true;
  return joined;
}

}  // namespace mdvt
