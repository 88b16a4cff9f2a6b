// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/motion_score.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr int kGridPoints = 2400;      // pixels that the camera's motion is found from
constexpr size_t kFewPoints = 60;      // fewer tell nothing
constexpr int kSamples = 400;          // of eight points
constexpr int kRounds = 8;             // of reweighting
constexpr double kTurningShare = 0.6;  // of the pixels that a turning camera has to explain
constexpr double kNoise = 0.35;        // pixels, of good flow
// Pixels of a turning camera miss its motion by about twice as much as their epipolar lines, in two
// directions in place of one.
constexpr double kParallax = 3;
constexpr double kRoom = 0.15;  // pixels
constexpr int kRowsPerBlock = 16;
// How fast the probability rises with the distance, and the distance, of the threshold, at which it
// is even. Regions of 0.3 that touch such of 0.7 so reach to where things end (dev_dynamic).
constexpr double kSteepness = 3.03;
constexpr double kEven = 0.9325;

// A pixel in both pictures, in units of half the width around the middle.
struct Pair {
  Eigen::Vector2d a, b;
};
using Pairs = std::vector<Pair>;

struct PixelUnits {
  double scale, cx, cy;
  PixelUnits(int width, int height) : scale(2.0 / width), cx(width / 2.0), cy(height / 2.0) {}
  Eigen::Vector2d operator()(double x, double y) const {
    return {(x - cx) * scale, (y - cy) * scale};
  }
};

// Small steps in a fixed order: the same for every run.
class Dice {
 public:
  size_t Below(size_t n) {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<size_t>((state_ >> 33) % n);
  }

 private:
  uint64_t state_ = 0x9e3779b97f4a7c15ull;
};

Pairs Sample(const ObservedMotion& motion, double max_round_trip) {
  const int width = motion.flow.width, height = motion.flow.height;
  const PixelUnits frame(width, height);
  const int step = std::max(1, static_cast<int>(std::sqrt(double(width) * height / kGridPoints)));
  Pairs pairs;
  for (int y = step / 2; y < height; y += step) {
    for (int x = step / 2; x < width; x += step) {
      if (!(double{motion.round_trip.At(x, y)} <= max_round_trip)) continue;
      const Eigen::Vector2d to =
          Eigen::Vector2d(x + 0.5, y + 0.5) + motion.flow.At(x, y).cast<double>();
      pairs.push_back({frame(x + 0.5, y + 0.5), frame(to.x(), to.y())});
    }
  }
  return pairs;
}

// How a camera that turns and zooms moves the picture, to second order:
//   u = p0 + p1 x - p2 y + x (p4 x + p5 y)    v = p3 + p2 x + p1 y + y (p4 x + p5 y)
using Turn = Eigen::Matrix<double, 6, 1>;

Eigen::Matrix<double, 2, 6> TurnRows(const Eigen::Vector2d& at) {
  const double x = at.x(), y = at.y();
  Eigen::Matrix<double, 2, 6> rows;
  rows << 1, x, -y, 0, x * x, x * y, 0, y, x, 1, x * y, y * y;
  return rows;
}

double TurnResidual(const Turn& turn, const Eigen::Vector2d& a, const Eigen::Vector2d& b) {
  return (b - a - TurnRows(a) * turn).norm();
}

Turn FitTurn(const Pairs& pairs, double noise) {
  // Begins with the median motion, which a moving thing does not upset.
  std::vector<double> u, v;
  for (const Pair& pair : pairs) {
    u.push_back(pair.b.x() - pair.a.x());
    v.push_back(pair.b.y() - pair.a.y());
  }
  Turn turn = Turn::Zero();
  turn[0] = Median(&u);
  turn[3] = Median(&v);
  for (int round = 0; round < 3 * kRounds; ++round) {
    std::vector<double> residuals;
    for (const Pair& pair : pairs) residuals.push_back(TurnResidual(turn, pair.a, pair.b));
    // Wide at first, so that the fit can move; never narrower than the noise.
    const double width = std::max(2 * noise, 1.5 * Median(residuals));
    Eigen::Matrix<double, 6, 6> normal = 1e-9 * Eigen::Matrix<double, 6, 6>::Identity();
    Turn right = Turn::Zero();
    for (size_t i = 0; i < pairs.size(); ++i) {
      const double t = residuals[i] / width, w = 1 / ((1 + t * t) * (1 + t * t));
      const Eigen::Matrix<double, 2, 6> rows = TurnRows(pairs[i].a);
      normal += w * rows.transpose() * rows;
      right += w * rows.transpose() * (pairs[i].b - pairs[i].a);
    }
    turn = normal.ldlt().solve(right);
  }
  return turn;
}

