// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/stabilize.h"
#include "pipeline/clip_pair.h"
#include "pipeline/job_common.h"
#include "pipeline/steadier.h"

namespace mdvt {
namespace {

class StabilizeDepthJob {
 public:
  StabilizeDepthJob(const StabilizeDepthJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(OutputName(options.output, options.depth_video, "_stable.mkv")),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        pair_(PairOptions()) {
    const DepthVideoReader& depth = *pair_.depth().file();
    const VideoInfo& info = depth.info();
    FovOptions fov = options.fov;
    const DepthTags tags = depth.tags();
    if (fov.empty() && !tags.CameraFor(info.width, info.height)) fov.xfov_deg = kDefaultXfovDeg;
    cameras_.emplace(fov, tags, info.width, info.height, info.sample_aspect, options.job.limits);
    FovOptions typical = fov;
    typical.xfov_file.clear();
    if (!fov.xfov_file.empty()) typical.xfov_deg = cameras_->typical_xfov_deg();
    camera_ =
        ClipCamera(typical, tags, info.width, info.height, info.sample_aspect, options.job.limits)
            .At(0);
    DepthVideoWriterOptions writer;
    writer.codec = depth.codec();
    writer.tags = tags;
    writer.video = LosslessLike(info, graph_.pool());
    writer_.emplace(video_, info.width, info.height, writer);
  }

  StabilizeDepthReport Run() {
    DepthClip clip;
    const VideoInfo& info = pair_.depth().file()->info();
    clip.camera = camera_;
    clip.frame_rate = info.frame_rate;
    clip.pool = graph_.pool();
    pair_.depth().Start(clip);
    Steadier steadier(options_.stabilizer, camera_, info.frame_rate, pair_.lead_info().color, false,
                      graph_.pool());
    auto steady = graph_.Then(pair_.Frames(&graph_).Holding(1), &steadier);
    graph_.Into(std::move(steady), [this](PairedFrame pair) {
      cameras_->At(pair.depth.index);  // names a file that ends too early
      writer_->Write(std::move(pair.depth.depth), pair.depth.pts, pair.depth.duration);
    });
    graph_.Run("stabilize", pair_.expected_frames());
    Require(graph_.frames_done() > 0, Code::kCorrupt,
            "'" + options_.depth_video + "' has no frames");
    writer_->Finish();
    outputs_.CommitAll();
    StabilizeDepthReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    report.shots = steadier.shots();
    report.scale_change =
        100 * std::sqrt(steadier.squared_log_scales() / static_cast<double>(report.frames));
    report.width = info.width;
    report.height = info.height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    return outputs_.AddFile(output_);
  }

  ClipPairOptions PairOptions() {
    ClipPairOptions pair;
    pair.source.engine = "file";
    pair.source.file.path = options_.depth_video;
    pair.source.file.reading = options_.depth;
    pair.color_video = options_.color_video;
    pair.reader = ReaderOptions(options_.job, graph_.pool());
    pair.one_picture = options_.job.one_picture;
    pair.max_frames = options_.job.max_frames;
    return pair;
  }

  const StabilizeDepthJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  OutputTarget video_;
  ClipPair pair_;
  std::optional<ClipCamera> cameras_;
  Camera camera_;  // the typical one
  std::optional<DepthVideoWriter> writer_;
};

}  // namespace

void Describe(OptionList* list, StabilizeOptions* options) {
  static const EnumNames<StabilizerKind> kinds = {{"none", StabilizerKind::kNone},
                                                  {"flow", StabilizerKind::kFlow},
                                                  {"nvds", StabilizerKind::kNvds}};
  static const EnumNames<FrameAlignment> alignments = {{"auto", FrameAlignment::kAuto},
                                                       {"affine", FrameAlignment::kAffine},
                                                       {"scale", FrameAlignment::kScale},
                                                       {"off", FrameAlignment::kOff}};
  const std::vector<std::string> flow = {"flow"}, nvds = {"nvds"};
  const auto kind = [options] {
    return std::string(options->kind == StabilizerKind::kFlow   ? "flow"
                       : options->kind == StabilizerKind::kNvds ? "nvds"
                                                                : "none");
  };
  list->Section("stabilizer");
  list->Field("stabilizer", &options->kind, kinds,
              "make depth steady over time: flow: along the flow of the pictures, without a "
              "network; nvds: by the network of --nvds_backbone and --nvds_head")
      .Implied(kind);
  list->Field("stabilizer_lookahead", &options->lookahead, {0, 256}, "FRAMES",
              "frames that a frame waits for; 0: none, for live work")
      .OnlyWith("stabilizer", flow);
  list->Field("stabilizer_align", &options->align, alignments,
              "bring whole frames to one scale and shift of 1 / depth; auto: scale for metric "
              "depth, affine for relative")
      .OnlyWith("stabilizer", flow);
  list->Field("stabilizer_memory_ms", &options->memory_ms, {1, 60000}, "MS",
              "how long the past counts at most")
      .OnlyWith("stabilizer", flow);
  list->Field("stabilizer_leak", &options->leak_seconds, {0, 3600, true, false}, "SECONDS",
              "without lookahead: how fast the scale goes back to what frames say themselves")
      .OnlyWith("stabilizer", flow)
      .OnlyWith("stabilizer_lookahead", {"0"});
  list->Field("stabilizer_short_side", &options->short_side, {32, 4096}, "PIXELS",
              "short side of the pictures that flow is found in")
      .OnlyWith("stabilizer", flow);
  list->Field("stabilizer_cuts", &options->cuts, "start anew at hard cuts")
      .Switch()
      .OnlyWith("stabilizer", {"flow", "nvds"});
  list->Field("nvds_backbone", &options->nvds_backbone, "FILE", "first half of the network")
      .Input()
      .RequiredWith("stabilizer", nvds)
      .OnlyWith("stabilizer", nvds);
  list->Field("nvds_head", &options->nvds_head, "FILE", "second half of the network")
      .Input()
      .RequiredWith("stabilizer", nvds)
      .OnlyWith("stabilizer", nvds);
  DescribeDevice(list, "nvds_device", &options->nvds_device,
                 "where that network runs: cpu, cuda or cuda:N")
      .OnlyWith("stabilizer", nvds);
  list->Field("nvds_trust_model", &options->nvds_trust_model,
              "open that network though no manifest.json lists it: a model is a program")
      .OnlyWith("stabilizer", nvds);
}

void StabilizeOptions::Check() const {
  Require(kind != StabilizerKind::kNvds || (!nvds_backbone.empty() && !nvds_head.empty()),
          Code::kInvalidArgument,
          "the stabilizer nvds needs both halves of its network: nvds_backbone and nvds_head");
}

void Describe(OptionList* list, StabilizeDepthJobOptions* options) {
  list->Field("depth_video", &options->depth_video, "FILE", "depth video").Input(true).Required();
  list->Field("color_video", &options->color_video, "FILE", "color video of the same frames")
      .Input(true)
      .Required();
  list->Field("output", &options->output, "FILE", "depth video (.mkv), or a folder")
      .Output()
      .Default("<depth_video>_stable.mkv");
  Describe(list, &options->depth);
  Describe(list, &options->stabilizer);
  list->Field("live", &options->live, "the same as --stabilizer_lookahead 0")
      .OnlyWith("stabilizer", {"flow"})
      .Preset({{"stabilizer_lookahead", "0"}});
  Describe(list, &options->fov, "from the depth file, else 60 across; it matters little");
  for (const char* name : {"xfov", "yfov", "xfov_file"})
    list->Refine(name).OnlyWith("stabilizer", {"flow"});
  list->Refine("xfov_file").help =
      "horizontal field of view of each frame, in degrees; wins over both; the middle one of all "
      "is taken";
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
}

void StabilizeDepthJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  stabilizer.Check();
  Require(stabilizer.kind != StabilizerKind::kNone, Code::kInvalidArgument,
          "stabilizer is none: there would be nothing to do, choose flow or nvds");
  Require(!live || stabilizer.kind == StabilizerKind::kNvds || stabilizer.lookahead == 0,
          Code::kInvalidArgument, "live means no lookahead");
}

StabilizeDepthReport RunStabilizeDepthJob(const StabilizeDepthJobOptions& options,
                                          const RunControl& control) {
  options.Check();
  return StabilizeDepthJob(options, control).Run();
}

}  // namespace mdvt
