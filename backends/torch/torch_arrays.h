// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic on pictures and maps on the device of a network: load(), calculate() and reduce() of
// mdvt_backend.h. Everything here throws as torch_model.h.
#pragma once

#include <vector>

#include "torch_model.h"

namespace mdvt::torch_backend {

using Numbers = c10::ArrayRef<double>;

at::Tensor Load(const TorchModel& model, const mdvt_backend_planes& planes);
at::Tensor Calculate(const TorchModel& model, mdvt_backend_operation operation,
                     const std::vector<at::Tensor>& inputs, Numbers numbers);
std::vector<double> Reduce(const TorchModel& model, mdvt_backend_reduction reduction,
                           const std::vector<at::Tensor>& inputs, Numbers numbers);

}  // namespace mdvt::torch_backend
