// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/output_set.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "io/staged_file.h"
#include "io/staging.h"
#include "mdvt/core/error.h"
#include "mdvt/core/memory.h"

namespace mdvt {
namespace {

using FileId = std::pair<dev_t, ino_t>;

FileId IdOf(const struct stat& status) { return {status.st_dev, status.st_ino}; }

[[noreturn]] void FailIo(const std::string& path, const std::string& what, int error) {
  throw Error(Code::kIo, path + ": " + what + ": " + SystemErrorText(error));
}

// Where a chain of symbolic links that begins at `path` ends; nothing need be there.
std::string FollowLinks(const std::string& path) {
  constexpr int kMostLinks = 40;
  std::string place = path;
  for (int i = 0; i < kMostLinks; ++i) {
    struct stat status = {};
    if (lstat(place.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return place;
    char target[PATH_MAX];
    const ssize_t size = readlink(place.c_str(), target, sizeof(target));
    if (size < 0) FailIo(path, "cannot be written", errno);
    const std::string to(target, static_cast<size_t>(size));
    place = to.rfind('/', 0) == 0 ? to : staging::FolderOf(place) + "/" + to;
  }
  FailIo(path, "cannot be written", ELOOP);
}

std::string Absolute(const std::string& folder) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(folder.c_str(), nullptr),
                                                         &std::free);
  return real != nullptr ? std::string(real.get()) : std::string();
}

// No failure worth giving up for: the file system has no second names, or not for this file.
bool LinksAreMissing(int error) {
  return error == EPERM || error == ENOSYS || error == ENOTSUP || error == EMLINK;
}

}  // namespace

struct OutputSetState {
  // What is staged in one folder.
  struct Area {
    std::string path;
    std::string folder;  // absolute, without links
    FileDescriptor lock;
    FileId folder_id;
    std::vector<std::shared_ptr<StagedFile>> files;
    std::vector<std::string> new_folders;  // places of those to make, the outer ones first
  };

  explicit OutputSetState(bool may_overwrite) : overwrite(may_overwrite) {}
  ~OutputSetState() { Clean(); }

  // --- before ---

  OutputTarget AddFile(const std::string& path);
  OutputFolder AddFolder(std::string path);
  OutputTarget AddToFolder(const OutputFolder& folder, const std::string& name);
  void RequireNoInput(const std::string& path, const struct stat& status) const;
  void Recover(const std::string& folder);
  size_t AreaIn(const std::string& folder, const std::string& path);
  OutputTarget Stage(size_t area, const std::string& place, const std::string& path,
                     std::optional<mode_t> mode);

  // --- at the end ---

  void CommitAll();
  void Publish();
  void WriteJournals();
  void KeepOldFiles();
  void MakeFolders();
  void MoveFiles();
  void SyncPlaces();
  bool KeepOld(const Area& area, const StagedFile& file, bool may_move);
  void Undo();
  void Clean();

  // A single file needs no journal: it is renamed at once or not at all.
  bool NeedsJournal() const {
    size_t changes = 0;
    for (const Area& area : areas) changes += area.files.size() + area.new_folders.size();
    return changes > 1;
  }
  staging::Journal JournalOf(size_t area) const;
  // For messages about what holds several outputs: the first of them.
  static std::string NameOf(const Area& area) {
    return area.files.empty() ? area.folder : area.files[0]->path;
  }
  [[noreturn]] static void FailFolder(const Area& area, const std::string& what, int error) {
    FailIo(NameOf(area), "in the folder " + area.folder + " " + what, error);
  }
  template <typename Visit>
  void ForEachFile(Visit visit) {
    for (Area& area : areas)
      for (const auto& file : area.files) visit(area, file.get());
  }

