// SPDX-License-Identifier: Apache-2.0
//
// Metric depth by a network that is told the camera, such as UniDepth: the field of view is given,
// not guessed.
#pragma once

#include <string>

#include "mdvt/pipeline/jobs.h"

namespace mdvt {

struct UnidepthVideoJobOptions {
  DepthJobOptions depth = WithModel();  // engine "model"
  std::string output_dir;               // folder for the output; empty: as depth.output says

  // Throws Error(kInvalidArgument): also without a field of view.
  void Check() const;

  // As jobs have it.
  JobOptions& job = depth.job;

  UnidepthVideoJobOptions() = default;
  UnidepthVideoJobOptions(const UnidepthVideoJobOptions& other)
      : depth(other.depth), output_dir(other.output_dir) {}
  UnidepthVideoJobOptions& operator=(const UnidepthVideoJobOptions& other) {
    depth = other.depth;
    output_dir = other.output_dir;
    return *this;
  }

 private:
  static DepthJobOptions WithModel() {
    DepthJobOptions options;
    options.source.engine = "model";
    return options;
  }
};
void Describe(OptionList* list, UnidepthVideoJobOptions* options);

// As RunDepthJob(). Throws Error(kUnsupported) for a network whose depth is not metric.
DepthJobReport RunUnidepthVideoJob(const UnidepthVideoJobOptions& options,
                                   const RunControl& control = {});

}  // namespace mdvt
