// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/track_lifting.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <array>
#include <cmath>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kCauchy = 2;  // standard deviations
constexpr int kMostSteps = 20;
constexpr double kLeastChange = 1e-7;                             // of the cost, relative
constexpr double kLeastDisparity = 0.05;                          // where a point is started
constexpr double kOutlier = 3;                                    // standard deviations
constexpr std::array<double, 4> kAccelerations = {1, 3, 10, 30};  // m/s^2
constexpr double kUsualAcceleration = 10;
constexpr double kMostChiSquare = 2;  // of each degree of freedom
// The mean of Rho() of the squares of two normal numbers, 4 e^2 E1(2).
constexpr double kUsualPositionCost = 1.445;

double Rho(double r2) { return kCauchy * kCauchy * std::log1p(r2 / (kCauchy * kCauchy)); }
// Its derivative by r^2: the weight of a square.
double Weight(double r2) { return 1 / (1 + r2 / (kCauchy * kCauchy)); }

struct Sight {
  Eigen::Vector3d center;  // of the camera
  Eigen::Vector3d ray;     // of planar depth 1, in world
  Eigen::Vector3d unit;
};

// ---- A point at rest.

class RestingPoint {
 public:
  RestingPoint(const std::vector<LiftObservation>& seen, const std::vector<Sight>& sights,
               const LiftOptions& options)
      : seen_(seen), options_(options), scale_(options.camera.fx * options.baseline) {
    Eigen::Vector3d sum = Eigen::Vector3d::Zero();
    double weights = 0;
    for (size_t i = 0; i < seen.size(); ++i) {
      // Far sights are uncertain by the square of their distance.
      const double d = std::max(seen[i].disparity, kLeastDisparity), w = d * d * d * d;
      sum += w * (sights[i].center + scale_ / d * sights[i].ray);
      weights += w;
    }
    point_ = sum / weights;
    for (const LiftObservation& one : seen) cam_from_world_.push_back(one.world_from_cam.inverse());
    Solve();
  }

  const Eigen::Vector3d& point() const { return point_; }
  double cost() const { return cost_; }
  // The part of it that is of positions in the view.
  double position_cost() const {
    double cost = 0;
    Evaluate(point_, nullptr, nullptr, &cost);
    return cost;
  }
  const Eigen::Matrix3d& information() const { return information_; }
  void RootMeanSquares(double* disparity, double* position) const {
    double d = 0, xy = 0;
    for (size_t i = 0; i < seen_.size(); ++i) {
      const Eigen::Vector3d at = cam_from_world_[i] * point_;
      const Eigen::Vector2d off =
          Project(options_.camera, at) - Eigen::Vector2d(seen_[i].x, seen_[i].y);
      d += std::pow(scale_ / at.z() - seen_[i].disparity, 2);
      xy += off.squaredNorm() / 2;
    }
    *disparity = std::sqrt(d / static_cast<double>(seen_.size()));
    *position = std::sqrt(xy / static_cast<double>(seen_.size()));
  }
  // Of disparity, in deviations.
  double Residual(size_t i) const {
    const double z = (cam_from_world_[i] * point_).z();
    return z > 0 ? (scale_ / z - seen_[i].disparity) / seen_[i].sigma : 1e3;
  }

