// SPDX-License-Identifier: Apache-2.0
#include "onnx_model.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <map>
#include <utility>

namespace mdvt::onnx_backend {
namespace {

void Silent(void*, OrtLoggingLevel, const char*, const char*, const char*, const char*) {}

const Ort::Env& Environment() {
  static const Ort::Env env(ORT_LOGGING_LEVEL_FATAL, "mdvt", Silent, nullptr);
  return env;
}

Ort::SessionOptions SessionOptions(const mdvt_backend_options& options) {
  Ort::SessionOptions session;
  const bool deterministic = (options.flags & MDVT_BACKEND_DETERMINISTIC) != 0;
  session.SetIntraOpNumThreads(deterministic ? 1 : options.num_threads);
  session.SetInterOpNumThreads(1);
  session.SetExecutionMode(ORT_SEQUENTIAL);
  session.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
  // The second run over a size would take one block for all of its tensors, beside the memory that
  // the first has left: twice as much, at the same speed.
  session.DisableMemPattern();
  if (deterministic) session.SetDeterministicCompute(true);
  // A thread that waits must not compute: mdvt counts those that do.
  session.AddConfigEntry("session.intra_op.allow_spinning", "0");
  const std::string device = options.device;
  if (device.rfind("cuda", 0) == 0) {
    const std::vector<std::string> all = Ort::GetAvailableProviders();
    if (std::find(all.begin(), all.end(), "CUDAExecutionProvider") == all.end())
      throw Failure(MDVT_BACKEND_UNSUPPORTED,
                    "this ONNX Runtime was built without CUDA: use --device cpu");
    OrtCUDAProviderOptions cuda{};
    cuda.device_id = device.size() > 5 ? std::stoi(device.substr(5)) : 0;
    session.AppendExecutionProvider_CUDA(cuda);
  } else if (device != "cpu") {
    throw Failure(MDVT_BACKEND_UNSUPPORTED, "there is no device '" + device + "'");
  }
  return session;
}

std::vector<char> ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw Failure(MDVT_BACKEND_NOT_FOUND, "cannot be read");
  std::vector<char> bytes(static_cast<size_t>(file.tellg()));
  file.seekg(0);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    throw Failure(MDVT_BACKEND_IO, "cannot be read");
  return bytes;
}

// Whether options of this size have `files`.
bool HasFiles(const mdvt_backend_options& options) {
  return options.struct_size >= offsetof(mdvt_backend_options, num_files) + sizeof(size_t) &&
         options.num_files > 0;
}

size_t CountOf(const std::vector<int64_t>& shape) {
  size_t count = 1;
  for (const int64_t side : shape) count *= static_cast<size_t>(side);
  return count;
}

// Gives float16 networks, and those that count in whole numbers, what they want.
template <typename T, typename Make>
Ort::Value Converted(const float* data, size_t count, const std::vector<int64_t>& shape,
                     const Make& make) {
  Ort::AllocatorWithDefaultOptions allocator;
  Ort::Value value = Ort::Value::CreateTensor<T>(allocator, shape.data(), shape.size());
  T* to = value.GetTensorMutableData<T>();
  for (size_t i = 0; i < count; ++i) to[i] = make(data[i]);
  return value;
}

Ort::Value InputOf(const mdvt_backend_tensor& tensor, ONNXTensorElementDataType type) {
  const std::vector<int64_t> shape(tensor.shape, tensor.shape + tensor.rank);
  const float* data = tensor.data != nullptr ? tensor.data : tensor.buffer->data;
  const size_t count = CountOf(shape);
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
      return Converted<Ort::Float16_t>(data, count, shape,
                                       [](float v) { return Ort::Float16_t(v); });
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return Converted<int64_t>(data, count, shape, [](float v) { return int64_t(v); });
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return Converted<int32_t>(data, count, shape, [](float v) { return int32_t(v); });
    default: {
      static const Ort::MemoryInfo host =
          Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
      // The runtime does not write to inputs, though its interface would let it.
      return Ort::Value::CreateTensor<float>(host, const_cast<float*>(data), count, shape.data(),
                                             shape.size());
    }
  }
}

