// SPDX-License-Identifier: Apache-2.0
//
// A backend that does what the first line of its "model" says; the rest of the file is the
// metadata. Registered as "fake", for files that end in .fake.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "mdvt/model/backend.h"
#include "mdvt_backend.h"

struct mdvt_backend_buffer {
  std::vector<float> values;
  std::vector<int64_t> shape;
};
struct mdvt_backend_model {
  std::string behaviour;
};

namespace mdvt::test {

struct FakeCalls {
  std::atomic<int> opened{0}, metadata_read{0}, closed{0}, buffers{0};
  mdvt_backend_options options = {};  // of the last open
  std::string device;
  std::vector<std::string> outputs;
  std::vector<std::string> files;  // "name: what it holds"
};
inline FakeCalls& Calls() {
  static FakeCalls calls;
  return calls;
}

namespace fake {

inline thread_local std::string t_error;

inline mdvt_backend_status Fail(mdvt_backend_status status, const std::string& text) {
  t_error = text;
  return status;
}

inline std::string Contents(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline mdvt_backend_status ReadMetadata(const char* path, char** text) {
  ++Calls().metadata_read;
  const std::string contents = Contents(path);
  const size_t newline = std::min(contents.find('\n'), contents.size() - 1);
  const std::string json = contents.substr(newline + 1);
  *text = json.empty() ? nullptr : strdup(json.c_str());
  return MDVT_BACKEND_OK;
}

inline mdvt_backend_status Open(const char* path, const mdvt_backend_options* options,
                                mdvt_backend_model** model) {
  ++Calls().opened;
  Calls().options = *options;
  Calls().device = options->device;
  Calls().outputs.assign(options->outputs, options->outputs + options->num_outputs);
  Calls().files.clear();
  for (size_t i = 0; i < options->num_files; ++i)
    Calls().files.push_back(options->files[i].name + (": " + Contents(options->files[i].path)));
  *model = nullptr;
  if (Calls().device == "cuda") return Fail(MDVT_BACKEND_UNSUPPORTED, "no device cuda here");
  const std::string contents = Contents(path);
  const std::string behaviour = contents.substr(0, contents.find('\n'));
  if (behaviour == "touch") std::ofstream(path, std::ios::app) << " ";
  if (behaviour == "broken") return Fail(MDVT_BACKEND_CORRUPT, "broken\nin two lines");
  *model = new mdvt_backend_model{behaviour};
  return MDVT_BACKEND_OK;
}

inline void Add(const std::vector<int64_t>& shape, std::vector<float> values, bool readable,
                mdvt_backend_tensor* out) {
  ++Calls().buffers;
  *out = {};
  out->rank = static_cast<int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), out->shape);
  out->buffer = new mdvt_backend_buffer{std::move(values), shape};
  if (readable) out->data = out->buffer->values.data();
}

// The mean of the channels, changed as the behaviour says.
inline mdvt_backend_status Run(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                               size_t num_inputs, mdvt_backend_tensor* outputs, size_t,
                               size_t* num_outputs) {
  *num_outputs = 0;
  const std::string& behaviour = model->behaviour;
  if (behaviour == "fails") return Fail(MDVT_BACKEND_CORRUPT, "network fell over");
  const mdvt_backend_tensor& in = inputs[num_inputs - 1];
  const float* const data = in.data ? in.data : in.buffer->values.data();
  const int64_t batch = in.shape[0], channels = in.shape[1];
  const int64_t area = in.shape[2] * in.shape[3];
  std::vector<float> values(static_cast<size_t>(batch * area), 0.0f);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < area; ++i) {
        values[static_cast<size_t>(b * area + i)] +=
            data[(b * channels + c) * area + i] / static_cast<float>(channels);
      }
    }
  }
  std::vector<int64_t> shape = {batch, 1, in.shape[2], in.shape[3]};
  float& last = values.back();
  if (behaviour == "nan") last = std::nanf("");
  if (behaviour == "inf") last = -std::numeric_limits<float>::infinity();
  if (behaviour == "negative") last = -1;
  if (behaviour == "rank") shape = {batch, in.shape[2], in.shape[3]};
  if (behaviour == "turned") shape = {batch, 1, in.shape[3], in.shape[2]};
  if (behaviour == "empty") shape = {batch, 1, 0, in.shape[3]}, values.clear();
  const bool readable = behaviour != "kept";
  if (behaviour != "nothing") Add(shape, values, readable, &outputs[(*num_outputs)++]);
  if (behaviour == "two") Add(shape, values, readable, &outputs[(*num_outputs)++]);
  return MDVT_BACKEND_OK;
}

// For p pixels of all pictures: a tensor of 12 p bytes that ends, one of 8 p that stays, and over
// it one of 4 (1 + p / 16)^2 for each picture.
inline mdvt_backend_status TraceRun(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                                    size_t, int64_t* events, size_t, size_t* count) {
  if (model->behaviour == "fails") return Fail(MDVT_BACKEND_CORRUPT, "network fell over");
  if (model->behaviour == "untraced") return Fail(MDVT_BACKEND_UNSUPPORTED, "cannot tell");
  const int64_t batch = inputs[0].shape[0], pixels = inputs[0].shape[2] * inputs[0].shape[3];
  const int64_t places = 1 + pixels / 16;
  const int64_t all[] = {12 * batch * pixels,         -1, 8 * batch * pixels,
                         4 * batch * places * places, -3, -2};
  const int64_t above[] = {12 * batch * pixels, -1, 20 * batch * pixels, 96, -3, -2};
  const int64_t below[] = {12 * batch * pixels, -1, 96, -2, 8 * batch * pixels, -3};
  const bool fickle = model->behaviour == "fickle";
  *count = std::size(all);
  std::copy_n(!fickle ? all : pixels < 10000 ? below : above, *count, events);
  return MDVT_BACKEND_OK;
}

inline mdvt_backend_status CopyToHost(const mdvt_backend_buffer* buffer, float* to, size_t count) {
  if (count != buffer->values.size()) return Fail(MDVT_BACKEND_INVALID_ARGUMENT, "other size");
  std::copy(buffer->values.begin(), buffer->values.end(), to);
  return MDVT_BACKEND_OK;
}

inline void FreeBuffer(mdvt_backend_buffer* buffer) {
  if (buffer != nullptr) --Calls().buffers;
  delete buffer;
}

inline mdvt_backend_status Describe(char** json) {
  *json = strdup("{\"version\": \"fake\"}");
  return MDVT_BACKEND_OK;
}

}  // namespace fake

inline mdvt_backend FakeTable() {
  static const char* const kExtensions[] = {".fake", nullptr};
  return {sizeof(mdvt_backend),
          MDVT_BACKEND_ABI,
          "fake",
          "Fake 1.2",
          kExtensions,
          [] { return fake::t_error.c_str(); },
          fake::ReadMetadata,
          [](char* text) { std::free(text); },
          fake::Open,
          [](mdvt_backend_model* model) { Calls().closed += model != nullptr, delete model; },
          fake::Run,
          fake::CopyToHost,
          fake::FreeBuffer,
          fake::Describe,
          nullptr,
          fake::TraceRun,
          nullptr,
          nullptr,
          nullptr,
          nullptr};
}

inline void RegisterFake() {
  static const mdvt_backend kTable = FakeTable();
  RegisterBackend(&kTable);
}

}  // namespace mdvt::test
