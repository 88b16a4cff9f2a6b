// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/depth_mesher.h"
#include "pipeline/job_common.h"
#include "pipeline/paired_input.h"
#include "pipeline/stage_threads.h"

namespace mdvt {
namespace {

// Each writer of geometry holds a frame of depth and color, about so many bytes per pixel.
constexpr int64_t kFrameBytesPerPixel = 8;
// All of them together hold about this much, or two frames.
constexpr int64_t kGeometryBytes = int64_t{32} << 20;

struct GeometryFrame {
  int64_t number = 0;  // of the frame in the clip
  Image depth;
  Image color;  // Rgb(8)
};

DepthEncoding GreyEncoding(int bits) {
  return bits == 16 ? DepthEncoding::kGray16Legacy : DepthEncoding::kGray8;
}

// Poses for geometry in world axes; identity without a file.
class Poses {
 public:
  explicit Poses(const ExportJobOptions& options) : file_(options.transformation_file) {
    if (file_.empty()) return;
    poses_ = ReadTransformationsFile(file_, options.job.limits);
    if (!options.transformation_lock_frame) return;
    const int64_t lock = *options.transformation_lock_frame;
    Require(lock >= 0 && lock < static_cast<int64_t>(poses_.size()), Code::kInvalidArgument,
            "transformation_lock_frame = " + std::to_string(lock) + ", '" + file_ + "' holds " +
                CountOf(static_cast<int64_t>(poses_.size()), "frame"));
    const Pose lock_from_world = poses_[static_cast<size_t>(lock)].inverse();
    for (Pose& pose : poses_) pose = lock_from_world * pose;
  }

  Pose At(int64_t frame) const {
    if (file_.empty()) return Pose::Identity();
    Require(frame < static_cast<int64_t>(poses_.size()), Code::kCorrupt,
            "'" + file_ + "' holds the camera of " +
                CountOf(static_cast<int64_t>(poses_.size()), "frame") +
                ", the depth video has more");
    return poses_[static_cast<size_t>(frame)];
  }

 private:
  std::string file_;
  std::vector<Pose> poses_;
};

// The picture of a depth map: white at `max_depth`, as in the 8-bit grey video.
Image GreyPicture(const DepthView& depth, double max_depth) {
  Image picture(PixelFormat::Rgb(8), depth.width, depth.height);
  const float scale = static_cast<float>(255 / max_depth);
  for (int y = 0; y < depth.height; ++y) {
    const float* z = depth.Row(y);
    uint8_t* r = picture.MutablePlane<uint8_t>(0).Row(y);
    for (int x = 0; x < depth.width; ++x)
      r[x] = static_cast<uint8_t>(std::min(z[x] * scale, 255.0f) + 0.5f);
    std::copy_n(r, depth.width, picture.MutablePlane<uint8_t>(1).Row(y));
    std::copy_n(r, depth.width, picture.MutablePlane<uint8_t>(2).Row(y));
  }
  return picture;
}

std::string FrameName(int64_t number, const char* ending) {
  char name[32];
  std::snprintf(name, sizeof(name), "%07lld.%s", static_cast<long long>(number), ending);
  return name;
}

// Empty if no grey video is asked for.
std::string GreyOutput(const ExportJobOptions& options) {
  if (!options.bit8 && !options.bit16) return "";
  return OutputName(options.output, options.depth_video,
                    options.bit16 ? "_grey16.mkv" : "_grey8.mkv");
}

class ExportJob {
 public:
  ExportJob(const ExportJobOptions& options, const RunControl& control)
      : options_(options),
        meter_(control),
        first_frame_(std::max<int64_t>(0, options.min_frames)),
        wants_geometry_(!options.ply_folder.empty() || !options.obj_folder.empty()),
        grey_output_(GreyOutput(options)),
        outputs_(options.job.overwrite),
        input_(InputOptions()),
        width_(input_.depth_info().width),
        height_(input_.depth_info().height),
        poses_(options) {
    if (wants_geometry_)
      camera_.emplace(options.fov, input_.depth_tags(), width_, height_,
                      input_.lead_info().sample_aspect, options.job.limits);
    if (WantsGrey()) OpenGreyWriter();
  }

  ExportJobReport Run() {
    std::vector<AnyQueue*> queues = input_.queues();
    queues.push_back(&grey_);
    queues.push_back(&geometry_);
    std::atomic<int64_t> total{input_.expected_frames()};
    StageThreads threads(queues);
    input_.Start(&threads);
    threads.Start([this] { Distribute(); });
    if (grey_writer_) threads.Start([this] { WriteGrey(); });
    if (wants_geometry_)
      for (int i = 0; i < GeometryWriters(); ++i) threads.Start([this] { WriteGeometry(); });
    threads.Run(&meter_, wants_geometry_ ? geometry_done_ : grey_done_, total);
    // May still cancel: nothing has appeared yet.
    meter_.Finish(wants_geometry_ ? geometry_done_ : grey_done_);

    if (grey_writer_) grey_writer_->Finish();
    outputs_.CommitAll();

    ExportJobReport report;
    report.frames = wants_geometry_ ? geometry_done_ : grey_done_;
    report.grey_output = grey_output_;
    report.files = files_;
    report.width = width_;
    report.height = height_;
    return report;
  }

