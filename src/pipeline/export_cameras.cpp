// SPDX-License-Identifier: Apache-2.0
//
// The path of the camera: alone (TUM, GLB), or with the pictures it took (COLMAP, nerfstudio), and
// the one cloud of all that it saw.
#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/little_endian.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/geometry/voxel_cloud.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/io/image_file.h"
#include "pipeline/export_format.h"
#include "pipeline/export_images.h"
#include "pipeline/glb_file.h"

namespace mdvt {
namespace {

using Color = Eigen::Matrix<uint8_t, 3, 1>;

// From OpenCV's axes of a camera (y down, z forward) to OpenGL's (y up, z backward), and back.
const Eigen::Vector4d kTurn(1, -1, -1, 1);

// A quaternion on the side of the one before, so that what lies between them is short.
Eigen::Quaterniond Rotation(const Pose& pose, const std::optional<Eigen::Quaterniond>& before) {
  Eigen::Quaterniond q(pose.linear());
  q.normalize();
  const bool flip = before ? q.dot(*before) < 0 : q.w() < 0;
  if (flip) q.coeffs() = -q.coeffs();
  return q;
}

// ---- TUM: https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats

class TumExporter : public Exporter {
 public:
  explicit TumExporter(const OutputTarget& target) : file_(target) {
    file_.Write("# timestamp tx ty tz qx qy qz qw\n");
  }
  int64_t Write(const ExportFrame& frame) override {
    last_ = Rotation(frame.world_from_cam, last_);
    std::string line = FormatFixed(frame.seconds, 6);
    for (int i = 0; i < 3; ++i) line += " " + FormatDouble(frame.world_from_cam.translation()[i]);
    for (int i = 0; i < 4; ++i) line += " " + FormatDouble(last_->coeffs()[i]);  // x, y, z, w
    file_.Write(line + "\n");
    return 0;
  }
  int64_t Finish() override {
    file_.Finish();
    return 1;
  }

 private:
  OutputFile file_;
  std::optional<Eigen::Quaterniond> last_;
};

// ---- A camera in glTF. Its field of view is animated by KHR_animation_pointer where it changes.

class CameraExporter : public Exporter {
 public:
  explicit CameraExporter(OutputTarget target) : target_(std::move(target)) {}

  int64_t Write(const ExportFrame& frame) override {
    Pose pose;
    pose.matrix() = kTurn.asDiagonal() * frame.world_from_cam.matrix() * kTurn.asDiagonal();
    last_ = Rotation(pose, last_);
    if (!times_.empty() && frame.seconds <= times_.back()) return 0;  // glTF's times must grow
    times_.push_back(static_cast<float>(frame.seconds));
    for (int i = 0; i < 3; ++i) places_.push_back(static_cast<float>(pose.translation()[i]));
    for (int i = 0; i < 4; ++i) turns_.push_back(static_cast<float>(last_->coeffs()[i]));
    fovs_.push_back(static_cast<float>(frame.camera.yfov_deg() * M_PI / 180));
    aspect_ = static_cast<double>(frame.camera.width) * frame.camera.fy /
              (static_cast<double>(frame.camera.height) * frame.camera.fx);
    return 0;
  }

