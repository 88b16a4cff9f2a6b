// SPDX-License-Identifier: Apache-2.0
#include "torch_model.h"

#include <ATen/Parallel.h>
#include <caffe2/serialize/inline_container.h>
#include <signal.h>
#include <torch/csrc/api/include/torch/cuda.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <future>
#include <thread>

namespace mdvt::torch_backend {
namespace {

constexpr char kMetadataFile[] = "extra/mdvt.json";
constexpr size_t kMaxWarmSizes = 64;

std::string Count(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// Which executor runs a network is decided for the whole process when the network's own executor is
// made, so that one is made here, under a lock.
void MakeExecutor(torch::jit::Module& module, bool profiling) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  torch::jit::getProfilingMode() = profiling;
  torch::jit::getExecutorMode() = profiling;
  torch::jit::toGraphFunction(module.get_method("forward").function()).get_executor();
}

}  // namespace

std::string ReadMetadata(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) throw Failure(MDVT_BACKEND_NOT_FOUND, "cannot be read");
  caffe2::serialize::PyTorchStreamReader archive(path);
  if (!archive.hasRecord("constants.pkl")) {
    throw Failure(MDVT_BACKEND_CORRUPT,
                  "an archive without TorchScript code (a checkpoint perhaps): export it first");
  }
  if (!archive.hasRecord(kMetadataFile)) return {};
  const auto [bytes, size] = archive.getRecord(kMetadataFile);
  return std::string(static_cast<const char*>(bytes.get()), size);
}

