// SPDX-License-Identifier: Apache-2.0
//
// The field of view that the motion of a clip tells.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/run.h"
#include "mdvt/core/track_table.h"
#include "mdvt/geometry/alignment.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

struct MotionFov {
  FocalStatus status = FocalStatus::kNotObservable;
  std::string reason;        // why not
  double xfov = 0;           // degrees across
  double low = 0, high = 0;  // its 95 % interval; 0 if it has no end
  std::optional<FocalCalibration> focal;

  bool Usable(bool weak_too) const {
    return status == FocalStatus::kObservable || (weak_too && status == FocalStatus::kWeak);
  }
};

struct MotionFovSearch {
  AlignmentOptions alignment;                 // its camera is not used
  std::function<Camera(double xfov)> camera;  // of the clip
  std::vector<double> starts = {60, 40, 85};  // degrees, tried in turn
  bool weak_will_do = false;                  // do not try on for a better one
  bool has_depth = false;                     // else the depths are all 0
};

// The surest answer of the starts, up to the first one that is sure. Throws as AlignCameras(), but
// nothing for tracks that do not tell.
MotionFov FovFromMotion(const TrackTable& tracks, const std::vector<float>& depths,
                        const MotionFovSearch& search, const RunControl& control);

// For a job whose depth depends on a field of view that was not given: what the first 90 frames of
// `video` tell, with a line that says how sure it is; else kDefaultXfovDeg, with a warning. One
// more decoding of these frames, in a graph of its own that shows no progress: jobs tell what they
// are going to do, and check what they are given, around it. A file that can be read once only is
// not looked at. Throws what the reader throws, and Error(kCancelled).
FovOptions LearnFov(const std::string& video, const JobOptions& job,
                    const std::atomic<bool>* cancelled);

}  // namespace mdvt
