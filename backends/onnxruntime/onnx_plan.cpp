// SPDX-License-Identifier: Apache-2.0
#include "onnx_plan.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

#include "onnx_model.h"

namespace mdvt::onnx_backend {
namespace {

[[noreturn]] void Untold(const std::string& why) {
  throw Failure(MDVT_BACKEND_UNSUPPORTED, "its memory cannot be told: " + why);
}

// ---- Messages of protobuf: fields of a number, and a value that is a number or bytes.

struct Field {
  uint64_t number = 0;
  bool is_bytes = false;
  uint64_t value = 0;
  std::string_view bytes;
  std::string_view whole;  // as it lies in the message
};

uint64_t Varint(std::string_view text, size_t* at) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && *at < text.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text[(*at)++]);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  Untold("the file is damaged");
}

void Walk(std::string_view message, const std::function<void(const Field&)>& visit) {
  for (size_t at = 0; at < message.size();) {
    const size_t begin = at;
    const uint64_t head = Varint(message, &at);
    Field field;
    field.number = head >> 3;
    uint64_t size = 0;
    switch (head & 7) {
      case 0:
        field.value = Varint(message, &at);
        break;
      case 1:
        size = 8;
        break;
      case 2:
        size = Varint(message, &at);
        field.is_bytes = true;
        break;
      case 5:
        size = 4;
        break;
      default:
        Untold("the file is damaged");
    }
    if (size > message.size() - at) Untold("the file is damaged");
    field.bytes = message.substr(at, size);
    at += size;
    field.whole = message.substr(begin, at - begin);
    visit(field);
  }
}

void PutVarint(uint64_t value, std::string* to) {
  for (; value >= 0x80; value >>= 7) *to += static_cast<char>(value | 0x80);
  *to += static_cast<char>(value);
}
void PutNumber(uint64_t number, uint64_t value, std::string* to) {
  PutVarint(number << 3, to);
  PutVarint(value, to);
}
void PutBytes(uint64_t number, std::string_view bytes, std::string* to) {
  PutVarint(number << 3 | 2, to);
  PutVarint(bytes.size(), to);
  to->append(bytes);
}

// ---- Of onnx.proto.

constexpr uint64_t kGraph = 7;  // of ModelProto
// Of GraphProto.
constexpr uint64_t kNode = 1, kInitializer = 5, kInput = 11, kOutput = 12, kValueInfo = 13;
// What is added for gaps in the runtime's arena, and for copies in the layout of convolutions,
// which it makes only where it knows the weights: a quarter. Measured: 3 to 23 %.
constexpr int64_t kBeside = 4;
constexpr size_t kLargeWeight = 4096;  // bytes; smaller ones may decide about sizes

std::string NameOf(std::string_view value_info) {
  std::string name;
  Walk(value_info, [&](const Field& field) {
    if (field.number == 1 && field.is_bytes) name = field.bytes;
  });
  return name;
}

std::string ValueInfo(const std::string& name, uint64_t type, const std::vector<int64_t>& shape) {
  std::string dims, tensor, kind, info;
  for (const int64_t side : shape) {
    std::string dim;
    PutNumber(1, static_cast<uint64_t>(side), &dim);
    PutBytes(1, dim, &dims);
  }
  PutNumber(1, type, &tensor);
  PutBytes(2, dims, &tensor);
  PutBytes(1, tensor, &kind);
  PutBytes(1, name, &info);
  PutBytes(2, kind, &info);
  return info;
}

// The element type that a ValueInfoProto declares.
uint64_t TypeOf(std::string_view value_info) {
  uint64_t type = 1;  // float
  Walk(value_info, [&](const Field& info) {
    if (info.number != 2) return;
    Walk(info.bytes, [&](const Field& kind) {
      if (kind.number != 1) return;
      Walk(kind.bytes, [&](const Field& tensor) {
        if (tensor.number == 1) type = tensor.value;
      });
    });
  });
  return type;
}

struct Weight {
  std::string name;
  uint64_t type = 1;
  std::vector<int64_t> shape;
  bool outside = false;
};

Weight WeightOf(std::string_view tensor) {
  Weight weight;
  Walk(tensor, [&](const Field& field) {
    if (field.number == 1 && field.is_bytes) {
      for (size_t at = 0; at < field.bytes.size();)
        weight.shape.push_back(static_cast<int64_t>(Varint(field.bytes, &at)));
    } else if (field.number == 1) {
      weight.shape.push_back(static_cast<int64_t>(field.value));
    } else if (field.number == 2) {
      weight.type = field.value;
    } else if (field.number == 8) {
      weight.name = field.bytes;
    } else if (field.number == 14) {
      weight.outside = field.value != 0;
    }
  });
  return weight;
}