 private:
  // The cost, and where asked for the normal equations.
  double Evaluate(const Eigen::Vector3d& point, Eigen::Matrix3d* h, Eigen::Vector3d* g,
                  double* positions = nullptr) const {
    double cost = 0;
    if (h != nullptr) h->setZero();
    if (g != nullptr) g->setZero();
    const Camera& camera = options_.camera;
    for (size_t i = 0; i < seen_.size(); ++i) {
      const Eigen::Vector3d at = cam_from_world_[i] * point;
      if (at.z() < 1e-3) return 1e30;
      const double inverse = 1 / at.z();
      const Eigen::Matrix3d& turn = cam_from_world_[i].linear();
      const double off_d = (scale_ * inverse - seen_[i].disparity) / seen_[i].sigma;
      const double off_x =
          (camera.fx * at.x() * inverse + camera.cx - seen_[i].x) / options_.sigma_xy;
      const double off_y =
          (camera.fy * at.y() * inverse + camera.cy - seen_[i].y) / options_.sigma_xy;
      const double xy2 = off_x * off_x + off_y * off_y;
      cost += Rho(off_d * off_d) + Rho(xy2);
      if (positions != nullptr) *positions += Rho(xy2);
      if (h == nullptr) continue;
      const double slope = -scale_ * inverse * inverse / seen_[i].sigma;
      const Eigen::RowVector3d jd = slope * turn.row(2);
      const Eigen::RowVector3d jx =
          camera.fx * inverse / options_.sigma_xy * (turn.row(0) - at.x() * inverse * turn.row(2));
      const Eigen::RowVector3d jy =
          camera.fy * inverse / options_.sigma_xy * (turn.row(1) - at.y() * inverse * turn.row(2));
      const double wd = Weight(off_d * off_d), wxy = Weight(xy2);
      *h += wd * jd.transpose() * jd + wxy * (jx.transpose() * jx + jy.transpose() * jy);
      *g += wd * off_d * jd.transpose() + wxy * (off_x * jx + off_y * jy).transpose();
    }
    return cost;
  }

  void Solve() {
    double damping = 1e-4;
    Eigen::Vector3d gradient;
    cost_ = Evaluate(point_, &information_, &gradient);
    for (int step = 0; step < kMostSteps; ++step) {
      Eigen::Matrix3d damped = information_;
      damped.diagonal() *= 1 + damping;
      const Eigen::Vector3d next = point_ - damped.ldlt().solve(gradient);
      const double cost = next.allFinite() ? Evaluate(next, nullptr, nullptr) : 1e30;
      if (!(cost < cost_)) {
        if (damping > 1e6) break;
        damping *= 10;
        continue;
      }
      const bool done = cost_ - cost < kLeastChange * cost_;
      point_ = next;
      cost_ = Evaluate(point_, &information_, &gradient);
      damping = std::max(damping / 10, 1e-9);
      if (done) break;
    }
  }

  const std::vector<LiftObservation>& seen_;
  const LiftOptions& options_;
  const double scale_;
  std::vector<Pose> cam_from_world_;
  Eigen::Vector3d point_;
  Eigen::Matrix3d information_;
  double cost_ = 0;
};

// ---- A point in motion.

// A symmetric matrix with two diagonals beside the main one, and its factors L D L^T.
struct Band {
  std::vector<double> main, first, second;  // first[i] is at (i, i + 1)

  explicit Band(size_t n) : main(n, 0), first(n, 0), second(n, 0) {}

  // In place; false where it is not positive.
  bool Factor() {
    const size_t n = main.size();
    for (size_t i = 0; i < n; ++i) {
      if (!(main[i] > 0)) return false;
      const double l1 = first[i] / main[i], l2 = second[i] / main[i];
      if (i + 1 < n) {
        main[i + 1] -= l1 * first[i];
        if (i + 2 < n) first[i + 1] -= l1 * second[i];
      }
      if (i + 2 < n) main[i + 2] -= l2 * second[i];
      first[i] = l1;
      second[i] = l2;
    }
    return true;
  }
  void Solve(std::vector<double>* b) const {
    const size_t n = main.size();
    for (size_t i = 0; i < n; ++i) {
      if (i + 1 < n) (*b)[i + 1] -= first[i] * (*b)[i];
      if (i + 2 < n) (*b)[i + 2] -= second[i] * (*b)[i];
    }
    for (size_t i = 0; i < n; ++i) (*b)[i] /= main[i];
    for (size_t i = n; i-- > 0;) {
      if (i + 1 < n) (*b)[i] -= first[i] * (*b)[i + 1];
      if (i + 2 < n) (*b)[i] -= second[i] * (*b)[i + 2];
    }
  }
  double LogDeterminant() const {
    double sum = 0;
    for (const double d : main) sum += std::log(d);
    return sum;
  }
  // The diagonal of the inverse, by Takahashi's recursion from the last row up: of the inverse S,
  // S = D^-1 L^-1 + (1 - L^T) S needs only entries within the band.
  std::vector<double> InverseDiagonal() const {
    const size_t n = main.size();
    std::vector<double> s0(n), s1(n, 0), s2(n, 0);  // at (i, i), (i, i + 1), (i, i + 2)
    for (size_t i = n; i-- > 0;) {
      const double l1 = i + 1 < n ? first[i] : 0, l2 = i + 2 < n ? second[i] : 0;
      const double next0 = i + 1 < n ? s0[i + 1] : 0, next1 = i + 2 < n ? s1[i + 1] : 0;
      const double after = i + 2 < n ? s0[i + 2] : 0;
      s2[i] = i + 2 < n ? -l1 * next1 - l2 * after : 0;
      s1[i] = i + 1 < n ? -l1 * next0 - l2 * next1 : 0;
      s0[i] = 1 / main[i] - l1 * s1[i] - l2 * s2[i];
    }
    return s0;
  }
};

