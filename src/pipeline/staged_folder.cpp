// SPDX-License-Identifier: Apache-2.0
#include "pipeline/staged_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "mdvt/core/error.h"

namespace mdvt {

namespace fs = std::filesystem;

StagedFolder::StagedFolder(const std::string& folder) : folder_(folder) {
  std::error_code error;
  for (fs::path missing = folder_; !missing.empty() && !fs::exists(missing, error);
       missing = missing.parent_path()) {
    created_.push_back(missing.string());
    if (missing == missing.parent_path()) break;
  }
  error.clear();
  fs::create_directories(folder_, error);
  staging_ = folder_ + "/.mdvt-XXXXXX";
  if (!error && mkdtemp(staging_.data()) == nullptr)
    error = std::error_code(errno, std::generic_category());
  if (error) {
    RemoveCreated();
    throw Error(Code::kIo, "cannot write to the folder '" + folder_ + "': " + error.message());
  }
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
  if (!published_) RemoveCreated();
}

void StagedFolder::RemoveCreated() {
  std::error_code ignored;
  for (const std::string& made : created_) fs::remove(made, ignored);  // if it is empty
}

void StagedFolder::RequireAbsent(const std::string& name) const {
  std::error_code ignored;
  Require(!fs::exists(folder_ + "/" + name, ignored), Code::kIo,
          "output '" + folder_ + "/" + name + "' exists and may not be overwritten");
}

void StagedFolder::Publish() {
  published_ = true;
  for (const fs::directory_entry& file : fs::directory_iterator(staging_)) {
    const std::string target = folder_ + "/" + file.path().filename().string();
    std::error_code error;
    fs::rename(file.path(), target, error);
    Require(!error, Code::kIo, "cannot write '" + target + "': " + error.message());
  }
}

}  // namespace mdvt