struct Node {
  std::string op;
  std::vector<std::string> inputs, outputs;
};

Node NodeOf(std::string_view message) {
  Node node;
  Walk(message, [&](const Field& field) {
    if (field.number == 1) node.inputs.emplace_back(field.bytes);
    if (field.number == 2) node.outputs.emplace_back(field.bytes);
    if (field.number == 4) node.op = field.bytes;
    if (field.number == 5)
      Walk(field.bytes, [&](const Field& attribute) {
        if (attribute.number == 6 || attribute.number == 11)
          Untold("node '" + node.op + "' has branches or loops");
      });
  });
  return node;
}

int64_t BytesOf(const Ort::TypeInfo& info, const std::string& name) {
  if (info.GetONNXType() != ONNX_TYPE_TENSOR) Untold("'" + name + "' is no tensor");
  const auto tensor = info.GetTensorTypeAndShapeInfo();
  int64_t bytes = 4;
  switch (tensor.GetElementType()) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      bytes = 8;
      break;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16:
      bytes = 2;
      break;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
      bytes = 1;
      break;
    default:
      break;
  }
  for (const int64_t side : tensor.GetShape()) {
    if (side < 0) Untold("the size of '" + name + "' depends on what is computed");
    if (__builtin_mul_overflow(bytes, side, &bytes)) Untold("'" + name + "' is too large");
  }
  return bytes;
}

// A file in memory, for what the runtime writes by name.
class MemoryFile {
 public:
  MemoryFile() : file_(memfd_create("mdvt_onnx_plan", MFD_CLOEXEC)) {
    if (file_ < 0) throw Failure(MDVT_BACKEND_IO, "no file can be made in memory");
  }
  ~MemoryFile() { close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }
  std::string Read() const {
    std::ifstream stream(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  int file_;
};

Ort::SessionOptions Quick(GraphOptimizationLevel level) {
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  options.SetInterOpNumThreads(1);
  options.SetGraphOptimizationLevel(level);
  return options;
}

// ---- When values are made, and when they end.

class Lives {
 public:
  Lives(std::vector<Node> nodes, std::map<std::string, int64_t> bytes,
        const std::vector<std::string>& outputs)
      : nodes_(std::move(nodes)), bytes_(std::move(bytes)) {
    // What another value is only another name of, or another shape.
    static const std::set<std::string> same = {"Reshape",  "Squeeze", "Unsqueeze",
                                               "Identity", "Flatten", "Dropout"};
    for (const Node& node : nodes_)
      if (same.count(node.op) != 0 && !node.inputs.empty() && Root(node.inputs[0]) != "")
        roots_[node.outputs[0]] = Root(node.inputs[0]);
    for (size_t i = 0; i < nodes_.size(); ++i)
      for (const std::string& input : nodes_[i].inputs) last_[Root(input)] = i;
    for (const std::string& output : outputs) last_[Root(output)] = nodes_.size();
  }

  std::vector<int64_t> Events() {
    events_.push_back(0);
    made_ = 1;
    // Written over the first input that ends there and has the same size. Weights that are folded
    // into a convolution before it is run leave such a node behind here.
    static const std::set<std::string> in_place = {
        "Add",  "Sub", "Mul",  "Div", "Relu", "LeakyRelu", "Sigmoid",     "Tanh",
        "Clip", "Neg", "Sqrt", "Exp", "Abs",  "Erf",       "HardSigmoid", "BatchNormalization"};
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      for (const std::string& output : node.outputs) {
        if (output.empty() || roots_.count(output) != 0) continue;
        const std::string* over =
            in_place.count(node.op) != 0 ? Ending(i, bytes_[output]) : nullptr;
        if (over != nullptr) {
          tensors_[output] = tensors_.at(Root(*over));
          tensors_.erase(Root(*over));
        } else {
          Make(output);
        }
      }
      std::set<std::string> seen;
      for (const auto* names : {&node.inputs, &node.outputs})
        for (const std::string& name : *names) seen.insert(Root(name));
      for (const std::string& name : seen) End(name, i);
    }
    events_[0] = std::max<int64_t>(1, most_ / kBeside);
    return std::move(events_);
  }

 private:
  std::string Root(const std::string& name) const {
    const auto found = roots_.find(name);
    return found == roots_.end() ? name : found->second;
  }
  bool EndsAt(const std::string& root, size_t node) const {
    const auto found = last_.find(root);
    return found == last_.end() || found->second <= node;
  }
  const std::string* Ending(size_t node, int64_t bytes) const {
    for (const std::string& input : nodes_[node].inputs) {
      const std::string root = Root(input);
      if (tensors_.count(root) != 0 && EndsAt(root, node) && bytes_.at(root) == bytes)
        return &input;
    }
    return nullptr;
  }
  void Make(const std::string& name) {
    if (bytes_[name] <= 0) return;
    tensors_[name] = made_++;
    events_.push_back(bytes_[name]);
    now_ += bytes_[name];
    most_ = std::max(most_, now_);
  }
  void End(const std::string& root, size_t node) {
    const auto tensor = tensors_.find(root);
    if (tensor == tensors_.end() || !EndsAt(root, node)) return;
    events_.push_back(-1 - tensor->second);
    now_ -= bytes_[root];
    tensors_.erase(tensor);
  }

  std::vector<Node> nodes_;
  std::map<std::string, int64_t> bytes_;
  std::map<std::string, std::string> roots_;
  std::map<std::string, size_t> last_;
  std::map<std::string, int64_t> tensors_;  // those that are there, by number
  std::vector<int64_t> events_;
  int64_t made_ = 0, now_ = 0, most_ = 0;
};

}  // namespace