  const bool overwrite;
  const int64_t failed_allocations = FailedAllocations();  // before
  std::mutex mutex;
  std::vector<std::string> inputs;
  std::vector<Area> areas;  // the first one leads
  // The outputs by folder and place, and those that exist by what they are; as the user named them.
  std::map<std::pair<FileId, std::string>, std::string> places;
  std::map<FileId, std::string> existing;
  std::set<std::string> recovered;  // folders that have been looked through
  bool over = false;                // CommitAll() has been called
  bool keep = false;                // the areas stay for the next run
};

void OutputSetState::Recover(const std::string& folder) {
  if (recovered.insert(folder).second) staging::RecoverFolder(folder);
}

// The area in `folder`, made if there is none.
size_t OutputSetState::AreaIn(const std::string& folder, const std::string& path) {
  struct stat status = {};
  const std::string real = Absolute(folder);
  if (real.empty() || stat(real.c_str(), &status) != 0) {
    const int error = errno;
    Require(error != ENOENT && error != ENOTDIR, Code::kIo,
            path + ": the folder " + folder + " does not exist");
    FailIo(path, "no file can be made in the folder " + folder, error);
  }
  Require(S_ISDIR(status.st_mode), Code::kIo, path + ": " + folder + " is not a folder");
  for (size_t i = 0; i < areas.size(); ++i)
    if (areas[i].folder_id == IdOf(status)) return i;
  staging::NewArea made = staging::MakeArea(real);
  if (!made.lock.is_open()) {
    const int error = errno;
    Require(error != ENOENT && error != ENOTDIR, Code::kIo,
            path + ": no file can be made in the folder " + folder);
    FailIo(path, "no file can be made in the folder " + folder, error);
  }
  Area area;
  area.path = std::move(made.path);
  area.folder = real;
  area.lock = std::move(made.lock);
  area.folder_id = IdOf(status);
  areas.push_back(std::move(area));
  return areas.size() - 1;
}

void OutputSetState::RequireNoInput(const std::string& path, const struct stat& status) const {
  for (const std::string& input : inputs) {
    struct stat read = {};
    Require(stat(input.c_str(), &read) != 0 || IdOf(read) != IdOf(status), Code::kInvalidArgument,
            "output '" + path + "' is one of the inputs, give another name");
  }
}

OutputTarget OutputSetState::AddFile(const std::string& path) {
  Require(path.find('\0') == std::string::npos, Code::kInvalidArgument,
          "an output's path contains a zero byte");
  const std::string name = path.substr(path.rfind('/') + 1);
  Require(!name.empty() && name != "." && name != "..", Code::kInvalidArgument,
          "output '" + path + "' is not a file name");
  const std::lock_guard<std::mutex> guard(mutex);
  const std::string place = FollowLinks(path);
  const std::string folder = staging::FolderOf(place);
  // What a killed run has half published is taken back before anybody looks.
  Recover(folder);

  struct stat status = {};
  std::optional<mode_t> mode;
  if (lstat(place.c_str(), &status) == 0) {
    Require(!S_ISDIR(status.st_mode), Code::kInvalidArgument,
            "output '" + path + "' is a folder, name a file");
    Require(S_ISREG(status.st_mode), Code::kInvalidArgument,
            "output '" + path + "' is a device or a pipe, only files can be written");
    RequireNoInput(path, status);
    const auto other = existing.find(IdOf(status));
    Require(other == existing.end(), Code::kInvalidArgument,
            "outputs '" + (other == existing.end() ? path : other->second) + "' and '" + path +
                "' are the same file");
    Require(overwrite, Code::kIo, "output '" + path + "' exists and may not be overwritten");
    const bool writable =
        (status.st_mode & 0222) != 0 && faccessat(AT_FDCWD, place.c_str(), W_OK, AT_EACCESS) == 0;
    Require(writable, Code::kIo,
            "output '" + path + "' is read-only: make it writable or give another name");
    existing.emplace(IdOf(status), path);
    mode = status.st_mode & 07777;
  } else if (errno != ENOENT && errno != ENOTDIR) {
    FailIo(path, "cannot be written", errno);
  }
  return Stage(AreaIn(folder, path), place.substr(place.rfind('/') + 1), path, mode);
}

OutputTarget OutputSetState::Stage(size_t index, const std::string& place, const std::string& path,
                                   std::optional<mode_t> mode) {
  Area& area = areas[index];
  const auto [other, is_new] = places.emplace(std::make_pair(area.folder_id, place), path);
  Require(is_new, Code::kInvalidArgument,
          "outputs '" + other->second + "' and '" + path + "' are the same file");
  auto file = std::make_shared<StagedFile>();
  file->path = path;
  file->place = place;
  file->number = static_cast<int>(area.files.size());
  file->staged_path = staging::StagedPath(area.path, file->number);
  file->mode = mode;
  file->set = this;
  file->descriptor = OpenFile(file->staged_path, O_RDWR | O_CREAT | O_EXCL, 0666);
  if (!file->descriptor.is_open())
    FailIo(path, "no file can be made in the folder " + staging::FolderOf(path), errno);
  area.files.push_back(file);
#ifdef __GLIBC__
  // What is kept of each file lies between the buffers of pictures that come and go, and cuts holes
  // into which the next picture does not fit: without this a folder of small pictures takes a
  // quarter more memory after a thousand of them.
  constexpr size_t kFilesBetweenTrims = 64;
  if (area.files.size() % kFilesBetweenTrims == 0) malloc_trim(0);
#endif
  return OutputTarget(path, std::move(file));
}

OutputFolder OutputSetState::AddFolder(std::string path) {
  Require(!path.empty() && path.find('\0') == std::string::npos, Code::kInvalidArgument,
          "output '" + path + "' is not a folder name");
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::lock_guard<std::mutex> guard(mutex);
  OutputFolder folder;
  folder.set_ = this;
  folder.path_ = path;
  // The last folder on the way that is there; a killed run may have made more of them than there
  // were when it began, so that its traces may be in each of those above.
  std::string there;
  std::vector<std::string> missing;
  if (path.front() != '/') Recover(".");
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    const std::string whole = end == 0 ? "/" : path.substr(0, end);
    begin = end + 1;
    if (end > 0 && (part.empty() || part == ".")) continue;
    struct stat status = {};
    const bool exists = missing.empty() && stat(whole.c_str(), &status) == 0;
    if (exists) {
      Require(S_ISDIR(status.st_mode), Code::kIo, whole + ": is a file, not a folder");
      there = whole;
      Recover(there);
      continue;
    }
    const bool free = !missing.empty() || (errno == ENOENT && lstat(whole.c_str(), &status) != 0);
    if (!free) FailIo(path, "cannot be written to", errno);
    Require(part != "..", Code::kIo, path + ": the folder " + whole + " does not exist");
    missing.push_back(part);
  }
  folder.area_ = AreaIn(there.empty() ? "." : there, path);
  Area& area = areas[folder.area_];
  for (const std::string& part : missing) {
    folder.missing_ += (folder.missing_.empty() ? "" : "/") + part;
    auto& made = area.new_folders;
    if (std::find(made.begin(), made.end(), folder.missing_) == made.end())
      made.push_back(folder.missing_);
  }
  return folder;
}

