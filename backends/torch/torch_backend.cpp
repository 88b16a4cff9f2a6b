// SPDX-License-Identifier: Apache-2.0
//
// The table of mdvt_backend.h on LibTorch 1.13 to 2.x.
#include <ATen/Parallel.h>
#include <torch/csrc/api/include/torch/cuda.h>
#include <torch/csrc/api/include/torch/version.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <new>
#include <set>
#include <string>

#include "torch_arrays.h"
#include "torch_model.h"

struct mdvt_backend_model {
  mdvt::torch_backend::TorchModel model;
};

namespace mdvt::torch_backend {
namespace {

thread_local char t_message[1024];  // fixed size: reporting a failure allocates nothing

void Remember(const char* text, size_t size) noexcept {
  const size_t kept = std::min(size, sizeof t_message - 1);
  std::memcpy(t_message, text, kept);
  t_message[kept] = '\0';
}

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// What LibTorch says in many lines, in one: behind a traceback of TorchScript the last line, else
// the first.
std::string OneLine(const std::string& text) {
  const bool traceback = Contains(text, "Traceback of TorchScript");
  std::string chosen;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos) continue;
    chosen = line.substr(first);
    if (!traceback) break;
  }
  return chosen.empty() ? "no reason given" : chosen;
}

// LibTorch has one kind of exception for nearly everything; its text has to tell.
mdvt_backend_status Report(const std::string& whole) {
  const bool memory = Contains(whole, "allocate memory") || Contains(whole, "out of memory");
  const bool missing =
      Contains(whole, "Unknown builtin op") || Contains(whole, "Unknown type name");
  const bool newer = Contains(whole, "version") && Contains(whole, "supported");
  std::string text = OneLine(whole);
  if (missing || newer) text += "; LibTorch " TORCH_VERSION " is too old for this file";
  Remember(text.data(), text.size());
  return memory             ? MDVT_BACKEND_OUT_OF_MEMORY
         : missing || newer ? MDVT_BACKEND_UNSUPPORTED
                            : MDVT_BACKEND_CORRUPT;
}

template <typename Body>
mdvt_backend_status Guarded(const Body& body) noexcept {
  try {
    try {
      body();
      return MDVT_BACKEND_OK;
    } catch (const Failure& failure) {
      Remember(failure.what(), std::strlen(failure.what()));
      return failure.status();
    } catch (const c10::Error& error) {
      return Report(error.what_without_backtrace());
    } catch (const std::bad_alloc&) {
      constexpr char kText[] = "out of memory";
      Remember(kText, sizeof kText - 1);
      return MDVT_BACKEND_OUT_OF_MEMORY;
    } catch (const std::exception& error) {
      return Report(error.what());
    }
  } catch (...) {
    constexpr char kText[] = "a failure that cannot be told";
    Remember(kText, sizeof kText - 1);
    return MDVT_BACKEND_INTERNAL;
  }
}

