// SPDX-License-Identifier: Apache-2.0
//
// The moving camera and what it sees, as Alembic and .blend. Alembic's format is its library's
// alone, so Blender's exporter writes it: this hands over numbers, starts Blender without a window
// and takes what it made.
#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include "core/little_endian.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/printable.h"
#include "pipeline/blender_scripts.h"
#include "pipeline/child_process.h"
#include "pipeline/export_format.h"

namespace mdvt {
namespace {

using Color = Eigen::Matrix<uint8_t, 3, 1>;

constexpr double kSensorWidth = 36;  // mm, as everybody assumes
constexpr size_t kMostAnswer = 500;  // bytes of a message of Blender's

std::string Start(const std::string& path, size_t bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string text(bytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(bytes));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

// The last line of a log that says something.
std::string LastWords(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string last;
  for (std::string line; std::getline(file, line);)
    if (line.find_first_not_of(" \r\t") != std::string::npos) last = line;
  return last.substr(0, kMostAnswer);
}

class Blender {
 public:
  // Throws as NewAlembicExporter().
  Blender(const std::string& name, const RunControl* control)
      : program_(FindProgram(name)), control_(control) {
    Require(!program_.empty(), Code::kNotFound,
            "save_alembic needs Blender, and there is no program '" + Printable(name) +
                "': install Blender, or say where it is by --blender");
    const std::string answer = Run(kBlenderProbe, "probe.py");
    const size_t space = answer.find(' ');
    const std::string version = space == std::string::npos ? "" : answer.substr(space);
    Require(answer.rfind("no-alembic", 0) != 0, Code::kUnsupported,
            "'" + program_ + "' (Blender" + version +
                ") was built without Alembic; give one that has it by --blender, such as that of "
                "blender.org");
    RequireOk(answer);
  }

  std::string operator/(const std::string& name) const { return folder_ / name; }

  // Makes scene.abc and scene.blend of what is in the folder.
  void MakeScene() { RequireOk(Run(kBlenderScene, "scene.py")); }

 private:
  void RequireOk(const std::string& answer) const {
    Require(answer.rfind("ok", 0) == 0, Code::kUnsupported,
            "'" + program_ + "' failed: " + Printable(answer));
  }

  // What the script answered.
  std::string Run(const char* script, const std::string& name) const {
    const std::string file = folder_ / name;
    std::ofstream(file) << script;
    ProgressMeter meter(*control_);
    meter.BeginPhase("blender");
    const std::string log = folder_ / "log";
    const int status = RunChild({program_, "--background", "--factory-startup", "-noaudio",
                                 "--python", file, "--", folder_ / "."},
                                log, [&] { meter.Update(0, 0); });
    std::string answer = Start(folder_ / "answer", kMostAnswer);
    while (!answer.empty() && std::isspace(static_cast<unsigned char>(answer.back())))
      answer.pop_back();
    if (!answer.empty()) {
      std::remove((folder_ / "answer").c_str());
      return answer;
    }
    const std::string words = LastWords(log);
    return "it ended with status " + std::to_string(status) +
           (words.empty() ? "" : " and the words '" + words + "'");
  }

  std::string program_;
  const RunControl* control_;
  ScratchFolder folder_;
};

// Numbers for the script, and whether the disk took them.
class NumberFile {
 public:
  explicit NumberFile(std::string path) : path_(std::move(path)), file_(path_, std::ios::binary) {}
  template <typename T>
  void Add(T value) {
    PutLittle(value, &bytes_);
    if (bytes_.size() >= kPiece) Flush();
  }
  void Finish() {
    Flush();
    file_.close();
    Require(!file_.fail(), Code::kIo,
            "temporary file '" + path_ + "': cannot be written: " + std::strerror(errno));
  }

 private:
  static constexpr size_t kPiece = 1 << 16;
  void Flush() {
    file_.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    bytes_.clear();
  }

  std::string path_;
  std::ofstream file_;
  std::string bytes_;
};

// Coordinates of all points, colours of all points, corners of all triangles.
class GeometryFile : public GeometryWriter {
 public:
  explicit GeometryFile(NumberFile* file) : file_(file) {}
  void AddPoint(const Eigen::Vector3f& point, const Color& color) override {
    for (int i = 0; i < 3; ++i) file_->Add(point[i]);
    colors_.push_back(color);
  }
  void AddTriangle(const Eigen::Matrix<int32_t, 3, 1>& triangle) override {
    AddColors();
    for (int i = 0; i < 3; ++i) file_->Add(triangle[i]);
  }
  void Finish() override { AddColors(); }

 private:
  void AddColors() {
    for (const Color& color : colors_) {
      for (int i = 0; i < 3; ++i) file_->Add(static_cast<float>(color[i]) / 255.0f);
      file_->Add(1.0f);
    }
    colors_.clear();
  }

  NumberFile* file_;
  std::vector<Color> colors_;
};

class AlembicExporter : public Exporter {
 public:
  AlembicExporter(const ExportJobOptions& options, const std::string& path, OutputSet* outputs,
                  const std::vector<TrackCloudPoint>* points, const RunControl* control)
      : has_tracks_(!options.tracks.empty()),
        points_(points),
        alembic_(outputs->AddFile(path)),
        blend_(outputs->AddFile(path + ".blend")),
        blender_(options.blender, control),
        file_(blender_ / "scene.bin") {}

  int64_t Write(const ExportFrame& frame) override {
    if (rows_.empty()) Begin(frame);
    Pose pose = frame.world_from_cam;
    // Blender's cameras have y up and look along -z.
    pose.rotate(Eigen::Quaterniond(0, 1, 0, 0));
    Eigen::Quaterniond turn(pose.linear());
    turn.normalize();
    if (last_ ? turn.dot(*last_) < 0 : turn.w() < 0) turn.coeffs() = -turn.coeffs();
    last_ = turn;
    const Camera& c = frame.camera;
    const Eigen::Vector3d at = pose.translation();
    rows_.push_back({static_cast<double>(frame.number + 1), at.x(), at.y(), at.z(), turn.w(),
                     turn.x(), turn.y(), turn.z(), kSensorWidth * c.fx / c.width,
                     (0.5 * c.width - c.cx) / c.width,
                     (c.cy - 0.5 * c.height) / c.width * c.fx / c.fy});
    return 0;
  }

  int64_t Finish() override {
    Require(!rows_.empty(), Code::kInvalidArgument, alembic_.path() + ": there is no frame");
    bool lens_changes = false;
    for (const Row& row : rows_) {
      for (const double value : row) file_.Add(value);
      lens_changes = lens_changes || !std::equal(row.begin() + 8, row.end(), rows_[0].begin() + 8);
    }
    file_.Finish();
    scene_["frames"] = rows_.size();
    scene_["first"] = static_cast<int64_t>(rows_.front()[0]);
    scene_["last"] = static_cast<int64_t>(rows_.back()[0]);
    scene_["lens_changes"] = lens_changes;
    std::ofstream(blender_ / "scene.json") << json::Write(scene_);
    blender_.MakeScene();
    Take("scene.abc", alembic_);
    Take("scene.blend", blend_);
    return 2;
  }

 private:
  // Frame in Blender (the first is 1), place, turn (w, x, y, z), lens, shift_x, shift_y.
  using Row = std::array<double, 11>;

  void Begin(const ExportFrame& frame) {
    const Camera& c = frame.camera;
    const double rate = frame.frame_rate.ToDouble();
    const double whole = std::clamp(std::round(rate), 1.0, 32767.0);
    scene_["fps"] = static_cast<int64_t>(whole);
    scene_["fps_base"] = whole / rate;
    scene_["width"] = c.width;
    scene_["height"] = c.height;
    scene_["pixel_height"] = c.fx / c.fy;  // of its width
    GeometryFile geometry(&file_);
    GeometryCounts counts;
    if (has_tracks_) {
      for (const TrackCloudPoint& point : *points_) geometry.AddPoint(point.position, point.color);
      counts.points = points_->size();
    } else {
      frame.mesher->AddPoints(frame.color, frame.world_from_cam, &geometry);
      frame.mesher->AddTriangles(&geometry);
      counts = frame.mesher->counts();
    }
    geometry.Finish();
    scene_["geometry"] = has_tracks_ ? "PointCloud" : "FirstFrame";
    scene_["points"] = counts.points;
    scene_["triangles"] = counts.triangles;
  }

  void Take(const std::string& name, const OutputTarget& target) const {
    std::ifstream from(blender_ / name, std::ios::binary);
    OutputFile to(target);
    std::vector<char> piece(1 << 16);
    while (from.read(piece.data(), static_cast<std::streamsize>(piece.size())) || from.gcount() > 0)
      to.Write(piece.data(), static_cast<size_t>(from.gcount()));
    Require(from.eof() && !from.bad(), Code::kIo,
            target.path() + ": what Blender wrote cannot be read");
    to.Finish();
  }

  bool has_tracks_;
  const std::vector<TrackCloudPoint>* points_;
  OutputTarget alembic_;
  OutputTarget blend_;
  Blender blender_;
  NumberFile file_;
  json::Value scene_;
  std::vector<Row> rows_;
  std::optional<Eigen::Quaterniond> last_;
};

}  // namespace

std::unique_ptr<Exporter> NewAlembicExporter(const ExportJobOptions& options,
                                             const std::string& path, OutputSet* outputs,
                                             const std::vector<TrackCloudPoint>* points,
                                             const RunControl* control) {
  return std::make_unique<AlembicExporter>(options, path, outputs, points, control);
}

}  // namespace mdvt
