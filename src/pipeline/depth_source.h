// SPDX-License-Identifier: Apache-2.0
//
// One way for all jobs to have the depth of their frames. A built-in engine is a file
// NAME_engine.cpp with a function that returns its DepthEngineInfo, and a line in the table of
// depth_engines.cpp: every job that can use it offers it then, with its options.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/object_pool.h"
#include "mdvt/core/camera.h"
#include "mdvt/core/pose.h"
#include "mdvt/core/stage.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/depth_source.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/depth_watch.h"

namespace mdvt {

// A frame of a clip and its depth.
struct PairedFrame {
  DepthEstimate depth;  // its image is empty until it has been found
  Frame color;          // empty image if no colour video was given
  // Camera-to-world in the scale of the depth, of the same world up to the next frame whose depth
  // starts a scene; empty unless the engine has measured it.
  std::optional<Pose> world_from_cam;
};

// The frames that depth is wanted of.
struct DepthClip {
  Camera camera;                  // of the first frame
  std::vector<double> xfovs_deg;  // one per frame if it zooms, else empty
  Rational frame_rate{0, 1};      // 0/1 if not known
  ColorInfo color;
  bool metres = false;          // relative depth has to become metres, by scene_scale
  bool own_camera = false;      // engines that tell the camera take it frame by frame
  double camera_smoothing = 0;  // see ModelCameraOptions
  bool keeps_pictures = true;   // colours come out with the depth
  ThreadPool* pool = nullptr;   // outlives the source
};

// What is paired with a depth that is read: the colour video, and which of its frames.
struct JoinedColor {
  std::optional<Stream<Frame>> frames;  // none: the depth alone
  const VideoInfo* info = nullptr;      // of the colour video; null: none
  int64_t first_frame = 0;              // frames before it are read and dropped
  int64_t end = INT64_MAX;              // they end before this one, whatever the video holds
};

struct DepthFacts {
  bool translation_found = true;  // false: depth is a guess
  int64_t measured_frames = 0;
  double path_uncertainty = 0;  // see MotionReport
  int64_t unsure_frames = 0;
  std::vector<Pose> world_from_cam;  // of engines that find the camera's path
  std::string model;                 // its name in its metadata; empty: none
  std::string model_license;
  std::optional<DisparityCalibration> calibration;  // of a relative model
  std::vector<double> xfovs_deg;                    // of each frame, of networks that tell them
};

// Depth that is read comes with Join(), of every frame of the clip; depth that is computed comes
// out of the stage, which gets only frames that are wanted. A job does both, in that order.
class DepthSource : public Stage<PairedFrame, PairedFrame> {
 public:
  // ---- Known from the beginning.

  // Whether the numbers depend on the field of view.
  virtual bool needs_fov() const { return true; }
  // Whether it tells the field of view itself where none is given.
  virtual bool tells_fov() const { return false; }
  // The file that depth is read from; null: it is computed.
  virtual const DepthVideoReader* file() const { return nullptr; }

  // Fits relative depth to a reference, as a phase of the graph. To be called before Start().
  // Throws Error(kInvalidArgument) if there is nothing to fit, and as CalibrateByReference().
  virtual DisparityFitResult Fit(const ReferenceCalibrationOptions& reference,
                                 const DepthClip& clip, Graph* graph);
  // Of engines that tell it: the median field of view, in degrees across, of frames spread over the
  // clip, as a phase of the graph. To be called before Start().
  virtual double FindFov(const std::string& color_video, const Limits& limits,
                         const DepthClip& clip, Graph* graph);
  virtual void Start(const DepthClip& clip) = 0;

  // ---- From Start() on.

  // Throws Error(kInvalidArgument) that names both files if they do not belong together.
  // At the end of the stream as DepthWatch::Tell(), here or in the stage.
  virtual Stream<PairedFrame> Join(Graph* graph, JoinedColor color);
  virtual DepthFacts facts() const { return {}; }
};

// Depth that an estimator computes from pictures, which it gets in its own format.
class EstimatorSource : public DepthSource {
 public:
  using Maker = std::function<std::unique_ptr<DepthEstimator>(const DepthClip&)>;
  explicit EstimatorSource(Maker make) : make_(std::move(make)) {}

  void Start(const DepthClip& clip) override;
  int latency() const override { return estimator_->latency(); }
  int group() const override { return estimator_->group(); }
  void Push(PairedFrame pair) override;
  void Finish() override;
  std::optional<PairedFrame> Pop() override;

  // As the estimator: a network can, depth from motion holds a window of pictures and cannot.
  bool CanSave() const override { return estimator_->CanSave(); }
  void Save(State* state) const override;
  void Load(const State& state) override;

 protected:
  EstimatorSource() = default;
  virtual std::unique_ptr<DepthEstimator> Make(const DepthClip& clip) { return make_(clip); }

 private:
  Maker make_;
  std::unique_ptr<DepthEstimator> estimator_;
  DepthClip clip_;
  ColorConverter converter_;
  std::optional<ImagePool> pictures_;
  std::deque<Frame> waiting_;
  std::optional<DepthWatch> watch_;
  int64_t pushed_ = 0;
  int64_t handed_on_ = 0;
  bool finished_ = false;
};

// What an engine may need when its files are opened.
struct DepthOpening {
  Limits limits;
  ThreadPool* pool = nullptr;
  bool tells = true;  // warn of depth that says nothing, see DepthWatch
};

struct DepthEngineInfo {
  const char* name = "";
  const char* help = "";  // "from the camera's own motion"
  // The option that names its file and by that chooses it; null: none.
  const char* file_option = nullptr;
  const char* file_is = "";   // "a model"
  const char* file_how = "";  // "(--model FILE); docs/models.md tells how to make one"
  std::function<bool(const DepthSourceOptions&)> file_given;
  // Its own options. May be empty.
  std::function<void(OptionList*, DepthSourceOptions*)> describe;
  std::function<void(const DepthSourceOptions&)> check;
  // Options of DepthSourceOptions that it shares with others: "input_size", "scene_scale". All
  // engines share "xfov" where only depth needs it.
  std::vector<std::string> shares;
  // What a reader should give it where pictures serve for nothing else; empty: depth is read.
  std::optional<PixelFormat> picture_format;
  bool finds_path = false;  // of the camera
  std::function<std::unique_ptr<DepthSource>(const DepthSourceOptions&, const DepthOpening&)> open;
};

const std::vector<DepthEngineInfo>& DepthEngines();
const DepthEngineInfo& ChosenEngine(const DepthSourceOptions& options);
// Names of the engines that share an option, for Option::OnlyWith("engine", ...).
std::vector<std::string> EnginesWith(const std::string& option, const DepthSourceOptions& options);

// Of the engine "model": whether the numbers of this network depend on the field of view where it
// tells none itself, and whether it does.
bool NetworkNeedsFov(const ModelInfo& info);
bool NetworkTellsFov(const ModelInfo& info);
// Throws Error(kInvalidArgument) for options that change nothing with this network.
void CheckUsed(const DepthSourceOptions& options, const ModelInfo& info);

// The chosen engine, its files opened.
std::unique_ptr<DepthSource> OpenDepthSource(const DepthSourceOptions& options,
                                             const DepthOpening& opening);

}  // namespace mdvt
