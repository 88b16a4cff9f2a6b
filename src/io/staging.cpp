// SPDX-License-Identifier: Apache-2.0
#include "io/staging.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "mdvt/core/numbers.h"

namespace mdvt::staging {
namespace {

constexpr char kPrefix[] = ".mdvt-";
constexpr size_t kNameDigits = 16;
constexpr char kHeader[] = "mdvt-outputs 1";
constexpr char kLastLine[] = "end";
constexpr size_t kMaxJournalBytes = size_t{1} << 30;

bool IsAreaName(const std::string& name) {
  const size_t prefix = std::strlen(kPrefix);
  return name.size() == prefix + kNameDigits && name.compare(0, prefix, kPrefix) == 0 &&
         name.find_first_not_of("0123456789abcdef", prefix) == std::string::npos;
}

std::string NewAreaName() {
  static std::atomic<uint64_t> counter{0};
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  uint64_t mixed = static_cast<uint64_t>(now) ^ (static_cast<uint64_t>(getpid()) << 40);
  mixed = (mixed + counter.fetch_add(1) * 0x9E3779B97F4A7C15u) * 0xBF58476D1CE4E5B9u;
  mixed ^= mixed >> 31;
  char name[kNameDigits + 1];
  std::snprintf(name, sizeof(name), "%016llx", static_cast<unsigned long long>(mixed));
  return kPrefix + std::string(name);
}

// Names in a folder but "." and "..", sorted; empty if it cannot be read. Asks the system itself:
// readdir() takes 32 KiB, and clearing up must not need memory.
std::optional<std::vector<std::string>> NamesIn(const std::string& folder) {
  const FileDescriptor descriptor = OpenFile(folder, O_RDONLY | O_DIRECTORY);
  if (!descriptor.is_open()) return std::nullopt;
  std::vector<std::string> names;
  alignas(dirent64) char block[4096];
  for (;;) {
    const ssize_t count = getdents64(descriptor.get(), block, sizeof(block));
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    for (ssize_t at = 0; at < count;) {
      const auto* entry = reinterpret_cast<const dirent64*>(block + at);
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
      at += entry->d_reclen;
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> ReadFile(const std::string& path) {
  const FileDescriptor file = OpenFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file.is_open()) return std::nullopt;
  std::string text;
  char block[65536];
  for (;;) {
    const ssize_t count = read(file.get(), block, sizeof(block));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 || text.size() > kMaxJournalBytes) return std::nullopt;
    if (count == 0) return text;
    text.append(block, static_cast<size_t>(count));
  }
}

// A line of the journal ends at '\n', which names may contain.
std::string Escaped(const std::string& name) {
  std::string text;
  for (const char c : name) {
    if (c == '\n') {
      text += "%0A";
    } else if (c == '%') {
      text += "%25";
    } else {
      text += c;
    }
  }
  return text;
}

std::string Unescaped(const std::string& text) {
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    name += !escape ? text[i] : text.compare(i, 3, "%0A") == 0 ? '\n' : '%';
    if (escape) i += 2;
  }
  return name;
}

// A place below the folder of the area: nothing in a journal leads out of it.
bool IsPlace(const std::string& place) {
  const std::string between = "/" + place + "/";
  return between.find("//") == std::string::npos && between.find("/./") == std::string::npos &&
         between.find("/../") == std::string::npos;
}

std::vector<std::string> Words(const std::string& line, size_t count) {
  std::vector<std::string> words;
  size_t begin = 0;
  while (words.size() + 1 < count) {
    const size_t end = line.find(' ', begin);
    if (end == std::string::npos) return {};
    words.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  words.push_back(line.substr(begin));
  return words;
}

std::optional<Entry> ParseEntry(const std::string& line) {
  const std::vector<std::string> words = Words(line, 7);
  if (words.size() != 7 || !IsPlace(Unescaped(words[6]))) return std::nullopt;
  std::optional<int64_t> numbers[5];
  for (size_t i = 0; i < 5; ++i) {
    numbers[i] = ParseInt(words[i + 1]);
    if (!numbers[i]) return std::nullopt;
  }
  Entry entry;
  entry.number = static_cast<int>(*numbers[0]);
  entry.stamp = {static_cast<uint64_t>(*numbers[1]), *numbers[2], *numbers[3], *numbers[4]};
  entry.place = Unescaped(words[6]);
  return entry;
}

bool IsOurArea(const std::string& path) {
  struct stat status = {};
  return IsAreaName(path.substr(path.rfind('/') + 1)) && lstat(path.c_str(), &status) == 0 &&
         S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

// The lock of an area whose owner is dead; not open if he lives, or somebody else has just removed
// it, or this file system knows no locks.
FileDescriptor LockDeadArea(const std::string& area) {
  const std::string path = area + "/lock";
  FileDescriptor lock = OpenFile(path, O_RDWR | O_NOFOLLOW);
  if (!lock.is_open()) {
    // Killed between making the folder and the lock, or about to make it: then that fails and he
    // makes another area.
    if (errno == ENOENT) rmdir(area.c_str());
    return {};
  }
  struct stat held = {}, there = {};
  const bool ours = flock(lock.get(), LOCK_EX | LOCK_NB) == 0 && fstat(lock.get(), &held) == 0 &&
                    stat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino;
  if (!ours) return {};
  return lock;
}

std::optional<Journal> ReadJournal(const std::string& path) {
  const std::optional<std::string> text = ReadFile(path);
  return text ? Journal::FromText(*text) : std::nullopt;
}

// Removes the areas of a dead process, after taking back what it had begun to publish.
void RecoverLeader(const std::string& area) {
  const FileDescriptor lock = LockDeadArea(area);
  if (!lock.is_open()) return;
  const std::optional<Journal> begun = ReadJournal(JournalPath(area));
  const std::optional<Journal> journal = begun ? begun : ReadJournal(DonePath(area));
  if (journal) {
    std::vector<FileDescriptor> locks;
    bool free = !begun || Undo(area, *begun);
    for (const std::string& follower : journal->followers) {
      if (IsOurArea(follower)) locks.push_back(LockDeadArea(follower));
      if (!IsOurArea(follower)) continue;  // removed already, or just now, being empty
      const std::optional<Journal> part = ReadJournal(JournalPath(follower));
      free = locks.back().is_open() && (!begun || !part || Undo(follower, *part)) && free;
    }
    if (!free) return;
    for (const std::string& follower : journal->followers)
      if (IsOurArea(follower) && !RemoveArea(follower)) return;
  }
  RemoveArea(area);
}

void RecoverArea(const std::string& area) {
  FileDescriptor lock = LockDeadArea(area);
  if (!lock.is_open()) return;
  const std::optional<Journal> journal = ReadJournal(JournalPath(area));
  if (!journal || journal->leader.empty()) {
    lock.Close();
    RecoverLeader(area);
  } else if (IsOurArea(journal->leader)) {
    lock.Close();
    RecoverLeader(journal->leader);
  } else if (Undo(area, *journal)) {
    // The leader is out of reach: the folder was moved, the disk is not mounted.
    RemoveArea(area);
  }
}

enum class Presence { kThere, kMissing, kUnknown };

Presence Look(const std::string& path, struct stat* status) {
  if (lstat(path.c_str(), status) == 0) return Presence::kThere;
  return errno == ENOENT || errno == ENOTDIR ? Presence::kMissing : Presence::kUnknown;
}

bool UndoEntry(const std::string& area, const Entry& entry) {
  const std::string place = FolderOf(area) + "/" + entry.place;
  const std::string backup = BackupPath(area, entry.number);
  struct stat at_place = {}, at_backup = {};
  const Presence file = Look(place, &at_place), old = Look(backup, &at_backup);
  if (file == Presence::kUnknown || old == Presence::kUnknown) return false;
  const bool ours = file == Presence::kThere && FileStamp::Of(at_place) == entry.stamp;
  if (old == Presence::kMissing) return !ours || unlink(place.c_str()) == 0;
  if (file == Presence::kMissing || ours) return rename(backup.c_str(), place.c_str()) == 0;
  // It was never replaced, or somebody has put another file there since.
  return unlink(backup.c_str()) == 0;
}

}  // namespace

FileStamp FileStamp::Of(const struct stat& status) {
  return {static_cast<uint64_t>(status.st_ino), static_cast<int64_t>(status.st_size),
          static_cast<int64_t>(status.st_mtim.tv_sec),
          static_cast<int64_t>(status.st_mtim.tv_nsec)};
}

std::string Journal::ToText() const {
  std::string text = std::string(kHeader) + "\n";
  if (!leader.empty()) text += "leader " + Escaped(leader) + "\n";
  for (const std::string& follower : followers) text += "follower " + Escaped(follower) + "\n";
  for (const std::string& folder : folders) text += "folder " + Escaped(folder) + "\n";
  for (const Entry& entry : entries) {
    text += "file " + std::to_string(entry.number) + " " +
            std::to_string(static_cast<int64_t>(entry.stamp.inode)) + " " +
            std::to_string(entry.stamp.size) + " " + std::to_string(entry.stamp.seconds) + " " +
            std::to_string(entry.stamp.nanoseconds) + " " + Escaped(entry.place) + "\n";
  }
  return text + kLastLine + "\n";
}

std::optional<Journal> Journal::FromText(const std::string& text) {
  Journal journal;
  bool first = true;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) return std::nullopt;
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (std::exchange(first, false)) {
      if (line != kHeader) return std::nullopt;
      continue;
    }
    if (line == kLastLine) {
      if (begin == text.size()) return journal;
      return std::nullopt;
    }
    const size_t space = line.find(' ');
    if (space == std::string::npos) return std::nullopt;
    const std::string key = line.substr(0, space);
    const std::string value = Unescaped(line.substr(space + 1));
    if (key == "leader") {
      journal.leader = value;
    } else if (key == "follower") {
      journal.followers.push_back(value);
    } else if (key == "folder") {
      if (!IsPlace(value)) return std::nullopt;
      journal.folders.push_back(value);
    } else if (std::optional<Entry> entry = ParseEntry(line); key == "file" && entry) {
      journal.entries.push_back(std::move(*entry));
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string StagedPath(const std::string& area, int number) {
  return area + "/" + std::to_string(number);
}
std::string BackupPath(const std::string& area, int number) {
  return area + "/old-" + std::to_string(number);
}
std::string JournalPath(const std::string& area) { return area + "/journal"; }
std::string DonePath(const std::string& area) { return area + "/done"; }

NewArea MakeArea(const std::string& folder) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    NewArea area;
    area.path = (folder == "/" ? "" : folder) + "/" + NewAreaName();
    if (mkdir(area.path.c_str(), 0700) != 0) {
      if (errno == EEXIST || errno == EINTR) continue;
      return area;
    }
    const std::string lock = area.path + "/lock";
    area.lock = OpenFile(lock, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (!area.lock.is_open()) {
      const int error = errno;
      rmdir(area.path.c_str());
      // Somebody looked in before there was a lock and took the folder for left behind.
      if (error == ENOENT) continue;
      errno = error;
      return area;
    }
    // Where locks are not known nobody can take them either, and the area is left alone.
    if (flock(area.lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) continue;
    struct stat held = {}, there = {};
    if (fstat(area.lock.get(), &held) == 0 && stat(lock.c_str(), &there) == 0 &&
        held.st_ino == there.st_ino)
      return area;
  }
  NewArea none;
  errno = EEXIST;
  return none;
}

bool Undo(const std::string& area, const Journal& journal) {
  bool done = true;
  for (auto entry = journal.entries.rbegin(); entry != journal.entries.rend(); ++entry)
    done = UndoEntry(area, *entry) && done;
  for (auto folder = journal.folders.rbegin(); folder != journal.folders.rend(); ++folder)
    rmdir((FolderOf(area) + "/" + *folder).c_str());  // if it is there, and empty
  return done;
}

bool RemoveArea(const std::string& area) {
  const std::optional<std::vector<std::string>> names = NamesIn(area);
  if (!names) return false;
  bool removed = true;
  for (const std::string& name : *names)
    if (name != "journal" && name != "done" && name != "lock")
      removed = unlink((area + "/" + name).c_str()) == 0 && removed;
  if (!removed) return false;
  for (const char* last : {"/journal", "/done", "/lock"})
    if (unlink((area + last).c_str()) != 0 && errno != ENOENT) return false;
  return rmdir(area.c_str()) == 0;
}

void RecoverFolder(const std::string& folder) {
  const std::optional<std::vector<std::string>> names = NamesIn(folder);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string area = (folder == "/" ? "" : folder) + "/" + name;
    if (IsOurArea(area)) RecoverArea(area);
  }
}

bool SyncFolder(const std::string& folder) {
  const FileDescriptor descriptor = OpenFile(folder, O_RDONLY | O_DIRECTORY);
  if (!descriptor.is_open()) return errno == EACCES;  // it may be written but not read
  int result;
  do {
    result = fsync(descriptor.get());
  } while (result != 0 && errno == EINTR);
  return result == 0 || errno == EINVAL || errno == ENOTSUP;
}

bool RenameToFree(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) return false;
  // A second name for the file fails too if the place is taken.
  if (link(from.c_str(), to.c_str()) == 0) {
    unlink(from.c_str());
    return true;
  }
  if (errno != EPERM && errno != ENOSYS && errno != ENOTSUP && errno != EMLINK) return false;
  struct stat status = {};
  if (lstat(to.c_str(), &status) == 0) {
    errno = EEXIST;
    return false;
  }
  return rename(from.c_str(), to.c_str()) == 0;
}

}  // namespace mdvt::staging
