// SPDX-License-Identifier: Apache-2.0
#include "bundle_check.h"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

// Names an entry of a list for the text of an error; the text is made only if it is needed.
struct Entry {
  const char* list;
  size_t index;

  [[noreturn]] void Fail(const std::string& what) const {
    throw Error(Code::kInvalidArgument,
                "SolveBundle: " + std::string(list) + "[" + std::to_string(index) + "]" + what);
  }
  void Index(const char* field, int value, size_t size) const {
    if (value < 0 || static_cast<size_t>(value) >= size)
      Fail("." + std::string(field) + " = " + std::to_string(value) + ", must be in [0, " +
           std::to_string(size) + ")");
  }
  void Finite(const char* field, bool finite) const {
    if (!finite) Fail("." + std::string(field) + " must be finite");
  }
  void Positive(const char* field, double value) const {
    if (!(value > 0 && std::isfinite(value)))
      Fail("." + std::string(field) + " = " + std::to_string(value) +
           ", must be finite and above 0");
  }
  // Above 0, infinity included.
  void Sigma(const char* field, double value) const {
    if (!(value > 0))
      Fail("." + std::string(field) + " = " + std::to_string(value) + ", must be above 0");
  }
  void OneOf(const char* first, double a, const char* second, double b) const {
    Sigma(first, a);
    Sigma(second, b);
    if (std::isinf(a) && std::isinf(b))
      Fail(": " + std::string(first) + " and " + second + " are both infinite");
  }
  void Rigid(const char* field, const Pose& pose) const {
    const Eigen::Matrix3d r = pose.linear();
    if (!pose.matrix().allFinite() || !(r * r.transpose()).isIdentity(1e-6) ||
        !(r.determinant() > 0))
      Fail("." + std::string(field) + " must be a rotation and a finite position");
  }
  void Differ(const char* fields, bool differ) const {
    if (!differ) Fail(": " + std::string(fields) + " must differ");
  }
};

void CheckParameters(const BundleProblem& p) {
  for (size_t i = 0; i < p.poses.size(); ++i) Entry{"poses", i}.Rigid("pose", p.poses[i].pose);
  for (size_t i = 0; i < p.mounts.size(); ++i) Entry{"mounts", i}.Rigid("pose", p.mounts[i].pose);
  for (size_t i = 0; i < p.lenses.size(); ++i) {
    const Camera& camera = p.lenses[i].camera;
    const Entry entry{"lenses", i};
    entry.Positive("camera.fx", camera.fx);
    entry.Positive("camera.fy", camera.fy);
    entry.Finite("camera.cx", std::isfinite(camera.cx));
    entry.Finite("camera.cy", std::isfinite(camera.cy));
  }
  for (size_t i = 0; i < p.cameras.size(); ++i) {
    const BundleCamera& camera = p.cameras[i];
    const Entry entry{"cameras", i};
    entry.Index("pose", camera.pose, p.poses.size());
    entry.Index("lens", camera.lens, p.lenses.size());
    if (camera.mount != -1) entry.Index("mount", camera.mount, p.mounts.size());
  }
  for (size_t i = 0; i < p.points.size(); ++i)
    Entry{"points", i}.Finite("in_world", p.points[i].in_world.allFinite());
  for (size_t i = 0; i < p.depth_maps.size(); ++i) {
    Entry{"depth_maps", i}.Positive("scale", p.depth_maps[i].scale);
    Entry{"depth_maps", i}.Finite("shift", std::isfinite(p.depth_maps[i].shift));
  }
}

void CheckSeen(const BundleProblem& p) {
  for (size_t i = 0; i < p.sights.size(); ++i) {
    const BundleSight& sight = p.sights[i];
    const Entry entry{"sights", i};
    entry.Index("camera", sight.camera, p.cameras.size());
    entry.Index("point", sight.point, p.points.size());
    entry.Finite("xy", sight.xy.allFinite());
    entry.Positive("sigma", sight.sigma);
  }
  for (size_t i = 0; i < p.depths.size(); ++i) {
    const BundleDepth& depth = p.depths[i];
    const Entry entry{"depths", i};
    entry.Index("camera", depth.camera, p.cameras.size());
    entry.Index("point", depth.point, p.points.size());
    entry.Index("map", depth.map, p.depth_maps.size());
    entry.Positive("depth", depth.depth);
    entry.Positive("sigma", depth.sigma);
    const BundleDepthMap& map = p.depth_maps[static_cast<size_t>(depth.map)];
    if (!(map.scale / depth.depth + map.shift > 0))
      entry.Fail(".depth lies behind infinity by its map: scale / depth + shift = " +
                 std::to_string(map.scale / depth.depth + map.shift) + ", must be above 0");
  }
}

