// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/depth_pose.h"

#include <ceres/jet.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <limits>
#include <random>

#include "core/median.h"
#include "depth_pose_model.h"
#include "mdvt/core/error.h"
#include "mdvt/geometry/two_view.h"
#include "samples.h"
#include "se3.h"

namespace mdvt {

void DepthPoseOptions::Check() const {
  const auto in_unit = [](double value, const char* name) {
    Require(value > 0 && value < 1, Code::kInvalidArgument,
            std::string("DepthPoseOptions.") + name + " must be in (0, 1)");
  };
  in_unit(reprojection_threshold, "reprojection_threshold");
  in_unit(epipolar_threshold, "epipolar_threshold");
  in_unit(noise, "noise");
  in_unit(confidence, "confidence");
  Require(min_samples >= 1 && min_samples <= max_samples && max_samples <= 100000,
          Code::kInvalidArgument,
          "DepthPoseOptions: 1 <= min_samples <= max_samples <= 100000 must hold");
  Require(local_rounds >= 0 && local_rounds <= 100, Code::kInvalidArgument,
          "DepthPoseOptions.local_rounds must be in [0, 100]");
  Require(min_inliers >= 6, Code::kInvalidArgument,
          "DepthPoseOptions.min_inliers must be at least 6");
  Require(min_share >= 0 && min_share <= 1, Code::kInvalidArgument,
          "DepthPoseOptions.min_share must be in [0, 1]");
  Require(max_log_scale > 0, Code::kInvalidArgument,
          "DepthPoseOptions.max_log_scale must be above 0");
}

namespace {

enum class Solver { kScaled, kThreePoints, kShifted, kLines };

class Estimator {
 public:
  Estimator(const std::vector<DepthMatch>& matches, const DepthPoseOptions& options)
      : matches_(matches), o_(options), random_(20211 + options.seed) {
    tr2_ = o_.reprojection_threshold * o_.reprojection_threshold;
    te2_ = o_.epipolar_threshold * o_.epipolar_threshold;
    line_weight_ = 2 * tr2_ / te2_;
    for (size_t i = 0; i < matches.size(); ++i) {
      all_.push_back(i);
      if (matches[i].depth1 > 0) first_.push_back(i);
      if (matches[i].depth1 > 0 && matches[i].depth2 > 0) both_.push_back(i);
    }
    const size_t step = std::max<size_t>(1, both_.size() / 60);
    for (size_t i = 0; i < both_.size(); i += step) references_.push_back(matches[both_[i]]);
    if (both_.size() >= 3) solvers_.push_back(Solver::kScaled);
    if (first_.size() >= 3) solvers_.push_back(Solver::kThreePoints);
    if (o_.with_shift && both_.size() >= 3) solvers_.push_back(Solver::kShifted);
    if (all_.size() >= 5 && !references_.empty()) solvers_.push_back(Solver::kLines);
    drawn_.assign(solvers_.size(), 0);
  }

  bool Run() {
    if (solvers_.empty()) return false;
    int optimised_at = -1;
    for (int done = 0; done < o_.max_samples; ++done) {
      const size_t which = ChooseSolver();
      ++drawn_[which];
      bool better = false;
      for (const DepthPoseModel& model : Candidates(solvers_[which])) better |= Offer(model);
      if ((better && done >= 50) || (has_best_ && done >= 50 && optimised_at < 0)) {
        Optimise();
        optimised_at = done;
      }
      if (done + 1 >= o_.min_samples && Enough()) break;
    }
    if (has_best_) Optimise();
    return has_best_;
  }

  const DepthPoseModel& best() const { return best_; }

  // Which matches fit, each kind at `factor` times its squared threshold.
  struct Fit {
    std::array<std::vector<uint8_t>, 3> inliers;
    std::array<int, 3> counts{};
    int any = 0;
    double square_lines = 0;
  };
  Fit FitOf(const DepthPoseModel& model, double factor = 1) const {
    Fit fit;
    for (auto& list : fit.inliers) list.assign(matches_.size(), 0);
    for (size_t i = 0; i < matches_.size(); ++i) {
      const DepthPoseResidual<double> r = ResidualOf(model, matches_[i]);
      fit.inliers[0][i] = r.forward_known && r.forward.squaredNorm() <= factor * tr2_;
      fit.inliers[1][i] = r.backward_known && r.backward.squaredNorm() <= factor * tr2_;
      fit.inliers[2][i] = r.line_known && r.line * r.line <= factor * te2_ &&
                          MeetsInFront(model, matches_[i], 2 * o_.epipolar_threshold);
      for (size_t k = 0; k < 3; ++k) fit.counts[k] += fit.inliers[k][i];
      const bool line_or_turn = fit.inliers[2][i] || !r.line_known;
      fit.any += line_or_turn && (fit.inliers[2][i] || fit.inliers[0][i] || fit.inliers[1][i]);
      if (fit.inliers[2][i]) fit.square_lines += r.line * r.line;
    }
    return fit;
  }

