// SPDX-License-Identifier: Apache-2.0
//
// The figures of a checked stereo video as files.
#pragma once

#include <string>

#include "mdvt/pipeline/check_stereo.h"

namespace mdvt {

std::string CheckStereoJson(const CheckStereoJobOptions& options, const CheckStereoReport& report);

// A page that needs nothing else: plots are SVG in it, and there is no script.
std::string CheckStereoPage(const CheckStereoJobOptions& options, const CheckStereoReport& report);

// "side by side, right", ...: how the eyes of the clip were found to be.
const char* EyesText(StereoClipQuality::Eyes eyes);

}  // namespace mdvt
