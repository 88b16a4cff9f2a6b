// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/rig_clip.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <string>

#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/io/npz_file.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

using Eigen::AngleAxisd;
using Eigen::Matrix3d;
using Eigen::Vector3d;

// A rig that moves, its turns and the poses of its rectified left view.
struct Rig {
  Rig() {
    turns[0] = AngleAxisd(0.148, Vector3d(0.05, 1, 0.02).normalized()).toRotationMatrix();
    turns[1] = AngleAxisd(0.147, Vector3d(0.04, 1, 0.03).normalized()).toRotationMatrix();
    for (int i = 0; i < 5; ++i) {
      Pose pose = Pose::Identity();
      pose.linear() = AngleAxisd(0.1 * i, Vector3d(0.3, 0.9, 0.1).normalized()).toRotationMatrix();
      pose.translation() = Vector3d(0.1 * i, -0.05, 0.2 * i);
      left.push_back(pose);
      times.push_back(16717000 + 33367 * i);
    }
  }
  // World to the camera of an eye as it is mounted.
  json::Value Extrinsics(size_t eye) const {
    json::Value list = json::Value::Array{};
    for (const Pose& pose : left) {
      Pose world_from_eye = pose * Eigen::Translation3d(eye == 0 ? 0 : 0.0641, 0, 0);
      world_from_eye.rotate(turns[eye].transpose());
      list.Add(Rows<3, 4>(world_from_eye.inverse().matrix().topRows<3>()));
    }
    return list;
  }
  template <int kRows, int kColumns>
  static json::Value Rows(const Eigen::Matrix<double, kRows, kColumns>& matrix) {
    json::Value rows = json::Value::Array{};
    for (int row = 0; row < kRows; ++row) {
      json::Value numbers = json::Value::Array{};
      for (int column = 0; column < kColumns; ++column) numbers.Add(matrix(row, column));
      rows.Add(numbers);
    }
    return rows;
  }
  json::Value Clip() const {
    json::Value clip = json::Value::Members{};
    clip["left"]["extr"] = Extrinsics(0);
    clip["right"]["extr"] = Extrinsics(1);
    clip["timestamp"] = times;
    clip["corrections"]["stereo2rig_left"] = Rows<3, 3>(turns[0]);
    clip["corrections"]["stereo2rig_right"] = Rows<3, 3>(turns[1]);
    clip["meta_fov"]["start_yaw_in_degrees"] = -89.5;
    clip["meta_fov"]["end_yaw_in_degrees"] = 89.75;
    clip["meta_fov"]["start_tilt_in_degrees"] = -90;
    clip["meta_fov"]["end_tilt_in_degrees"] = 90;
    return clip;
  }

  std::array<Matrix3d, 2> turns;
  std::vector<Pose> left;
  std::vector<int64_t> times;
};

class RigClipFile : public ::testing::Test {
 protected:
  RigClip Read(const json::Value& clip, const RigClipChoice& choice = {}) {
    json::Value file = json::Value::Members{};
    file["CMw_x"] = json::Value::Array{json::Value::Members{}, clip};
    std::ofstream(path_) << json::Write(file);
    RigClipChoice second = choice;
    if (second.clip == 0) second.clip = 1;
    return ReadRigClip(path_, second);
  }
  void Refuses(const std::string& part, const std::function<void(json::Value*)>& change) {
    json::Value clip = rig_.Clip();
    change(&clip);
    ExpectError(Code::kCorrupt, part, [&] { Read(clip); });
  }
  void ExpectRig(const RigClip& clip) const {
    EXPECT_EQ(clip.times_us, rig_.times);
    ASSERT_EQ(clip.world_from_left.size(), rig_.left.size());
    for (size_t i = 0; i < rig_.left.size(); ++i)
      EXPECT_TRUE(clip.world_from_left[i].isApprox(rig_.left[i], 1e-9)) << i;
    for (size_t eye = 0; eye < 2; ++eye)
      EXPECT_TRUE(clip.rig_from_rectified[eye].isApprox(rig_.turns[eye], 1e-9));
    EXPECT_EQ(clip.start_yaw_deg, -89.5);
    EXPECT_EQ(clip.end_yaw_deg, 89.75);
  }
  const Rig rig_;
  const TempDir dir_;
  const std::string path_ = dir_ / "release.json";
};