 private:
  static int SizeOf(Solver solver) { return solver == Solver::kLines ? 5 : 3; }

  // That the solver's sample is free of outliers.
  double CleanShare(Solver solver) const {
    const auto power = [](double share, int times) {
      double product = 1;
      for (int i = 0; i < times; ++i) product *= share;
      return product;
    };
    if (solver == Solver::kLines) return power(shares_[2], 5);
    if (solver == Solver::kThreePoints) return power(shares_[0], 3);
    return power(shares_[0] * shares_[1], 3);
  }

  size_t ChooseSolver() {
    double total = 0;
    std::vector<double> weights;
    for (const Solver solver : solvers_) {
      weights.push_back(has_best_ ? std::max(CleanShare(solver), 1e-3) : 1);
      total += weights.back();
    }
    double at = total * (static_cast<double>(random_() >> 5) * 0x1p-27);
    for (size_t i = 0; i + 1 < weights.size(); ++i) {
      if (at < weights[i]) return i;
      at -= weights[i];
    }
    return weights.size() - 1;
  }

  // Some solver has very likely had a sample without outliers.
  bool Enough() const {
    if (!has_best_) return false;
    for (size_t i = 0; i < solvers_.size(); ++i) {
      double missed = 1;
      const double clean = CleanShare(solvers_[i]);
      for (int k = 0; k < drawn_[i]; ++k) missed *= 1 - clean;
      if (missed < 1 - o_.confidence) return true;
    }
    return false;
  }

  template <size_t kSize>
  std::array<DepthMatch, kSize> Draw(const std::vector<size_t>& from) {
    std::array<size_t, kSize> chosen;
    for (size_t i = 0; i < kSize;) {
      chosen[i] = from[random_() % from.size()];
      bool is_new = true;
      for (size_t j = 0; j < i; ++j) is_new = is_new && chosen[j] != chosen[i];
      if (is_new) ++i;
    }
    std::array<DepthMatch, kSize> sample;
    for (size_t i = 0; i < kSize; ++i) sample[i] = matches_[chosen[i]];
    return sample;
  }

  std::vector<DepthPoseModel> Candidates(Solver solver) {
    switch (solver) {
      case Solver::kScaled:
        return SolveScaled(Draw<3>(both_));
      case Solver::kThreePoints:
        return SolveByThreePoints(Draw<3>(first_));
      case Solver::kShifted:
        return SolveShifted(Draw<3>(both_));
      case Solver::kLines:
        break;
    }
    return SolveByLines(Draw<5>(all_), references_);
  }

  // Sum of squared errors, each cut at its threshold; stops early at `limit`.
  double Score(const DepthPoseModel& model, double limit) const {
    double sum = 0;
    for (size_t i = 0; i < matches_.size() && sum < limit; ++i) {
      const DepthMatch& match = matches_[i];
      const DepthPoseResidual<double> r = ResidualOf(model, match);
      if (match.depth1 > 0) sum += r.forward_known ? std::min(r.forward.squaredNorm(), tr2_) : tr2_;
      if (match.depth2 > 0)
        sum += r.backward_known ? std::min(r.backward.squaredNorm(), tr2_) : tr2_;
      const bool line = r.line_known && r.line * r.line < te2_ &&
                        MeetsInFront(model, match, 2 * o_.epipolar_threshold);
      sum += line_weight_ * (line ? r.line * r.line : te2_);
    }
    return sum;
  }

  bool Offer(const DepthPoseModel& model) {
    if (!model.rotation.allFinite() || !model.translation.allFinite()) return false;
    const double score = Score(model, best_score_);
    if (!(score < best_score_)) return false;
    best_score_ = score;
    best_ = model;
    has_best_ = true;
    const Fit fit = FitOf(best_);
    const auto share = [](int count, size_t of) {
      return of == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(of);
    };
    shares_ = {share(fit.counts[0], first_.size()), share(fit.counts[1], both_.size()),
               share(fit.counts[2], all_.size())};
    for (double& s : shares_) s = std::min(s, 1.0);
    return true;
  }