// Sampson's distance to the epipolar line.
double EpipolarResidual(const Eigen::Matrix3d& f, const Eigen::Vector2d& a,
                        const Eigen::Vector2d& b) {
  const Eigen::Vector3d fa = f * a.homogeneous(), fb = f.transpose() * b.homogeneous();
  const double gradient = fa.head<2>().squaredNorm() + fb.head<2>().squaredNorm();
  return std::fabs(b.homogeneous().dot(fa)) / std::sqrt(gradient + 1e-30);
}

Eigen::Matrix<double, 1, 9> EpipolarRow(const Pair& pair) {
  const double x = pair.a.x(), y = pair.a.y(), u = pair.b.x(), v = pair.b.y();
  Eigen::Matrix<double, 1, 9> row;
  row << u * x, u * y, u, v * x, v * y, v, x, y, 1;
  return row;
}

Eigen::Matrix3d FromVector(const Eigen::Matrix<double, 9, 1>& f) {
  Eigen::Matrix3d matrix;
  matrix << f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8];
  // Two views of a point: the matrix is singular.
  Eigen::JacobiSVD<Eigen::Matrix3d> svd(matrix, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Eigen::Vector3d values = svd.singularValues();
  values[2] = 0;
  return svd.matrixU() * values.asDiagonal() * svd.matrixV().transpose();
}

Eigen::Matrix3d Smallest(const Eigen::Matrix<double, 9, 9>& normal) {
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix<double, 9, 9>> solver(normal);
  return FromVector(solver.eigenvectors().col(0));
}

Eigen::Matrix3d FitEpipolar(const Pairs& pairs, double noise) {
  Dice dice;
  Eigen::Matrix3d best = Eigen::Matrix3d::Zero();
  double best_cost = 1e300;
  const double most = 3 * noise;
  for (int sample = 0; sample < kSamples; ++sample) {
    Eigen::Matrix<double, 9, 9> normal = Eigen::Matrix<double, 9, 9>::Zero();
    for (int i = 0; i < 8; ++i) {
      const auto row = EpipolarRow(pairs[dice.Below(pairs.size())]);
      normal += row.transpose() * row;
    }
    const Eigen::Matrix3d f = Smallest(normal);
    double cost = 0;
    for (const Pair& pair : pairs) {
      cost += std::min(most, EpipolarResidual(f, pair.a, pair.b));
      if (cost >= best_cost) break;
    }
    if (cost < best_cost) {
      best_cost = cost;
      best = f;
    }
  }
  for (int round = 0; round < kRounds; ++round) {
    Eigen::Matrix<double, 9, 9> normal = Eigen::Matrix<double, 9, 9>::Zero();
    for (const Pair& pair : pairs) {
      const Eigen::Vector3d fa = best * pair.a.homogeneous();
      const Eigen::Vector3d fb = best.transpose() * pair.b.homogeneous();
      const double gradient = fa.head<2>().squaredNorm() + fb.head<2>().squaredNorm() + 1e-30;
      const double t = EpipolarResidual(best, pair.a, pair.b) / (2 * noise);
      const auto row = EpipolarRow(pair);
      normal += row.transpose() * row / (gradient * (1 + t * t) * (1 + t * t));
    }
    best = Smallest(normal);
  }
  return best;
}

// What explains the motion of a still world.
struct Model {
  CameraMotion camera = CameraMotion::kUnknown;
  Turn turn = Turn::Zero();
  Eigen::Matrix3d epipolar = Eigen::Matrix3d::Zero();
  double typical = 0;  // what still pixels are left with, in pixels

  double Residual(const Eigen::Vector2d& a, const Eigen::Vector2d& b) const {
    return camera == CameraMotion::kTurning ? TurnResidual(turn, a, b)
                                            : EpipolarResidual(epipolar, a, b);
  }
};

