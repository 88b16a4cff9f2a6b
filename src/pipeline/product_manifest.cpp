// SPDX-License-Identifier: Apache-2.0
#include "pipeline/product_manifest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "core/text_file.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "model/hasher.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kEnd = int64_t{1} << 20;  // bytes at each end of a file that tell what it is

void AddFile(const fs::path& path, Hasher* hasher) {
  std::error_code error;
  const auto size = static_cast<int64_t>(fs::file_size(path, error));
  Require(!error, error == std::errc::no_such_file_or_directory ? Code::kNotFound : Code::kIo,
          path.string() + ": " +
              (error == std::errc::no_such_file_or_directory ? "no such file" : error.message()));
  const std::string text = std::to_string(size) + "\n";
  hasher->Add(text.data(), text.size());
  std::ifstream file(path, std::ios::binary);
  std::string buffer;
  const auto add = [&](int64_t begin, int64_t end) {
    buffer.resize(static_cast<size_t>(end - begin));
    file.seekg(begin);
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    Require(file.good(), Code::kIo, path.string() + ": cannot be read");
    hasher->Add(buffer.data(), buffer.size());
  };
  if (size > 0) add(0, std::min(size, kEnd));
  if (size > kEnd) add(std::max(kEnd, size - kEnd), size);
}

struct FileState {
  int64_t size = 0;
  int64_t time = 0;  // of the last change
};

std::optional<FileState> StateOf(const fs::path& path) {
  std::error_code error;
  FileState state;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  state.size = static_cast<int64_t>(fs::file_size(path, error));
  if (error) return std::nullopt;
  const fs::file_time_type time = fs::last_write_time(path, error);
  if (error) return std::nullopt;
  state.time = static_cast<int64_t>(time.time_since_epoch().count());
  return state;
}

json::Value ToJson(const StepFacts& facts) {
  json::Value::Members inputs;
  for (const StepInput& input : facts.inputs) inputs.emplace_back(input.role, input.key);
  return json::Value::Members{{"mdvt", MDVT_VERSION_TEXT},
                              {"step", facts.step},
                              {"options", facts.options},
                              {"inputs", inputs}};
}

std::string Text(const json::Value& value) {
  return value.is_string() ? value.AsString() : json::Write(value);
}

// The first member in which two objects differ, in words; empty if they are the same.
std::string Difference(const json::Value& now, const json::Value& before, bool values) {
  const auto told = [values](const std::string& name, const std::string& is,
                             const std::string& was) {
    return values ? name + " is " + is + ", it was " + was : name + " is another one";
  };
  for (const auto& [name, value] : now.AsMembers()) {
    const json::Value* other = before.Find(name);
    if (other == nullptr) return told(name, Text(value), "not given");
    if (*other != value) return told(name, Text(value), Text(*other));
  }
  for (const auto& [name, value] : before.AsMembers())
    if (now.Find(name) == nullptr) return told(name, "not given", Text(value));
  return "";
}

// Empty: there is none, or it is none.
std::optional<json::Value> ReadManifest(const std::string& product, const Limits& limits) {
  try {
    const std::string path = ManifestPath(product);
    json::Value manifest = json::Parse(ReadTextFile(path, "manifest", limits), limits, path);
    for (const char* name : {"mdvt", "step"}) manifest.At(name).AsString();
    for (const char* name : {"options", "inputs"}) manifest.At(name).AsMembers();
    for (const json::Value& file : manifest.At("files").AsArray()) {
      const std::string& text = file.At("name").AsString();
      Require(!text.empty() && text.find('/') == std::string::npos, Code::kCorrupt, "a path");
      file.At("size").AsInt();
      file.At("time").AsInt();
      file.At("key").AsString();
    }
    return manifest;
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool IsAsLeft(const fs::path& folder, const json::Value& file) {
  const fs::path path = folder / file.At("name").AsString();
  const std::optional<FileState> state = StateOf(path);
  if (!state || state->size != file.At("size").AsInt()) return false;
  if (state->time == file.At("time").AsInt()) return true;
  return FileKey(path.string()) == file.At("key").AsString();  // a copy has another time
}

// A file that is not as the step has left it, in words; empty if there is none.
std::string WhichChanged(const fs::path& folder, const json::Value& manifest) {
  for (const json::Value& file : manifest.At("files").AsArray())
    if (!IsAsLeft(folder, file)) return file.At("name").AsString() + " is not as it was left";
  return "";
}

}  // namespace

std::string FileKey(const std::string& path) {
  Hasher hasher;
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    AddFile(path, &hasher);
    return hasher.Result();
  }
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->is_regular_file(ignored)) files.push_back(entry->path());
  Require(!error, Code::kIo, path + ": " + error.message());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string name = file.filename().string() + "\n";
    hasher.Add(name.data(), name.size());
    AddFile(file, &hasher);
  }
  return hasher.Result();
}

