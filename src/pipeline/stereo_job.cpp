// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/clip_pair.h"
#include "pipeline/eye_inputs.h"
#include "pipeline/eye_maker.h"
#include "pipeline/job_common.h"
#include "pipeline/shot_pass.h"
#include "pipeline/stereo_settings.h"

namespace mdvt {
namespace {

class StereoJob {
 public:
  StereoJob(const StereoJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job.num_threads, control),
        settings_(Settle(options)),
        output_(settings_.output),
        mask_output_(options.holes.writes_mask() ? output_ + "_infillmask.mkv" : ""),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        input_(InputOptions()),
        width_(input_.lead_info().width),
        height_(input_.lead_info().height),
        layout_(LayoutOf(options.frame.canvas)),
        canvas_(
            PlanCanvas(StereoCanvas(options), width_, height_, input_.lead_info().sample_aspect)),
        render_format_(PackedFormat(layout_, canvas_, input_.lead_info().format)),
        output_format_(options.encode.Format(settings_.codec, render_format_, canvas_.frame_width,
                                             canvas_.frame_height,
                                             layout_.samples == MixSamples::kFullChroma)),
        camera_(Fov(), input_.depth_tags(), width_, height_, input_.lead_info().sample_aspect,
                options.job.limits),
        // Otherwise nothing is carried from frame to frame.
        inputs_(&input_.depth(), CarriesOver() ? options.steady.cuts : SceneCuts::kOff,
                options.steady, options.job.limits, input_.lead_info(), input_.lead_info().format,
                graph_.pool()) {
    EyeSource source;
    source.format = input_.lead_info().format;
    source.width = width_;
    source.height = height_;
    source.color = ResolveColor(input_.lead_info().color, source.format, height_);
    StartDepth(source.color);
    EyePlaces places = PlacesFor(options, Placement::kMetric, SubtitledVideo(), source.color,
                                 Shots(), input_.depth().file(), canvas_, render_format_);
    places.camera = camera_;
    EyeOptions eyes = EyesFor(options);
    eyes.placement = Placement::kMetric;
    maker_.emplace(eyes, layout_, canvas_, source, places, graph_.pool());
    OpenWriters();
  }

  StereoJobReport Run() {
    auto rendered = graph_.Then(Inputs(), &*maker_);
    if (mask_writer_) {
      auto both = graph_.Split(std::move(rendered), &WithoutHoles, &WithoutImage);
      Encode(std::move(both.first));
      EncodeMasks(std::move(both.second).Holding(1));
    } else {
      Encode(std::move(rendered));
    }
    graph_.Run("stereo",
               options_.preview.Frames(input_.expected_frames(), input_.lead_info().frame_rate));

    if (sheet_) maker_->sheet().Write(*sheet_);
    if (mask_writer_) mask_writer_->Finish();
    writer_->Finish(input_.EndOfColorStreams());
    outputs_.CommitAll();

    StereoJobReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    report.mask_output = mask_output_;
    report.width = canvas_.frame_width;
    report.height = canvas_.frame_height;
    report.hole_share = maker_->mean_hole_share();
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!mask_output_.empty()) mask_ = outputs_.AddFile(mask_output_);
    const std::string& sheet = options_.preview.contact_sheet;
    if (!sheet.empty()) sheet_ = outputs_.AddFile(sheet);
    return outputs_.AddFile(output_);
  }

  // Without a color video the picture of the depth file is the texture.
  const std::string& Colors() const {
    return options_.color_video.empty() ? options_.source.file.path : options_.color_video;
  }

  ClipPairOptions InputOptions() {
    ClipPairOptions input;
    input.source = options_.source;
    input.color_video = Colors();
    input.reader = ReaderOptions(options_.job, graph_.pool());
    input.one_picture = options_.job.one_picture;
    input.max_frames = options_.job.max_frames;
    return input;
  }

  // A depth file has a field of view of its own, or wants one to be given.
  FovOptions Fov() {
    const bool computed = input_.depth().file() == nullptr;
    return computed ? FovOrUsual(options_.fov, true) : options_.fov;
  }

  void StartDepth(const ColorInfo& color) {
    DepthClip clip;
    clip.camera = camera_.At(0);
    clip.xfovs_deg = camera_.xfovs_deg();
    clip.frame_rate = input_.lead_info().frame_rate;
    clip.color = color;
    clip.metres = true;
    clip.pool = graph_.pool();
    input_.depth().Start(clip);
  }

