// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/backend.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>

#include "mdvt/core/error.h"
#include "mdvt/core/parallel.h"
#include "mdvt_backend.h"
#include "model/backend_calls.h"
#include "model/trusted_place.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "mdvt_";
constexpr char kSuffix[] = ".so";

struct Entry {
  const mdvt_backend* table = nullptr;
  std::string path;  // empty if registered
};

// Plug-ins stay open, and what could not be opened is not tried again.
struct Registry {
  std::mutex mutex;
  std::vector<Entry> entries;                   // in the order in which they count
  std::vector<std::string> folders;             // that the program has named
  std::map<std::string, std::string> failures;  // path, reason
};
Registry& GetRegistry() {
  static Registry& registry = *new Registry;  // never destroyed: models may be closed at exit
  return registry;
}

// Why this table cannot be used; empty if it can.
std::string Fault(const mdvt_backend& table) {
  if (table.abi != MDVT_BACKEND_ABI) {
    return "has version " + std::to_string(table.abi) + " of the backend table, this mdvt needs " +
           std::to_string(MDVT_BACKEND_ABI);
  }
  if (table.struct_size < kLeastBackendTable) {
    return "has a table of " + std::to_string(table.struct_size) + " bytes, must be at least " +
           std::to_string(kLeastBackendTable);
  }
  const std::pair<bool, const char*> members[] = {
      {table.name != nullptr && *table.name != '\0', "name"},
      {table.version != nullptr, "version"},
      {table.extensions != nullptr, "extensions"},
      {table.last_error != nullptr, "last_error"},
      {table.read_metadata != nullptr, "read_metadata"},
      {table.free_text != nullptr, "free_text"},
      {table.open != nullptr, "open"},
      {table.close != nullptr, "close"},
      {table.run != nullptr, "run"},
      {table.copy_to_host != nullptr, "copy_to_host"},
      {table.free_buffer != nullptr, "free_buffer"},
      {table.describe != nullptr, "describe"}};
  for (const auto& [there, name] : members) {
    if (!there) return std::string("has no '") + name + "' in its table";
  }
  const bool loads = Has(&table, &mdvt_backend::load);
  if (loads != Has(&table, &mdvt_backend::calculate) || loads != Has(&table, &mdvt_backend::reduce))
    return "has some of 'load', 'calculate' and 'reduce' in its table, not all";
  return {};
}

// The shared library or program that this code is in.
fs::path OwnFile() {
  static const char kHere = 0;
  Dl_info info = {};
  link_map* map = nullptr;
  std::error_code ignored;
  fs::path file;
  // The main program's own entry has no name, and dli_fname there is whatever argv[0] says.
  if (dladdr1(&kHere, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) != 0 && map &&
      map->l_name && *map->l_name) {
    file = fs::weakly_canonical(map->l_name, ignored);
  }
  if (file.empty()) file = fs::read_symlink("/proc/self/exe", ignored);
  return file;
}

std::string NameOf(const fs::path& plugin) {
  const std::string stem = plugin.stem().string();
  return stem.substr(sizeof kPrefix - 1);
}

bool IsPlugin(const fs::path& path) {
  const std::string file = path.filename().string();
  return file.size() > sizeof kPrefix - 1 + sizeof kSuffix - 1 && file.rfind(kPrefix, 0) == 0 &&
         path.extension() == kSuffix;
}

// Where an installation has its plug-ins, seen from the file that holds mdvt. A file elsewhere has
// none beside it but those in its own folder: what lies around it may be anybody's.
std::vector<fs::path> InstalledPlaces(const fs::path& file) {
  const fs::path own = file.parent_path();
  std::vector<fs::path> places = {own, own / "mdvt"};
  const std::string name = own.filename().string();
  if (name == MDVT_PROGRAM_FOLDER || name == "tests") {  // installed; or built and not installed
    places.push_back(own / "../lib");
    places.push_back(own / "../lib/mdvt");
    places.push_back(own / (std::string("../") + MDVT_PLUGIN_LIBDIR + "/mdvt"));
  }
  // The Python module: lib/python3/dist-packages/mdvt, or python/mdvt where it was built.
  if (name == "mdvt" && file.filename().string().rfind("_mdvt.", 0) == 0) {
    const fs::path around = own.parent_path();
    const std::string packages = around.filename().string();
    if (packages == "dist-packages" || packages == "site-packages")
      places.push_back(own / "../../../mdvt");
    if (packages == "python") places.push_back(own / "../../lib");
  }
  return places;
}