mdvt_backend_tensor OutputOf(Ort::Value value, ONNXTensorElementDataType type) {
  const std::vector<int64_t> shape = value.GetTensorTypeAndShapeInfo().GetShape();
  if (shape.size() > MDVT_BACKEND_MAX_RANK)
    throw Failure(MDVT_BACKEND_CORRUPT, "an output has " + std::to_string(shape.size()) +
                                            " dimensions, at most 8 can be used");
  mdvt_backend_tensor tensor{};
  tensor.rank = static_cast<int32_t>(shape.size());
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 1) throw Failure(MDVT_BACKEND_CORRUPT, "an output is empty");
    tensor.shape[i] = shape[i];
  }
  auto buffer = std::make_unique<mdvt_backend_buffer>();
  buffer->count = CountOf(shape);
  if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
    const auto* half = value.GetTensorData<Ort::Float16_t>();
    buffer->widened.resize(buffer->count);
    for (size_t i = 0; i < buffer->count; ++i) buffer->widened[i] = half[i].ToFloat();
    buffer->data = buffer->widened.data();
  } else {
    buffer->value = std::move(value);
    buffer->data = buffer->value.GetTensorData<float>();
  }
  tensor.data = buffer->data;
  tensor.buffer = buffer.release();
  return tensor;
}

}  // namespace

class OnnxModel::MappedFile {
 public:
  explicit MappedFile(const char* path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status = {};
    if (file >= 0 && fstat(file, &status) == 0) {
      size_ = static_cast<size_t>(status.st_size);
      if (size_ > 0) data_ = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
    }
    if (file >= 0) close(file);
    if (size_ == 0 || data_ == MAP_FAILED)
      throw Failure(MDVT_BACKEND_IO, "weights outside the file cannot be read, or are empty");
  }
  ~MappedFile() { munmap(data_, size_); }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return static_cast<char*>(data_); }
  size_t size() const { return size_; }

 private:
  void* data_ = MAP_FAILED;
  size_t size_ = 0;
};

OnnxModel::Port OnnxModel::PortOf(const std::string& name, const Ort::TypeInfo& info,
                                  const char* what) {
  if (info.GetONNXType() != ONNX_TYPE_TENSOR)
    throw Failure(MDVT_BACKEND_UNSUPPORTED, std::string(what) + " '" + name + "' is no tensor");
  const ONNXTensorElementDataType type = info.GetTensorTypeAndShapeInfo().GetElementType();
  const bool in = std::strcmp(what, "input") == 0;
  const bool known = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ||
                     type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 ||
                     (in && (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 ||
                             type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32));
  if (!known)
    throw Failure(MDVT_BACKEND_UNSUPPORTED, std::string(what) + " '" + name +
                                                "' has a type that cannot be used: export it as "
                                                "float32 or float16");
  return {name, type};
}

OnnxModel::OnnxModel(const std::string& path, const mdvt_backend_options& options) {
  if (options.precision != MDVT_BACKEND_FP32)
    throw Failure(
        MDVT_BACKEND_UNSUPPORTED,
        "ONNX Runtime computes in the precision of the file: export it in half precision");
  const std::vector<char> bytes = ReadAll(path);
  Ort::SessionOptions session = SessionOptions(options);
  if (HasFiles(options)) {
#if ORT_API_VERSION >= 18
    std::vector<std::string> names;
    std::vector<char*> data;
    std::vector<size_t> sizes;
    for (size_t i = 0; i < options.num_files; ++i) {
      weights_.push_back(std::make_shared<MappedFile>(options.files[i].path));
      names.emplace_back(options.files[i].name);
      data.push_back(weights_.back()->data());
      sizes.push_back(weights_.back()->size());
    }
    session.AddExternalInitializersFromFilesInMemory(names, data, sizes);
#else
    throw Failure(MDVT_BACKEND_UNSUPPORTED,
                  "has weights outside the file, which need ONNX Runtime 1.18 or newer");
#endif
  }
  session_ = Ort::Session(Environment(), bytes.data(), bytes.size(), session);
  if (std::strcmp(options.device, "cpu") == 0) {
    plan_ = OnnxPlan({bytes.data(), bytes.size()});
    can_plan_ = true;
  }
  Ort::AllocatorWithDefaultOptions allocator;
  for (size_t i = 0; i < session_.GetInputCount(); ++i)
    inputs_.push_back(PortOf(session_.GetInputNameAllocated(i, allocator).get(),
                             session_.GetInputTypeInfo(i), "input"));
  for (size_t i = 0; i < session_.GetOutputCount(); ++i)
    outputs_.push_back(PortOf(session_.GetOutputNameAllocated(i, allocator).get(),
                              session_.GetOutputTypeInfo(i), "output"));
  if (options.struct_size >= offsetof(mdvt_backend_options, num_outputs) + sizeof(size_t))
    KeepWanted(options.outputs, options.num_outputs);
}