void CheckPoseResiduals(const BundleProblem& p) {
  for (size_t i = 0; i < p.relations.size(); ++i) {
    const BundleRelation& relation = p.relations[i];
    const Entry entry{"relations", i};
    entry.Index("a", relation.a, p.poses.size());
    entry.Index("b", relation.b, p.poses.size());
    entry.Differ("a and b", relation.a != relation.b);
    entry.Rigid("a_from_b", relation.a_from_b);
    entry.OneOf("sigma_rotation", relation.sigma_rotation, "sigma_position",
                relation.sigma_position);
  }
  for (size_t i = 0; i < p.steady.size(); ++i) {
    const BundleSteady& steady = p.steady[i];
    const Entry entry{"steady", i};
    entry.Index("before", steady.before, p.poses.size());
    entry.Index("at", steady.at, p.poses.size());
    entry.Index("after", steady.after, p.poses.size());
    entry.Differ("before, at and after", steady.before != steady.at && steady.at != steady.after &&
                                             steady.before != steady.after);
    if (!(steady.fraction > 0 && steady.fraction < 1))
      entry.Fail(".fraction = " + std::to_string(steady.fraction) + ", must be in (0, 1)");
    entry.OneOf("sigma_rotation", steady.sigma_rotation, "sigma_position", steady.sigma_position);
  }
  const auto priors = [](const char* list, const std::vector<BundlePosePrior>& all, size_t size) {
    for (size_t i = 0; i < all.size(); ++i) {
      const Entry entry{list, i};
      entry.Index("pose", all[i].pose, size);
      entry.Rigid("value", all[i].value);
      entry.OneOf("sigma_rotation", all[i].sigma_rotation, "sigma_position", all[i].sigma_position);
    }
  };
  priors("pose_priors", p.pose_priors, p.poses.size());
  priors("mount_priors", p.mount_priors, p.mounts.size());
}

void CheckOtherResiduals(const BundleProblem& p) {
  for (size_t i = 0; i < p.point_priors.size(); ++i) {
    const Entry entry{"point_priors", i};
    entry.Index("point", p.point_priors[i].point, p.points.size());
    entry.Finite("in_world", p.point_priors[i].in_world.allFinite());
    entry.Positive("sigma", p.point_priors[i].sigma);
  }
  for (size_t i = 0; i < p.focal_priors.size(); ++i) {
    const Entry entry{"focal_priors", i};
    entry.Index("lens", p.focal_priors[i].lens, p.lenses.size());
    entry.Positive("fx", p.focal_priors[i].fx);
    entry.Positive("sigma", p.focal_priors[i].sigma);
  }
  for (size_t i = 0; i < p.focal_changes.size(); ++i) {
    const Entry entry{"focal_changes", i};
    entry.Index("a", p.focal_changes[i].a, p.lenses.size());
    entry.Index("b", p.focal_changes[i].b, p.lenses.size());
    entry.Differ("a and b", p.focal_changes[i].a != p.focal_changes[i].b);
    entry.Positive("sigma", p.focal_changes[i].sigma);
  }
  for (size_t i = 0; i < p.depth_map_priors.size(); ++i) {
    const BundleDepthMapPrior& prior = p.depth_map_priors[i];
    const Entry entry{"depth_map_priors", i};
    entry.Index("map", prior.map, p.depth_maps.size());
    entry.Positive("scale", prior.scale);
    entry.Finite("shift", std::isfinite(prior.shift));
    entry.OneOf("sigma_scale", prior.sigma_scale, "sigma_shift", prior.sigma_shift);
  }
  for (size_t i = 0; i < p.depth_map_changes.size(); ++i) {
    const BundleDepthMapChange& change = p.depth_map_changes[i];
    const Entry entry{"depth_map_changes", i};
    entry.Index("a", change.a, p.depth_maps.size());
    entry.Index("b", change.b, p.depth_maps.size());
    entry.Differ("a and b", change.a != change.b);
    entry.OneOf("sigma_scale", change.sigma_scale, "sigma_shift", change.sigma_shift);
  }
}