// In the order in which they are searched; with the mutex held.
std::vector<std::string> Folders(const Registry& registry) {
  std::vector<std::string> folders;
  const auto add = [&](const fs::path& folder) {
    fs::path normal = folder.lexically_normal();
    if (!normal.has_filename()) normal = normal.parent_path();
    if (std::find(folders.begin(), folders.end(), normal.string()) == folders.end())
      folders.push_back(normal.string());
  };
  if (const char* list = secure_getenv("MDVT_BACKEND_PATH")) {
    const std::string text = list;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(':', begin), text.size());
      if (end > begin) add(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  for (const std::string& folder : registry.folders) add(folder);
  const fs::path file = OwnFile();
  if (!file.empty())
    for (const fs::path& folder : InstalledPlaces(file)) add(folder);
  return folders;
}

// All plug-ins, in the order of the folders and then of their names.
std::vector<std::string> PluginFiles(const Registry& registry) {
  std::vector<std::string> files;
  for (const std::string& folder : Folders(registry)) {
    std::vector<std::string> here;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (IsPlugin(it->path())) here.push_back(it->path().string());
    }
    std::sort(here.begin(), here.end());
    files.insert(files.end(), here.begin(), here.end());
  }
  return files;
}

const Entry* FindEntry(const Registry& registry, const std::string& name) {
  for (const Entry& entry : registry.entries) {
    if (name == entry.table->name) return &entry;
  }
  return nullptr;
}

// Opens the plug-in unless that has been tried or its name is taken.
void Open(Registry& registry, const std::string& path) {
  if (registry.failures.count(path) != 0 || FindEntry(registry, NameOf(path))) return;
  const auto fail = [&](const std::string& reason) { registry.failures[path] = reason; };
  std::error_code error;
  const std::string file = fs::canonical(path, error).string();  // links may be turned meanwhile
  if (error) return fail(error.message());
  if (const std::string reason = WhyOthersMayChange(file, OwnFile().string()); !reason.empty())
    return fail(reason);
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    return fail(reason ? reason : "cannot be opened");
  }
  // Not closed after a failure either: what it has linked may not survive that.
  const auto entry = reinterpret_cast<mdvt_backend_entry_fn>(dlsym(library, "mdvt_backend_entry"));
  if (entry == nullptr) return fail("does not export mdvt_backend_entry");
  const mdvt_backend* table = entry(MDVT_BACKEND_ABI);
  if (table == nullptr) {
    return fail("does not serve version " + std::to_string(MDVT_BACKEND_ABI) +
                " of the backend table");
  }
  const std::string fault = Fault(*table);
  if (!fault.empty()) return fail(fault);
  if (NameOf(path) != table->name) {
    return fail(std::string("calls itself '") + table->name + "', its file must be named " +
                kPrefix + table->name + kSuffix);
  }
  registry.entries.push_back({table, path});
}

bool Takes(const mdvt_backend& table, const std::string& extension) {
  for (const char* const* one = table.extensions; *one != nullptr; ++one) {
    if (extension == *one) return true;
  }
  return false;
}

std::string Places(const Registry& registry) {
  std::string text;
  for (const std::string& folder : Folders(registry)) text += (text.empty() ? "" : ", ") + folder;
  return text;
}

// What was found and could not be used, for the end of an error text.
std::string Failures(const Registry& registry) {
  std::string text;
  for (const auto& [path, reason] : registry.failures) text += "; " + path + ": " + reason;
  return text;
}

}  // namespace

std::vector<std::string> BackendFolders() {
  Registry& registry = GetRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  return Folders(registry);
}

void AddBackendFolder(const std::string& folder) {
  Require(!folder.empty() && folder.find('\0') == std::string::npos, Code::kInvalidArgument,
          "AddBackendFolder: the name of a folder is needed");
  std::error_code error;
  const std::string whole = fs::absolute(folder, error).lexically_normal().string();
  Require(!error, Code::kIo, "'" + folder + "': " + error.message());
  Registry& registry = GetRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  registry.folders.push_back(whole);
}

