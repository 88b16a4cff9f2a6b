// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stereo4d_clip.h"

#include <algorithm>
#include <filesystem>

#include "core/json_matrix.h"
#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/numbers.h"
#include "pipeline/clip_tracks.h"

namespace mdvt {
namespace {

constexpr char kFormat[] = "mdvt.stereo4d.clip/1";

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
  const json::Value& times = Member(value, "timestamps");
  Require(times.is_array(), Code::kCorrupt, "\"timestamps\" must be a list of microseconds");
  for (const json::Value& time : times.AsArray()) {
    Require(time.is_int() && (clip.times_us.empty() || time.AsInt() > clip.times_us.back()),
            Code::kCorrupt, "\"timestamps\" must be whole numbers that grow");
    clip.times_us.push_back(time.AsInt());
  }
  const std::vector<double> bounds = List(value, "fov_bounds", 4);
  std::copy(bounds.begin(), bounds.end(), clip.fov_bounds.begin());
  const json::Value& turns = Member(value, "rectified2rig");
  Require(turns.is_array() && turns.size() == 2, Code::kCorrupt,
          "\"rectified2rig\" must be two matrices");
  for (size_t eye = 0; eye < 2; ++eye)
    clip.rig_from_rectified[eye] =
        json::ReadMatrix<3, 3>(turns.AsArray()[eye], "\"rectified2rig\"");
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
  about["rectified2rig"] = json::Value::Array{json::MatrixRows(clip.rig_from_rectified[0]),
                                              json::MatrixRows(clip.rig_from_rectified[1])};
  about["fov_bounds"] = std::vector<double>(clip.fov_bounds.begin(), clip.fov_bounds.end());
  about["timestamps"] = clip.times_us;
  return json::Write(about, json::Layout::kPretty);
}

void RequireSizeOf(const Stereo4dClip& clip, const VideoInfo& video) {
  const Camera& camera = clip.camera;
  Require(video.width == camera.width && video.height == camera.height, Code::kCorrupt,
          "'" + video.path + "' has " + FormatSize(video.width, video.height) +
              " pixels, the file of the clip says " + FormatSize(camera.width, camera.height));
}

Stereo4dClip ReadStereo4dClip(const std::string& path, const Limits& limits) {
  return ReadAndParse(path, "clip", limits, Parse);
}

void RequirePosesAndTimes(const Stereo4dClip& clip, const std::vector<Pose>& poses,
                          const std::string& pose_file, int64_t frames,
                          const std::string& depth_video) {
  Require(frames > 0, Code::kCorrupt, "'" + depth_video + "' has no frames");
  const std::pair<size_t, std::string> lists[] = {
      {poses.size(), "'" + pose_file + "' has poses"},
      {clip.times_us.size(), "the file of the clip has times"}};
  for (const auto& [size, what] : lists)
    Require(size >= static_cast<size_t>(frames), Code::kCorrupt,
            what + " for " + std::to_string(size) + " frames, '" + depth_video + "' has " +
                std::to_string(frames));
}

std::string Stereo4dView(const Stereo4dClipOptions& clip, const std::string& eye) {
  const std::string lossless = clip.File("-" + eye + "_rectified.mkv");
  std::error_code ignored;
  return std::filesystem::exists(lossless, ignored) ? lossless
                                                    : clip.File("-" + eye + "_rectified.mp4");
}

void DescribeClipDepth(OptionList* list, std::string* depth_video,
                       std::string* transformation_file) {
  list->Field("depth_video", depth_video, "FILE", "depth of the left view")
      .Default("<name>-raw_depth.mkv")
      .Input();
  list->Field("transformation_file", transformation_file, "JSON",
              "camera-to-world of the left view in each frame")
      .Default("<name>-transformations.json")
      .Input();
}

std::string Stereo4dClipOptions::name() const {
  if (!vid.empty()) return vid;
  return videoid.empty() ? "" : videoid + "-clip" + std::to_string(clipid);
}

std::string Stereo4dClipOptions::File(const std::string& suffix) const {
  const std::string own = name();
  return (std::filesystem::path(output_folder) / own / (own + suffix)).string();
}

void Describe(OptionList* list, Stereo4dClipOptions* options) {
  list->Field("output_folder", &options->output_folder, "FOLDER",
              "where the folder of a clip is, as rectify has written it")
      .Default("this folder");
  list->Field("vid", &options->vid, "NAME", "the clip <output_folder>/<vid>").Excludes("videoid");
  list->Field("videoid", &options->videoid, "NAME", "the clip <output_folder>/<videoid>-clip<N>");
  list->Field("clipid", &options->clipid, Range{0, 1e6}, "NUMBER", "which clip of that video");
}

void DescribeMadeClip(OptionList* list, Stereo4dClipOptions* options) {
  Describe(list, options);
  list->Refine("clipid").OnlyWith("videoid");
}

}  // namespace mdvt