  void Optimise() {
    constexpr double kWide = 5;  // times the squared threshold
    constexpr int kRefits = 4;
    constexpr size_t kSubset = 35;
    const Fit wide = FitOf(best_, kWide);
    std::vector<size_t> inliers;
    for (size_t i = 0; i < matches_.size(); ++i)
      if (wide.inliers[0][i] || wide.inliers[1][i] || wide.inliers[2][i]) inliers.push_back(i);
    const DepthPoseModel start = best_;
    Offer(Refine(start, inliers, kWide, 10));
    for (int round = 0; round < o_.local_rounds && inliers.size() > kSubset; ++round) {
      std::vector<size_t> subset = inliers;
      for (size_t i = 0; i < kSubset; ++i)
        std::swap(subset[i], subset[i + random_() % (subset.size() - i)]);
      subset.resize(kSubset);
      DepthPoseModel model = Refine(start, subset, kWide, 10);
      for (int k = 0; k < kRefits; ++k)
        model = Refine(model, all_, kWide + (1 - kWide) * k / (kRefits - 1.0), 3);
      Offer(model);
    }
  }

  static constexpr int kParameters = 9;  // turn, step, log scale, two shifts
  using Jet = ceres::Jet<double, kParameters>;
  using Hessian = Eigen::Matrix<double, kParameters, kParameters>;
  using Gradient = Eigen::Matrix<double, kParameters, 1>;

  static DepthPoseModel Moved(const DepthPoseModel& model, const Gradient& step) {
    DepthPoseModel moved = model;
    Vector6d turn = Vector6d::Zero();
    turn.head<3>() = step.head<3>();
    moved.rotation = Exp(turn).linear() * model.rotation;
    moved.translation += step.segment<3>(3);
    moved.scale = std::max(0.01, model.scale * std::exp(step[6]));
    moved.shift1 += step[7];
    moved.shift2 += step[8];
    return moved;
  }

  // Cauchy losses with a third of the threshold as scale; only what fits at the start counts.
  double RobustCost(const DepthPoseModel& model, const std::vector<size_t>& chosen,
                    double factor) const {
    double sum = 0;
    const auto add = [&](bool known, double square, double threshold2, double weight) {
      const double c2 = threshold2 * factor / 9;
      sum += weight * c2 * std::log1p((known ? square : 100 * threshold2) / c2);
    };
    for (const size_t i : chosen) {
      const DepthPoseResidual<double> r = ResidualOf(model, matches_[i]);
      if (matches_[i].depth1 > 0) add(r.forward_known, r.forward.squaredNorm(), tr2_, 1);
      if (matches_[i].depth2 > 0) add(r.backward_known, r.backward.squaredNorm(), tr2_, 1);
      add(r.line_known, r.line * r.line, te2_, line_weight_);
    }
    return sum;
  }

  void Accumulate(const DepthPoseModel& model, const std::vector<size_t>& chosen, double factor,
                  Hessian* h, Gradient* g) const {
    Eigen::Matrix<Jet, 3, 3> rotation, turn;
    Eigen::Matrix<Jet, 3, 1> translation;
    turn.setConstant(Jet(0));
    for (int k = 0; k < 3; ++k) {
      const int a = (k + 1) % 3, b = (k + 2) % 3;
      turn(k, k) = Jet(1);
      turn(b, a).v[k] = 1;
      turn(a, b).v[k] = -1;
      translation[k] = Jet(model.translation[k], 3 + k);
    }
    rotation = turn * model.rotation.cast<Jet>();
    Jet scale(model.scale);
    scale.v[6] = model.scale;
    const Jet shift1 = o_.with_shift ? Jet(model.shift1, 7) : Jet(model.shift1);
    const Jet shift2 = o_.with_shift ? Jet(model.shift2, 8) : Jet(model.shift2);
    const auto add = [&](const Jet& r, double square, double threshold2, double weight) {
      const double w = weight / (1 + square / (threshold2 * factor / 9));
      h->noalias() += w * r.v * r.v.transpose();
      g->noalias() += w * r.a * r.v;
    };
    for (const size_t i : chosen) {
      const DepthPoseResidual<Jet> r =
          ResidualOf<Jet>(rotation, translation, scale, shift1, shift2, matches_[i]);
      const auto pair = [&](const Eigen::Matrix<Jet, 2, 1>& p) {
        const double square = p[0].a * p[0].a + p[1].a * p[1].a;
        if (square > 25 * factor * tr2_) return;
        add(p[0], square, tr2_, 1);
        add(p[1], square, tr2_, 1);
      };
      if (r.forward_known) pair(r.forward);
      if (r.backward_known) pair(r.backward);
      const double square = r.line.a * r.line.a;
      if (r.line_known && square <= 25 * factor * te2_) add(r.line, square, te2_, line_weight_);
    }
  }