char* CopyText(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

void FreeText(char* text) { std::free(text); }

const char* LastError() { return t_message; }

mdvt_backend_status ReadMetadataText(const char* path, char** text) {
  *text = nullptr;
  return Guarded([&] {
    const std::string metadata = ReadMetadata(path);
    if (metadata.find('\0') != std::string::npos) {
      throw Failure(MDVT_BACKEND_CORRUPT, "the metadata has a zero byte");
    }
    if (!metadata.empty()) *text = CopyText(metadata);
  });
}

mdvt_backend_status Open(const char* path, const mdvt_backend_options* options,
                         mdvt_backend_model** model) {
  *model = nullptr;
  return Guarded([&] {
    if (options->struct_size < offsetof(mdvt_backend_options, outputs)) {
      throw Failure(MDVT_BACKEND_INVALID_ARGUMENT, "options of an unknown size");
    }
    *model = new mdvt_backend_model{TorchModel(path, *options)};
  });
}

void Close(mdvt_backend_model* model) { delete model; }

mdvt_backend_status Run(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                        size_t num_inputs, mdvt_backend_tensor* outputs, size_t capacity,
                        size_t* num_outputs) {
  *num_outputs = 0;
  return Guarded([&] {
    std::vector<at::Tensor> tensors = model->model.Run(inputs, num_inputs);
    if (tensors.size() > capacity) {
      throw Failure(MDVT_BACKEND_CORRUPT,
                    "the network returns " + std::to_string(tensors.size()) + " outputs");
    }
    std::vector<std::unique_ptr<mdvt_backend_buffer>> buffers;
    for (at::Tensor& tensor : tensors) {
      buffers.push_back(std::make_unique<mdvt_backend_buffer>());
      buffers.back()->tensor = std::move(tensor);
    }
    for (size_t i = 0; i < buffers.size(); ++i) {
      const at::Tensor& tensor = buffers[i]->tensor;
      mdvt_backend_tensor& output = outputs[i];
      output = {};
      output.rank = static_cast<int32_t>(tensor.dim());
      std::copy(tensor.sizes().begin(), tensor.sizes().end(), output.shape);
      const bool readable = tensor.is_cpu() && tensor.scalar_type() == at::kFloat &&
                            tensor.is_contiguous() && tensor.numel() > 0;
      if (readable) output.data = static_cast<const float*>(tensor.data_ptr());
      output.buffer = buffers[i].release();
    }
    *num_outputs = buffers.size();
  });
}

mdvt_backend_status CopyToHost(const mdvt_backend_buffer* buffer, float* values, size_t count) {
  return Guarded([&] {
    const at::Tensor& tensor = buffer->tensor;
    if (static_cast<size_t>(tensor.numel()) != count) {
      throw Failure(MDVT_BACKEND_INVALID_ARGUMENT, "a buffer of another size");
    }
    const c10::InferenceMode guard;
    at::from_blob(values, tensor.sizes(), at::TensorOptions(at::kFloat)).copy_(tensor);
  });
}

void FreeBuffer(mdvt_backend_buffer* buffer) { delete buffer; }

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return quoted + "\"";
}

// The libraries with matrix products that this process has mapped: which BLAS that is decides about
// most of the speed.
std::string BlasLibraries() {
  std::set<std::string> paths;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t at = line.find('/');
    if (at == std::string::npos) continue;
    const std::string path = line.substr(at);
    const std::string file = path.substr(path.rfind('/') + 1);
    if (Contains(file, "blas") || Contains(file, "mkl")) paths.insert(path);
  }
  std::string list;
  for (const std::string& path : paths) list += (list.empty() ? "" : ", ") + Quoted(path);
  return "[" + list + "]";
}

mdvt_backend_status Describe(char** json) {
  *json = nullptr;
  return Guarded([&] {
    std::string devices = "\"cpu\"";
    const size_t count = torch::cuda::is_available() ? torch::cuda::device_count() : 0;
    for (size_t i = 0; i < count; ++i) devices += ", \"cuda:" + std::to_string(i) + "\"";
    at::mm(at::ones({2, 2}), at::ones({2, 2}));  // so that BLAS is there to be seen
    *json = CopyText("{\"version\": " + Quoted("LibTorch " TORCH_VERSION) +
                     ", \"threads\": " + std::to_string(at::get_num_threads()) +
                     ", \"devices\": [" + devices + "], \"blas\": " + BlasLibraries() + "}");
  });
}

mdvt_backend_status TraceRun(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                             size_t num_inputs, int64_t* events, size_t capacity, size_t* count) {
  *count = 0;
  return Guarded([&] {
    const std::vector<int64_t> all = model->model.TraceRun(inputs, num_inputs);
    if (all.empty() || all.size() > capacity) {
      throw Failure(MDVT_BACKEND_UNSUPPORTED, std::to_string(all.size()) + " events of memory");
    }
    std::copy(all.begin(), all.end(), events);
    *count = all.size();
  });
}

