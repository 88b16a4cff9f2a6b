// SPDX-License-Identifier: Apache-2.0
//
// How a product was made, kept beside it as <product>.mdvt.json: it need not be made again as long
// as it would be made in the same way of the same inputs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/json.h"
#include "mdvt/core/limits.h"

namespace mdvt {

// What tells a file from others: its size, and the SHA-256 of its first and last MiB. Of a folder:
// those of its files, by name. Throws Error: kNotFound, kIo.
std::string FileKey(const std::string& path);

struct StepInput {
  std::string role;  // "color_video"
  std::string key;   // FileKey() of a file, KeyOf() of the step that makes it
};

// What the bytes of a product follow from.
struct StepFacts {
  std::string step;     // "depth"
  json::Value options;  // an object
  std::vector<StepInput> inputs;
};

// SHA-256 of the facts and of mdvt's version.
std::string KeyOf(const StepFacts& facts);

std::string ManifestPath(const std::string& product);

// files  all that the step has made, in the folder of `product`, which is one of them
// Throws Error(kIo).
void WriteManifest(const StepFacts& facts, const std::string& product,
                   const std::vector<std::string>& files, double seconds);

// Empty if the step need not be done: the manifest tells the same facts, and the files are there as
// it left them. Else why it has to be, for people: "max_depth is 50, it was 100".
std::string WhyStale(const StepFacts& facts, const std::string& product, const Limits& limits);

// What the manifest says of an input; nothing without one.
std::optional<std::string> InputOf(const std::string& product, const std::string& role,
                                   const Limits& limits);

// Whether there is a manifest, and all that it names is as the step has left it.
bool IsAsMade(const std::string& product, const Limits& limits);

// The files that the manifest of a product names and that are still as the step has left them; none
// without a manifest. With the manifest itself.
std::vector<std::string> OwnFiles(const std::string& product, const Limits& limits);

}  // namespace mdvt
