// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/trajectory_file.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kQuaternionTolerance = 0.01;

// The numbers of a line; empty if one of its words is none.
std::vector<double> NumbersOf(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r,";
  std::vector<double> numbers;
  while (true) {
    const size_t begin = line.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return numbers;
    const size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    const auto number = ParseDouble(line.substr(begin, end - begin));
    if (!number || !std::isfinite(*number)) return {};
    numbers.push_back(*number);
    line.remove_prefix(end);
  }
}

}  // namespace

std::vector<TimedPose> ParseTum(const char* data, size_t size, const Limits& limits) {
  const std::string what = "TUM trajectory";
  std::vector<TimedPose> poses;
  TextLines lines(CheckedText(data, size, what, limits));
  while (const auto line = lines.Next()) {
    const std::string_view text = Trim(*line);
    if (text.empty() || text.front() == '#') continue;
    const std::string where = what + ", line " + std::to_string(lines.number()) + ": ";
    Require(static_cast<int64_t>(poses.size()) < limits.max_frames, Code::kLimit,
            where + "more than the limit of " + std::to_string(limits.max_frames) + " frames");
    const std::vector<double> n = NumbersOf(text);
    Require(n.size() == 8, Code::kCorrupt,
            where + "not the eight numbers timestamp tx ty tz qx qy qz qw");
    TimedPose pose;
    pose.seconds = n[0];
    Require(poses.empty() || pose.seconds > poses.back().seconds, Code::kCorrupt,
            where + "its time does not follow the one before");
    const Eigen::Quaterniond q(n[7], n[4], n[5], n[6]);
    Require(std::fabs(q.norm() - 1) <= kQuaternionTolerance, Code::kCorrupt,
            where + "qx qy qz qw is no unit quaternion");
    pose.world_from_cam.linear() = q.normalized().toRotationMatrix();
    pose.world_from_cam.translation() = Eigen::Vector3d(n[1], n[2], n[3]);
    poses.push_back(pose);
  }
  return poses;
}

std::vector<TimedPose> ReadTumFile(const std::string& path, const Limits& limits) {
  return ReadAndParse(path, "TUM trajectory", limits, ParseTum);
}

}  // namespace mdvt