c10::Device ParseDevice(const std::string& text) {
  if (text == "cpu") return c10::Device(c10::kCPU);
  const bool digits =
      text.size() > 5 && text.size() <= 8 && std::all_of(text.begin() + 5, text.end(), [](char c) {
        return std::isdigit(static_cast<unsigned char>(c));
      });
  if (text != "cuda" && !(text.rfind("cuda:", 0) == 0 && digits)) {
    throw Failure(MDVT_BACKEND_UNSUPPORTED, "device '" + text + "', must be cpu, cuda or cuda:N");
  }
  const int index = digits ? std::stoi(text.substr(5)) : 0;
  const int count = torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
  if (index >= count) {
    throw Failure(MDVT_BACKEND_UNSUPPORTED,
                  "device '" + text + "' was asked for, but LibTorch " TORCH_VERSION +
                      (count == 0 ? std::string(" was built without CUDA or finds no CUDA device")
                                  : " finds " + std::to_string(count) + " CUDA devices only"));
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

// Each thread has its own count, which Debian's build leaves at one.
void UseThreads(int count) {
  if (at::get_num_threads() != count) at::set_num_threads(count);
}

// Threads of GNU's OpenMP that wait for work spin for milliseconds, on the cores that decode and
// encode meanwhile. They sleep at once as soon as all teams together have more threads than there
// are cores: the team of a thread that rests makes it so. (OMP_WAIT_POLICY would do it too, but is
// read before main() and may be set by the user.)
void LetWaitingThreadsSleep() {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  static const bool done = [] {
    std::promise<void> made;
    std::future<void> is_made = made.get_future();
    std::thread([made = std::move(made)]() mutable {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, nullptr);
      UseThreads(2);
      at::zeros({1 << 17}).add_(1);  // enough elements for two threads
      made.set_value();
      for (;;) pause();
    }).detach();
    is_made.wait();
    return true;
  }();
  static_cast<void>(done);
}

TorchModel::TorchModel(const std::string& path, const mdvt_backend_options& options)
    : device_(ParseDevice(options.device)) {
  const bool on_cpu = device_.is_cpu();
  const bool deterministic = (options.flags & MDVT_BACKEND_DETERMINISTIC) != 0;
  num_threads_ = deterministic ? 1 : options.num_threads;
  channels_last_ = (options.flags & MDVT_BACKEND_CHANNELS_LAST) != 0;
  switch (options.precision) {
    case MDVT_BACKEND_FP32:
      break;
    case MDVT_BACKEND_FP16:
      if (on_cpu) throw Failure(MDVT_BACKEND_UNSUPPORTED, "fp16 needs a CUDA device");
      type_ = at::kHalf;
      half_outputs_ = true;
      break;
    case MDVT_BACKEND_BF16_CPU_ENCODER:
      half_outputs_ = true;
      break;
    default:
      throw Failure(MDVT_BACKEND_UNSUPPORTED, "an unknown precision");
  }
  if (access(path.c_str(), R_OK) != 0) throw Failure(MDVT_BACKEND_NOT_FOUND, "cannot be read");

  if (on_cpu && num_threads_ > 1) LetWaitingThreadsSleep();
  const c10::InferenceMode guard;
  UseThreads(num_threads_);
  if (deterministic && !on_cpu) {
    at::globalContext().setDeterministicCuDNN(true);
    at::globalContext().setBenchmarkCuDNN(false);
  }
  module_ = torch::jit::load(path, c10::Device(c10::kCPU));
  if (!module_.find_method("forward")) {
    throw Failure(MDVT_BACKEND_CORRUPT, "the module has no forward()");
  }
  module_.eval();
  module_.to(device_);
  if (type_ == at::kHalf) module_.to(at::kHalf);
  module_ = torch::jit::freeze(module_);
  if (options.flags & MDVT_BACKEND_OPTIMIZE) module_ = torch::jit::optimize_for_inference(module_);
  // On the CPU the profiling executor keeps two to three times the memory alive for no speed; on
  // CUDA it is what fuses.
  MakeExecutor(module_, !on_cpu || (options.flags & MDVT_BACKEND_PROFILING_EXECUTOR) != 0);
}

void TorchModel::CheckArguments(size_t count) const {
  size_t least = 0, most = 0;
  for (const c10::Argument& argument :
       module_.get_method("forward").function().getSchema().arguments()) {
    ++most;
    if (!argument.default_value()) ++least;
  }
  --least, --most;  // the module itself
  if (count < least || count > most) {
    throw Failure(MDVT_BACKEND_CORRUPT, "the network takes " + Count(most, "input") + ", " +
                                            std::to_string(count) +
                                            (count == 1 ? " was given" : " were given"));
  }
}

std::vector<c10::IValue> TorchModel::MakeInputs(const mdvt_backend_tensor* inputs,
                                                size_t count) const {
  std::vector<c10::IValue> values;
  for (size_t i = 0; i < count; ++i) {
    const mdvt_backend_tensor& input = inputs[i];
    if (input.rank < 0 || input.rank > MDVT_BACKEND_MAX_RANK ||
        (input.data == nullptr) == (input.buffer == nullptr)) {
      throw Failure(MDVT_BACKEND_INVALID_ARGUMENT,
                    "input " + std::to_string(i) + " must have values or a buffer");
    }
    const at::IntArrayRef shape(input.shape, static_cast<size_t>(input.rank));
    at::Tensor tensor =
        input.buffer != nullptr
            ? input.buffer->tensor
            : at::from_blob(const_cast<float*>(input.data), shape, at::TensorOptions(at::kFloat));
    if (tensor.numel() != c10::multiply_integers(shape)) {
      throw Failure(MDVT_BACKEND_INVALID_ARGUMENT,
                    "input " + std::to_string(i) + " is a buffer of another size");
    }
    tensor = tensor.reshape(shape);
    const bool picture = channels_last_ && input.rank == 4;
    // Always a copy: networks may work in place, and what is given is not theirs.
    values.emplace_back(tensor.to(
        at::TensorOptions(device_).dtype(type_), /*non_blocking=*/false,
        /*copy=*/true, picture ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous));
  }
  return values;
}

// The profiling executor of CUDA specialises on its first two runs of a size; they are spent here,
// so that all results come from the same code.
void TorchModel::WarmUp(const mdvt_backend_tensor* inputs, size_t count) {
  std::vector<int64_t> size;
  for (size_t i = 0; i < count; ++i) {
    size.push_back(inputs[i].rank);
    size.insert(size.end(), inputs[i].shape, inputs[i].shape + inputs[i].rank);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (std::find(warm_.begin(), warm_.end(), size) != warm_.end()) return;
  for (int run = 0; run < 2; ++run) module_.forward(MakeInputs(inputs, count));
  if (warm_.size() == kMaxWarmSizes) warm_.erase(warm_.begin());
  warm_.push_back(std::move(size));
}

std::vector<at::Tensor> TorchModel::TakeOutputs(const c10::IValue& value) const {
  std::vector<at::Tensor> tensors;
  const auto take = [&](const c10::IValue& one) {
    const std::string what = "output " + std::to_string(tensors.size());
    if (!one.isTensor() || !one.toTensor().defined()) {
      throw Failure(MDVT_BACKEND_CORRUPT, what + " is a " + one.tagKind() + ", must be a tensor");
    }
    const at::Tensor tensor = one.toTensor();
    if (tensor.layout() != at::kStrided || tensor.dim() > MDVT_BACKEND_MAX_RANK) {
      throw Failure(MDVT_BACKEND_CORRUPT, what + " is sparse or has more than 8 dimensions");
    }
    const at::ScalarType type = tensor.scalar_type();
    const bool reduced = type == at::kHalf || type == at::kBFloat16;
    if (type != at::kFloat && !(reduced && half_outputs_)) {
      throw Failure(MDVT_BACKEND_CORRUPT,
                    what + " is of type " + c10::toString(type) + ", must be Float (float32)");
    }
    tensors.push_back(tensor);
  };
  if (value.isTuple()) {
    for (const c10::IValue& one : value.toTupleRef().elements()) take(one);
  } else if (value.isTensorList()) {
    for (const at::Tensor& one : value.toTensorVector()) take(one);
  } else {
    take(value);
  }
  return tensors;
}

std::vector<at::Tensor> TorchModel::Run(const mdvt_backend_tensor* inputs, size_t count) {
  CheckArguments(count);
  const c10::InferenceMode guard;
  const BlockCacheScope cache;
  UseThreads(num_threads_);
  if (device_.is_cuda()) WarmUp(inputs, count);
  return TakeOutputs(module_.forward(MakeInputs(inputs, count)));
}

std::vector<int64_t> TorchModel::TraceRun(const mdvt_backend_tensor* inputs, size_t count) {
  if (!device_.is_cpu()) throw Failure(MDVT_BACKEND_UNSUPPORTED, "memory is traced on the CPU");
  const BlockCacheScope cache;
  const MemoryTrace trace;
  Run(inputs, count);
  return trace.events();
}

}  // namespace mdvt::torch_backend
