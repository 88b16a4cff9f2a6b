// SPDX-License-Identifier: Apache-2.0
//
// How much memory a forward pass takes, before it is run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "mdvt/model/model.h"
#include "mdvt/model/size_rules.h"

namespace mdvt {

// The most bytes that were there at once, of what Model::TraceMemory() tells.
int64_t PeakOfTrace(const std::vector<int64_t>& events);

// Bytes beside the weights of a pass over pictures of this size.
//
// Where PlansMemory() nothing is run: for networks whose inputs are batches or windows of pictures.
//
// Else for a network whose only input is a batch of pictures (NCHW), from passes over one picture
// with an eighth and a quarter of its sides (a tenth of the time of the pass itself, together). As
// long as the events of both are of the same tensors, each tells how it grows: with the pixels, or
// with their square as those of attention. From where they part (convolutions are done in other
// ways at other sizes), sizes that occur in both stay as they are and others grow with the pixels.
// Nothing where the backend or the device does not tell, where the network knows one size only or
// fails at those sizes, and for sides below 128, where it does not matter.
std::optional<int64_t> EstimatePassMemory(const Model& model, PixelSize size, int batch);

// Whether the backend tells the memory of a pass from the file (ONNX Runtime on the CPU).
bool PlansMemory(const Model& model);

struct PassMemoryCheck {
  PixelSize size;        // of the network's input
  int batch = 1;         // pictures at once
  int side_by_side = 1;  // passes at once
  int input_size = 0;    // side that the size follows from, 0: cannot be chosen
  // The size that follows from another such side.
  std::function<PixelSize(int input_size)> size_of;
};

// Throws Error(kOutOfMemory) if that would not fit into AvailableMemory(), with the largest input
// size that would: rather than fail in the middle of it, or be killed.
void RequirePassMemory(const Model& model, const PassMemoryCheck& check);

}  // namespace mdvt