  int64_t Finish() override {
    Require(!times_.empty(), Code::kInvalidArgument, target_.path() + ": there is no frame");
    GlbFile glb;
    json::Value& root = glb.root();
    root["cameras"].Add(json::Value::Members{
        {"type", "perspective"},
        {"perspective",
         json::Value::Members{
             {"yfov", double{fovs_[0]}}, {"aspectRatio", aspect_}, {"znear", 0.01}}}});
    root["nodes"].Add(json::Value::Members{
        {"name", "camera"},
        {"camera", 0},
        {"translation",
         json::Value::Array{double{places_[0]}, double{places_[1]}, double{places_[2]}}},
        {"rotation", json::Value::Array{double{turns_[0]}, double{turns_[1]}, double{turns_[2]},
                                        double{turns_[3]}}}});
    root["scenes"].Add(json::Value::Members{{"nodes", json::Value::Array{0}}});
    root["scene"] = 0;
    const int64_t times =
        Accessor(&glb, times_, "SCALAR", 1, json::Value::Array{double{times_.front()}},
                 json::Value::Array{double{times_.back()}});
    json::Value animation = json::Value::Members{{"name", "camera"}};
    const auto channel = [&](const std::vector<float>& values, const char* type, size_t width,
                             json::Value target) {
      animation["samplers"].Add(
          json::Value::Members{{"input", times}, {"output", Accessor(&glb, values, type, width)}});
      animation["channels"].Add(
          json::Value::Members{{"sampler", animation["samplers"].size() - 1}, {"target", target}});
    };
    channel(places_, "VEC3", 3, json::Value::Members{{"node", 0}, {"path", "translation"}});
    channel(turns_, "VEC4", 4, json::Value::Members{{"node", 0}, {"path", "rotation"}});
    const auto [low, high] = std::minmax_element(fovs_.begin(), fovs_.end());
    if (*high - *low > 1e-6f) {
      root["extensionsUsed"].Add("KHR_animation_pointer");
      channel(fovs_, "SCALAR", 1,
              json::Value::Members{
                  {"path", "pointer"},
                  {"extensions",
                   json::Value::Members{
                       {"KHR_animation_pointer",
                        json::Value::Members{{"pointer", "/cameras/0/perspective/yfov"}}}}}});
    }
    root["animations"].Add(std::move(animation));
    glb.Write(target_);
    return 1;
  }

 private:
  static int64_t Accessor(GlbFile* glb, const std::vector<float>& values, const char* type,
                          size_t width, const json::Value& low = {}, const json::Value& high = {}) {
    constexpr int kFloat = 5126;
    return glb->AddAccessor(values.data(), values.size() * sizeof(float), values.size() / width,
                            type, kFloat, low, high);
  }

  OutputTarget target_;
  std::vector<float> times_, places_, turns_, fovs_;
  double aspect_ = 1;
  std::optional<Eigen::Quaterniond> last_;
};

// ---- The cloud of all frames.

// Takes the points of a mesher.
class CloudTaker : public GeometryWriter {
 public:
  explicit CloudTaker(VoxelCloud* cloud) : cloud_(cloud) {}
  void AddPoint(const Eigen::Vector3f& point, const Color& color) override {
    cloud_->Add(point, color);
  }
  void AddTriangle(const Eigen::Matrix<int32_t, 3, 1>&) override {}
  void Finish() override {}

 private:
  VoxelCloud* cloud_;
};

class SceneCloud {
 public:
  explicit SceneCloud(double size) : wanted_(size), cloud_(size) {}
  void Add(const ExportFrame& frame, const Pose& pose) {
    CloudTaker taker(&cloud_);
    frame.mesher->AddPoints(frame.color, pose, &taker);
  }
  // Says so where memory did not suffice for what was asked.
  const VoxelCloud& Get(const std::string& path) const {
    if (cloud_.voxel_size() > wanted_)
      Log(LogLevel::kWarning, path + ": more than " + FormatDouble(wanted_) +
                                  " m allows: thinned to one point in " +
                                  FormatDouble(cloud_.voxel_size()) + " m");
    return cloud_;
  }

 private:
  double wanted_;
  VoxelCloud cloud_;
};

class SceneExporter : public Exporter {
 public:
  SceneExporter(OutputTarget target, double voxel_size)
      : target_(std::move(target)), cloud_(voxel_size) {}
  int64_t Write(const ExportFrame& frame) override {
    cloud_.Add(frame, frame.axes_from_cam);
    return 0;
  }
  int64_t Finish() override {
    const VoxelCloud& cloud = cloud_.Get(target_.path());
    GeometryCounts counts;
    counts.points = cloud.size();
    const std::unique_ptr<GeometryWriter> writer = NewPlyWriter(target_, counts);
    cloud.ForEach(
        [&](const Eigen::Vector3f& point, const Color& color) { writer->AddPoint(point, color); });
    writer->Finish();
    return 1;
  }

