// SPDX-License-Identifier: Apache-2.0
//
// The hidden folders in which outputs wait until they appear, and what becomes of those that killed
// processes have left behind.
//
//   .mdvt-1f2e3d4c5b6a7988/
//     lock      held by flock() while the owner lives
//     0, 1 ...  the new files
//     old-0 ... what they replace, a second name of the same file
//     journal   there from just before the first file gets its place until the last has it:
//               while it is there, everything can be, and has to be, taken back
//     done      the journal from then on
//
// A set of files in several folders has one such folder in each. The first of them leads: its
// journal decides for all, and it is removed last.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/file_descriptor.h"

namespace mdvt::staging {

// What tells a finished file from any other that may later have its place. Renaming changes none of
// it, and inode numbers alone are used again.
struct FileStamp {
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t seconds = 0;  // of the last modification
  int64_t nanoseconds = 0;

  static FileStamp Of(const struct stat& status);
  friend bool operator==(const FileStamp& a, const FileStamp& b) {
    return a.inode == b.inode && a.size == b.size && a.seconds == b.seconds &&
           a.nanoseconds == b.nanoseconds;
  }
};

// A file on its way from <area>/<number> to <folder of the area>/<place>.
struct Entry {
  int number = 0;
  FileStamp stamp;
  std::string place;  // "a.mkv", or "made/a.mkv" in a folder that is made for it
};

struct Journal {
  std::string leader;                  // path of the area that leads; empty: this one does
  std::vector<std::string> followers;  // paths of the other areas
  std::vector<std::string> folders;    // that are made, the outer ones first, beside the area
  std::vector<Entry> entries;

  std::string ToText() const;
  // Empty unless the text is whole.
  static std::optional<Journal> FromText(const std::string& text);
};

// The folder that holds the file `path`: "." of "a", "/" of "/a".
std::string FolderOf(const std::string& path);

std::string StagedPath(const std::string& area, int number);
std::string BackupPath(const std::string& area, int number);
std::string JournalPath(const std::string& area);
std::string DonePath(const std::string& area);

// Makes an area in `folder`. On failure `lock` is not open and errno tells.
struct NewArea {
  std::string path;
  FileDescriptor lock;
};
NewArea MakeArea(const std::string& folder);

// Takes the publishing of these entries back as far as it went. False if something could not be
// done; it may be tried again.
bool Undo(const std::string& area, const Journal& journal);

// Removes an area with all that is in it, its journal and its lock last. False if something could
// not be removed, which is for the next run.
bool RemoveArea(const std::string& area);

// Takes care of all areas in `folder` whose owners are dead.
void RecoverFolder(const std::string& folder);

// fsync() of a folder. False with errno if that failed; a folder or file system that cannot be
// synced is no failure.
bool SyncFolder(const std::string& folder);

// Moves a file to a free name. False with errno, EEXIST if the name is taken.
bool RenameToFree(const std::string& from, const std::string& to);

}  // namespace mdvt::staging
