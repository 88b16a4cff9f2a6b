// SPDX-License-Identifier: Apache-2.0
//
// Ordinary pictures of both eyes out of a VR180 video: parallel cameras, rows that match.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/geometry/rig_calibration.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/stereo4d_options.h"

namespace mdvt {

// How a view is taken from the picture of an eye.
enum class RectifySampling {
  kMean,     // at once, the mean over each pixel
  kTwoPass,  // as Stereo4D: a rectified picture of the whole eye first, then the view, both
             // bilinear
};

// What is learnt of the cameras from the clip itself, where no file tells of them.
enum class RigLearning {
  kNone,   // they are held to be turned alike
  kTurns,  // how each is turned
  kLens,   // and what the pictures show across
};

struct RectifyJobOptions {
  JobOptions job;
  std::string color_video;  // VR180; empty: <raw_video_folder>/<video id>.mp4
  // Times, turns and poses; empty: vid or videoid say, else all frames of an ideal rig are taken.
  std::string meta;
  std::string npz_folder = "stereo4d_dataset/npz";
  std::string raw_video_folder = "stereo4d_dataset/raw";
  // vid: <npz_folder>/<vid>.npz; videoid: of the file of clips, which is release_test.json unless
  // meta says. output_folder: empty: beside the video
  Stereo4dClipOptions clip;
  std::string size = "512x512";
  double hfov_deg = 60;
  RectifySampling sampling = RectifySampling::kMean;
  bool bounds_at_centers = true;
  PackingChoice packing = PackingChoice::kAuto;
  bool swap_eyes = false;
  RigLearning calibrate = RigLearning::kNone;
  // What the pictures show where neither meta nor the shape of the picture tells.
  std::optional<double> source_fov_deg;
  std::optional<double> baseline;  // metres, over what meta says
  bool write_equirect = false;
  EncodeOptions encode;  // FFV1 unless another is asked for

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, RectifyJobOptions* options);

struct RectifyReport {
  std::optional<RigCalibration> rig;  // where the cameras were learnt
  int64_t frames = 0;
  std::string left_output;
  std::string right_output;
  int width = 0;  // of a view
  int height = 0;
  double focal_px = 0;
  double baseline = 0;          // metres
  double shown = 1;             // share of the left view that the source shows
  int source_samples = 1;       // of the mean, along the wider axis
  double worst_time_ms = 0;     // between a time asked for and that of its frame
  bool checked = false;         // the next four are known
  double vertical_median = 0;   // |y| of the displacement from the left to the right view, pixels
  double vertical_95 = 0;       // its 95th percentile
  double disparity_median = 0;  // x of what is left minus right, pixels: above 0 in a true pair
};

// Decodes once; one frame and its views are held. Writes into <output_folder>/<name>/ the files
// <name>-left_rectified.mkv, <name>-right_rectified.mkv, <name>-clip.json with what they are (size,
// focal length, baseline, times, turns) and, where poses are known, <name>-transformations.json:
// camera-to-world of the left view. With write_equirect <name>-raw_equirect.mkv and
// <name>-rectified_equirect.mkv too, both eyes side by side. Warns where the rows of the two views
// do not match, and where the eyes seem to be swapped.
// With calibrate eight frames are looked at before, see CalibrateRig().
// Throws what the reader, the writers and ReadRigClip throw, and Error: kInvalidArgument (options,
// outputs are inputs), kCorrupt (no frame near a time of the clip), kRefused (the file says that it
// is packed otherwise; the turn of the cameras cannot be known), kCancelled.
RectifyReport RunRectifyJob(const RectifyJobOptions& options, const RunControl& control = {});

}  // namespace mdvt
