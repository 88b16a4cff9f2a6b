// SPDX-License-Identifier: Apache-2.0
#include "model/onnx_weights.h"

#include <cstdint>
#include <functional>
#include <set>
#include <string_view>

namespace mdvt {
namespace {

// A message of protobuf: fields of a number and a value; calls field(number, bytes) for those whose
// value is a text or a message. Ends at what it cannot follow; true if that is the end.
bool Walk(std::string_view message,
          const std::function<void(uint64_t number, std::string_view bytes)>& field) {
  size_t at = 0;
  const auto number = [&](uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 64 && at < message.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(message[at++]);
      *value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  };
  uint64_t head = 0, value = 0;
  while (at < message.size()) {
    if (!number(&head)) return false;
    uint64_t size = 0;
    switch (head & 7) {
      case 0:
        if (!number(&value)) return false;
        break;
      case 1:
        size = 8;
        break;
      case 2:
        if (!number(&size)) return false;
        break;
      case 5:
        size = 4;
        break;
      default:
        return false;
    }
    if (size > message.size() - at) return false;
    if ((head & 7) == 2) field(head >> 3, message.substr(at, size));
    at += size;
  }
  return true;
}

constexpr uint64_t kGraph = 7;  // ModelProto.graph
constexpr int kDeepest = 32;    // graphs in branches of graphs

class Finder {
 public:
  void Model(std::string_view model) {
    Walk(model, [this](uint64_t number, std::string_view bytes) {
      if (number == kGraph) Graph(bytes, 0);
      if (number == 25)  // ModelProto.functions: their nodes
        Walk(bytes, [this](uint64_t part, std::string_view node) {
          if (part == 7) Node(node, 0);
        });
    });
  }

  std::set<std::string> names;

 private:
  void Graph(std::string_view graph, int depth) {
    if (depth > kDeepest) return;
    Walk(graph, [this, depth](uint64_t number, std::string_view bytes) {
      if (number == 1) Node(bytes, depth);
      if (number == 5) Tensor(bytes);  // initializer
      if (number == 15) Sparse(bytes);
    });
  }
  void Node(std::string_view node, int depth) {
    Walk(node, [this, depth](uint64_t number, std::string_view bytes) {
      if (number != 5) return;  // attribute
      Walk(bytes, [this, depth](uint64_t part, std::string_view value) {
        if (part == 5 || part == 10) Tensor(value);
        if (part == 6 || part == 11) Graph(value, depth + 1);
        if (part == 22 || part == 23) Sparse(value);
      });
    });
  }
  void Sparse(std::string_view tensor) {
    Walk(tensor, [this](uint64_t number, std::string_view bytes) {
      if (number == 1 || number == 2) Tensor(bytes);
    });
  }
  void Tensor(std::string_view tensor) {
    Walk(tensor, [this](uint64_t number, std::string_view entry) {
      if (number != 13) return;  // external_data: keys and values
      std::string_view key, value;
      Walk(entry, [&](uint64_t part, std::string_view bytes) {
        if (part == 1) key = bytes;
        if (part == 2) value = bytes;
      });
      if (key == "location") names.emplace(value);
    });
  }
};

}  // namespace

std::vector<std::string> OutsideWeights(const char* bytes, size_t size) {
  Finder finder;
  finder.Model({bytes, size});
  return {finder.names.begin(), finder.names.end()};
}

bool HoldsOnnxGraph(const char* bytes, size_t size) {
  bool found = false;
  const bool whole = Walk(
      {bytes, size}, [&found](uint64_t number, std::string_view) { found |= number == kGraph; });
  return whole && found;
}

}  // namespace mdvt
