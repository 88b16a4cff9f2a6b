// SPDX-License-Identifier: Apache-2.0
//
// The small text files that travel with a video: FOV, convergence, transformations, batch lists.
// Each Parse function is pure (text in, values out) and takes the bare tokens NaN, Infinity and
// -Infinity that Python writes. All throw Error(kCorrupt) naming the place, kLimit for too much
// text, nesting or entries; the Read functions also kNotFound and kIo, naming the file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/core/pose.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

// Every Parse function reads (data, size) and nothing else; a UTF-8 byte order mark is skipped.

// <depth>_xfovs.json: horizontal FOV in degrees per frame, each in (0, 180).
std::vector<double> ParseFov(const char* data, size_t size, const Limits& limits = {});
std::vector<double> ReadFovFile(const std::string& path, const Limits& limits = {});

// <depth>_convergence_depths.json: metres per frame; NaN or null = not known (NaN in the result),
// 0 = parallel eyes, and so is Infinity, which becomes 0. Negative values are kCorrupt.
std::vector<double> ParseConvergence(const char* data, size_t size, const Limits& limits = {});
std::vector<double> ReadConvergenceFile(const std::string& path, const Limits& limits = {});

// <depth>_transformations.json: camera-to-world per frame, 4x4 row-major. Rotations that are off by
// less than 1e-3 (largest entry of |R^T R - I|) are made orthonormal (with one warning for a file
// that is off by more than 1e-5); farther off, mirrored or not finite is kCorrupt.
std::vector<Pose> ParseTransformations(const char* data, size_t size, const Limits& limits = {});
std::vector<Pose> ReadTransformationsFile(const std::string& path, const Limits& limits = {});

// Batch list: one path per line, UTF-8, white space trimmed, blank lines and lines that begin with
// '#' skipped. A line in double quotes stands for what is between them, blanks and all. Relative
// paths stay as they are. At most 1,000,000 entries.
std::vector<std::string> ParseBatchList(const char* data, size_t size, const Limits& limits = {});
std::vector<std::string> ReadBatchList(const std::string& path, const Limits& limits = {});
// True if `path` ends in .txt in any case: then it stands for a batch list.
bool IsBatchList(const std::string& path);

// How a value that is not known is written: strict JSON knows null only, the original toolbox
// reads NaN only.
enum class MissingValue { kNull, kNan };

// Written on one line under a temporary name, synced, then renamed. Throw Error(kIo), and
// kInvalidArgument for a value that the reader would refuse.
void WriteFovFile(const OutputTarget& target, const std::vector<double>& xfov_deg);
void WriteConvergenceFile(const OutputTarget& target, const std::vector<double>& depth,
                          MissingValue missing = MissingValue::kNull);
void WriteTransformationsFile(const OutputTarget& target, const std::vector<Pose>& world_from_cam);

// The texts of those files.
std::string FormatFov(const std::vector<double>& xfov_deg);
std::string FormatConvergence(const std::vector<double>& depth,
                              MissingValue missing = MissingValue::kNull);
std::string FormatTransformations(const std::vector<Pose>& world_from_cam);

}  // namespace mdvt