OnnxPlan::OnnxPlan(std::string_view file) {
  std::set<std::string> weights;
  Walk(file, [&](const Field& field) {
    if (field.number != kGraph) {
      model_.append(field.whole);
      return;
    }
    Walk(field.bytes, [&](const Field& part) {
      if (part.number == kInput) {
        inputs_[NameOf(part.bytes)] = part.bytes;
        return;
      }
      if (part.number == kValueInfo) return;  // may tell sizes of the export
      if (part.number == kInitializer) {
        const Weight weight = WeightOf(part.bytes);
        weights.insert(weight.name);
        if (weight.outside || part.bytes.size() > kLargeWeight) {
          PutBytes(kInput, ValueInfo(weight.name, weight.type, weight.shape), &weights_);
          return;
        }
      }
      graph_.append(part.whole);
    });
  });
  for (const std::string& name : weights) inputs_.erase(name);
}

std::vector<int64_t> OnnxPlan::Events(const Ort::Env& env,
                                      const std::map<std::string, std::vector<int64_t>>& inputs,
                                      const std::vector<std::string>& outputs) const {
  std::string graph = graph_ + weights_;
  for (const auto& [name, declared] : inputs_) {
    const auto shape = inputs.find(name);
    PutBytes(kInput,
             shape == inputs.end() ? declared : ValueInfo(name, TypeOf(declared), shape->second),
             &graph);
  }
  std::string model = model_;
  PutBytes(kGraph, graph, &model);

  // What follows from the sizes is folded; nodes are those that will be run, but for what the
  // weights decide.
  const MemoryFile folded;
  Ort::SessionOptions folding = Quick(ORT_ENABLE_EXTENDED);
  folding.SetOptimizedModelFilePath(folded.path().c_str());
  Ort::Session(env, model.data(), model.size(), folding);
  const std::string text = folded.Read();

  std::vector<Node> nodes;
  std::set<std::string> already;
  std::string again;
  graph.clear();
  Walk(text, [&](const Field& field) {
    if (field.number != kGraph) {
      again.append(field.whole);
      return;
    }
    graph = field.bytes;
    Walk(field.bytes, [&](const Field& part) {
      if (part.number == kNode) nodes.push_back(NodeOf(part.bytes));
      if (part.number == kOutput) already.insert(NameOf(part.bytes));
    });
  });
  for (const Node& node : nodes)
    for (const std::string& name : node.outputs) {
      if (name.empty() || !already.insert(name).second) continue;
      std::string info;
      PutBytes(1, name, &info);
      PutBytes(kOutput, info, &graph);
    }
  PutBytes(kGraph, graph, &again);
  const Ort::Session sized(env, again.data(), again.size(), Quick(ORT_DISABLE_ALL));
  std::map<std::string, int64_t> bytes;
  Ort::AllocatorWithDefaultOptions allocator;
  for (size_t i = 0; i < sized.GetOutputCount(); ++i) {
    const std::string name = sized.GetOutputNameAllocated(i, allocator).get();
    bytes[name] = BytesOf(sized.GetOutputTypeInfo(i), name);
  }
  return Lives(std::move(nodes), std::move(bytes), outputs).Events();
}

}  // namespace mdvt::onnx_backend
