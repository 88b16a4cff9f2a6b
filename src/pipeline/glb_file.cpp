// SPDX-License-Identifier: Apache-2.0
#include "pipeline/glb_file.h"

#include <string_view>

#include "core/little_endian.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

void Pad(char with, std::string* text) {
  while (text->size() % 4 != 0) text->push_back(with);
}

}  // namespace

GlbFile::GlbFile() {
  root_["asset"] = json::Value::Members{{"version", "2.0"}, {"generator", "mdvt"}};
}

int64_t GlbFile::AddView(const void* data, size_t size) {
  Pad('\0', &bytes_);
  root_["bufferViews"].Add(
      json::Value::Members{{"buffer", 0}, {"byteOffset", bytes_.size()}, {"byteLength", size}});
  bytes_.append(static_cast<const char*>(data), size);
  return static_cast<int64_t>(root_["bufferViews"].size()) - 1;
}

int64_t GlbFile::AddAccessor(const void* data, size_t size, size_t count, const char* type,
                             int component, const json::Value& low, const json::Value& high) {
  json::Value::Members accessor = {{"bufferView", AddView(data, size)},
                                   {"componentType", component},
                                   {"count", count},
                                   {"type", type}};
  if (!low.is_null()) accessor.emplace_back("min", low);
  if (!high.is_null()) accessor.emplace_back("max", high);
  root_["accessors"].Add(std::move(accessor));
  return static_cast<int64_t>(root_["accessors"].size()) - 1;
}

void GlbFile::Write(const OutputTarget& target) {
  Pad('\0', &bytes_);
  root_["buffers"] = json::Value::Array{json::Value::Members{{"byteLength", bytes_.size()}}};
  std::string text = json::Write(root_);
  Pad(' ', &text);
  const size_t total = 12 + 8 + text.size() + 8 + bytes_.size();
  Require(total < (uint64_t{1} << 32), Code::kLimit,
          target.path() + ": a GLB file holds 4 GiB, this would be larger");
  std::string head = "glTF";
  PutLittle<uint32_t>(2, &head);
  PutLittle<uint32_t>(static_cast<uint32_t>(total), &head);
  PutLittle<uint32_t>(static_cast<uint32_t>(text.size()), &head);
  head += "JSON";
  std::string between;
  PutLittle<uint32_t>(static_cast<uint32_t>(bytes_.size()), &between);
  between += std::string_view("BIN\0", 4);
  OutputFile file(target);
  for (const std::string* part : {&head, &text, &between, &bytes_}) file.Write(*part);
  file.Finish();
}

}  // namespace mdvt
