// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/output_set.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/clip_pair.h"
#include "pipeline/clip_poses.h"
#include "pipeline/cloud_page.h"
#include "pipeline/depth_mesher.h"
#include "pipeline/export_format.h"
#include "pipeline/job_common.h"
#include "pipeline/track_cloud.h"

namespace mdvt {
namespace {

// Each writer of formats holds a frame of depth and color, about so many bytes per pixel.
constexpr int64_t kFrameBytesPerPixel = 8;
// All of them together hold about this much, or two frames.
constexpr int64_t kGeometryBytes = int64_t{32} << 20;

struct NumberedFrame {
  int64_t number = 0;  // in the clip
  DepthEstimate depth;
  Image color;  // Rgb(8)
};

DepthEncoding GreyEncoding(int bits) {
  return bits == 16 ? DepthEncoding::kGray16Legacy : DepthEncoding::kGray8;
}

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

// Empty if no grey video is asked for.
std::string GreyOutput(const ExportJobOptions& options) {
  if (!options.bit8 && !options.bit16) return "";
  return OutputName(options.output, options.depth_video,
                    options.bit16 ? "_grey16.mkv" : "_grey8.mkv");
}

// Those that see the same frames.
struct Exporters {
  std::vector<std::unique_ptr<Exporter>> all;
  bool use_geometry = false;
};

class ExportJob {
 public:
  ExportJob(const ExportJobOptions& options, const RunControl& control)
      : options_(options),
        control_(control),
        graph_(options.job, control),
        first_frame_(std::max<int64_t>(0, options.min_frames)),
        wants_formats_(!options.exports.empty() || options.save_alembic),
        grey_output_(GreyOutput(options)),
        outputs_(options.job.overwrite),
        input_(InputOptions()),
        depth_(*input_.depth().file()),
        width_(depth_.info().width),
        height_(depth_.info().height),
        poses_(ClipPoses(options.transformation_file, options.transformation_lock_frame,
                         options.job.limits)) {
    if (wants_formats_)
      camera_.emplace(options.fov, depth_.tags(), width_, height_, input_.lead_info().sample_aspect,
                      options.job.limits);
    if (WantsGrey()) OpenGreyWriter();
    if (!options.tracks.empty()) tracks_.emplace(options, &outputs_, &graph_);
    if (!options.tracks.export_html.empty())
      page_folder_.emplace(outputs_.AddFolder(options.tracks.export_html));
  }

  ExportJobReport Run() {
    ExportJobReport report;
    if (tracks_) {
      report.tracks = tracks_->Run();
      report.frames = report.tracks->frames;
      track_points_ = tracks_->best_points();
      HandTracksOver();
    }
    if (WantsGrey() || wants_formats_) report.frames = Export();
    if (page_folder_) WriteCloudPage(tracks_->Page(), *page_folder_);
    outputs_.CommitAll();
    report.grey_output = grey_output_;
    report.files = files_;
    report.alembic_output = alembic_output_;
    report.width = width_;
    report.height = height_;
    if (options_.tracks.shows() && !page_folder_)
      ServeCloudPage(tracks_->Page(), options_.tracks.port, options_.on_ready, control_);
    return report;
  }

 private:
  // The frames that were written.
  int64_t Export() {
    auto frames = graph_.Map(
        input_.Frames(&graph_), [this](PairedFrame pair) -> std::optional<NumberedFrame> {
          const int64_t number = next_number_++;
          if ((number - first_frame_) % options_.frame_step != 0) return std::nullopt;
          return NumberedFrame{number, std::move(pair.depth), std::move(pair.color.image)};
        });
    if (grey_writer_ && wants_formats_) {
      auto both = graph_.Split(std::move(frames));
      WriteGrey(std::move(both.first));
      WriteFormats(std::move(both.second));
    } else if (wants_formats_) {
      WriteFormats(std::move(frames));
    } else {
      WriteGrey(std::move(frames));
    }
    graph_.Run("export", input_.expected_frames() / options_.frame_step);

    for (const auto& exporter : in_order_.all) files_ += exporter->Finish();
    if (grey_writer_) grey_writer_->Finish();
    return graph_.frames_done();
  }

  void HandTracksOver() {
    if (std::none_of(ExportFormats().begin(), ExportFormats().end(), [this](const auto& format) {
          return format.takes_tracks && options_.exports.count(format.name) != 0;
        }))
      return;
    const std::vector<SeenPoint> seen = tracks_->Seen();
    for (const auto& exporter : in_order_.all) exporter->TakeTracks(seen);
  }

  bool WantsGrey() const { return options_.bit8 || options_.bit16; }

  ClipPairOptions InputOptions() {
    AddInputs(&outputs_, options_);
    if (!grey_output_.empty()) grey_target_ = outputs_.AddFile(grey_output_);
    OpenExporters();
    OpenAlembic();
    ClipPairOptions input;
    input.source.file = {options_.depth_video, options_.depth};
    if (wants_formats_) input.color_video = options_.color_video;
    input.color_format = PixelFormat::Rgb(8);
    input.reader = ReaderOptions(options_.job, graph_.pool());
    input.one_picture = options_.job.one_picture;
    input.first_frame = first_frame_;
    input.max_frames = options_.job.max_frames;
    return input;
  }