class MovingPoint {
 public:
  MovingPoint(const std::vector<LiftObservation>& seen, const std::vector<Sight>& sights,
              const LiftOptions& options, double acceleration)
      : seen_(seen),
        sights_(sights),
        scale_(options.camera.fx * options.baseline),
        acceleration_(acceleration),
        inverse_(seen.size()) {
    for (size_t i = 0; i < seen.size(); ++i)
      inverse_[i] = std::max(seen[i].disparity, 0.7) / scale_;
    for (size_t i = 1; i + 1 < seen.size(); ++i) {
      const double before = seen[i].time - seen[i - 1].time,
                   after = seen[i + 1].time - seen[i].time;
      if (before + after <= options.longest_gap) terms_.push_back({i, before, after});
    }
    Solve();
  }

  Eigen::Vector3d At(size_t i) const { return sights_[i].center + sights_[i].ray / inverse_[i]; }
  double Residual(size_t i) const {
    return (scale_ * inverse_[i] - seen_[i].disparity) / seen_[i].sigma;
  }
  // Of disparity alone.
  double data_cost() const {
    double cost = 0;
    for (size_t i = 0; i < seen_.size(); ++i) cost += Rho(Residual(i) * Residual(i));
    return cost;
  }
  // How many numbers of its own the path has: the trace of what maps measurements to it.
  double degrees_of_freedom() const {
    double sum = 0;
    const std::vector<double> variance = factors_.InverseDiagonal();
    for (size_t i = 0; i < seen_.size(); ++i) {
      const double slope = scale_ / seen_[i].sigma;
      sum += variance[i] * Weight(Residual(i) * Residual(i)) * slope * slope;
    }
    return sum;
  }
  // Standard deviation along the ray, metres.
  std::vector<double> Deviations() const {
    std::vector<double> sigma = factors_.InverseDiagonal();
    for (size_t i = 0; i < sigma.size(); ++i)
      sigma[i] = std::sqrt(sigma[i]) * sights_[i].ray.norm() / (inverse_[i] * inverse_[i]);
    return sigma;
  }
  // Laplace's approximation of the log of the evidence, with a prior of the acceleration.
  double LogEvidence() const {
    const double off = std::log(acceleration_ / kUsualAcceleration);
    return -0.5 * cost_ - static_cast<double>(terms_.size()) * std::log(acceleration_) -
           0.5 * factors_.LogDeterminant() - 0.5 * off * off;
  }

 private:
  // Between the sights i - 1, i and i + 1, so many seconds apart.
  struct Term {
    size_t at;
    double before, after;
    std::array<double, 3> Factors() const {
      const double whole = before + after;
      return {2 / (whole * before), -2 / (before * after), 2 / (whole * after)};
    }
  };

  double TermValue(const Term& term, const std::vector<double>& inverse) const {
    const std::array<double, 3> factors = term.Factors();
    Eigen::Vector3d sum = Eigen::Vector3d::Zero();
    for (size_t k = 0; k < 3; ++k) {
      const Sight& sight = sights_[term.at + k - 1];
      sum += factors[k] * (sight.center + sight.ray / inverse[term.at + k - 1]);
    }
    return sights_[term.at].unit.dot(sum) / acceleration_;
  }

