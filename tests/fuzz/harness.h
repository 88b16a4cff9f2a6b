// SPDX-License-Identifier: Apache-2.0
//
// What the fuzzers run on any bytes. A target of libFuzzer calls one of these, and so does the test
// that replays the saved inputs. Each aborts if a promise is broken:
//   no error but Error, of a code that input may cause, with a text of one short line
//   what was read, written and read again is the same
#pragma once

#include <cstddef>
#include <cstdint>

namespace mdvt::fuzz {

// Pairs of key and value, one per line as KEY=VALUE, and the same as the text of a sidecar.
void DepthTagsInput(const uint8_t* data, size_t size);
// The first byte chooses the reader (FOV, convergence, transformations, depth sidecar).
void SidecarJsonInput(const uint8_t* data, size_t size);
// The first byte chooses: metadata of a model, or (odd) a list of models.
void ModelJsonInput(const uint8_t* data, size_t size);
void BatchListInput(const uint8_t* data, size_t size);
// Any bytes as a small picture: encoded depth to depth and back, and an infill mask.
void DepthPixelsInput(const uint8_t* data, size_t size);

// A whole file: the look at its outer structure alone, and reading it as a depth video.
void ContainerInput(const uint8_t* data, size_t size);
void DepthVideoInput(const uint8_t* data, size_t size);

}  // namespace mdvt::fuzz
