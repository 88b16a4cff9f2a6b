// SPDX-License-Identifier: Apache-2.0
#include <Eigen/OrderingMethods>
#include <Eigen/SparseCore>
#include <algorithm>
#include <cstdint>
#include <vector>

#include "bundle_check.h"

namespace mdvt {
namespace {

// Seconds per multiplication, measured: Eigen's dense solver works on blocks that fit the cache,
// its sparse one on single numbers. Only their ratio to kMaxStep and to each other matters.
constexpr double kDenseCost = 0.17e-9;
constexpr double kSparseCost = 1.5e-9;
// A step that takes longer than this is left to conjugate gradients, whose number of iterations
// depends on how well the problem is conditioned, but hardly on its size.
constexpr double kMaxStep = 2;
constexpr double kBlock = 6.0 * 6 * 6;  // multiplications of two 6 x 6 blocks

// Which free poses are linked: by a common point or by a residual of their own.
class PoseLinks {
 public:
  PoseLinks(const BundleProblem& problem, const BundleUse& use) {
    for (const BundlePose& pose : problem.poses)
      slot_.push_back(pose.rotation_held && pose.position_held ? -1 : size_++);
    words_ = static_cast<size_t>(size_ + 63) / 64;
    bits_.assign(words_ * static_cast<size_t>(size_), 0);
    LinkByPoints(problem, use);
    for (const BundleRelation& r : problem.relations) Link({r.a, r.b});
    for (const BundleSteady& s : problem.steady) Link({s.before, s.at, s.after});
  }

  int size() const { return size_; }

  // Sum over the columns of the Cholesky factor of their blocks squared, in a good order.
  double FactorWork() const {
    std::vector<Eigen::Triplet<int>> entries;
    for (int i = 0; i < size_; ++i)
      for (int j = 0; j < size_; ++j)
        if (i == j || Linked(i, j)) entries.emplace_back(i, j, 1);
    Eigen::SparseMatrix<int> pattern(size_, size_);
    pattern.setFromTriplets(entries.begin(), entries.end());
    Eigen::PermutationMatrix<Eigen::Dynamic, Eigen::Dynamic, int> order;
    Eigen::AMDOrdering<int>()(pattern, order);
    const auto& eliminated = order.indices();  // eliminated[k]: the k-th

    // Column counts by the elimination tree (Davis, Direct methods for sparse linear systems, 4.1).
    std::vector<int> position(static_cast<size_t>(size_)), parent(position.size(), -1),
        seen(position.size(), -1);
    std::vector<double> count(position.size(), 1);
    for (int k = 0; k < size_; ++k) position[static_cast<size_t>(eliminated[k])] = k;
    for (int k = 0; k < size_; ++k) {
      seen[static_cast<size_t>(k)] = k;
      for (int j = 0; j < size_; ++j) {
        if (!Linked(eliminated[k], j)) continue;
        for (size_t i = static_cast<size_t>(position[static_cast<size_t>(j)]);
             i < static_cast<size_t>(k) && seen[i] != k; i = static_cast<size_t>(parent[i])) {
          if (parent[i] < 0) parent[i] = k;
          ++count[i];
          seen[i] = k;
        }
      }
    }
    double work = 0;
    for (const double c : count) work += c * c;
    return work;
  }

 private:
  bool Linked(int a, int b) const {
    return (bits_[static_cast<size_t>(a) * words_ + static_cast<size_t>(b) / 64] >> (b % 64)) & 1;
  }
  void Link(const std::vector<int>& poses) {
    for (const int a : poses)
      for (const int b : poses) {
        const int from = slot_[static_cast<size_t>(a)], to = slot_[static_cast<size_t>(b)];
        if (from >= 0 && to >= 0 && from != to)
          bits_[static_cast<size_t>(from) * words_ + static_cast<size_t>(to) / 64] |= uint64_t{1}
                                                                                      << (to % 64);
      }
  }
  void LinkByPoints(const BundleProblem& problem, const BundleUse& use) {
    std::vector<std::vector<int>> poses(problem.points.size());
    const auto add = [&](int camera, int point) {
      poses[static_cast<size_t>(point)].push_back(
          problem.cameras[static_cast<size_t>(camera)].pose);
    };
    for (size_t i = 0; i < problem.sights.size(); ++i)
      if (use.sights[i]) add(problem.sights[i].camera, problem.sights[i].point);
    for (size_t i = 0; i < problem.depths.size(); ++i)
      if (use.depths[i]) add(problem.depths[i].camera, problem.depths[i].point);
    for (size_t i = 0; i < poses.size(); ++i) {
      if (problem.points[i].held) continue;
      std::sort(poses[i].begin(), poses[i].end());
      poses[i].erase(std::unique(poses[i].begin(), poses[i].end()), poses[i].end());
      Link(poses[i]);
    }
  }

  int size_ = 0;
  size_t words_ = 0;
  std::vector<int> slot_;
  std::vector<uint64_t> bits_;
};

}  // namespace

BundleSolver ChooseBundleSolver(const BundleProblem& problem, const BundleUse& use) {
  const PoseLinks links(problem, use);
  const double n = links.size();
  const double dense = kDenseCost * kBlock * n * n * n / 3;
  if (dense < 1e-3) return BundleSolver::kDense;  // less than it takes to find a better one
  const double sparse = kSparseCost * kBlock * links.FactorWork();
  if (std::min(dense, sparse) > kMaxStep) return BundleSolver::kIterative;
  return sparse < dense ? BundleSolver::kSparse : BundleSolver::kDense;
}

}  // namespace mdvt
