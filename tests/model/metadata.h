// SPDX-License-Identifier: Apache-2.0
//
// Metadata of small models, as JSON in which tests change single keys.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mdvt::test {

// A depth network for pictures of any multiple of 2 up to 64.
inline nlohmann::json DepthMetadata() {
  return nlohmann::json::parse(R"({
    "format": 1, "kind": "depth", "name": "small",
    "source": {"upstream": "mdvt's tests", "license": "Apache-2.0"},
    "torch": {"exported_with": "1.13.1", "min": "1.13"},
    "inputs": [{"name": "image", "layout": "NCHW", "range": [0, 1], "color": "rgb",
                "normalize": "in_module",
                "size": {"rule": "cover", "target": [16, 16], "multiple": 2,
                         "round": "nearest_even", "keep_aspect": true, "dynamic": true,
                         "min": [2, 2], "max": [64, 64]},
                "resample": "cubic_opencv"}],
    "outputs": [{"name": "depth", "layout": "NCHW", "quantity": "disparity", "scale": "affine",
                 "unit": null, "resample": "bilinear_align_corners", "non_negative": true}],
    "batch": {"dynamic": true, "max": 4},
    "precision": ["fp32", "fp16_cuda"]})");
}

}  // namespace mdvt::test
