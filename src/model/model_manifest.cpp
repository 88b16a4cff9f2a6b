// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/model_manifest.h"

#include <algorithm>
#include <set>

#include "core/json.h"
#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "model/hasher.h"
#include "model/model_file.h"

namespace mdvt {
namespace {

constexpr char kWhat[] = "model manifest";

ManifestEntry ReadEntry(const json::Object& object) {
  ManifestEntry entry;
  entry.file = object.Text("file");
  const bool plain = !entry.file.empty() && entry.file.size() <= 255 &&
                     entry.file.find('/') == std::string::npos &&
                     entry.file.find('\0') == std::string::npos;
  if (!plain) object.Fail("file", "the name of a file without a folder");
  entry.origin = object.Text("origin");
  entry.license = object.Text("license");
  entry.exporter = object.Text("exporter", "");
  if (object.Has("size")) entry.size = object.Integer("size", 1, int64_t{1} << 50);
  if (object.Has("sha256")) {
    entry.sha256 = NormalizedSha256(object.Text("sha256"));
    if (entry.sha256.empty()) object.Fail("sha256", "64 hexadecimal digits, or null");
  }
  return entry;
}

}  // namespace

std::string NormalizedSha256(const std::string& text) {
  std::string hash = text;
  for (char& c : hash) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  const bool valid =
      hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == std::string::npos;
  return valid ? hash : std::string();
}

ModelManifest ModelManifest::Parse(const char* text, size_t size, const Limits& limits) {
  const json::Value value = json::Parse({text, size}, limits, kWhat);
  const json::Object root(value, kWhat);
  const int64_t format = root.Integer("format", 1, 1 << 30);
  Require(format == 1, Code::kUnsupported,
          root.Name("format") + " = " + std::to_string(format) + ", this mdvt reads 1");
  ModelManifest manifest;
  std::set<std::string> names;
  for (const json::Object& object : root.Children("models", 65536)) {
    manifest.models.push_back(ReadEntry(object));
    if (!names.insert(manifest.models.back().file).second) {
      object.Fail("file", "listed once");
    }
  }
  return manifest;
}

ModelManifest ModelManifest::Read(const std::string& path, const Limits& limits) {
  return ReadAndParse(path, kWhat, limits, Parse);
}

const ManifestEntry* ModelManifest::FindFile(std::string_view file) const {
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&](const ManifestEntry& entry) { return entry.file == file; });
  return found == models.end() ? nullptr : &*found;
}

const ManifestEntry* ModelManifest::FindHash(std::string_view sha256) const {
  const auto found = std::find_if(models.begin(), models.end(), [&](const ManifestEntry& entry) {
    return !entry.sha256.empty() && entry.sha256 == sha256;
  });
  return found == models.end() ? nullptr : &*found;
}

std::string Sha256(const void* data, size_t size) {
  Hasher hasher;
  hasher.Add(data, size);
  return hasher.Result();
}

std::string FileSha256(const std::string& path) {
  const ModelFile file(path);
  Hasher hasher;
  std::vector<char> block(1 << 17);
  while (const size_t got = file.Read(block.data(), block.size())) hasher.Add(block.data(), got);
  return hasher.Result();
}

}  // namespace mdvt
