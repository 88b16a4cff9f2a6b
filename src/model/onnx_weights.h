// SPDX-License-Identifier: Apache-2.0
//
// What an .onnx file is made of, told without any code of others. The files beside it that hold
// weights of it belong to what is hashed before it is trusted.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mdvt {

// Their names in alphabetical order, each once. Bytes that are no ONNX file, or damaged, name those
// that are met until there.
std::vector<std::string> OutsideWeights(const char* bytes, size_t size);

// Whether the bytes are a whole message that has a graph, as an ONNX file is.
bool HoldsOnnxGraph(const char* bytes, size_t size);

}  // namespace mdvt
