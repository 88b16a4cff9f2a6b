// SPDX-License-Identifier: Apache-2.0
//
// What the tools that find cameras do alike: set the solver up, and write and tell what it found.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/json.h"
#include "mdvt/core/options.h"
#include "mdvt/io/output_set.h"
#include "mdvt/pipeline/camera_solve.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/tools.h"

namespace mdvt {

// Names of the files about the cameras of a clip, and their places in a set.
struct CameraFiles {
  std::string transformations, camera, report, xfovs;  // empty: not written
  std::optional<OutputTarget> transformations_to, camera_to, report_to, xfovs_to;

  void Stage(OutputSet* outputs);
};

// What to hand to OutputName() for a further file of a run: its own name if that is given, else the
// folder that `output` is, so that all files of the run go there, else nothing.
std::string FurtherOutput(const std::string& given, const std::string& output);

void DescribeCameraFiles(OptionList* list, std::string* output, std::string* camera,
                         std::string* report, std::string* xfovs, bool xfovs_always);

// What is stated in the files beside what was found.
struct CameraFacts {
  std::string tool;
  std::string fov_source;  // "option" or "depth video"
  std::string method;
  int64_t tracks = 0;
  json::Value settings;
  std::vector<double> path_uncertainty;  // of each shot, see TellPath(); empty: not known
};

// Sets what the options say, without the focal length.
void ApplySolve(const CameraSolveOptions& solve, AlignmentOptions* to);

// The field of view in words, where it was asked for: for a warning or, with require_fov and if it
// is not known, Error(kRefused).
void TellFov(const CameraSolveOptions& solve, const CameraAlignment& found);

// A path that is known to this share of its length only, in words: "the path of the camera ...".
std::string UnsurePath(double share);

// "known to 1.3 %", "not known".
std::string PathKnown(double share);
// Fields of a tool's report on the path that depth was measured from, see MotionReport.
void AddPath(ToolReport* to, int64_t measured_frames, double uncertainty, int64_t unsure_frames);

// How well the path of each shot is known, see PathUncertainty(), for the residuals that are left.
// With a warning for each where errors of more than 5 % of its length are to be expected, or that
// turns for all that can be told, if it was not said to. Throws
// Error(kRefused) if there is no shot whose path is known better than to its own length, but some
// whose is not. `depths` are those of AlignCameras().
std::vector<double> TellPath(const CameraSolveOptions& solve, const TrackTable& tracks,
                             const std::vector<float>& depths, const CameraAlignment& found);

void WriteCameraFiles(const CameraFiles& files, const CameraFacts& facts,
                      const CameraAlignment& found);

// `path_uncertainty` as TellPath() gives it; empty: not looked at.
CameraSolveReport SolveReport(const CameraAlignment& found, bool fov_asked,
                              const std::vector<double>& path_uncertainty = {});
// Fields of a tool's report, and its summary.
void DescribeSolve(ToolReport* to, const CameraSolveReport& report);

}  // namespace mdvt