  double Cost(const std::vector<double>& inverse) const {
    double cost = 0;
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (!(inverse[i] > 0)) return 1e30;
      const double off = (scale_ * inverse[i] - seen_[i].disparity) / seen_[i].sigma;
      cost += Rho(off * off);
    }
    for (const Term& term : terms_) {
      const double value = TermValue(term, inverse);
      cost += value * value;
    }
    return cost;
  }

  void Normal(Band* h, std::vector<double>* g) const {
    g->assign(seen_.size(), 0);
    for (size_t i = 0; i < seen_.size(); ++i) {
      const double off = Residual(i), w = Weight(off * off), slope = scale_ / seen_[i].sigma;
      h->main[i] += w * slope * slope;
      (*g)[i] += w * off * slope;
    }
    for (const Term& term : terms_) {
      const std::array<double, 3> factors = term.Factors();
      const double value = TermValue(term, inverse_);
      std::array<double, 3> j;
      for (size_t k = 0; k < 3; ++k) {
        const size_t i = term.at + k - 1;
        j[k] = -factors[k] * sights_[term.at].unit.dot(sights_[i].ray) /
               (inverse_[i] * inverse_[i] * acceleration_);
        (*g)[i] += j[k] * value;
      }
      const size_t a = term.at - 1;
      for (size_t k = 0; k < 3; ++k) h->main[a + k] += j[k] * j[k];
      h->first[a] += j[0] * j[1];
      h->first[a + 1] += j[1] * j[2];
      h->second[a] += j[0] * j[2];
    }
  }

  void Solve() {
    double damping = 1e-4;
    cost_ = Cost(inverse_);
    for (int step = 0; step < kMostSteps; ++step) {
      Band h(seen_.size());
      std::vector<double> change;
      Normal(&h, &change);
      for (double& d : h.main) d *= 1 + damping;
      std::vector<double> next = inverse_;
      double cost = 1e30;
      if (h.Factor()) {
        h.Solve(&change);
        for (size_t i = 0; i < next.size(); ++i)
          next[i] = std::max(next[i] - change[i], 0.2 * next[i]);  // stays before the camera
        cost = Cost(next);
      }
      if (!(cost < cost_)) {
        if (damping > 1e6) break;
        damping *= 10;
        continue;
      }
      const bool done = cost_ - cost < kLeastChange * cost_;
      inverse_ = std::move(next);
      cost_ = cost;
      damping = std::max(damping / 10, 1e-9);
      if (done) break;
    }
    std::vector<double> unused;
    factors_ = Band(seen_.size());
    Normal(&factors_, &unused);
    factors_.Factor();
  }

  const std::vector<LiftObservation>& seen_;
  const std::vector<Sight>& sights_;
  const double scale_;
  const double acceleration_;
  std::vector<double> inverse_;  // depth
  std::vector<Term> terms_;
  double cost_ = 0;
  Band factors_{0};
};

void CheckObservations(const std::vector<LiftObservation>& seen) {
  Require(seen.size() >= 2, Code::kInvalidArgument, "LiftTrack: a track needs two observations");
  for (size_t i = 0; i < seen.size(); ++i)
    Require(seen[i].disparity > 0 && seen[i].sigma > 0 && std::isfinite(seen[i].x) &&
                std::isfinite(seen[i].y) && (i == 0 || seen[i].time > seen[i - 1].time),
            Code::kInvalidArgument,
            "LiftTrack: observation " + std::to_string(i) +
                " must be later than the one before, with a disparity and a deviation above 0");
}

}  // namespace

void LiftOptions::Check() const {
  camera.Check();
  Require(baseline > 0 && sigma_xy > 0 && longest_gap > 0, Code::kInvalidArgument,
          "LiftOptions: baseline, sigma_xy and longest_gap must be above 0");
  Require(moving_share > 0 && moving_share < 1, Code::kInvalidArgument,
          "LiftOptions.moving_share must be in (0, 1)");
}

