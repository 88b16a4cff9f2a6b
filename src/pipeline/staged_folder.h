// SPDX-License-Identifier: Apache-2.0
//
// A folder that receives many files at once or none.
#pragma once

#include <string>
#include <vector>

namespace mdvt {

// Files are written into a hidden folder inside `folder` and moved up by Publish(), replacing files
// of the same name. Without Publish() everything is removed again, `folder` and those above it too
// if they were not there before.
class StagedFolder {
 public:
  // Throws Error(kIo) if the folder cannot be made or written to.
  explicit StagedFolder(const std::string& folder);
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  // Where to write the file that will be folder/name.
  std::string Path(const std::string& name) const { return staging_ + "/" + name; }
  // Throws Error(kIo) if `folder` holds this file already.
  void RequireAbsent(const std::string& name) const;
  // Throws Error(kIo).
  void Publish();

 private:
  void RemoveCreated();

  std::string folder_;
  std::string staging_;
  std::vector<std::string> created_;  // folders that were not there before, deepest first
  bool published_ = false;
};

}  // namespace mdvt