void CheckLoss(const char* name, const BundleLoss& loss) {
  Require(loss.kind == BundleLoss::Kind::kSquared || loss.kind == BundleLoss::Kind::kHuber ||
              loss.kind == BundleLoss::Kind::kCauchy,
          Code::kInvalidArgument, std::string("SolveBundle: ") + name + ".kind is no loss");
  Require(loss.scale > 0 && std::isfinite(loss.scale), Code::kInvalidArgument,
          std::string("SolveBundle: ") + name + ".scale must be finite and above 0");
}

class Groups {
 public:
  explicit Groups(size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
  }
  size_t Find(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  // The lower index stands for the group.
  void Join(size_t a, size_t b) {
    a = Find(a), b = Find(b);
    if (a < b)
      parent_[b] = a;
    else
      parent_[a] = b;
  }

 private:
  std::vector<size_t> parent_;
};

using Matrix7d = Eigen::Matrix<double, 7, 7>;
using Matrix37d = Eigen::Matrix<double, 3, 7>;

// Moves the world by turning (columns 0 to 2), shifting (3 to 5) and scaling (6) about a centre,
// and asks what each held or measured parameter says against it.
class GaugeFinder {
 public:
  GaugeFinder(const BundleProblem& problem, const BundleUse& use)
      : p_(problem),
        use_(use),
        parts_(p_.poses.size() + p_.points.size()),
        sizes_(parts_all() + p_.mounts.size() + p_.depth_maps.size()),
        used_(parts_all(), 0),
        size_tied_(parts_all() + p_.mounts.size() + p_.depth_maps.size(), 0),
        size_pulled_(size_tied_.size(), nullptr) {}

  BundleGauge Find() {
    Connect();
    TieByParameters();
    TieByResiduals();
    return Judge();
  }

 private:
  size_t parts_all() const { return p_.poses.size() + p_.points.size(); }
  size_t PoseNode(int pose) const { return static_cast<size_t>(pose); }
  size_t PointNode(int point) const { return p_.poses.size() + static_cast<size_t>(point); }
  size_t MountNode(int mount) const { return parts_all() + static_cast<size_t>(mount); }
  size_t MapNode(int map) const {
    return parts_all() + p_.mounts.size() + static_cast<size_t>(map);
  }

  void Join(size_t a, size_t b) {
    parts_.Join(a, b);
    used_[a] = used_[b] = 1;
  }
  void See(int camera_index, int point) {
    const BundleCamera& camera = p_.cameras[static_cast<size_t>(camera_index)];
    Join(PoseNode(camera.pose), PointNode(point));
    if (camera.mount >= 0) sizes_.Join(PoseNode(camera.pose), MountNode(camera.mount));
  }
  void Connect() {
    for (size_t i = 0; i < p_.sights.size(); ++i)
      if (use_.sights[i]) See(p_.sights[i].camera, p_.sights[i].point);
    for (size_t i = 0; i < p_.depths.size(); ++i) {
      if (!use_.depths[i]) continue;
      See(p_.depths[i].camera, p_.depths[i].point);
      sizes_.Join(PointNode(p_.depths[i].point), MapNode(p_.depths[i].map));
    }
    for (const BundleRelation& r : p_.relations) Join(PoseNode(r.a), PoseNode(r.b));
    for (const BundleSteady& s : p_.steady) {
      Join(PoseNode(s.before), PoseNode(s.at));
      Join(PoseNode(s.at), PoseNode(s.after));
    }
    for (const BundleDepthMapChange& c : p_.depth_map_changes)
      sizes_.Join(MapNode(c.a), MapNode(c.b));
    for (size_t i = 0; i < parts_all(); ++i) sizes_.Join(i, parts_.Find(i));

    Eigen::Vector3d low = Eigen::Vector3d::Constant(std::numeric_limits<double>::infinity());
    Eigen::Vector3d high = -low;
    const auto grow = [&](const Eigen::Vector3d& x) {
      low = low.cwiseMin(x), high = high.cwiseMax(x);
    };
    for (const BundlePose& pose : p_.poses) grow(pose.pose.translation());
    for (const BundlePoint& point : p_.points) grow(point.in_world);
    if (parts_all() > 0) {
      centre_ = 0.5 * (low + high);
      extent_ = std::max((high - low).maxCoeff(), std::numeric_limits<double>::min());
    }
  }

