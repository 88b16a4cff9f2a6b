// SPDX-License-Identifier: Apache-2.0
//
// Models of the fake backend, which is registered through the C interface.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "capi/picture.h"
#include "model/fake_backend.h"
#include "model/metadata.h"

namespace mdvt::test {

// The one table of this program.
inline void RegisterFakeFromC() {
  static const mdvt_backend kTable = FakeTable();
  MDVT_ASSERT_OK(mdvt_backend_register(&kTable));
}

// Metadata with the figures of a network that gives the mean of the channels of a 4 x 4 picture,
// `off` beside what they are.
inline nlohmann::json CheckedMetadata(double off = 0) {
  nlohmann::json metadata = DepthMetadata();
  double sum = 0, squares = 0;
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 4; ++x) {
      double mean = 0;
      for (int c = 0; c < 3; ++c) {
        const double u = (x + 0.5) / 4, v = (y + 0.5) / 4, turn = 2 * 3.14159265358979323846;
        mean += (0.5 + 0.25 * (u - 0.5) * (1 - 0.25 * c) +
                 0.25 * std::sin(0.37 * (c + 1) + turn * (3 * u + 2 * v))) /
                3;
      }
      sum += mean;
      squares += mean * mean;
    }
  }
  const double mean = sum / 16;
  metadata["check"] = {{"shape", {1, 3, 4, 4}},
                       {"mean", {mean + off}},
                       {"std", {std::sqrt(squares / 16 - mean * mean)}},
                       {"tol", 1e-4}};
  return metadata;
}

// Writes a model that does what `behaviour` says, see fake_backend.h. Returns the path.
inline std::string FakeModel(const std::string& path, const std::string& behaviour = "mean",
                             const nlohmann::json& metadata = CheckedMetadata()) {
  RegisterFakeFromC();
  std::ofstream(path) << behaviour << "\n" << metadata.dump();
  return path;
}

}  // namespace mdvt::test