 private:
  OutputTarget target_;
  SceneCloud cloud_;
};

// ---- COLMAP: https://colmap.github.io/format.html

class ColmapExporter : public Exporter {
 public:
  ColmapExporter(const ExportSetup& setup, const std::string& path, OutputSet* outputs)
      : path_(path),
        fixed_camera_(setup.fixed_camera),
        pictures_(outputs->AddFolder(path + "/images")),
        model_(outputs->AddFolder(path + "/sparse/0")),
        cloud_(setup.options->voxel_size) {}

  void TakeTracks(const std::vector<SeenPoint>& tracks) override { tracks_ = tracks; }

  int64_t Write(const ExportFrame& frame) override {
    const std::string name = ExportFrameName(frame.number, "png");
    WritePng(pictures_.AddFile(name), frame.color);
    if (!tracks_) cloud_.Add(frame, frame.world_from_cam);
    if (!fixed_camera_ || images_.empty()) AddCamera(frame.camera);
    image_of_[frame.number] = images_.size();
    images_.push_back({frame.world_from_cam.inverse(), name, cameras_, {}});
    return 1;
  }

  int64_t Finish() override {
    if (tracks_)
      AddTracks();
    else
      AddCloud();
    for (size_t i = 0; i < images_.size(); ++i) WriteImage(static_cast<int32_t>(i + 1), images_[i]);
    WriteBoth("cameras", "# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n", cameras_, camera_text_,
              camera_bytes_);
    WriteBoth("images",
              "# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME\n# POINTS2D[] as (X, Y, "
              "POINT3D_ID)\n",
              images_.size(), image_text_, image_bytes_);
    WriteBoth("points3D",
              "# POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK[] as (IMAGE_ID, POINT2D_IDX)\n",
              points_, point_text_, point_bytes_);
    return 6;
  }

 private:
  void AddCamera(const Camera& c) {
    ++cameras_;
    camera_text_ += std::to_string(cameras_) + " PINHOLE " + std::to_string(c.width) + " " +
                    std::to_string(c.height);
    PutLittle(static_cast<int32_t>(cameras_), &camera_bytes_);
    PutLittle(int32_t{1}, &camera_bytes_);  // PINHOLE
    PutLittle(static_cast<uint64_t>(c.width), &camera_bytes_);
    PutLittle(static_cast<uint64_t>(c.height), &camera_bytes_);
    for (const double value : {c.fx, c.fy, c.cx, c.cy}) {
      camera_text_ += " " + FormatDouble(value);
      PutLittle(value, &camera_bytes_);
    }
    camera_text_ += "\n";
  }

  struct ImagePoint {
    double x = 0, y = 0;
    uint64_t point = 0;
  };
  struct ColmapImage {
    Pose cam_from_world = Pose::Identity();
    std::string name;
    uint64_t camera = 0;
    std::vector<ImagePoint> points;
  };

  void WriteImage(int32_t id, const ColmapImage& image) {
    const Eigen::Quaterniond q = Rotation(image.cam_from_world, std::nullopt);
    const Eigen::Vector3d& t = image.cam_from_world.translation();
    image_text_ += std::to_string(id);
    PutLittle(id, &image_bytes_);
    for (const double value : {q.w(), q.x(), q.y(), q.z(), t.x(), t.y(), t.z()}) {
      image_text_ += " " + FormatDouble(value);
      PutLittle(value, &image_bytes_);
    }
    image_text_ += " " + std::to_string(image.camera) + " " + image.name + "\n";
    PutLittle(static_cast<int32_t>(image.camera), &image_bytes_);
    image_bytes_.append(image.name.c_str(), image.name.size() + 1);
    PutLittle(static_cast<uint64_t>(image.points.size()), &image_bytes_);
    const char* separator = "";
    for (const ImagePoint& point : image.points) {
      image_text_ += separator + FormatDouble(point.x) + " " + FormatDouble(point.y) + " " +
                     std::to_string(point.point);
      separator = " ";
      PutLittle(point.x, &image_bytes_);
      PutLittle(point.y, &image_bytes_);
      PutLittle(point.point, &image_bytes_);
    }
    image_text_ += "\n";
  }

