// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/core/camera.h"
#include "mdvt/geometry/equirect.h"
#include "mdvt/geometry/picture_remap.h"
#include "mdvt/io/rig_clip.h"
#include "mdvt/pipeline/rectify.h"
#include "pipeline/packed_views.h"

namespace mdvt {

// Where the facts of a clip are; meta is empty for an ideal rig.
struct RectifySource {
  std::string meta;
  RigClipChoice choice;
};
RectifySource SourceOf(const RectifyJobOptions& options);

// Throws Error(kInvalidArgument) where neither the options nor the clip tell.
std::string VideoOf(const RectifyJobOptions& options, const RigClip& clip);

Camera CameraOf(const RectifyJobOptions& options);

// What the picture of an eye shows; `guess`: as the options, else its shape, say.
EquirectLayout LayoutOf(const RectifyJobOptions& options, const RigClip& clip, bool guess,
                        const PackedViews& views);

}  // namespace mdvt
