// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/stereo/convergence.h"
#include "pipeline/clip_pair.h"
#include "pipeline/job_common.h"
#include "pipeline/stereo_settings.h"

namespace mdvt {
namespace {

using EyeHoles = std::array<HoleMap, 2>;  // of the left and the right half of the picture

struct RenderedFrame {
  Image image;                      // both eyes, render format
  std::shared_ptr<EyeHoles> holes;  // for the mask; null without one
  int64_t pts = 0;
  int64_t duration = 0;
};

// Half of a picture of odd width has no chroma of its own where chroma is subsampled across.
PixelFormat RenderFormat(const PixelFormat& color, int width) {
  if (color.chroma_shift_x > 0 && width % 2 != 0) return PixelFormat::Yuv(444, color.bits);
  return color;
}

// FFV1 keeps what was rendered. H.264 is for players: 4:2:0 wherever the size allows, 10 bits
// where the source has more than 8.
PixelFormat OutputFormat(const PixelFormat& rendered, int height, bool compressed) {
  if (!compressed) return rendered;
  return PixelFormat::Yuv(height % 2 == 0 ? 420 : 444, rendered.bits > 8 ? 10 : 8);
}

// The tags of a picture that was converted from RGB or gray to YUV say by which matrix.
ColorInfo OutputColor(const VideoInfo& source, const PixelFormat& rendered,
                      const PixelFormat& output) {
  if (rendered.model == output.model) return source.color;
  ColorInfo color = source.color;
  color.matrix = 2;
  color.full_range = false;
  return ResolveColor(color, output, source.height);
}

// The convergence distance of each frame in metres, 0 = parallel eyes.
class Convergence {
 public:
  Convergence(const StereoJobOptions& options, Rational frame_rate)
      : fixed_(options.convergence.value_or(0)), file_(options.convergence_file) {
    if (file_.empty()) return;
    per_frame_ = ReadConvergenceFile(file_, options.job.limits);
    // Without a rate in the file a usual one: it only sets how many frames half a second is.
    per_frame_ =
        SmoothConvergence(per_frame_, frame_rate.IsPositive() ? frame_rate : Rational{24, 1});
  }

  double At(int64_t frame) const {
    if (file_.empty()) return fixed_;
    Require(frame < static_cast<int64_t>(per_frame_.size()), Code::kCorrupt,
            "'" + file_ + "' holds the convergence of " +
                CountOf(static_cast<int64_t>(per_frame_.size()), "frame") +
                ", the depth video has more");
    return per_frame_[static_cast<size_t>(frame)];
  }

 private:
  double fixed_;
  std::string file_;
  std::vector<double> per_frame_;
};

double BaselineFactor(const StereoSettings& options, const Camera& camera) {
  const double half_source = camera.width / (2 * camera.fx);  // tan(xfov / 2)
  const double half_master = std::tan(options.master_xfov_deg * M_PI / 360);
  switch (options.baseline_rule) {
    case BaselineRule::kPlain:
      return options.baseline_scale;
    case BaselineRule::kMaster:
      return options.baseline_scale * half_master / half_source;
    case BaselineRule::kOrtho:
      return options.baseline_scale * half_source / half_master;
  }
  return options.baseline_scale;
}

int64_t HolePixels(const HoleMap& holes) {
  int64_t pixels = 0;
  for (const auto& row : holes.rows)
    for (const HoleSpan& span : row) pixels += span.end - span.begin;
  return pixels;
}

class StereoJob {
 public:
  StereoJob(const StereoJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job.num_threads, control),
        settings_(Settle(options)),
        output_(settings_.output),
        mask_output_(settings_.write_infill_mask ? output_ + "_infillmask.mkv" : ""),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        input_(InputOptions()),
        width_(input_.depth_info().width),
        height_(input_.depth_info().height),
        render_format_(RenderFormat(input_.lead_info().format, width_)),
        output_format_(OutputFormat(render_format_, height_, settings_.compressed)),
        camera_(options.fov, input_.depth_tags(), width_, height_, input_.lead_info().sample_aspect,
                options.job.limits),
        convergence_(options, input_.lead_info().frame_rate),
        renderer_(ColoredAs(settings_.stereo, input_.lead_info(), render_format_), graph_.pool()),
        filler_({}, graph_.pool()),
        images_(render_format_, 2 * width_, height_),
        holes_([] { return std::make_unique<EyeHoles>(); }) {
    if (render_format_ != input_.lead_info().format) input_.ConvertColorTo(render_format_);
    OpenWriters();
  }

  StereoJobReport Run() {
    auto rendered = graph_.Then(input_.Frames(&graph_),
                                [this](PairedFrame pair) { return Render(std::move(pair)); });
    if (mask_writer_) {
      auto both = graph_.Split(std::move(rendered), &WithoutHoles, &WithoutImage);
      Encode(std::move(both.first));
      EncodeMasks(std::move(both.second).Holding(1));
    } else {
      Encode(std::move(rendered));
    }
    graph_.Run("stereo", input_.expected_frames());

    if (mask_writer_) mask_writer_->Finish();
    writer_->Finish();
    outputs_.CommitAll();

    StereoJobReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    report.mask_output = mask_output_;
    report.width = 2 * width_;
    report.height = height_;
    report.hole_share = static_cast<double>(hole_pixels_) /
                        (2.0 * width_ * height_ * static_cast<double>(report.frames));
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!mask_output_.empty()) mask_ = outputs_.AddFile(mask_output_);
    return outputs_.AddFile(output_);
  }