  Matrix7d& Ties(size_t node) {
    return ties_.emplace(parts_.Find(node), Matrix7d::Zero()).first->second;
  }
  void TieRotation(size_t node) { Ties(node).topLeftCorner<3, 3>().diagonal().array() += 1; }
  void TiePosition(size_t node, const Eigen::Vector3d& position) {
    const Eigen::Vector3d y = (position - centre_) / extent_;
    Matrix37d row;
    row << 0, y.z(), -y.y(), 1, 0, 0, y.x(),  //
        -y.z(), 0, y.x(), 0, 1, 0, y.y(),     //
        y.y(), -y.x(), 0, 0, 0, 1, y.z();
    Ties(node).noalias() += row.transpose() * row;
  }
  void TieSize(size_t node) { size_tied_[sizes_.Find(node)] = 1; }
  void PullSize(size_t node, const char* by) { size_pulled_[sizes_.Find(node)] = by; }

  void TieByParameters() {
    for (size_t i = 0; i < p_.poses.size(); ++i) {
      if (p_.poses[i].rotation_held) TieRotation(i);
      if (p_.poses[i].position_held) TiePosition(i, p_.poses[i].pose.translation());
    }
    for (size_t i = 0; i < p_.points.size(); ++i)
      if (p_.points[i].held) TiePosition(p_.poses.size() + i, p_.points[i].in_world);
    for (size_t i = 0; i < p_.mounts.size(); ++i)
      if (p_.mounts[i].position_held && !p_.mounts[i].pose.translation().isZero(0))
        TieSize(MountNode(static_cast<int>(i)));
    for (size_t i = 0; i < p_.depth_maps.size(); ++i) {
      const BundleDepthMap& map = p_.depth_maps[i];
      if (map.scale_held || (map.shift_held && map.shift != 0))
        TieSize(MapNode(static_cast<int>(i)));
    }
  }

  void TieByResiduals() {
    for (const BundlePosePrior& prior : p_.pose_priors) {
      const size_t node = PoseNode(prior.pose);
      used_[node] = 1;
      if (std::isfinite(prior.sigma_rotation)) TieRotation(node);
      if (std::isfinite(prior.sigma_position)) TiePosition(node, prior.value.translation());
    }
    for (const BundlePointPrior& prior : p_.point_priors)
      TiePosition(PointNode(prior.point), prior.in_world);
    for (const BundlePosePrior& prior : p_.mount_priors) {
      if (!std::isfinite(prior.sigma_position)) continue;
      if (!prior.value.translation().isZero(0))
        TieSize(MountNode(prior.pose));
      else if (!p_.mounts[static_cast<size_t>(prior.pose)].position_held)
        PullSize(MountNode(prior.pose), "mount_priors");
    }
    for (const BundleRelation& relation : p_.relations) {
      if (!std::isfinite(relation.sigma_position)) continue;
      if (!relation.a_from_b.translation().isZero(0))
        TieSize(PoseNode(relation.a));
      else
        PullSize(PoseNode(relation.a), "relations");
    }
    for (const BundleSteady& steady : p_.steady)
      if (std::isfinite(steady.sigma_position)) PullSize(PoseNode(steady.at), "steady");
    for (const BundleDepthMapPrior& prior : p_.depth_map_priors) {
      const size_t node = MapNode(prior.map);
      if (std::isfinite(prior.sigma_scale)) TieSize(node);
      if (std::isfinite(prior.sigma_shift) && prior.shift != 0) TieSize(node);
      if (std::isfinite(prior.sigma_shift) && prior.shift == 0 &&
          !p_.depth_maps[static_cast<size_t>(prior.map)].shift_held)
        PullSize(node, "depth_map_priors");
    }
    for (const BundleDepthMapChange& change : p_.depth_map_changes)
      if (std::isfinite(change.sigma_shift) &&
          !(p_.depth_maps[static_cast<size_t>(change.a)].shift_held &&
            p_.depth_maps[static_cast<size_t>(change.b)].shift_held))
        PullSize(MapNode(change.a), "depth_map_changes");
  }