OutputTarget OutputSetState::AddToFolder(const OutputFolder& folder, const std::string& name) {
  const std::string path = (folder.path_ == "/" ? "" : folder.path_) + "/" + name;
  Require(!name.empty() && name.find('/') == std::string::npos, Code::kInvalidArgument,
          "output '" + path + "' is not a file name");
  if (folder.missing_.empty()) return AddFile(path);
  const std::lock_guard<std::mutex> guard(mutex);
  return Stage(folder.area_, folder.missing_ + "/" + name, path, std::nullopt);
}

staging::Journal OutputSetState::JournalOf(size_t index) const {
  staging::Journal journal;
  if (index > 0) journal.leader = areas[0].path;
  for (size_t i = 1; index == 0 && i < areas.size(); ++i)
    journal.followers.push_back(areas[i].path);
  journal.folders = areas[index].new_folders;
  for (const auto& file : areas[index].files)
    journal.entries.push_back({file->number, file->stamp, file->place});
  return journal;
}

void OutputSetState::CommitAll() {
  const std::lock_guard<std::mutex> guard(mutex);
  Require(!std::exchange(over, true), Code::kInvalidArgument,
          "OutputSet: CommitAll() was called before");
  ForEachFile([&](Area&, StagedFile* file) {
    Require(file->finished, Code::kInvalidArgument,
            "output '" + file->path + "' has not been finished");
  });
  if (areas.empty()) return;
  Require(FailedAllocations() == failed_allocations, Code::kOutOfMemory,
          NameOf(areas[0]) + ": out of memory meanwhile, it may not be whole");
  try {
    Publish();
  } catch (...) {
    Undo();
    throw;
  }
  Clean();
}

void OutputSetState::Publish() {
  const bool journal = NeedsJournal();
  if (journal) WriteJournals();
  KeepOldFiles();
  MakeFolders();
  MoveFiles();
  SyncPlaces();
  if (!journal) return;
  // From here on all files have their places.
  const Area& leader = areas[0];
  if (rename(staging::JournalPath(leader.path).c_str(), staging::DonePath(leader.path).c_str()) !=
          0 ||
      !staging::SyncFolder(leader.path))
    FailFolder(leader, "writing to disk failed", errno);
}

void OutputSetState::WriteJournals() {
  for (size_t i = 0; i < areas.size(); ++i) {
    const Area& area = areas[i];
    FileDescriptor file =
        OpenFile(staging::JournalPath(area.path), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file.is_open()) FailFolder(area, "no file can be made", errno);
    WriteAllAt(file.get(), 0, JournalOf(i).ToText(), NameOf(area));
    SyncFile(file.get(), NameOf(area));
    if (const int error = file.Close()) FailFolder(area, "closing failed", error);
    if (!staging::SyncFolder(area.path)) FailFolder(area, "writing to disk failed", errno);
  }
}

