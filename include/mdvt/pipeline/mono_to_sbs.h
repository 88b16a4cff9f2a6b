// SPDX-License-Identifier: Apache-2.0
//
// Colour video to stereo video in one run, with no depth file in between: decoding, depth and
// rendering, and encoding overlap, and the video is decoded once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/run.h"
#include "mdvt/depth/disparity_range.h"
#include "mdvt/depth/disparity_smoother.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/view_options.h"
#include "mdvt/stereo/shift_control.h"
#include "mdvt/stereo/view_layout.h"

namespace mdvt {

// What a source of depth is made for.
struct DepthEngineInput {
  Camera camera;        // of the first frame, from MonoToSbsJobOptions.fov
  Rational frame_rate;  // of the frames that it will be given; 0/1 if not known
  ThreadPool* pool;     // outlives the estimator
};
// Called once per run, before anything is written; the estimator is then used by one other thread.
using DepthEngine = std::function<std::unique_ptr<DepthEstimator>(const DepthEngineInput&)>;

enum class WarpKind {
  kForward,   // nearest surface first, with holes that are filled from their background
  kBackward,  // see BackwardWarp: for comparison with older converters
};

// The engine that runs a depth model: relative ones give relative disparity. Opens the model unless
// it is loaded, at the first run, and keeps it for the next.
DepthEngine ModelEngine(const DepthModelOptions& options);

// What a run does, once the input is known.
struct MonoToSbsPlan {
  int source_width = 0;
  int source_height = 0;
  Rational source_rate{0, 1};  // 0/1: not known, or not constant
  Rational output_rate{0, 1};  // of the file; 0/1 as above
  ViewCanvas canvas;
  PixelFormat format;    // of the file
  double max_shift = 0;  // pixels of one eye, before it is squeezed
  int latency = 0;       // frames between decoding and rendering
};

struct MonoToSbsJobOptions {
  JobOptions job;
  std::string input;
  std::string output;  // .mp4, .m4v, .mov or .mkv; empty: <input>_sbs.mp4

  // Where depth comes from. An engine of your own wins over `source`.
  DepthEngine engine;
  DepthSourceOptions source;
  FovOptions fov;  // of the camera; nothing given: kDefaultXfovDeg

  NormalizerOptions norm;
  std::optional<double> norm_lo, norm_hi;  // both: norm.fixed
  SteadyOptions steady;

  Placement placement = Placement::kNormalized;
  // kMetric: needs depth in metres. The distance at which the pictures coincide, where it is given,
  // also holds for kNormalized, in place of `convergence`.
  MetricEyeOptions eyes;

  ComfortOptions comfort;  // with it, kMetric, and without any convergence given, that is auto
  SubtitleOptions subtitles;

  // The rest is for kNormalized.
  // Parallax between the nearest and the farthest point, in pixels of one eye before it is
  // squeezed. Empty: an eightieth of the eye's width, 24 pixels at 1920. Wins over shift.max_shift.
  std::optional<double> max_shift;
  ShiftOptions shift;
  ConvergenceOptions convergence;
  // The option "convergence" as it was given; empty: it was not. It means `convergence`, or a
  // convergence of `eyes`: the name of a file always, metres and auto with kMetric.
  std::string convergence_given;
  WarpKind warp = WarpKind::kForward;
  bool swap_eyes = false;
  HoleOptions holes;  // of the forward warp

  FrameOptions frame;

  // Frames per second of the output, constant: frames nearest to each tick, shown twice where there
  // are too few. 0 = every frame at its own time. Valid: 0 or [0.1, 1000].
  double fps = 0;
  PreviewOptions preview;

  EncodeOptions encode;  // without an ending that tells: x264

  bool parity = false;  // as options: do as the original converter where nothing else is given

  // Called once, on the calling thread, before the first frame.
  std::function<void(const MonoToSbsPlan&)> on_start;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, MonoToSbsJobOptions* options);

// What a run does, in words: its plan and the value of every option.
std::vector<std::pair<std::string, std::string>> MonoToSbsFacts(const MonoToSbsJobOptions& options,
                                                                const MonoToSbsPlan& plan);

struct MonoToSbsReport {
  int64_t frames = 0;  // written
  std::string output;
  std::string mask_output;  // empty if none was asked for
  int scenes = 0;
  double hole_share = 0;        // mean share of the picture per eye that the source did not show
  double observed_share = 0;    // of those, what other frames have shown
  double mean_shift = 0;        // of all frames, in pixels of one eye before it is squeezed
  int64_t measured_frames = 0;  // depth from motion: as in DepthJobReport
  double path_uncertainty = 0;
  int64_t unsure_frames = 0;
  int width = 0;  // of the output: both eyes
  int height = 0;
};

// H.264 with 4:2:0, 10 bits where the source has more than 8; tagged as stereo in container and
// stream. Disparity of any engine is brought to [0, 1] (norm), smoothed (smoothing) and shown as
//
//   parallax = x_right - x_left = (convergence - disparity) shift
//
// Memory: the engine's own, and as many decoded frames as it and norm.lookahead hold back.
// Throws what the readers, the writer and the engine throw, and Error: kInvalidArgument (options,
// output is the input), kRefused (norm.mode kMetric with an engine without metres), kCancelled.
MonoToSbsReport RunMonoToSbsJob(const MonoToSbsJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