  ClipPairOptions InputOptions() {
    ClipPairOptions input;
    input.depth_video = options_.depth_video;
    // Without a color video the picture of the depth file is the texture.
    input.color_video = options_.color_video.empty() ? options_.depth_video : options_.color_video;
    input.depth.video.limits = options_.job.limits;
    input.depth.video.pool = graph_.pool();
    input.depth.max_depth = options_.depth.max_depth;
    input.depth.encoding = options_.depth.encoding;
    input.max_frames = options_.job.max_frames;
    return input;
  }

  void OpenWriters() {
    const VideoInfo& source = input_.lead_info();
    output_color_ = OutputColor(source, render_format_, output_format_);
    DepthTags tags;
    tags.kind = "sbs";
    tags.source = FileName(source.path);
    tags.xfov_deg = camera_.typical_xfov_deg();

    VideoWriterOptions video;
    video.codec = settings_.compressed ? VideoCodec::kH264 : VideoCodec::kFfv1;
    video.time_base = source.time_base;
    video.frame_rate = source.frame_rate;
    video.sample_aspect = source.sample_aspect;
    video.color = output_color_;
    video.stereo = StereoLayout::kSideBySide;
    video.tags = tags.ToTags();
    video.copy_streams_from = options_.color_video;
    video.num_threads = options_.job.num_threads;
    video.pool = graph_.pool();
    writer_.emplace(video_, output_format_, 2 * width_, height_, video);
    if (!mask_) return;

    VideoWriterOptions mask;
    mask.codec = VideoCodec::kFfv1;
    mask.time_base = source.time_base;
    mask.frame_rate = source.frame_rate;
    mask.sample_aspect = source.sample_aspect;
    mask.tags = {{"MDVT_VERSION", "1"},
                 {"MDVT_KIND", "infillmask"},
                 {"MDVT_ENCODING",
                  settings_.mask_style == InfillMaskStyle::kGreen ? "green8" : "normal8-v2"},
                 {"MDVT_SOURCE", FileName(output_)}};
    mask.pool = graph_.pool();
    mask_writer_.emplace(*mask_, PixelFormat::Rgb(8), 2 * width_, height_, mask);
  }

  static StereoOptions ColoredAs(StereoOptions stereo, const VideoInfo& source,
                                 const PixelFormat& format) {
    stereo.color = ResolveColor(source.color, format, source.height);
    return stereo;
  }

  static RenderedFrame WithoutHoles(const RenderedFrame& frame) {
    return {frame.image, nullptr, frame.pts, frame.duration};
  }
  static RenderedFrame WithoutImage(const RenderedFrame& frame) {
    return {Image(), frame.holes, frame.pts, frame.duration};
  }

  RenderedFrame Render(PairedFrame pair) {
    const int64_t index = next_index_++;
    Camera camera = camera_.At(index);
    camera.fx *= BaselineFactor(settings_, camera);  // disparity is fx * baseline / z
    Image both = images_.Get();
    std::shared_ptr<EyeHoles> holes = holes_.Get();
    const size_t left = options_.swap_eyes ? 1 : 0;
    std::array<EyeView, 2> halves;
    for (size_t half = 0; half < 2; ++half) {
      halves[half].image =
          both.mutable_view().Crop(static_cast<int>(half) * width_, 0, width_, height_);
      halves[half].holes = &(*holes)[half];
    }
    renderer_.Render(pair.color.image.view(), pair.depth.depth.Plane<float>(), camera,
                     convergence_.At(index), halves[left], halves[1 - left]);
    for (const EyeView& eye : halves) {
      hole_pixels_ += HolePixels(*eye.holes);
      if (settings_.fill == HoleFill::kFill) filler_.Fill(*eye.holes, eye.image);
    }
    if (!mask_writer_) holes.reset();
    return {std::move(both), std::move(holes), pair.color.pts, pair.color.duration};
  }

  void Encode(Stream<RenderedFrame> frames) {
    graph_.Into(std::move(frames), [this](const RenderedFrame& frame) {
      writer_->Write(converter_.Convert(frame.image, output_color_, output_format_), frame.pts,
                     frame.duration);
    });
  }

  void EncodeMasks(Stream<RenderedFrame> frames) {
    graph_.Into(std::move(frames), [this](const RenderedFrame& frame) {
      const auto paint = [&](int y, const MutableImageView& band) {
        for (int half = 0; half < 2; ++half)
          PaintInfillMaskRows((*frame.holes)[static_cast<size_t>(half)], settings_.mask_style, y,
                              band.Crop(half * width_, 0, width_, band.height));
      };
      mask_writer_->Write(paint, frame.pts, frame.duration);
    });
  }

  const StereoJobOptions& options_;
  Graph graph_;
  const StereoSettings settings_;
  std::string output_;
  std::string mask_output_;
  OutputSet outputs_;
  std::optional<OutputTarget> mask_;
  OutputTarget video_;
  ClipPair input_;
  int width_;  // of one eye
  int height_;
  PixelFormat render_format_;
  PixelFormat output_format_;
  ColorInfo output_color_;
  ClipCamera camera_;
  Convergence convergence_;
  StereoRenderer renderer_;
  DirectionalFill filler_;
  ImagePool images_;
  ObjectPool<EyeHoles> holes_;
  std::optional<VideoWriter> writer_;
  std::optional<VideoWriter> mask_writer_;
  ColorConverter converter_;
  int64_t next_index_ = 0;
  int64_t hole_pixels_ = 0;
};

}  // namespace

StereoJobReport RunStereoJob(const StereoJobOptions& options, const RunControl& control) {
  options.Check();
  return StereoJob(options, control).Run();
}

}  // namespace mdvt