TEST_F(RigClipFile, BothEyesShareOneOrientationOnceRectified) {
  const RigClip clip = Read(rig_.Clip());
  ExpectRig(clip);
  EXPECT_NEAR(clip.baseline, 0.0641, 1e-9);
  EXPECT_EQ(clip.video_id, "CMw_x");
  EXPECT_EQ(clip.name, "CMw_x-clip1");
}

TEST_F(RigClipFile, TheReleaseOfTheDatasetSaysTheSame) {
  std::vector<double> poses, turns;
  for (const Pose& pose : rig_.left)
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 4; ++column) poses.push_back(pose.matrix()(row, column));
  for (const Matrix3d& turn : rig_.turns)
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column) turns.push_back(turn(row, column));
  const std::vector<double> bounds = {-89.5, 89.75, -90, 90};
  NpzWriter writer(dir_ / "NAME.npz");
  writer.AddText("name", "CMw_x_16717000");
  writer.AddText("video_id", "CMw_x");
  writer.Add("timestamps", {5}, rig_.times.data());
  writer.Add("camera2world", {5, 3, 4}, poses.data());
  writer.Add("rectified2rig", {2, 3, 3}, turns.data());
  writer.Add("fov_bounds", {4}, bounds.data());
  writer.Finish();
  const RigClip clip = ReadRigClip(dir_ / "NAME.npz");
  ExpectRig(clip);
  EXPECT_EQ(clip.baseline, kUsualRigBaseline);
  EXPECT_EQ(clip.video_id, "CMw_x");
  EXPECT_EQ(clip.name, "CMw_x_16717000");
}

TEST_F(RigClipFile, ChoosesAVideoAndAClip) {
  RigClipChoice choice;
  choice.video_id = "other";
  ExpectError(Code::kInvalidArgument, "'CMw_x'", [&] { Read(rig_.Clip(), choice); });
  choice.video_id = "CMw_x";
  choice.clip = 2;
  ExpectError(Code::kInvalidArgument, "clips 0 to 1", [&] { Read(rig_.Clip(), choice); });
}

TEST_F(RigClipFile, RefusesWhatIsNoClip) {
  using json::Value;
  Refuses("\"meta_fov\"", [](Value* clip) {
    *clip = Value::Members{{"left", (*clip)["left"]},
                           {"corrections", (*clip)["corrections"]},
                           {"timestamp", (*clip)["timestamp"]}};
  });
  Refuses("is not a rotation", [](Value* clip) {
    (*clip)["corrections"]["stereo2rig_right"] = Rig::Rows<3, 3>(2 * Matrix3d::Identity());
  });
  Refuses("is not a rotation", [](Value* clip) {
    (*clip)["corrections"]["stereo2rig_left"] = Rig::Rows<3, 3>(-Matrix3d::Identity());
  });
  Refuses("later than the one before", [](Value* clip) {
    (*clip)["timestamp"] = std::vector<int>{1, 2, 2, 3, 4};
  });
  Refuses("4 timestamps and 5 poses", [](Value* clip) {
    (*clip)["timestamp"] = std::vector<int>{1, 2, 3, 4};
  });
  Refuses("no frames", [](Value* clip) { (*clip)["timestamp"] = Value::Array{}; });
  Refuses("3 rows and 4 columns", [](Value* clip) {
    (*clip)["left"]["extr"] = Value::Array{Value::Array{1, 2, 3}};
  });
  std::ofstream(path_) << "[]";
  ExpectError(Code::kCorrupt, "must be an object", [&] { ReadRigClip(path_); });
  std::ofstream(path_) << "{";
  EXPECT_EQ(CodeOf([&] { ReadRigClip(path_); }), Code::kCorrupt);
  EXPECT_EQ(CodeOf([&] { ReadRigClip(dir_ / "none.json"); }), Code::kNotFound);
  EXPECT_EQ(CodeOf([&] { ReadRigClip(dir_ / "none.npz"); }), Code::kNotFound);
}

}  // namespace
}  // namespace mdvt::test
