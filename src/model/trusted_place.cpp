// SPDX-License-Identifier: Apache-2.0
#include "model/trusted_place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/file_descriptor.h"

namespace mdvt {

std::string WhyOthersMayChange(const std::string& canonical, const std::string& holder) {
  namespace fs = std::filesystem;
  struct stat own = {};
  const bool has_holder = stat(holder.c_str(), &own) == 0;
  const auto is_trusted = [&](const struct stat& status) {
    return status.st_uid == 0 || status.st_uid == geteuid() ||
           (has_holder && status.st_uid == own.st_uid);
  };
  for (fs::path place = canonical;; place = place.parent_path()) {
    struct stat status = {};
    if (lstat(place.c_str(), &status) != 0)
      return "'" + place.string() + "': " + SystemErrorText(errno);
    if (!is_trusted(status))
      return "is not opened: '" + place.string() + "' belongs to another user (number " +
             std::to_string(status.st_uid) + "), who may change it";
    // In a sticky folder, as /tmp is one, others can only add files.
    const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
    const bool same_group =
        has_holder && status.st_gid == own.st_gid && (own.st_mode & S_IWGRP) != 0;
    const bool group = (status.st_mode & S_IWGRP) != 0 && !same_group;
    if (!sticky && (group || (status.st_mode & S_IWOTH) != 0))
      return "is not opened: other users may change '" + place.string() +
             "'; chmod go-w takes that from them";
    if (place == place.parent_path()) return {};
  }
}

}  // namespace mdvt