Model FitCamera(const ObservedMotion& motion, const MotionScoreOptions& options) {
  Model model;
  const Pairs pairs = Sample(motion, options.max_round_trip);
  if (pairs.size() < kFewPoints) return model;
  const double scale = 2.0 / motion.flow.width, noise = kNoise * scale;
  model.turn = FitTurn(pairs, noise);
  const double explained = options.threshold * scale;
  size_t inside = 0;
  for (const Pair& pair : pairs) {
    // The model is of second order: what it misses grows with the motion.
    const double room = explained + 0.02 * (pair.b - pair.a).norm();
    inside += TurnResidual(model.turn, pair.a, pair.b) <= room;
  }
  model.epipolar = FitEpipolar(pairs, noise);
  // What the median pixel is left with, in pixels: parallax shows in all of the picture, a thing
  // that moves in its own place.
  const auto typical = [&](CameraMotion camera) {
    model.camera = camera;
    std::vector<double> residuals;
    for (const Pair& pair : pairs) residuals.push_back(model.Residual(pair.a, pair.b) / scale);
    return Median(&residuals);
  };
  const double turning = typical(CameraMotion::kTurning), moving = typical(CameraMotion::kMoving);
  const bool turns =
      static_cast<double>(inside) >= kTurningShare * static_cast<double>(pairs.size()) &&
      turning <= kParallax * moving + kRoom;
  model.camera = turns ? CameraMotion::kTurning : CameraMotion::kMoving;
  model.typical = turns ? turning : moving;
  return model;
}

}  // namespace

void MotionScoreOptions::Check() const {
  Require(
      threshold > 0 && threshold <= 100, Code::kInvalidArgument,
      "MotionScoreOptions.threshold = " + FormatDouble(threshold) + " pixels, must be in (0, 100]");
  Require(max_round_trip > 0 && max_round_trip <= 100, Code::kInvalidArgument,
          "MotionScoreOptions.max_round_trip = " + FormatDouble(max_round_trip) +
              " pixels, must be in (0, 100]");
}

void ScoreMotion(const std::vector<ObservedMotion>& motions, const MotionScoreOptions& options,
                 ThreadPool* pool, MotionScores* scores) {
  options.Check();
  Require(!motions.empty(), Code::kInvalidArgument, "ScoreMotion: there is no motion");
  const int width = motions[0].flow.width, height = motions[0].flow.height;
  for (const ObservedMotion& motion : motions)
    Require(motion.flow.width == width && motion.flow.height == height && width > 0 && height > 0 &&
                motion.round_trip.width == width && motion.round_trip.height == height,
            Code::kInvalidArgument, "ScoreMotion: motions and round trips differ in size");
  scores->width = width;
  scores->height = height;
  const size_t size = static_cast<size_t>(width) * static_cast<size_t>(height);
  scores->probability.assign(size, 0);
  scores->weight.assign(size, 0);
  scores->cameras.clear();
  std::vector<Model> models(motions.size());
  const auto fit = [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m)
      models[static_cast<size_t>(m)] = FitCamera(motions[static_cast<size_t>(m)], options);
  };
  if (pool != nullptr) {
    pool->ParallelFor(static_cast<int64_t>(motions.size()), 1, fit);
  } else {
    fit(0, static_cast<int64_t>(motions.size()));
  }
  for (const Model& model : models) scores->cameras.push_back(model.camera);
  const PixelUnits frame(width, height);
  const auto score = [&](int64_t begin, int64_t end) {
    for (auto y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
      for (int x = 0; x < width; ++x) {
        double sum = 0, weights = 0;
        for (size_t m = 0; m < motions.size(); ++m) {
          const double trip = double{motions[m].round_trip.At(x, y)};
          if (models[m].camera == CameraMotion::kUnknown || !(trip <= options.max_round_trip))
            continue;
          const Eigen::Vector2d from(x + 0.5, y + 0.5);
          const Eigen::Vector2d to = from + motions[m].flow.At(x, y).cast<double>();
          const double residual =
              models[m].Residual(frame(from.x(), from.y()), frame(to.x(), to.y())) / frame.scale;
          const double middle =
              options.threshold + 2 * models[m].typical + 0.02 * (to - from).norm() + trip / 2;
          const double w = 1 / (1 + trip);
          sum += w / (1 + std::exp(-kSteepness * (residual / middle - kEven)));
          weights += w;
        }
        if (!(weights > 0)) continue;
        const size_t i =
            static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
        scores->probability[i] = static_cast<float>(sum / weights);
        scores->weight[i] = static_cast<float>(weights / static_cast<double>(motions.size()));
      }
    }
  };
  if (pool != nullptr) {
    pool->ParallelFor(height, kRowsPerBlock, score);
  } else {
    score(0, height);
  }
}

}  // namespace mdvt
