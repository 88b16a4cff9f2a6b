// SPDX-License-Identifier: Apache-2.0
//
// Metric depth by networks that give metres: one job for all of them, driven by what the model file
// says of itself, and one set of options for each program that users of these networks know.
#pragma once

#include <string>

#include "mdvt/pipeline/fov_track.h"
#include "mdvt/pipeline/jobs.h"

namespace mdvt {

enum class NetworkFamily {
  kUnidepth,          // unidepth_video: the field of view has to be given
  kUnik3d,            // unik3d_video
  kMoge,              // moge_video
  kDepthPro,          // depthpro_video
  kVideoDepthMetric,  // videoanythingmetric_video: networks of windows
  kDepthAnything3,    // video_da3
};

struct NetworkVideoJobOptions {
  NetworkFamily family;
  DepthJobOptions depth = WithModel();  // engine "model"
  std::string output_dir;               // folder for the output; empty: as depth.output says

  // As jobs have it.
  JobOptions& job = depth.job;

  explicit NetworkVideoJobOptions(NetworkFamily the_family) : family(the_family) {}
  NetworkVideoJobOptions(const NetworkVideoJobOptions& other)
      : family(other.family), depth(other.depth), output_dir(other.output_dir) {}
  NetworkVideoJobOptions& operator=(const NetworkVideoJobOptions& other) {
    family = other.family;
    depth = other.depth;
    output_dir = other.output_dir;
    return *this;
  }

  // Throws Error(kInvalidArgument): for unidepth_video also without a field of view.
  void Check() const;

 private:
  static DepthJobOptions WithModel() {
    DepthJobOptions options;
    options.source.engine = "model";
    return options;
  }
};
void Describe(OptionList* list, NetworkVideoJobOptions* options);

// The options of one program.
template <NetworkFamily the_family>
struct FamilyJobOptions : NetworkVideoJobOptions {
  FamilyJobOptions() : NetworkVideoJobOptions(the_family) {}
};
using UnidepthVideoJobOptions = FamilyJobOptions<NetworkFamily::kUnidepth>;
using Unik3dVideoJobOptions = FamilyJobOptions<NetworkFamily::kUnik3d>;
using MogeVideoJobOptions = FamilyJobOptions<NetworkFamily::kMoge>;
using DepthProVideoJobOptions = FamilyJobOptions<NetworkFamily::kDepthPro>;
using VideoDepthMetricJobOptions = FamilyJobOptions<NetworkFamily::kVideoDepthMetric>;
using Da3VideoJobOptions = FamilyJobOptions<NetworkFamily::kDepthAnything3>;

// As RunDepthJob(); also writes <output>_xfovs.json where the field of view is given or the network
// tells it. Throws Error(kUnsupported) for a network whose depth is not metric, or that sees single
// pictures where the family sees windows and the reverse.
DepthJobReport RunNetworkVideoJob(const NetworkVideoJobOptions& options,
                                  const RunControl& control = {});

}  // namespace mdvt