 private:
  bool WantsGrey() const { return options_.bit8 || options_.bit16; }

  PairedInputOptions InputOptions() {
    AddInputs(&outputs_, options_);
    if (!grey_output_.empty()) grey_target_ = outputs_.AddFile(grey_output_);
    if (!options_.ply_folder.empty()) ply_ = outputs_.AddFolder(options_.ply_folder);
    if (!options_.obj_folder.empty()) obj_ = outputs_.AddFolder(options_.obj_folder);
    PairedInputOptions input;
    input.depth_video = options_.depth_video;
    if (wants_geometry_) input.color_video = options_.color_video;
    input.color_format = PixelFormat::Rgb(8);
    input.depth.video.limits = options_.job.limits;
    input.depth.video.num_threads = options_.job.num_threads;
    input.depth.max_depth = options_.depth.max_depth;
    input.depth.encoding = options_.depth.encoding;
    input.first_frame = first_frame_;
    input.max_frames = options_.job.max_frames;
    return input;
  }

  void OpenGreyWriter() {
    const VideoInfo& source = input_.depth_info();
    DepthVideoWriterOptions writer;
    writer.codec.encoding = GreyEncoding(options_.bit16 ? 16 : 8);
    writer.codec.max_depth = input_.depth_codec().max_depth;
    writer.tags = input_.depth_tags();
    writer.video.codec = VideoCodec::kFfv1;
    writer.video.time_base = source.time_base;
    writer.video.frame_rate = source.frame_rate;
    writer.video.sample_aspect = source.sample_aspect;
    writer.video.num_threads = options_.job.num_threads;
    grey_writer_.emplace(*grey_target_, width_, height_, writer);
  }

  int GeometryWriters() const {
    const int64_t bytes = kFrameBytesPerPixel * width_ * height_;
    const int64_t fitting = std::max<int64_t>(2, kGeometryBytes / bytes);
    return static_cast<int>(std::min<int64_t>(ResolveThreads(options_.job.num_threads), fitting));
  }

  void Distribute() {
    int64_t number = first_frame_;
    while (std::optional<PairedFrame> pair = input_.Pop()) {
      if (wants_geometry_) geometry_.Push({number, pair->depth.depth, pair->color.image});
      if (grey_writer_) grey_.Push(std::move(pair->depth));
      ++number;
    }
    grey_.Close();
    geometry_.Close();
  }

  void WriteGrey() {
    while (std::optional<DepthFrame> frame = grey_.Pop()) {
      grey_writer_->Write(frame->depth.Plane<float>(), frame->pts, frame->duration);
      ++grey_done_;
    }
  }

  void WriteGeometry() {
    TearRule rule;
    rule.enabled = options_.remove_edges;
    rule.disparity = options_.tear_disparity;
    rule.depth = options_.tear_depth;
    rule.baseline = options_.tear_baseline;
    DepthMesher mesher(rule);
    while (std::optional<GeometryFrame> frame = geometry_.Pop()) {
      const DepthView depth = frame->depth.Plane<float>();
      const Camera camera = camera_->At(frame->number);
      const Pose pose = poses_.At(frame->number);
      if (frame->color.empty()) frame->color = GreyPicture(depth, input_.depth_codec().max_depth);
      mesher.SetDepth(depth, camera);
      if (ply_) {
        const std::string name = FrameName(frame->number, "ply");
        GeometryCounts counts = mesher.counts();
        counts.triangles = 0;  // a cloud
        const std::unique_ptr<GeometryWriter> writer = NewPlyWriter(ply_->AddFile(name), counts);
        mesher.AddPoints(frame->color.view(), pose, writer.get());
        writer->Finish();
        ++files_;
      }
      if (obj_) {
        const std::string name = FrameName(frame->number, "obj");
        const std::unique_ptr<GeometryWriter> writer =
            NewObjWriter(obj_->AddFile(name), mesher.counts());
        mesher.AddPoints(frame->color.view(), pose, writer.get());
        mesher.AddTriangles(writer.get());
        writer->Finish();
        ++files_;
      }
      ++geometry_done_;
    }
  }

  const ExportJobOptions& options_;
  ProgressMeter meter_;
  int64_t first_frame_;
  bool wants_geometry_;
  std::string grey_output_;
  OutputSet outputs_;
  std::optional<OutputTarget> grey_target_;
  std::optional<OutputFolder> ply_;
  std::optional<OutputFolder> obj_;
  PairedInput input_;
  int width_;
  int height_;
  Poses poses_;
  std::optional<ClipCamera> camera_;
  std::optional<DepthVideoWriter> grey_writer_;
  BoundedQueue<DepthFrame> grey_{0};
  BoundedQueue<GeometryFrame> geometry_{0};
  std::atomic<int64_t> grey_done_{0};
  std::atomic<int64_t> geometry_done_{0};
  std::atomic<int64_t> files_{0};
};

}  // namespace

ExportJobReport RunExportJob(const ExportJobOptions& options, const RunControl& control) {
  options.Check();
  return ExportJob(options, control).Run();
}

}  // namespace mdvt