void OnnxModel::KeepWanted(const char* const* names, size_t count) {
  if (count == 0) return;
  std::vector<Port> kept;
  std::string missing;
  for (size_t i = 0; i < count; ++i) {
    const auto found = std::find_if(outputs_.begin(), outputs_.end(),
                                    [&](const Port& port) { return port.name == names[i]; });
    if (found != outputs_.end()) {
      kept.push_back(*found);
    } else {
      missing = names[i];
    }
  }
  std::string all;
  for (const Port& port : outputs_) all += (all.empty() ? "'" : ", '") + port.name + "'";
  if (kept.empty() && count <= outputs_.size())
    kept.assign(outputs_.begin(), outputs_.begin() + static_cast<ptrdiff_t>(count));
  if (kept.size() != count)
    throw Failure(MDVT_BACKEND_CORRUPT,
                  "the metadata's output '" + missing + "' is none of the file's: " + all);
  outputs_ = std::move(kept);
}

std::vector<size_t> OnnxModel::Order(const mdvt_backend_tensor* inputs, size_t num_inputs) const {
  if (num_inputs != inputs_.size())
    throw Failure(MDVT_BACKEND_INVALID_ARGUMENT, "the network takes " +
                                                     std::to_string(inputs_.size()) + " inputs, " +
                                                     std::to_string(num_inputs) + " were given");
  // By name where all names are known, else in the order of the metadata.
  std::vector<size_t> order;
  for (const Port& port : inputs_)
    for (size_t k = 0; k < num_inputs; ++k)
      if (inputs[k].name != nullptr && port.name == inputs[k].name) order.push_back(k);
  if (order.size() == num_inputs) return order;
  order.clear();
  for (size_t k = 0; k < num_inputs; ++k) order.push_back(k);
  return order;
}

void OnnxModel::Plan(const mdvt_backend_tensor* inputs, size_t num_inputs, int64_t* events,
                     size_t capacity, size_t* count) const {
  if (!can_plan_)
    throw Failure(MDVT_BACKEND_UNSUPPORTED, "the memory of another device cannot be told");
  const std::vector<size_t> order = Order(inputs, num_inputs);
  std::map<std::string, std::vector<int64_t>> shapes;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const mdvt_backend_tensor& tensor = inputs[order[i]];
    shapes[inputs_[i].name].assign(tensor.shape, tensor.shape + tensor.rank);
  }
  std::vector<std::string> names;
  for (const Port& port : outputs_) names.push_back(port.name);
  const std::vector<int64_t> all = plan_.Events(Environment(), shapes, names);
  if (all.size() > capacity) throw Failure(MDVT_BACKEND_UNSUPPORTED, "there are too many events");
  std::copy(all.begin(), all.end(), events);
  *count = all.size();
}

void OnnxModel::Run(const mdvt_backend_tensor* inputs, size_t num_inputs,
                    mdvt_backend_tensor* outputs, size_t capacity, size_t* num_outputs) {
  const std::vector<size_t> order = Order(inputs, num_inputs);
  if (outputs_.size() > capacity)
    throw Failure(MDVT_BACKEND_CORRUPT, "the network has too many outputs");
  std::vector<const char*> in_names, out_names;
  std::vector<Ort::Value> values;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    in_names.push_back(inputs_[i].name.c_str());
    values.push_back(InputOf(inputs[order[i]], inputs_[i].type));
  }
  for (const Port& port : outputs_) out_names.push_back(port.name.c_str());
  std::vector<Ort::Value> results =
      session_.Run(Ort::RunOptions{nullptr}, in_names.data(), values.data(), values.size(),
                   out_names.data(), out_names.size());
  size_t made = 0;
  try {
    for (; made < results.size(); ++made)
      outputs[made] = OutputOf(std::move(results[made]), outputs_[made].type);
  } catch (...) {
    for (size_t i = 0; i < made; ++i) delete outputs[i].buffer;
    throw;
  }
  for (size_t i = 0; i < made; ++i) outputs[i].name = outputs_[i].name.c_str();
  *num_outputs = made;
}

}  // namespace mdvt::onnx_backend