  DepthPoseModel Refine(const DepthPoseModel& start, const std::vector<size_t>& chosen,
                        double factor, int iterations) const {
    DepthPoseModel model = start;
    double cost = RobustCost(model, chosen, factor), damping = 1e-4;
    for (int iteration = 0; iteration < iterations; ++iteration) {
      Hessian h = Hessian::Zero();
      Gradient g = Gradient::Zero();
      Accumulate(model, chosen, factor, &h, &g);
      h.diagonal() += damping * h.diagonal() + Gradient::Constant(1e-12);
      const Gradient step = h.ldlt().solve(-g);
      if (!step.allFinite()) break;
      const DepthPoseModel next = Moved(model, step);
      const double after = RobustCost(next, chosen, factor);
      if (!(after < cost)) {
        damping *= 10;
        if (damping > 1e3) break;
        continue;
      }
      const bool settled = cost - after < 1e-6 * cost;
      model = next;
      cost = after;
      damping = std::max(damping / 10, 1e-9);
      if (settled) break;
    }
    return model;
  }

  const std::vector<DepthMatch>& matches_;
  const DepthPoseOptions& o_;
  std::mt19937 random_;
  double tr2_ = 0, te2_ = 0, line_weight_ = 0;
  std::vector<size_t> all_, first_, both_;
  std::vector<DepthMatch> references_;
  std::vector<Solver> solvers_;
  std::vector<int> drawn_;
  std::array<double, 3> shares_{};
  bool has_best_ = false;
  DepthPoseModel best_;
  double best_score_ = std::numeric_limits<double>::infinity();
};

// Whether the turn alone explains the pictures as well: Torr's GRIC with data of four dimensions.
// A turn leaves a manifold of two dimensions, an epipolar geometry one of three.
bool TurnIsEnough(const std::vector<DepthMatch>& matches, const DepthPoseModel& model,
                  const RotationFit& turn, double noise) {
  constexpr double kData = 4;
  const double n = static_cast<double>(matches.size()), s2 = noise * noise;
  double by_turn = 0, by_lines = 0;
  for (size_t i = 0; i < matches.size(); ++i) {
    const double r = turn.residuals[i];
    by_turn += std::min(r * r / 2 / s2, 2 * (kData - 2));
    const DepthPoseResidual<double> line = ResidualOf(model, matches[i]);
    const double e2 = line.line_known ? line.line * line.line : r * r / 2;
    by_lines += std::min(e2 / s2, 2 * (kData - 3));
  }
  by_turn += 2 * n * std::log(kData) + 3 * std::log(kData * n);
  by_lines += 3 * n * std::log(kData) + 6 * std::log(kData * n);
  return by_turn <= by_lines;
}

}  // namespace

DepthPose EstimateDepthPose(const std::vector<DepthMatch>& matches,
                            const DepthPoseOptions& options) {
  options.Check();
  for (size_t i = 0; i < matches.size(); ++i)
    Require(matches[i].xy1.allFinite() && matches[i].xy2.allFinite() &&
                std::isfinite(matches[i].depth1) && std::isfinite(matches[i].depth2),
            Code::kInvalidArgument,
            "EstimateDepthPose: match " + std::to_string(i) + " is not finite");
  DepthPose result;
  for (auto& list : result.inliers) list.assign(matches.size(), 0);
  if (static_cast<int>(matches.size()) < options.min_inliers) {
    result.status = DepthPoseStatus::kTooFewMatches;
    return result;
  }
  Points2 points1, points2;
  for (const DepthMatch& match : matches) {
    points1.push_back(match.xy1);
    points2.push_back(match.xy2);
  }
  const RotationFit turn = FitRotation(points1, points2);
  result.turn = turn.cam2_from_cam1;
  double square = 0;
  int turned = 0;
  for (const double r : turn.residuals)
    if (r <= options.reprojection_threshold) {
      square += r * r;
      ++turned;
    }
  result.turn_rms = turned > 0 ? std::sqrt(square / turned) : 0;

  Estimator estimator(matches, options);
  if (!estimator.Run()) return result;
  const DepthPoseModel& model = estimator.best();
  const Estimator::Fit fit = estimator.FitOf(model);
  result.inliers = fit.inliers;
  const double n = static_cast<double>(matches.size());
  for (size_t k = 0; k < 3; ++k) result.shares[k] = fit.counts[k] / n;
  result.num_inliers = fit.any;
  result.rms = fit.counts[2] > 0 ? std::sqrt(fit.square_lines / fit.counts[2]) : 0;
  result.scale = model.scale;
  result.shift1 = model.shift1;
  result.shift2 = model.shift2;
  result.turn_only = TurnIsEnough(matches, model, turn, options.noise);
  if (fit.any < options.min_inliers || fit.any < options.min_share * n) {
    result.status = DepthPoseStatus::kFewInliers;
  } else if (!options.with_shift && std::fabs(std::log(model.scale)) > options.max_log_scale) {
    result.status = DepthPoseStatus::kScaleOff;
  } else {
    result.status = DepthPoseStatus::kOk;
    result.cam2_from_cam1.linear() = model.rotation;
    result.cam2_from_cam1.translation() = model.translation;
  }
  return result;
}

}  // namespace mdvt
