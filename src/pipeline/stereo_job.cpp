// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/background_pass.h"
#include "pipeline/clip_pair.h"
#include "pipeline/clip_poses.h"
#include "pipeline/eye_follower.h"
#include "pipeline/eye_inputs.h"
#include "pipeline/eye_maker.h"
#include "pipeline/job_common.h"
#include "pipeline/shot_pass.h"
#include "pipeline/stereo_settings.h"

namespace mdvt {
namespace {

// Of depth that is found in the same run, in a file of the eyes' depth; metres.
constexpr double kComputedRange = 100;
constexpr double kNothingSeen = 0.9999;  // share of holes in all views

class StereoJob {
 public:
  StereoJob(const StereoJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        settings_(Settle(options)),
        output_(settings_.output),
        mask_output_(options.holes.writes_mask() ? output_ + "_infillmask.mkv" : ""),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        input_(InputOptions()),
        width_(input_.lead_info().width),
        height_(input_.lead_info().height),
        poses_(ClipPoses(options.scene.transformation_file, options.scene.transformation_lock_frame,
                         options.job.limits)),
        layout_(LayoutOf(StereoCanvas(options))),
        canvas_(
            PlanCanvas(StereoCanvas(options), width_, height_, input_.lead_info().sample_aspect)),
        render_format_(PackedFormat(RenderLayout(), canvas_, input_.lead_info().format)),
        output_format_(options.encode.Format(
            settings_.codec, PackedFormat(layout_, canvas_, input_.lead_info().format),
            canvas_.frame_width, canvas_.frame_height, layout_.samples == MixSamples::kFullChroma)),
        camera_(Fov(), input_.depth_tags(), width_, height_, input_.lead_info().sample_aspect,
                options.job.limits),
        observe_(ObserveFor(options.holes, PosesKnown(), render_format_, width_, height_,
                            options.job.limits)),
        // Otherwise nothing is carried from frame to frame.
        inputs_(&input_.depth(), CarriesOver() ? options.steady.cuts : SceneCuts::kOff,
                options.steady, options.job.limits, input_.lead_info(), input_.lead_info().format,
                graph_.pool()) {
    color_ = ResolveColor(input_.lead_info().color, input_.lead_info().format, height_);
    StartDepth(color_);
    OpenWriters();
  }

  StereoJobReport Run() {
    MakeEyes();
    auto rendered = graph_.Then(Inputs(), &*maker_);
    if (follower_) rendered = graph_.Then(std::move(rendered).Holding(1), &*follower_);
    if (depth_writer_) {
      auto both = graph_.Split(std::move(rendered), &WithoutDepth, &DepthAlone);
      rendered = std::move(both.first);
      graph_.Into(std::move(both.second).Holding(1), [this](PackedFrame frame) {
        depth_writer_->Write(std::move(frame.depth), frame.pts, frame.duration, graph_.pool());
      });
    }
    if (mask_writer_) {
      auto both = graph_.Split(std::move(rendered), &WithoutHoles, &HolesAlone);
      Encode(std::move(both.first));
      EncodeMasks(std::move(both.second).Holding(1));
    } else {
      Encode(std::move(rendered));
    }
    graph_.Run("stereo",
               options_.preview.Frames(input_.expected_frames(), input_.lead_info().frame_rate));

    if (maker_->mean_hole_share() > kNothingSeen)
      LogWarning(
          "no view shows anything of what was filmed: the cameras of the transformation file are "
          "far from the world's origin, where the viewer is (see --transformation_lock_frame)");
    if (sheet_) maker_->sheet().Write(*sheet_);
    if (mask_writer_) mask_writer_->Finish();
    if (provenance_writer_) provenance_writer_->Finish();
    if (depth_writer_) depth_writer_->Finish();
    writer_->Finish(input_.EndOfColorStreams());
    outputs_.CommitAll();

    StereoJobReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    report.mask_output = mask_output_;
    report.depth_output = settings_.depth_output;
    report.background_output = settings_.background_output;
    report.width = canvas_.frame_width;
    report.height = canvas_.frame_height;
    report.hole_share = maker_->mean_hole_share();
    report.observed_share = follower_ ? follower_->observed_share() : maker_->observed_share();
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!mask_output_.empty()) mask_ = outputs_.AddFile(mask_output_);
    if (!settings_.depth_output.empty()) depth_ = outputs_.AddFile(settings_.depth_output);
    if (!settings_.background_output.empty())
      background_ = outputs_.AddFile(settings_.background_output);
    const std::string& sheet = options_.preview.contact_sheet;
    if (!sheet.empty()) sheet_ = outputs_.AddFile(sheet);
    if (!options_.holes.provenance_output.empty())
      provenance_ = outputs_.AddFile(options_.holes.provenance_output);
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

  // Scenes are drawn in three planes of full size.
  ViewLayout RenderLayout() const {
    ViewLayout layout = layout_;
    if (!options_.scene.HasScene() || layout.samples == MixSamples::kRgb) return layout;
    const bool gray = input_.lead_info().format.model == ColorModel::kGray;
    layout.samples = gray ? MixSamples::kRgb : MixSamples::kFullChroma;
    return layout;
  }

  void MakeEyes() {
    EyeSource source;
    source.format = input_.lead_info().format;
    source.width = width_;
    source.height = height_;
    source.color = color_;
    EyePlaces places =
        PlacesFor(options_, Placement::kMetric, SubtitledVideo(), color_, Shots(),
                  input_.depth().file(), canvas_, render_format_, camera_, graph_.pool());
    EyeOptions eyes = EyesFor(options_, Follows());
    eyes.must_observe = options_.holes.infill == Infill::kObserved;
    eyes.placement = Placement::kMetric;
    eyes.depth = options_.scene.create_sbs_depth_video;
    eyes.observe = observe_;
    if (options_.scene.HasScene()) eyes.scene = Scene();
    if (!options_.scene.transformation_file.empty()) places.poses = poses_;
    if (Follows())
      follower_.emplace(options_.holes, layout_, canvas_,
                        !options_.subtitles.burn() && !options_.preview.active(), render_format_,
                        color_, options_.job.limits, graph_.pool());
    maker_.emplace(eyes, RenderLayout(), canvas_, source, places, graph_.pool());
  }

  SceneOptions Scene() {
    SceneOptions scene;
    scene.poses = poses_;
    scene.view_frame = options_.scene.transformation_lock_frame.value_or(0);
    scene.points = options_.scene.render_as_pointcloud;
    if (!options_.holes.dont_remove_edges) scene.tear = options_.holes.tear;
    if (!options_.scene.HasBackground()) return scene;
    BackgroundInput input;
    input.clip = InputOptions();
    // How the depth is read has been found out, and told, already.
    if (const DepthVideoReader* file = input_.depth().file())
      input.clip.source.file.reading = {file->codec().max_depth, file->codec().encoding};
    input.clip.tells_depth = false;  // the second time will
    input.format = render_format_;
    input.color = color_;
    input.camera = &camera_;
    input.poses = &poses_;
    input.file_from_world =
        FileFromWorld(options_.scene.transformation_file, options_.scene.transformation_lock_frame,
                      options_.job.limits);
    input.options = &options_.scene;
    input.limits = options_.job.limits;
    scene.background = GatherBackground(input, &graph_, background_ ? &*background_ : nullptr);
    return scene;
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

  // Of all frames, in the scale of the depth.
  bool PosesKnown() const {
    return !options_.holes.infill_poses.empty() || !options_.scene.transformation_file.empty() ||
           options_.source.finds_path();
  }

  bool Follows() const { return options_.holes.infill == Infill::kObserved && !PosesKnown(); }

  bool CarriesOver() const {
    return options_.steady.Smooths() || options_.eyes.convergence_auto || observe_ ||
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
    video.equirectangular_deg = canvas_.EquirectangularDeg(layout_);
    video.tags = tags.ToTags();
    if (!options_.preview.active() && options_.copy_streams)
      video.copy_streams_from = options_.color_video;
    video.copy_text = !options_.subtitles.burn();
    writer_.emplace(video_, output_format_, canvas_.frame_width, canvas_.frame_height, video);
    if (mask_)
      mask_writer_.emplace(*mask_, PixelFormat::Rgb(8), canvas_.frame_width, canvas_.frame_height,
                           MaskWriterOptions(video, options_.holes.mask_style(), output_));
    if (provenance_)
      provenance_writer_.emplace(*provenance_, PixelFormat::Gray(8), canvas_.frame_width,
                                 canvas_.frame_height, ProvenanceWriterOptions(video, output_));
    if (depth_) OpenDepthWriter(video);
  }

  void OpenDepthWriter(const VideoWriterOptions& video) {
    DepthVideoWriterOptions depth;
    const DepthVideoReader* file = input_.depth().file();
    depth.codec.max_depth = file != nullptr ? file->codec().max_depth : kComputedRange;
    depth.tags.kind = "sbs_depth";
    depth.tags.source = FileName(output_);
    depth.tags.geometry = canvas_.panel ? DepthGeometry::kRange : DepthGeometry::kZ;
    if (!canvas_.panel) depth.tags.xfov_deg = camera_.typical_xfov_deg();
    depth.video.time_base = video.time_base;
    depth.video.frame_rate = video.frame_rate;
    depth.video.sample_aspect = video.sample_aspect;
    depth.video.pool = graph_.pool();
    depth_writer_.emplace(*depth_, canvas_.frame_width, canvas_.frame_height, depth);
  }

  static PackedFrame WithoutHoles(const PackedFrame& frame) {
    return {frame.image, nullptr, Image(), frame.pts, frame.duration, 1, frame.provenance};
  }
  static PackedFrame HolesAlone(const PackedFrame& frame) {
    return {Image(), frame.holes, Image(), frame.pts, frame.duration, 1, Image()};
  }
  static PackedFrame WithoutDepth(const PackedFrame& frame) {
    return {frame.image, frame.holes, Image(), frame.pts, frame.duration, 1, frame.provenance};
  }
  static PackedFrame DepthAlone(const PackedFrame& frame) {
    return {Image(), nullptr, frame.depth, frame.pts, frame.duration, 1, Image()};
  }

  void Encode(Stream<PackedFrame> frames) {
    graph_.Into(std::move(frames), [this](const PackedFrame& frame) {
      writer_->Write(converter_.Convert(frame.image, output_color_, output_format_), frame.pts,
                     frame.duration);
      if (provenance_writer_)
        provenance_writer_->Write(frame.provenance, frame.pts, frame.duration);
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
  std::optional<OutputTarget> depth_;
  std::optional<OutputTarget> background_;
  std::optional<OutputTarget> sheet_;
  std::optional<OutputTarget> provenance_;
  OutputTarget video_;
  ClipPair input_;
  int width_;  // of the input
  int height_;
  PerFrame<Pose> poses_;
  const ViewLayout layout_;
  ViewCanvas canvas_;
  PixelFormat render_format_;
  PixelFormat output_format_;
  ColorInfo color_;  // of the source, nothing unknown
  ColorInfo output_color_;
  ClipCamera camera_;
  std::optional<ObserveOptions> observe_;
  EyeInputs inputs_;
  std::optional<EyeMaker> maker_;
  std::optional<EyeFollower> follower_;
  std::optional<VideoWriter> writer_;
  std::optional<VideoWriter> mask_writer_;
  std::optional<DepthVideoWriter> depth_writer_;
  std::optional<VideoWriter> provenance_writer_;
  ColorConverter converter_;
};

}  // namespace

StereoJobReport RunStereoJob(const StereoJobOptions& options, const RunControl& control) {
  options.Check();
  return StereoJob(options, control).Run();
}

}  // namespace mdvt
