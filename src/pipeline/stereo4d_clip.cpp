// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stereo4d_clip.h"

#include <filesystem>

#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"

namespace mdvt {
namespace {

constexpr char kFormat[] = "mdvt.stereo4d.clip/1";

json::Value Numbers(const Eigen::Matrix3d& matrix) {
  json::Value rows = json::Value::Array{};
  for (int row = 0; row < 3; ++row)
    rows.Add(std::vector<double>{matrix(row, 0), matrix(row, 1), matrix(row, 2)});
  return rows;
}

const json::Value& Member(const json::Value& clip, const char* key) {
  const json::Value* member = clip.Find(key);
  if (member == nullptr) throw Error(Code::kCorrupt, "has no \"" + std::string(key) + '"');
  return *member;
}

// So many numbers.
std::vector<double> List(const json::Value& clip, const char* key, size_t count) {
  const json::Value& list = Member(clip, key);
  bool good = list.is_array() && list.size() == count;
  std::vector<double> numbers;
  if (good)
    for (const json::Value& number : list.AsArray()) {
      good = good && number.is_number();
      if (good) numbers.push_back(number.AsDouble());
    }
  Require(good, Code::kCorrupt,
          '"' + std::string(key) + "\" must be a list of " + std::to_string(count) + " numbers");
  return numbers;
}

Stereo4dClip Parse(const char* data, size_t size, const Limits& limits) {
  const json::Value value = json::Parse({data, size}, limits, "clip");
  const json::Value* format = value.Find("format");
  Require(format != nullptr && format->is_string() && format->AsString() == kFormat, Code::kCorrupt,
          "is no file of a clip, which rectify writes");
  Stereo4dClip clip;
  const auto text = [&value](const char* key) {
    const json::Value& member = Member(value, key);
    Require(member.is_string(), Code::kCorrupt, '"' + std::string(key) + "\" must be a text");
    return member.AsString();
  };
  clip.name = text("name");
  clip.video = text("video");
  const std::vector<double> sizes = List(value, "image_size", 2);
  const std::vector<double> lens = List(value, "intrinsics", 4);
  limits.CheckFrameSize(static_cast<int64_t>(sizes[0]), static_cast<int64_t>(sizes[1]), "a view");
  clip.camera = {
      static_cast<int>(sizes[0]), static_cast<int>(sizes[1]), lens[0], lens[1], lens[2], lens[3]};
  const json::Value& baseline = Member(value, "baseline");
  clip.baseline = baseline.is_number() ? baseline.AsDouble() : 0;
  Require(lens[0] > 0 && lens[1] > 0 && clip.baseline > 0, Code::kCorrupt,
          "focal lengths and baseline must be above 0");
  return clip;
}

}  // namespace

std::string FormatStereo4dClip(const Stereo4dClip& clip) {
  const Camera& camera = clip.camera;
  json::Value about = json::Value::Members{};
  about["format"] = kFormat;
  about["name"] = clip.name;
  about["video"] = clip.video;
  about["image_size"] = std::vector<int>{camera.width, camera.height};
  about["hfov_deg"] = camera.xfov_deg();
  about["intrinsics"] = std::vector<double>{camera.fx, camera.fy, camera.cx, camera.cy};
  about["baseline"] = clip.baseline;
  about["rectified2rig"] =
      json::Value::Array{Numbers(clip.rig_from_rectified[0]), Numbers(clip.rig_from_rectified[1])};
  about["fov_bounds"] = std::vector<double>(clip.fov_bounds.begin(), clip.fov_bounds.end());
  about["timestamps"] = clip.times_us;
  return json::Write(about, json::Layout::kPretty);
}

Stereo4dClip ReadStereo4dClip(const std::string& path, const Limits& limits) {
  return ReadAndParse(path, "clip", limits, Parse);
}

std::string Stereo4dFile(const std::string& folder, const std::string& name,
                         const std::string& suffix) {
  return (std::filesystem::path(folder) / name / (name + suffix)).string();
}

}  // namespace mdvt