  void OpenGreyWriter() {
    const VideoInfo& source = depth_.info();
    DepthVideoWriterOptions writer;
    writer.codec.encoding = GreyEncoding(options_.bit16 ? 16 : 8);
    writer.codec.max_depth = depth_.codec().max_depth;
    writer.tags = depth_.tags();
    writer.video = LosslessLike(source, graph_.pool());
    grey_writer_.emplace(*grey_target_, width_, height_, writer);
  }

  int GeometryWriters() {
    const int64_t bytes = kFrameBytesPerPixel * width_ * height_;
    const int64_t fitting = std::max<int64_t>(2, kGeometryBytes / bytes);
    return static_cast<int>(std::min<int64_t>(graph_.pool()->num_threads(), fitting));
  }

  void WriteGrey(Stream<NumberedFrame> frames) {
    graph_.Into(std::move(frames), [this](const NumberedFrame& frame) {
      grey_writer_->Write(frame.depth.depth.Plane<float>(), frame.depth.pts, frame.depth.duration);
    });
  }

  void OpenExporters() {
    ExportSetup setup;
    setup.fixed_camera = options_.fov.xfov_file.empty();
    setup.has_color = !options_.color_video.empty();
    setup.options = &options_;
    for (const ExportFormat& format : ExportFormats()) {
      const auto wanted = options_.exports.find(format.name);
      if (wanted == options_.exports.end()) continue;
      Exporters& group = format.per_frame ? per_frame_ : in_order_;
      group.all.push_back(format.make(setup, wanted->second, &outputs_));
      group.use_geometry = group.use_geometry || format.uses_geometry;
    }
  }

  void OpenAlembic() {
    if (!options_.save_alembic) return;
    // A name given for the grey video is none for this.
    alembic_output_ =
        OutputName(WantsGrey() ? "" : options_.output, options_.depth_video, "_alembic.abc");
    in_order_.all.push_back(
        NewAlembicExporter(options_, alembic_output_, &outputs_, &track_points_, &control_));
    in_order_.use_geometry = in_order_.use_geometry || options_.tracks.empty();
  }

  void WriteFormats(Stream<NumberedFrame> frames) {
    if (per_frame_.all.empty()) return WriteInOrder(std::move(frames));
    if (in_order_.all.empty()) return WriteInAnyOrder(std::move(frames));
    auto both = graph_.Split(std::move(frames));
    WriteInOrder(std::move(both.first));
    WriteInAnyOrder(std::move(both.second));
  }
  void WriteInOrder(Stream<NumberedFrame> frames) {
    graph_.Into(std::move(frames), FrameWriter(&in_order_));
  }
  void WriteInAnyOrder(Stream<NumberedFrame> frames) {
    graph_.IntoEach(std::move(frames), GeometryWriters(),
                    [this] { return FrameWriter(&per_frame_); });
  }

  // Writes a frame in all formats of a list, with a mesher of its own.
  std::function<void(const NumberedFrame&)> FrameWriter(Exporters* exporters) {
    std::optional<TearRule> rule;
    if (options_.remove_edges) rule = options_.tear;
    return [this, exporters, mesher = DepthMesher(rule, options_.tear_baseline)](
               const NumberedFrame& frame) mutable {
      const DepthView depth = frame.depth.depth.Plane<float>();
      Image color = frame.color;
      if (color.empty() && exporters->use_geometry)
        color = GreyPicture(depth, depth_.codec().max_depth);
      ExportFrame out;
      out.number = frame.number;
      out.seconds = static_cast<double>(frame.depth.pts) * depth_.info().time_base.ToDouble();
      out.frame_rate = depth_.info().frame_rate;
      out.depth = depth;
      out.color = color.view();
      out.camera = camera_->At(frame.number);
      out.world_from_cam = poses_.At(frame.number);
      out.axes_from_cam = AxesFromWorld(options_.axes) * out.world_from_cam;
      if (exporters->use_geometry) {
        mesher.SetDepth(depth, out.camera);
        out.mesher = &mesher;
      }
      for (const auto& exporter : exporters->all) files_ += exporter->Write(out);
    };
  }

  const ExportJobOptions& options_;
  const RunControl& control_;
  Graph graph_;
  int64_t first_frame_;
  int64_t next_number_ = first_frame_;
  bool wants_formats_;
  std::string grey_output_;
  std::string alembic_output_;
  std::vector<TrackCloudPoint> track_points_;
  OutputSet outputs_;
  std::optional<OutputTarget> grey_target_;
  Exporters per_frame_;
  Exporters in_order_;
  ClipPair input_;
  const DepthVideoReader& depth_;
  int width_;
  int height_;
  PerFrame<Pose> poses_;
  std::optional<ClipCamera> camera_;
  std::optional<DepthVideoWriter> grey_writer_;
  std::optional<TrackCloud> tracks_;
  std::optional<OutputFolder> page_folder_;
  std::atomic<int64_t> files_{0};
};

}  // namespace

ExportJobReport RunExportJob(const ExportJobOptions& options, const RunControl& control) {
  options.Check();
  return ExportJob(options, control).Run();
}

}  // namespace mdvt