  BundleGauge Judge() {
    BundleGauge gauge;
    std::vector<size_t> roots;
    std::vector<uint8_t> anchored(parts_all(), 0);
    for (size_t i = 0; i < parts_all(); ++i) {
      if (!used_[i]) continue;
      const size_t root = parts_.Find(i);
      // Poses come first, so the first node of a part that holds any is a pose.
      if (i < p_.poses.size() && !anchored[root] && Ties(i).isZero(0)) {
        gauge.anchors.push_back(static_cast<int>(i));
        anchored[root] = 1;
      }
      if (i == root) roots.push_back(root);
    }
    for (const int anchor : gauge.anchors) {
      TieRotation(PoseNode(anchor));
      TiePosition(PoseNode(anchor), p_.poses[static_cast<size_t>(anchor)].pose.translation());
    }
    for (const size_t root : roots)
      if (TiesSize(Ties(root))) TieSize(root);
    for (const size_t root : roots) {
      if (size_tied_[sizes_.Find(root)]) continue;
      gauge.scale_is_free = true;
      const char* by = size_pulled_[sizes_.Find(root)];
      Require(by == nullptr, Code::kRefused,
              std::string("SolveBundle: nothing says how large the world is, and ") +
                  (by == nullptr ? "" : by) +
                  " would pull its size to nothing or without bound: hold the positions of two "
                  "poses or the scale of a depth map, or add a prior");
    }
    return gauge;
  }

  // Whether no combination of turning and shifting makes up for scaling.
  static bool TiesSize(const Matrix7d& ties) {
    const Eigen::SelfAdjointEigenSolver<Matrix7d> solver(ties);
    const double least = 1e-12 * std::max(1.0, solver.eigenvalues()(6));
    for (int i = 0; i < 7; ++i)
      if (solver.eigenvalues()(i) < least && std::abs(solver.eigenvectors()(6, i)) > 1e-6)
        return false;
    return true;
  }

  const BundleProblem& p_;
  const BundleUse& use_;
  Groups parts_;  // poses, then points: what moves as one
  Groups sizes_;  // the same, then mounts, then depth maps: what scales as one
  std::vector<uint8_t> used_;
  std::map<size_t, Matrix7d> ties_;  // one per part
  std::vector<uint8_t> size_tied_;
  std::vector<const char*> size_pulled_;  // by which list
  Eigen::Vector3d centre_ = Eigen::Vector3d::Zero();
  double extent_ = 1;
};

}  // namespace

void CheckBundle(const BundleProblem& problem) {
  CheckLoss("sight_loss", problem.sight_loss);
  CheckLoss("depth_loss", problem.depth_loss);
  CheckLoss("relation_loss", problem.relation_loss);
  CheckParameters(problem);
  CheckSeen(problem);
  CheckPoseResiduals(problem);
  CheckOtherResiduals(problem);
  const size_t residuals =
      problem.sights.size() + problem.depths.size() + problem.relations.size() +
      problem.steady.size() + problem.pose_priors.size() + problem.mount_priors.size() +
      problem.point_priors.size() + problem.focal_priors.size() + problem.focal_changes.size() +
      problem.depth_map_priors.size() + problem.depth_map_changes.size();
  Require(residuals > 0, Code::kInvalidArgument,
          "SolveBundle: the problem is empty, it needs at least one sight, depth or prior");
}

BundleUse FindBundleUse(const BundleProblem& problem) {
  std::vector<Pose> cam_from_world;
  for (const BundleCamera& camera : problem.cameras) {
    Pose world_from_cam = problem.poses[static_cast<size_t>(camera.pose)].pose;
    if (camera.mount >= 0)
      world_from_cam = world_from_cam * problem.mounts[static_cast<size_t>(camera.mount)].pose;
    cam_from_world.push_back(world_from_cam.inverse());
  }
  size_t in_front = 0;
  const auto is_in_front = [&](int camera, int point) {
    const Eigen::Vector3d p = cam_from_world[static_cast<size_t>(camera)] *
                              problem.points[static_cast<size_t>(point)].in_world;
    const bool front = p.z() > kLeastForward * p.norm();
    in_front += front;
    return front;
  };
  BundleUse use;
  for (const BundleSight& s : problem.sights) use.sights.push_back(is_in_front(s.camera, s.point));
  for (const BundleDepth& d : problem.depths) use.depths.push_back(is_in_front(d.camera, d.point));
  const size_t seen = problem.sights.size() + problem.depths.size();
  Require(seen == 0 || in_front > 0, Code::kRefused,
          "SolveBundle: all points lie behind the cameras that see them at the start; poses are "
          "world_from_cam with z forward");
  return use;
}

BundleGauge FindBundleGauge(const BundleProblem& problem, const BundleUse& use) {
  return GaugeFinder(problem, use).Find();
}

}  // namespace mdvt
