// SPDX-License-Identifier: Apache-2.0
//
// The files beside an .onnx file that hold weights of it, told without any code of others: they
// belong to what is hashed before it is trusted.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mdvt {

// Their names in alphabetical order, each once. Bytes that are no ONNX file, or damaged, name those
// that are met until there.
std::vector<std::string> OutsideWeights(const char* bytes, size_t size);

}  // namespace mdvt