  void AddPoint(const Eigen::Vector3d& at, const Color& color, double error) {
    ++points_;
    point_text_ += std::to_string(points_);
    PutLittle(points_, &point_bytes_);
    for (int i = 0; i < 3; ++i) {
      point_text_ += " " + FormatDouble(at[i]);
      PutLittle(at[i], &point_bytes_);
    }
    for (int i = 0; i < 3; ++i) {
      point_text_ += " " + std::to_string(color[i]);
      PutLittle(color[i], &point_bytes_);
    }
    point_text_ += " " + FormatDouble(error);
    PutLittle(error, &point_bytes_);
  }

  // Points with the places in the pictures that they were seen at: what a bundle adjustment needs.
  void AddTracks() {
    std::vector<std::pair<size_t, const SeenPoint::Sight*>> seen;
    for (const SeenPoint& track : *tracks_) {
      seen.clear();
      for (const SeenPoint::Sight& sight : track.sights)
        if (const auto image = image_of_.find(sight.number); image != image_of_.end())
          seen.emplace_back(image->second, &sight);
      if (seen.size() < 2) continue;  // frames may have been left out
      AddPoint(track.in_world, track.color, track.rms);
      PutLittle(static_cast<uint64_t>(seen.size()), &point_bytes_);
      for (const auto& [image, sight] : seen) {
        std::vector<ImagePoint>& points = images_[image].points;
        point_text_ += " " + std::to_string(image + 1) + " " + std::to_string(points.size());
        PutLittle(static_cast<int32_t>(image + 1), &point_bytes_);
        PutLittle(static_cast<int32_t>(points.size()), &point_bytes_);
        points.push_back({sight->x, sight->y, points_});
      }
      point_text_ += "\n";
    }
  }

  // Of the depth: seen in no picture.
  void AddCloud() {
    cloud_.Get(path_).ForEach([&](const Eigen::Vector3f& point, const Color& color) {
      ++points_;
      point_text_ += std::to_string(points_);
      PutLittle(points_, &point_bytes_);
      for (int i = 0; i < 3; ++i) {
        point_text_ += " " + FormatFloat(point[i]);
        PutLittle(static_cast<double>(point[i]), &point_bytes_);
      }
      for (int i = 0; i < 3; ++i) {
        point_text_ += " " + std::to_string(color[i]);
        PutLittle(color[i], &point_bytes_);
      }
      point_text_ += " 0\n";
      PutLittle(0.0, &point_bytes_);  // error
      PutLittle(uint64_t{0}, &point_bytes_);
    });
  }

  void WriteBoth(const std::string& name, const std::string& head, uint64_t count,
                 const std::string& text, const std::string& bytes) {
    WriteFile(model_.AddFile(name + ".txt"), head + text);
    std::string whole;
    PutLittle(count, &whole);
    WriteFile(model_.AddFile(name + ".bin"), whole + bytes);
  }

  std::string path_;
  bool fixed_camera_;
  OutputFolder pictures_;
  OutputFolder model_;
  SceneCloud cloud_;
  std::optional<std::vector<SeenPoint>> tracks_;
  std::vector<ColmapImage> images_;
  std::map<int64_t, size_t> image_of_;  // by the number of the frame
  uint64_t cameras_ = 0, points_ = 0;
  std::string camera_text_, camera_bytes_, image_text_, image_bytes_, point_text_, point_bytes_;
};

// ---- nerfstudio: https://docs.nerf.studio/quickstart/data_conventions.html

class NerfstudioExporter : public Exporter {
 public:
  NerfstudioExporter(const ExportSetup& setup, const std::string& path, OutputSet* outputs)
      : fixed_camera_(setup.fixed_camera),
        top_(outputs->AddFolder(path)),
        pictures_(outputs->AddFolder(path + "/images")),
        depths_(outputs->AddFolder(path + "/depths")),
        cloud_(setup.options->voxel_size),
        path_(path) {
    root_["camera_model"] = "OPENCV";
  }

  void TakeTracks(const std::vector<SeenPoint>& tracks) override { tracks_ = tracks; }

