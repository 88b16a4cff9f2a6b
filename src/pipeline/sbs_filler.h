// SPDX-License-Identifier: Apache-2.0
//
// The stage that fills both eyes of side-by-side frames, looking at frames before and after.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/stage.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/infill/observed_fill.h"
#include "mdvt/pipeline/infill_sbs.h"
#include "mdvt/tracking/dense_flow.h"
#include "pipeline/job_common.h"
#include "pipeline/metric_eyes.h"
#include "pipeline/per_frame.h"
#include "pipeline/sbs_pair.h"

namespace mdvt {

struct FillInput {
  SbsFrame sbs;
  // The frame that the eyes were rendered of; empty where that is not known.
  Image color;   // in the format of the eyes
  Image depth;   // GrayF32
  Image moving;  // Gray(8), may be empty
};

struct FilledSbs {
  Image image;
  Image provenance;  // Gray(8); empty unless it is wanted
  int64_t pts = 0;
  int64_t duration = 0;
};

// Where the eyes are, of each frame.
struct FillPlaces {
  ClipCamera camera;
  PerFrame<Pose> poses;
  PerFrame<double> distance;  // metres at which the eyes' pictures coincide, 0 = parallel
  BaselineScale scale;
  double baseline = 0.063;  // metres
  bool right_eye_first = false;
};

// Its state cannot be saved, as that of EyeFollower.
class SbsFiller : public Stage<FillInput, FilledSbs> {
 public:
  // places  empty: depth and cameras are not known
  // `pool` must outlive the object.
  SbsFiller(const InfillSbsJobOptions& options, const PixelFormat& format, const ColorInfo& color,
            std::optional<FillPlaces> places, ThreadPool* pool);
  ~SbsFiller() override;

  int latency() const override { return Looks() ? options_.window : 0; }
  void Push(FillInput frame) override;
  void Finish() override { finished_ = true; }
  std::optional<FilledSbs> Pop() override;

  double hole_share() const;
  double observed_share() const;
  // What a frame that waits takes.
  static int64_t BytesPerFrame(const InfillSbsJobOptions& options, const PixelFormat& format,
                               int eye_width, int eye_height);

 private:
  struct Waiting {
    FillInput input;
    // Of each eye; empty where no motion is wanted.
    std::array<Image, 2> luma;
    std::array<FlowField, 2> to_next, to_previous;
  };

  bool Looks() const { return options_.method == InfillMethod::kObserved; }
  void MeasureMotion(Waiting* before, Waiting* frame);
  FilledSbs Fill(size_t index);
  FillCounts FillEye(size_t index, int eye, const MutableImageView& picture,
                     PlaneView<uint8_t> provenance);
  FillCounts FillObserved(size_t index, int eye, const MutableImageView& picture,
                          PlaneView<uint8_t> provenance);
  FillCounts FillByFlow(size_t index, int eye, const MutableImageView& picture,
                        PlaneView<uint8_t> provenance);

  InfillSbsJobOptions options_;
  PixelFormat format_;
  ColorInfo color_;
  std::optional<FillPlaces> places_;
  ThreadPool* pool_;
  DirectionalFill directional_;
  ObservedFill observed_;
  FlowFill flow_fill_;
  std::array<ColorConverter, 2> to_luma_;
  std::vector<DenseFlow> flows_;
  std::deque<Waiting> window_;
  size_t next_ = 0;  // of the window, the frame to be filled
  bool finished_ = false;
  FillCounts counts_;
  int64_t pixels_ = 0;
};

}  // namespace mdvt