LiftedTrack LiftTrack(const std::vector<LiftObservation>& seen, const LiftOptions& options) {
  options.Check();
  CheckObservations(seen);
  std::vector<Sight> sights;
  for (const LiftObservation& one : seen) {
    Sight sight;
    sight.center = one.world_from_cam.translation();
    sight.ray = one.world_from_cam.linear() * Unproject(options.camera, {one.x, one.y}, 1);
    sight.unit = sight.ray.normalized();
    sights.push_back(sight);
  }
  const RestingPoint resting(seen, sights, options);
  std::vector<MovingPoint> moving;
  for (const double acceleration : kAccelerations)
    moving.emplace_back(seen, sights, options, acceleration);
  const MovingPoint& path = *std::max_element(
      moving.begin(), moving.end(),
      [](const MovingPoint& a, const MovingPoint& b) { return a.LogEvidence() < b.LogEvidence(); });

  const auto n = static_cast<double>(seen.size());
  // Both have to explain the disparities. A path keeps the position in each view exactly, so that
  // of those only what noise does not explain counts against a point at rest.
  const double positions = resting.position_cost();
  const double bic_rest =
      resting.cost() - positions + std::max(0.0, positions - kUsualPositionCost * n) + std::log(n);
  const double bic_path = path.data_cost() + path.degrees_of_freedom() * std::log(n);
  const double log_odds =
      (bic_rest - bic_path) / 2 + std::log(options.moving_share / (1 - options.moving_share));
  const bool explained = resting.cost() < kMostChiSquare * (3 * n - 3);
  LiftedTrack lifted;
  lifted.motion = options.motion.value_or(explained && log_odds <= 0 ? TrackMotion::kStatic
                                                                     : TrackMotion::kMoving);
  lifted.moving_probability =
      explained ? 1 / (1 + std::exp(std::clamp(-log_odds, -700.0, 700.0))) : 1;
  if (lifted.motion == TrackMotion::kMoving) lifted.sigma = path.Deviations();
  const Eigen::Matrix3d covariance =
      (resting.information() + 1e-12 * Eigen::Matrix3d::Identity()).inverse();
  for (size_t i = 0; i < seen.size(); ++i) {
    const bool rests = lifted.motion == TrackMotion::kStatic;
    lifted.points.push_back(rests ? resting.point() : path.At(i));
    if (rests) lifted.sigma.push_back(std::sqrt(sights[i].unit.dot(covariance * sights[i].unit)));
    lifted.is_outlier.push_back(std::abs(rests ? resting.Residual(i) : path.Residual(i)) >
                                kOutlier);
  }
  resting.RootMeanSquares(&lifted.rest_disparity_rms, &lifted.rest_position_rms);
  return lifted;
}

std::vector<double> ScreenMotion(const std::vector<Eigen::Vector3d>& points,
                                 const std::vector<LiftObservation>& observations,
                                 const Camera& camera, double window) {
  constexpr double kNearest = 0.01;  // metres before the camera
  Require(points.size() == observations.size(), Code::kInvalidArgument,
          "ScreenMotion: there must be a point for each observation");
  std::vector<double> ways(points.size(), 0);
  for (size_t t = 1; t < points.size(); ++t) {
    const Pose cam_from_world = observations[t].world_from_cam.inverse();
    const Eigen::Vector3d now = cam_from_world * points[t];
    if (now.z() < kNearest) continue;
    for (size_t s = t; s-- > 0 && observations[t].time - observations[s].time <= window;) {
      const Eigen::Vector3d before = cam_from_world * points[s];
      if (before.z() >= kNearest)
        ways[t] = std::max(ways[t], (Project(camera, before) - Project(camera, now)).norm());
    }
  }
  return ways;
}

double MostAtRest(std::vector<double> values) {
  constexpr size_t kLeastValues = 30;
  constexpr double kQuarter = 0.6745, kOneInForty = 1.96;  // of a normal number, in deviations
  values.erase(std::remove_if(values.begin(), values.end(), [](double v) { return !(v > 0); }),
               values.end());
  if (values.size() < kLeastValues) return 0;
  std::sort(values.begin(), values.end());
  const double middle = std::log(values[values.size() / 2]);
  const double spread = (middle - std::log(values[values.size() / 4])) / kQuarter;
  return std::exp(middle + kOneInForty * spread);
}

}  // namespace mdvt
