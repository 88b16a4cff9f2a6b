// SPDX-License-Identifier: Apache-2.0
#include "pipeline/cloud_page.h"

#include <algorithm>
#include <utility>

#include "core/little_endian.h"
#include "core/median.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

// The path of the camera is drawn in so many pieces at most.
constexpr size_t kPathPieces = 4096;
// Points of tracks are few: so many pixels of a picture 540 pixels high.
constexpr int kPointSize = 3;

std::string DescriptionOf(const CloudPage& page) {
  const Pose first = page.world_from_cam.empty() ? Pose::Identity() : page.world_from_cam.front();
  const double away = (page.target - first.translation()).norm();
  const Eigen::Vector3d position = first * Eigen::Vector3d(0, -0.25 * away, -0.5 * away);
  json::Value clouds = json::Value::Array{};
  for (const WebCloud& cloud : page.clouds) clouds.Add(cloud.Describe());
  return json::Write(json::Value::Members{{"title", page.title},
                                          {"frames", 0},
                                          {"aspect", page.aspect},
                                          {"xfov", page.xfov_deg},
                                          {"canvas", json::Value()},
                                          {"background", "ffffff"},
                                          {"show", json::Value::Members{{"points", false},
                                                                        {"tear", false},
                                                                        {"camera", false},
                                                                        {"path", false},
                                                                        {"axes", true}}},
                                          {"planned", false},
                                          {"position", ListOf(position)},
                                          {"target", ListOf(page.target)},
                                          {"path", PathOf(page.world_from_cam)},
                                          {"point_size", kPointSize},
                                          {"clouds", clouds}},
                     json::Layout::kPretty) +
         "\n";
}

}  // namespace

json::Value ListOf(const Eigen::Vector3d& point) {
  return json::Value::Array{point.x(), point.y(), point.z()};
}

json::Value PathOf(const std::vector<Pose>& world_from_cam) {
  json::Value path = json::Value::Array{};
  const size_t step = std::max<size_t>(1, world_from_cam.size() / kPathPieces);
  for (size_t i = 0; i < world_from_cam.size(); i += step)
    path.Add(ListOf(world_from_cam[i].translation()));
  return path;
}

json::Value WebCloud::Describe() const {
  return json::Value::Members{
      {"name", name}, {"file", file}, {"points", points}, {"triangles", triangles}};
}

WebCloud PackCloud(const TriangleMesh& mesh, const std::string& name, const std::string& file) {
  WebCloud cloud;
  cloud.name = name;
  cloud.file = file;
  cloud.points = static_cast<int64_t>(mesh.points.size());
  cloud.triangles = static_cast<int64_t>(mesh.triangles.size());
  std::string& bytes = cloud.bytes;
  for (const Eigen::Vector3f& point : mesh.points)
    for (int i = 0; i < 3; ++i) PutLittle(point[i], &bytes);
  for (size_t i = 0; i < mesh.points.size(); ++i)
    for (int k = 0; k < 3; ++k)
      bytes += static_cast<char>(mesh.colors.empty() ? 127 : mesh.colors[i][k]);
  bytes.resize((bytes.size() + 3) / 4 * 4, '\0');
  for (const auto& triangle : mesh.triangles)
    for (int i = 0; i < 3; ++i) PutLittle(static_cast<uint32_t>(triangle[i]), &bytes);
  return cloud;
}

Eigen::Vector3d MiddleOf(const TriangleMesh& mesh) {
  if (mesh.points.empty()) return {0, 0, 1};
  Eigen::Vector3d middle;
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<double> values;
    for (const Eigen::Vector3f& point : mesh.points)
      values.push_back(static_cast<double>(point[axis]));
    middle[axis] = Median(&values);
  }
  return middle;
}

void ServeCloudPage(const CloudPage& page, int port, const OnReady& on_ready,
                    const RunControl& control) {
  const std::string description = DescriptionOf(page);
  const auto answer = [&](const HttpRequest& request) {
    if (std::optional<HttpResponse> response = AnswerWithPage(request)) return *response;
    HttpResponse response;
    response.type = TypeOfWebFile(request.path);
    if (request.path == "clip.json") {
      response.body = description;
      return response;
    }
    for (const WebCloud& cloud : page.clouds) {
      if (cloud.file != request.path) continue;
      response.body = cloud.bytes;
      return response;
    }
    throw Error(Code::kNotFound, "Not Found");
  };
  ServeUntilCancelled(
      port, on_ready, answer, [] { return int64_t{0}; }, control);
}

void WriteCloudPage(const CloudPage& page, const OutputFolder& folder) {
  for (const WebFile& file : WebFiles())
    WriteFile(folder.AddFile(std::string(file.name)), file.content);
  WriteFile(folder.AddFile("clip.json"), DescriptionOf(page));
  for (const WebCloud& cloud : page.clouds) WriteFile(folder.AddFile(cloud.file), cloud.bytes);
}

}  // namespace mdvt