std::vector<at::Tensor> TensorsOf(const mdvt_backend_buffer* const* inputs, size_t count) {
  std::vector<at::Tensor> tensors;
  for (size_t i = 0; i < count; ++i) tensors.push_back(inputs[i]->tensor);
  return tensors;
}

mdvt_backend_status LoadPlanes(mdvt_backend_model* model, const mdvt_backend_planes* planes,
                               mdvt_backend_buffer** buffer) {
  *buffer = nullptr;
  return Guarded([&] { *buffer = new mdvt_backend_buffer{Load(model->model, *planes)}; });
}

mdvt_backend_status CalculateBuffer(mdvt_backend_model* model, mdvt_backend_operation operation,
                                    const mdvt_backend_buffer* const* inputs, size_t num_inputs,
                                    const double* numbers, size_t num_numbers,
                                    mdvt_backend_buffer** buffer) {
  *buffer = nullptr;
  return Guarded([&] {
    *buffer = new mdvt_backend_buffer{
        Calculate(model->model, operation, TensorsOf(inputs, num_inputs), {numbers, num_numbers})};
  });
}

mdvt_backend_status ReduceBuffers(mdvt_backend_model* model, mdvt_backend_reduction reduction,
                                  const mdvt_backend_buffer* const* inputs, size_t num_inputs,
                                  const double* numbers, size_t num_numbers, double* results,
                                  size_t capacity, size_t* count) {
  *count = 0;
  return Guarded([&] {
    const std::vector<double> all =
        Reduce(model->model, reduction, TensorsOf(inputs, num_inputs), {numbers, num_numbers});
    if (all.size() > capacity) {
      throw Failure(MDVT_BACKEND_INVALID_ARGUMENT, std::to_string(all.size()) +
                                                       " results, there "
                                                       "is room for " +
                                                       std::to_string(capacity));
    }
    std::copy(all.begin(), all.end(), results);
    *count = all.size();
  });
}

mdvt_backend_status TimeMatrixProduct(const char* device, int32_t num_threads, int32_t n,
                                      double* seconds) {
  *seconds = 0;
  return Guarded([&] {
    if (n < 1 || n > 8192 || num_threads < 1) {
      throw Failure(MDVT_BACKEND_INVALID_ARGUMENT, "n must be in [1, 8192], threads positive");
    }
    const c10::Device where = ParseDevice(device);
    const c10::InferenceMode guard;
    UseThreads(num_threads);
    const at::Tensor a = at::rand({n, n}, at::TensorOptions(where));
    const at::Tensor b = at::rand({n, n}, at::TensorOptions(where));
    double best = 1e30;
    at::mm(a, b)[0][0].item<float>();  // the first one starts threads
    for (int run = 0; run < 3; ++run) {
      const auto start = std::chrono::steady_clock::now();
      at::mm(a, b)[0][0].item<float>();  // waits for the device
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      best = std::min(best, elapsed.count());
    }
    *seconds = best;
  });
}

}  // namespace
}  // namespace mdvt::torch_backend

const mdvt_backend* mdvt_backend_entry(int32_t abi) {
  namespace backend = mdvt::torch_backend;
  static const char* const kExtensions[] = {".pt", ".pth", ".torchscript", nullptr};
  static const mdvt_backend kTable = {sizeof(mdvt_backend),
                                      MDVT_BACKEND_ABI,
                                      "torch",
                                      "LibTorch " TORCH_VERSION,
                                      kExtensions,
                                      backend::LastError,
                                      backend::ReadMetadataText,
                                      backend::FreeText,
                                      backend::Open,
                                      backend::Close,
                                      backend::Run,
                                      backend::CopyToHost,
                                      backend::FreeBuffer,
                                      backend::Describe,
                                      backend::TimeMatrixProduct,
                                      backend::TraceRun,
                                      nullptr,
                                      backend::LoadPlanes,
                                      backend::CalculateBuffer,
                                      backend::ReduceBuffers};
  return abi == MDVT_BACKEND_ABI ? &kTable : nullptr;
}