// A second name for what a file will replace. Where file systems have none, it is moved away if
// `may_move`. False if there is nothing to keep.
bool OutputSetState::KeepOld(const Area& area, const StagedFile& file, bool may_move) {
  const std::string place = area.folder + "/" + file.place;
  const std::string backup = staging::BackupPath(area.path, file.number);
  if (link(place.c_str(), backup.c_str()) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  if (!LinksAreMissing(errno)) FailIo(file.path, "keeping the old file failed", errno);
  if (!may_move) return true;
  struct stat status = {};
  if (lstat(place.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
    FailIo(file.path, "keeping the old file failed", EISDIR);
  if (rename(place.c_str(), backup.c_str()) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    FailIo(file.path, "keeping the old file failed", errno);
  }
  return true;
}

void OutputSetState::KeepOldFiles() {
  if (!overwrite) return;
  const bool journal = NeedsJournal();
  std::set<const Area*> changed;
  ForEachFile([&](Area& area, StagedFile* file) {
    file->replaces = KeepOld(area, *file, journal);
    if (file->replaces) changed.insert(&area);
  });
  if (!journal) return;
  for (const Area* area : changed)
    if (!staging::SyncFolder(area->path)) FailFolder(*area, "writing to disk failed", errno);
}

void OutputSetState::MakeFolders() {
  for (const Area& area : areas) {
    for (const std::string& place : area.new_folders) {
      const std::string folder = area.folder + "/" + place;
      if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
        FailFolder(area, "the folder " + place + " cannot be made", errno);
    }
  }
}

void OutputSetState::MoveFiles() {
  ForEachFile([&](Area& area, StagedFile* file) {
    const std::string place = area.folder + "/" + file->place;
    if (!file->replaces) {
      if (staging::RenameToFree(file->staged_path, place)) return;
      Require(errno != EEXIST || overwrite, Code::kIo,
              "output '" + file->path + "' exists already and may not be overwritten");
      if (errno != EEXIST) FailIo(file->path, "renaming failed", errno);
      KeepOld(area, *file, NeedsJournal());  // somebody has just put it there
    }
    if (rename(file->staged_path.c_str(), place.c_str()) != 0)
      FailIo(file->path, "renaming failed", errno);
  });
}

void OutputSetState::SyncPlaces() {
  for (const Area& area : areas) {
    std::set<std::string> folders;
    for (const auto& file : area.files)
      folders.insert(staging::FolderOf(area.folder + "/" + file->place));
    for (const std::string& place : area.new_folders)
      folders.insert(staging::FolderOf(area.folder + "/" + place));
    for (const std::string& folder : folders)
      if (!staging::SyncFolder(folder)) FailFolder(area, "writing to disk failed", errno);
  }
}

void OutputSetState::Undo() {
  // Only the last step may have failed.
  rename(staging::DonePath(areas[0].path).c_str(), staging::JournalPath(areas[0].path).c_str());
  bool done = true;
  for (size_t i = areas.size(); i-- > 0;) done = staging::Undo(areas[i].path, JournalOf(i)) && done;
  // What cannot be taken back now is for the next run, which finds the journal.
  keep = !done;
}

void OutputSetState::Clean() {
  // The one that leads last, and only if it leads no other any more.
  for (size_t i = areas.size(); i-- > 0 && !keep;) keep = !staging::RemoveArea(areas[i].path);
  areas.clear();
}

OutputTarget OutputTarget::Beside(const std::string& path) const {
  return file_ != nullptr ? file_->set->AddFile(path) : OutputTarget(path);
}

OutputSet::OutputSet(bool overwrite) : state_(std::make_unique<OutputSetState>(overwrite)) {}
OutputSet::~OutputSet() = default;

void OutputSet::AddInput(const std::string& path) {
  if (path.empty()) return;
  const std::lock_guard<std::mutex> guard(state_->mutex);
  state_->inputs.push_back(path);
}

OutputTarget OutputSet::AddFile(const std::string& path) { return state_->AddFile(path); }
OutputFolder OutputSet::AddFolder(const std::string& path) { return state_->AddFolder(path); }
void OutputSet::CommitAll() { state_->CommitAll(); }

OutputTarget OutputFolder::AddFile(const std::string& name) const {
  return set_->AddToFolder(*this, name);
}

}  // namespace mdvt
