// SPDX-License-Identifier: Apache-2.0
//
// The table of mdvt_backend.h on ONNX Runtime 1.17 and newer.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <thread>

#include "onnx_model.h"

struct mdvt_backend_model {
  mdvt::onnx_backend::OnnxModel model;
};

namespace mdvt::onnx_backend {
namespace {

thread_local char t_message[1024];  // fixed size: reporting a failure allocates nothing

void Remember(const char* text) noexcept {
  size_t kept = 0;
  for (; kept + 1 < sizeof t_message && text[kept] != '\0' && text[kept] != '\n'; ++kept)
    t_message[kept] = text[kept];
  t_message[kept] = '\0';
}

mdvt_backend_status StatusOf(const Ort::Exception& error) {
  const std::string text = error.what();
  if (text.find("llocat") != std::string::npos && text.find("ailed") != std::string::npos)
    return MDVT_BACKEND_OUT_OF_MEMORY;
  switch (error.GetOrtErrorCode()) {
    case ORT_INVALID_ARGUMENT:
      return MDVT_BACKEND_INVALID_ARGUMENT;
    case ORT_NO_SUCHFILE:
    case ORT_NO_MODEL:
      return MDVT_BACKEND_NOT_FOUND;
    case ORT_NOT_IMPLEMENTED:
    case ORT_EP_FAIL:
      return MDVT_BACKEND_UNSUPPORTED;
    default:
      return MDVT_BACKEND_CORRUPT;
  }
}

template <typename Body>
mdvt_backend_status Guarded(const Body& body) noexcept {
  try {
    try {
      body();
      return MDVT_BACKEND_OK;
    } catch (const Failure& failure) {
      Remember(failure.what());
      return failure.status();
    } catch (const Ort::Exception& error) {
      Remember(error.what());
      return StatusOf(error);
    } catch (const std::bad_alloc&) {
      Remember("out of memory");
      return MDVT_BACKEND_OUT_OF_MEMORY;
    } catch (const std::exception& error) {
      Remember(error.what());
      return MDVT_BACKEND_CORRUPT;
    }
  } catch (...) {
    Remember("a failure that cannot be told");
    return MDVT_BACKEND_INTERNAL;
  }
}

char* CopyText(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

const char* LastError() { return t_message; }
void FreeText(char* text) { std::free(text); }

mdvt_backend_status ReadMetadataText(const char* path, char** text) {
  *text = nullptr;
  return Guarded([&] {
    const std::string metadata = ReadMetadata(path);
    if (metadata.find('\0') != std::string::npos)
      throw Failure(MDVT_BACKEND_CORRUPT, "the metadata has a zero byte");
    if (!metadata.empty()) *text = CopyText(metadata);
  });
}

mdvt_backend_status Open(const char* path, const mdvt_backend_options* options,
                         mdvt_backend_model** model) {
  *model = nullptr;
  const mdvt_backend_status status =
      Guarded([&] { *model = new mdvt_backend_model{OnnxModel(path, *options)}; });
  // A file that the runtime does not take is a bad file, not a wrong call.
  return status == MDVT_BACKEND_INVALID_ARGUMENT ? MDVT_BACKEND_CORRUPT : status;
}

void Close(mdvt_backend_model* model) { delete model; }
void FreeBuffer(mdvt_backend_buffer* buffer) { delete buffer; }

mdvt_backend_status Run(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                        size_t num_inputs, mdvt_backend_tensor* outputs, size_t capacity,
                        size_t* num_outputs) {
  *num_outputs = 0;
  return Guarded([&] { model->model.Run(inputs, num_inputs, outputs, capacity, num_outputs); });
}

mdvt_backend_status PlanRun(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                            size_t num_inputs, int64_t* events, size_t capacity, size_t* count) {
  *count = 0;
  return Guarded([&] { model->model.Plan(inputs, num_inputs, events, capacity, count); });
}

mdvt_backend_status CopyToHost(const mdvt_backend_buffer* buffer, float* values, size_t count) {
  return Guarded([&] {
    if (count != buffer->count)
      throw Failure(MDVT_BACKEND_INVALID_ARGUMENT, "the tensor has another number of values");
    std::copy_n(buffer->data, count, values);
  });
}

mdvt_backend_status Describe(char** json) {
  *json = nullptr;
  return Guarded([&] {
    const auto providers = Ort::GetAvailableProviders();
    const bool cuda =
        std::find(providers.begin(), providers.end(), "CUDAExecutionProvider") != providers.end();
    *json =
        CopyText("{\"version\": \"ONNX Runtime " + Ort::GetVersionString() + "\", \"threads\": " +
                 std::to_string(std::max(1u, std::thread::hardware_concurrency())) +
                 ", \"devices\": [\"cpu\"" + (cuda ? ", \"cuda\"" : "") + "]}");
  });
}

}  // namespace
}  // namespace mdvt::onnx_backend

const mdvt_backend* mdvt_backend_entry(int32_t abi) {
  using namespace mdvt::onnx_backend;
  static const char* const extensions[] = {".onnx", nullptr};
  static const std::string version = "ONNX Runtime " + Ort::GetVersionString();
  static const mdvt_backend table = {sizeof(mdvt_backend),
                                     MDVT_BACKEND_ABI,
                                     "onnxruntime",
                                     version.c_str(),
                                     extensions,
                                     LastError,
                                     ReadMetadataText,
                                     FreeText,
                                     Open,
                                     Close,
                                     Run,
                                     CopyToHost,
                                     FreeBuffer,
                                     Describe,
                                     nullptr,
                                     nullptr,
                                     PlanRun,
                                     nullptr,
                                     nullptr,
                                     nullptr};
  return abi == MDVT_BACKEND_ABI ? &table : nullptr;
}