  int64_t Write(const ExportFrame& frame) override {
    const std::string name = ExportFrameName(frame.number, "png");
    WritePng(pictures_.AddFile(name), frame.color);
    WritePng(depths_.AddFile(name), MillimetresOf(frame.depth).view());
    if (!tracks_) cloud_.Add(frame, frame.world_from_cam);
    json::Value entry = json::Value::Members{{"file_path", "images/" + name},
                                             {"depth_file_path", "depths/" + name}};
    if (!fixed_camera_) AddCamera(frame.camera, &entry);
    if (fixed_camera_ && root_.Find("w") == nullptr) AddCamera(frame.camera, &root_);
    entry["transform_matrix"] =
        Rows(world_ * frame.world_from_cam.matrix() * kTurn.asDiagonal(), 4);
    root_["frames"].Add(std::move(entry));
    return 2;
  }

  int64_t Finish() override {
    WriteCloud();
    root_["ply_file_path"] = "sparse_pc.ply";
    root_["applied_transform"] = Rows(world_, 3);
    WriteFile(top_.AddFile("transforms.json"), json::Write(root_, json::Layout::kPretty) + "\n");
    return 2;
  }

 private:
  void WriteCloud() {
    const VoxelCloud* const cloud = tracks_ ? nullptr : &cloud_.Get(path_);
    GeometryCounts counts;
    counts.points = cloud != nullptr ? cloud->size() : tracks_->size();
    const std::unique_ptr<GeometryWriter> writer =
        NewPlyWriter(top_.AddFile("sparse_pc.ply"), counts);
    const auto add = [&](const Eigen::Vector3d& p, const Color& color) {
      writer->AddPoint((world_.topLeftCorner<3, 3>() * p).cast<float>(), color);
    };
    if (cloud != nullptr)
      cloud->ForEach(
          [&](const Eigen::Vector3f& p, const Color& color) { add(p.cast<double>(), color); });
    else
      for (const SeenPoint& point : *tracks_) add(point.in_world, point.color);
    writer->Finish();
  }
  static void AddCamera(const Camera& c, json::Value* to) {
    (*to)["w"] = c.width;
    (*to)["h"] = c.height;
    (*to)["fl_x"] = c.fx;
    (*to)["fl_y"] = c.fy;
    (*to)["cx"] = c.cx;
    (*to)["cy"] = c.cy;
  }
  static json::Value Rows(const Eigen::Matrix4d& matrix, int count) {
    json::Value::Array rows;
    for (int i = 0; i < count; ++i) {
      json::Value::Array row;
      for (int k = 0; k < 4; ++k) row.emplace_back(matrix(i, k));
      rows.emplace_back(std::move(row));
    }
    return rows;
  }
  // nerfstudio's worlds have z up: (x, y, z) -> (x, z, -y).
  static Eigen::Matrix4d ZUp() {
    Eigen::Matrix4d m;
    m << 1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1;
    return m;
  }

  bool fixed_camera_;
  OutputFolder top_;
  OutputFolder pictures_;
  OutputFolder depths_;
  SceneCloud cloud_;
  std::string path_;
  std::optional<std::vector<SeenPoint>> tracks_;
  json::Value root_;
  const Eigen::Matrix4d world_ = ZUp();
};

}  // namespace

std::unique_ptr<Exporter> NewTumExporter(const ExportSetup&, const std::string& path,
                                         OutputSet* outputs) {
  return std::make_unique<TumExporter>(outputs->AddFile(path));
}
std::unique_ptr<Exporter> NewCameraExporter(const ExportSetup&, const std::string& path,
                                            OutputSet* outputs) {
  return std::make_unique<CameraExporter>(outputs->AddFile(path));
}
std::unique_ptr<Exporter> NewSceneExporter(const ExportSetup& setup, const std::string& path,
                                           OutputSet* outputs) {
  return std::make_unique<SceneExporter>(outputs->AddFile(path), setup.options->voxel_size);
}
std::unique_ptr<Exporter> NewColmapExporter(const ExportSetup& setup, const std::string& path,
                                            OutputSet* outputs) {
  return std::make_unique<ColmapExporter>(setup, path, outputs);
}
std::unique_ptr<Exporter> NewNerfstudioExporter(const ExportSetup& setup, const std::string& path,
                                                OutputSet* outputs) {
  return std::make_unique<NerfstudioExporter>(setup, path, outputs);
}

}  // namespace mdvt