std::string KeyOf(const StepFacts& facts) {
  const std::string text = json::Write(ToJson(facts));
  Hasher hasher;
  hasher.Add(text.data(), text.size());
  return hasher.Result();
}

std::string ManifestPath(const std::string& product) { return product + ".mdvt.json"; }

void WriteManifest(const StepFacts& facts, const std::string& product,
                   const std::vector<std::string>& files, double seconds) {
  json::Value manifest = ToJson(facts);
  manifest["key"] = KeyOf(facts);
  manifest["seconds"] = seconds;
  json::Value::Array list;
  for (const std::string& file : files) {
    const std::optional<FileState> state = StateOf(file);
    Require(state.has_value(), Code::kIo, file + ": it is gone");
    list.push_back(json::Value::Members{{"name", fs::path(file).filename().string()},
                                        {"size", state->size},
                                        {"time", state->time},
                                        {"key", FileKey(file)}});
  }
  manifest["files"] = list;
  WriteFile(ManifestPath(product), json::Write(manifest, json::Layout::kPretty) + "\n");
}

std::string WhyStale(const StepFacts& facts, const std::string& product, const Limits& limits) {
  const fs::path path(product);
  if (!StateOf(path)) return "there is no " + path.filename().string();
  const std::optional<json::Value> manifest = ReadManifest(product, limits);
  if (!manifest) return "nothing tells how " + path.filename().string() + " was made";
  const json::Value now = ToJson(facts);
  if (now.At("mdvt") != manifest->At("mdvt"))
    return "it was made by mdvt " + manifest->At("mdvt").AsString();
  for (const bool values : {true, false}) {
    const char* part = values ? "options" : "inputs";
    const std::string difference = Difference(now.At(part), manifest->At(part), values);
    if (!difference.empty()) return difference;
  }
  return WhichChanged(path.parent_path(), *manifest);
}

std::optional<std::string> InputOf(const std::string& product, const std::string& role,
                                   const Limits& limits) {
  const std::optional<json::Value> manifest = ReadManifest(product, limits);
  const json::Value* key = manifest ? manifest->At("inputs").Find(role) : nullptr;
  if (key == nullptr || !key->is_string()) return std::nullopt;
  return key->AsString();
}

bool IsAsMade(const std::string& product, const Limits& limits) {
  const std::optional<json::Value> manifest = ReadManifest(product, limits);
  return manifest && WhichChanged(fs::path(product).parent_path(), *manifest).empty();
}

std::vector<std::string> OwnFiles(const std::string& product, const Limits& limits) {
  const std::optional<json::Value> manifest = ReadManifest(product, limits);
  if (!manifest) return {};
  std::vector<std::string> files;
  const fs::path folder = fs::path(product).parent_path();
  for (const json::Value& file : manifest->At("files").AsArray())
    if (IsAsLeft(folder, file)) files.push_back((folder / file.At("name").AsString()).string());
  files.push_back(ManifestPath(product));
  return files;
}

}  // namespace mdvt