  bool CarriesOver() const {
    return options_.steady.Smooths() || options_.eyes.convergence_auto ||
           options_.comfort.viewer != Comfort::kNone;
  }

  // Subtitles are those of the colours, which without a video of their own have none.
  VideoInfo SubtitledVideo() const {
    VideoInfo info = input_.lead_info();
    info.path = Colors();
    return info;
  }

  // What is smoothed over time must not look past a cut.
  std::vector<int64_t> Shots() {
    if (options_.eyes.convergence_file.empty()) return {};
    return FindShots(&graph_, Colors(), options_.steady, options_.job);
  }

  Stream<EyeInput> Inputs() {
    const double tick = input_.lead_info().time_base.ToDouble();
    auto number = [tick, next = int64_t{0}](PairedFrame pair) mutable {
      InputFrame input;
      input.index = next++;
      input.pts = pair.color.pts;
      input.duration = pair.color.duration;
      input.seconds = static_cast<double>(input.pts) * tick;
      input.pair = std::move(pair);
      return input;
    };
    auto frames = graph_.Map(input_.Frames(&graph_), std::move(number));
    // Computing has a thread of its own.
    if (input_.depth().file() != nullptr) return graph_.Map(std::move(frames), &inputs_);
    return graph_.Then(std::move(frames).Holding(1), &inputs_).Holding(1);
  }

  void OpenWriters() {
    const VideoInfo& source = input_.lead_info();
    output_color_ = EncodedColor(source.color, render_format_, output_format_, source.height);
    DepthTags tags;
    tags.kind = layout_.kind;
    tags.source = FileName(source.path);
    tags.xfov_deg = camera_.typical_xfov_deg();

    VideoWriterOptions video =
        WriterOptions(options_.encode, settings_.codec, source, options_.job, graph_.pool());
    video.frame_rate = options_.preview.Rate(source.frame_rate);
    video.sample_aspect = canvas_.sample_aspect;
    video.color = output_color_;
    video.stereo = layout_.Tag(options_.swap_eyes);
    video.right_eye_first = options_.swap_eyes;
    video.tags = tags.ToTags();
    if (!options_.preview.active()) video.copy_streams_from = options_.color_video;
    video.copy_text = !options_.subtitles.burn();
    writer_.emplace(video_, output_format_, canvas_.frame_width, canvas_.frame_height, video);
    if (mask_)
      mask_writer_.emplace(*mask_, PixelFormat::Rgb(8), canvas_.frame_width, canvas_.frame_height,
                           MaskWriterOptions(video, options_.holes.mask_style(), output_));
  }

  static PackedFrame WithoutHoles(const PackedFrame& frame) {
    return {frame.image, nullptr, frame.pts, frame.duration};
  }
  static PackedFrame WithoutImage(const PackedFrame& frame) {
    return {Image(), frame.holes, frame.pts, frame.duration};
  }

  void Encode(Stream<PackedFrame> frames) {
    graph_.Into(std::move(frames), [this](const PackedFrame& frame) {
      writer_->Write(converter_.Convert(frame.image, output_color_, output_format_), frame.pts,
                     frame.duration);
    });
  }

  void EncodeMasks(Stream<PackedFrame> frames) {
    graph_.Into(std::move(frames), [this](const PackedFrame& frame) {
      const auto paint = [&](int y, const MutableImageView& band) {
        PaintPackedMask(canvas_, *frame.holes, options_.holes.mask_style(), y, band);
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
  std::optional<OutputTarget> sheet_;
  OutputTarget video_;
  ClipPair input_;
  int width_;  // of the input
  int height_;
  const ViewLayout layout_;
  ViewCanvas canvas_;
  PixelFormat render_format_;
  PixelFormat output_format_;
  ColorInfo output_color_;
  ClipCamera camera_;
  EyeInputs inputs_;
  std::optional<EyeMaker> maker_;
  std::optional<VideoWriter> writer_;
  std::optional<VideoWriter> mask_writer_;
  ColorConverter converter_;
};

}  // namespace

StereoJobReport RunStereoJob(const StereoJobOptions& options, const RunControl& control) {
  options.Check();
  return StereoJob(options, control).Run();
}

}  // namespace mdvt
