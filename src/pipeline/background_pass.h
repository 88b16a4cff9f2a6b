// SPDX-License-Identifier: Apache-2.0
//
// The first pass over a clip that gathers what stands behind its foreground.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mdvt/io/output_set.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/stereo_scene.h"
#include "pipeline/clip_pair.h"
#include "pipeline/job_common.h"
#include "pipeline/scene_views.h"

namespace mdvt {

struct BackgroundInput {
  ClipPairOptions clip;  // to be read once more; its depth comes from a file
  PixelFormat format;    // of the views, see SceneViews
  ColorInfo color;       // nothing in it unknown
  const ClipCamera* camera = nullptr;
  const PerFrame<Pose>* poses = nullptr;
  Pose file_from_world = Pose::Identity();  // see FileFromWorld()
  const StereoSceneOptions* options = nullptr;
  Limits limits;
};

// Reads the clip through `graph`, unless all is loaded, and loads and saves as the options say.
// `save` is where to; null: nowhere. Throws what the readers throw, and Error(kRefused) if there is
// no background.
std::shared_ptr<const PlateSurfaces> GatherBackground(const BackgroundInput& input, Graph* graph,
                                                      const OutputTarget* save);

}  // namespace mdvt