std::vector<BackendInfo> AvailableBackends(std::vector<BackendFailure>* failures) {
  Registry& registry = GetRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  for (const std::string& path : PluginFiles(registry)) Open(registry, path);
  std::vector<BackendInfo> infos;
  for (const Entry& entry : registry.entries) {
    BackendInfo info{entry.table->name, entry.table->version, entry.path, {}};
    for (const char* const* one = entry.table->extensions; *one != nullptr; ++one) {
      info.extensions.emplace_back(*one);
    }
    infos.push_back(std::move(info));
  }
  std::sort(infos.begin(), infos.end(),
            [](const BackendInfo& a, const BackendInfo& b) { return a.name < b.name; });
  if (failures != nullptr) {
    for (const auto& [path, reason] : registry.failures) failures->push_back({path, reason});
  }
  return infos;
}

void RegisterBackend(const mdvt_backend* backend) {
  Require(backend != nullptr, Code::kInvalidArgument, "RegisterBackend: no table");
  const std::string fault = Fault(*backend);
  const bool other_version =
      backend->abi != MDVT_BACKEND_ABI || backend->struct_size < kLeastBackendTable;
  Require(fault.empty(), other_version ? Code::kUnsupported : Code::kInvalidArgument,
          "RegisterBackend: the backend " + fault);
  Registry& registry = GetRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  if (const Entry* entry = FindEntry(registry, backend->name)) {
    Require(entry->table == backend, Code::kRefused,
            std::string("RegisterBackend: there is a backend '") + backend->name + "' already");
    return;
  }
  const auto is_plugin = [](const Entry& entry) { return !entry.path.empty(); };
  registry.entries.insert(std::find_if(registry.entries.begin(), registry.entries.end(), is_plugin),
                          {backend, {}});
}

const mdvt_backend* FindBackend(const std::string& name) {
  Require(!name.empty() &&
              name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos,
          Code::kInvalidArgument,
          "backend '" + name + "', names are made of small letters, digits and _");
  Registry& registry = GetRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  if (const Entry* entry = FindEntry(registry, name)) return entry->table;
  const std::string file = kPrefix + name + kSuffix;
  std::string failed;
  for (const std::string& folder : Folders(registry)) {
    const std::string path = (fs::path(folder) / file).string();
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    Open(registry, path);
    if (const Entry* entry = FindEntry(registry, name)) return entry->table;
    failed += (failed.empty() ? "" : "; ") + path + ": " + registry.failures[path];
  }
  Require(failed.empty(), Code::kUnsupported,
          "the backend '" + name + "' cannot be used: " + failed);
  throw Error(Code::kNotFound, "no backend '" + name + "': there is no " + file + " in " +
                                   Places(registry) +
                                   "; build it or name its folder in MDVT_BACKEND_PATH");
}

const mdvt_backend* FindBackendFor(const std::string& extension) {
  std::string lower = extension;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  Registry& registry = GetRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  const auto find = [&]() -> const mdvt_backend* {
    for (const Entry& entry : registry.entries) {
      if (Takes(*entry.table, lower)) return entry.table;
    }
    return nullptr;
  };
  if (const mdvt_backend* table = find()) return table;
  for (const std::string& path : PluginFiles(registry)) {
    Open(registry, path);
    if (const mdvt_backend* table = find()) return table;
  }
  const std::string what = lower.empty() ? "files without an ending" : "'" + lower + "' files";
  // A video in the place of a model, most likely.
  const bool of_networks = lower == ".pt" || lower == ".onnx";
  const std::string wanted =
      of_networks ? ""
                  : "a network is wanted, in a .pt or .onnx file as models/export/ writes it: ";
  throw Error(registry.failures.empty() ? Code::kNotFound : Code::kUnsupported,
              wanted + "no backend for " + what +
                  " (LibTorch's is mdvt_torch.so, for .pt; ONNX Runtime's mdvt_onnxruntime.so, for "
                  ".onnx) in " +
                  Places(registry) + Failures(registry));
}

std::string DescribeBackend(const std::string& name) {
  const mdvt_backend* table = FindBackend(name);
  BackendText text(table);
  CheckBackend(table, table->describe(text.Receive()), "backend '" + name + "'");
  return text.ToString();
}

double TimeMatrixProduct(const std::string& backend, const std::string& device, int num_threads,
                         int n) {
  Require(n >= 1 && n <= 8192, Code::kInvalidArgument,
          "matrices of " + std::to_string(n) + " rows, must be in [1, 8192]");
  const int threads = ResolveThreads(num_threads);
  const mdvt_backend* table = FindBackend(backend);
  if (table->time_matrix_product == nullptr) return 0;
  double seconds = 0;
  CheckBackend(table, table->time_matrix_product(device.c_str(), threads, n, &seconds),
               "backend '" + backend + "'");
  return seconds;
}

}  // namespace mdvt
