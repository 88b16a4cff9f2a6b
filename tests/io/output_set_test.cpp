// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/output_set.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "io/expect_error.h"
#include "io/output_file.h"
#include "io/staging.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;
using test::ExpectError;
using test::ReadTree;
using test::TempDir;
using test::Tree;

int CountHidden(const TempDir& dir) {
  int count = 0;
  for (const auto& [name, text] : ReadTree(dir.path()))
    count += name.rfind(".mdvt-", 0) == 0 && name.back() == '/';
  return count;
}

mode_t ModeOf(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

TEST(OutputSet, AppearsTogether) {
  const TempDir dir;
  fs::create_directories(dir / "a");
  test::WriteText(dir / "a/1", "old");
  test::WriteText(dir / "a/other", "mine");
  OutputSet outputs;
  WriteFile(outputs.AddFile(dir / "a/1"), "new 1");
  WriteFile(outputs.AddFile(dir / "2"), "new 2");
  const OutputFolder folder = outputs.AddFolder(dir / "made/deep/");
  WriteFile(folder.AddFile("3"), "new 3");
  WriteFile(outputs.AddFolder(dir / "a").AddFile("4"), "new 4");
  EXPECT_EQ(std::ifstream(dir / "a/1").get(), 'o');
  EXPECT_FALSE(fs::exists(dir / "2"));
  EXPECT_FALSE(fs::exists(dir / "made"));
  outputs.CommitAll();
  EXPECT_EQ(ReadTree(dir.path()), (Tree{{"2", "new 2"},
                                        {"a/", ""},
                                        {"a/1", "new 1"},
                                        {"a/4", "new 4"},
                                        {"a/other", "mine"},
                                        {"made/", ""},
                                        {"made/deep/", ""},
                                        {"made/deep/3", "new 3"}}));
}

TEST(OutputSet, LeavesNothingWithoutCommit) {
  const TempDir dir;
  test::WriteText(dir / "1", "old");
  const Tree before = ReadTree(dir.path());
  {
    OutputSet outputs;
    WriteFile(outputs.AddFile(dir / "1"), "new");
    WriteFile(outputs.AddFolder(dir / "made/deep").AddFile("2"), "new");
    EXPECT_EQ(CountHidden(dir), 1);
  }
  EXPECT_EQ(ReadTree(dir.path()), before);
}

TEST(OutputSet, AFileInTheWayLeavesAllAsItWas) {
  const TempDir dir;
  for (const char* name : {"0", "1", "2"}) test::WriteText(dir / name, "old");
  const Tree before = ReadTree(dir.path());
  for (const bool journalled : {true, false}) {
    OutputSet outputs(true);
    if (journalled)
      for (const char* name : {"0", "1", "2"}) WriteFile(outputs.AddFile(dir / name), "new");
    WriteFile(outputs.AddFile(dir / "z"), "new");
    fs::create_directory(dir / "z");  // a folder takes the place of the last one
    ExpectError(Code::kIo, dir / "z", [&] { outputs.CommitAll(); });
    fs::remove(dir / "z");
    EXPECT_EQ(std::ifstream(dir / "0").get(), 'o');
  }
  EXPECT_EQ(ReadTree(dir.path()), before);
}

TEST(OutputSet, AnUnfinishedFileIsAnError) {
  const TempDir dir;
  OutputSet outputs;
  WriteFile(outputs.AddFile(dir / "1"), "new");
  const OutputTarget second = outputs.AddFile(dir / "2");
  { OutputFile(second).Write("half"); }
  ExpectError(Code::kInvalidArgument, "'" + (dir / "2") + "' has not been finished",
              [&] { outputs.CommitAll(); });
  ExpectError(Code::kInvalidArgument, "has a writer already", [&] { OutputFile again(second); });
  ExpectError(Code::kInvalidArgument, "called before", [&] { outputs.CommitAll(); });
  EXPECT_FALSE(fs::exists(dir / "1"));
}

TEST(OutputSet, NoInputMayBeReplacedUnderWhateverName) {
  const TempDir dir;
  test::WriteText(dir / "in", "film");
  fs::create_symlink(dir / "in", dir / "soft");
  fs::create_hard_link(dir / "in", dir / "hard");
  fs::create_directory(dir / "sub");
  fs::create_directory_symlink(dir.path(), dir / "here");
  const Tree before = ReadTree(dir.path());
  for (const char* name : {"in", "./in", "sub/../in", "soft", "hard", "here/in", "here/soft"}) {
    OutputSet outputs;
    outputs.AddInput("");
    outputs.AddInput(dir / "in");
    ExpectError(Code::kInvalidArgument, "'" + (dir / name) + "' is one of the inputs",
                [&] { outputs.AddFile(dir / name); });
    // A member of a folder is an output like any other.
    ExpectError(Code::kInvalidArgument, "is one of the inputs",
                [&] { outputs.AddFolder(dir.path().string()).AddFile("soft"); });
  }
  OutputSet outputs;
  outputs.AddInput(dir / "soft");  // and the other way round
  ExpectError(Code::kInvalidArgument, "is one of the inputs", [&] { outputs.AddFile(dir / "in"); });
  EXPECT_EQ(ReadTree(dir.path()).count("in"), 1u);
  EXPECT_NO_THROW(outputs.AddFile(dir / "out"));
}

TEST(OutputSet, TwoOutputsMayNotBeTheSameFile) {
  const TempDir dir;
  test::WriteText(dir / "old", "x");
  fs::create_symlink(dir / "old", dir / "link");
  fs::create_hard_link(dir / "old", dir / "hard");
  fs::create_symlink(dir / "new", dir / "to_new");
  fs::create_directory_symlink(dir.path(), dir / "here");
  const std::pair<const char*, const char*> pairs[] = {
      {"new", "new"},      {"new", "./new"}, {"new", "to_new"}, {"to_new", "here/new"},
      {"old", "here/old"}, {"old", "link"},  {"old", "hard"}};
  for (const auto& [one, other] : pairs) {
    OutputSet outputs;
    outputs.AddFile(dir / one);
    ExpectError(Code::kInvalidArgument,
                "outputs '" + (dir / one) + "' and '" + (dir / other) + "' are the same file",
                [&] { outputs.AddFile(dir / other); });
  }
  OutputSet outputs;
  const OutputFolder made = outputs.AddFolder(dir / "made");
  made.AddFile("a");
  ExpectError(Code::kInvalidArgument, "are the same file",
              [&] { outputs.AddFolder(dir / "./made").AddFile("a"); });
  outputs.AddFolder(dir.path().string()).AddFile("b");
  ExpectError(Code::kInvalidArgument, "are the same file", [&] { outputs.AddFile(dir / "b"); });
}

TEST(OutputSet, FollowsALinkAndLeavesIt) {
  const TempDir dir;
  fs::create_directory(dir / "real");
  test::WriteText(dir / "real/file", "old");
  fs::create_symlink("real/file", dir / "link");
  fs::create_symlink(dir / "real/new", dir / "dangling");
  WriteFile(dir / "link", "new");
  WriteFile(dir / "dangling", "also new");
  EXPECT_TRUE(fs::is_symlink(dir / "link"));
  EXPECT_TRUE(fs::is_symlink(dir / "dangling"));
  const Tree tree = ReadTree(dir.path());
  EXPECT_EQ(tree.at("real/file"), "new");
  EXPECT_EQ(tree.at("real/new"), "also new");
  fs::create_symlink("round", dir / "round");
  ExpectError(Code::kIo, "symbolic links", [&] { WriteFile(dir / "round", "x"); });
}

TEST(OutputSet, KeepsThePermissionsOfWhatItReplaces) {
  const TempDir dir;
  for (const mode_t mode : {0600u, 0644u, 0666u, 0755u, 0400u | 0200u}) {
    test::WriteText(dir / "a", "old");
    ASSERT_EQ(chmod((dir / "a").c_str(), mode), 0);
    WriteFile(dir / "a", "new");
    EXPECT_EQ(ModeOf(dir / "a"), mode);
    EXPECT_EQ(ReadTree(dir.path()).at("a"), "new");
    fs::remove(dir / "a");
  }
  const mode_t mask = umask(027);
  WriteFile(dir / "b", "new");
  WriteFile(OutputTarget(dir / "b"), "again");
  umask(mask);
  EXPECT_EQ(ModeOf(dir / "b"), 0640u);
}

TEST(OutputSet, RefusesWhatIsReadOnly) {
  const TempDir dir;
  test::WriteText(dir / "a", "old");
  ASSERT_EQ(chmod((dir / "a").c_str(), 0444), 0);
  ExpectError(Code::kIo, "'" + (dir / "a") + "' is read-only", [&] { WriteFile(dir / "a", "x"); });
  EXPECT_EQ(ReadTree(dir.path()), (Tree{{"a", "old"}}));
}

TEST(OutputSet, RefusesWhatIsNoFileName) {
  const TempDir dir;
  for (const char* name : {"", "/", "/tmp/", ".", "..", "a/.."})
    ExpectError(Code::kInvalidArgument, "is not a file name", [&] { OutputSet().AddFile(name); });
  ExpectError(Code::kInvalidArgument, "zero byte",
              [] { OutputSet().AddFile(std::string("a\0b", 3)); });
  ExpectError(Code::kInvalidArgument, "is a folder, name a file",
              [&] { OutputSet().AddFile(dir.path().string()); });
  ExpectError(Code::kInvalidArgument, "is a device or a pipe",
              [&] { OutputSet().AddFile("/dev/null"); });
  fs::create_symlink("/dev/null", dir / "null");
  ExpectError(Code::kInvalidArgument, "is a device or a pipe",
              [&] { OutputSet().AddFile(dir / "null"); });
  ExpectError(Code::kIo, "does not exist", [&] { OutputSet().AddFile(dir / "no/a"); });
  test::WriteText(dir / "file", "x");
  ExpectError(Code::kIo, "is not a folder", [&] { OutputSet().AddFile(dir / "file/a"); });
  ExpectError(Code::kIo, dir / "file: is a file, not a folder",
              [&] { OutputSet().AddFolder(dir / "file/folder"); });
  ExpectError(Code::kIo, "does not exist", [&] { OutputSet().AddFolder(dir / "no/../folder"); });
  OutputSet outputs;
  for (const char* name : {"", "a/b"})
    ExpectError(Code::kInvalidArgument, "is not a file name",
                [&] { outputs.AddFolder(dir / "folder").AddFile(name); });
  ExpectError(Code::kIo, "/proc/a", [] { OutputSet().AddFile("/proc/a"); });
  EXPECT_EQ(ReadTree(dir.path()).count("file"), 1u);
}

TEST(OutputSet, WithoutOverwriteWhatExistsWinsAtAnyTime) {
  const TempDir dir;
  test::WriteText(dir / "b", "mine");
  ExpectError(Code::kIo, "'" + (dir / "b") + "' exists and may not be overwritten",
              [&] { OutputSet(false).AddFile(dir / "b"); });
  ExpectError(Code::kIo, "may not be overwritten",
              [&] { OutputSet(false).AddFolder(dir.path().string()).AddFile("b"); });
  for (const char* late : {"a", "c", "made/d"}) {
    OutputSet outputs(false);
    WriteFile(outputs.AddFile(dir / "a"), "new");
    WriteFile(outputs.AddFile(dir / "c"), "new");
    const OutputFolder folder = outputs.AddFolder(dir / "made");
    WriteFile(folder.AddFile("d"), "new");
    WriteFile(folder.AddFile("e"), "new");
    fs::create_directory(dir / "made");
    test::WriteText(dir / late, "theirs");
    ExpectError(Code::kIo, "'" + (dir / late) + "' exists already", [&] { outputs.CommitAll(); });
    Tree after = ReadTree(dir.path());
    EXPECT_EQ(after.at(late), "theirs");
    EXPECT_EQ(after.count("a") + after.count("c") + after.count("made/d") + after.count("made/e"),
              1u);
    fs::remove_all(dir / "made");
    fs::remove(dir / late);
  }
  EXPECT_EQ(ReadTree(dir.path()), (Tree{{"b", "mine"}}));
}

TEST(OutputSet, ReplacesWhatAppearsMeanwhile) {
  const TempDir dir;
  OutputSet outputs;
  WriteFile(outputs.AddFile(dir / "a"), "new");
  WriteFile(outputs.AddFile(dir / "b"), "new");
  test::WriteText(dir / "a", "theirs");
  outputs.CommitAll();
  EXPECT_EQ(ReadTree(dir.path()), (Tree{{"a", "new"}, {"b", "new"}}));
}

TEST(OutputSet, OddNamesAreFine) {
  const TempDir dir;
  const std::string names[] = {"with space", "line\nbreak",         "%0A",      "%",
                               "-",          std::string(255, 'n'), "\xC3\xA4", "\xFF"};
  OutputSet outputs;
  const OutputFolder folder = outputs.AddFolder(dir / "new\nfolder %");
  for (const std::string& name : names) {
    WriteFile(outputs.AddFile(dir / name), name);
    WriteFile(folder.AddFile(name), name);
  }
  outputs.CommitAll();
  const Tree tree = ReadTree(dir.path());
  for (const std::string& name : names) {
    EXPECT_EQ(tree.at(name), name);
    EXPECT_EQ(tree.at("new\nfolder %/" + name), name);
  }
  EXPECT_EQ(tree.size(), 2 * 8u + 1);
  ExpectError(Code::kIo, "File name too long",
              [&] { OutputSet().AddFile(dir / std::string(256, 'n')); });
}

TEST(OutputSet, TakesFilesFromManyThreads) {
  const TempDir dir;
  OutputSet outputs;
  const OutputFolder folders[] = {outputs.AddFolder(dir / "made"),
                                  outputs.AddFolder(dir.path().string())};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 25; ++k)
        for (const OutputFolder& folder : folders)
          WriteFile(folder.AddFile(std::to_string(25 * i + k)), "x");
    });
  for (std::thread& thread : threads) thread.join();
  outputs.CommitAll();
  EXPECT_EQ(ReadTree(dir.path()).size(), 201u);
}

TEST(OutputSet, ASetWithoutOutputsIsFine) { EXPECT_NO_THROW(OutputSet().CommitAll()); }

TEST(OutputSet, UsesNoDescriptorOfTheStandardStreams) {
  const TempDir dir;
  const pid_t child = fork();
  if (child == 0) {
    for (const int descriptor : {0, 1, 2}) close(descriptor);
    OutputSet outputs;
    OutputFile file(outputs.AddFile(dir / "a"));
    file.Write("content");
    for (const int descriptor : {0, 1, 2})
      if (fcntl(descriptor, F_GETFD) != -1) _exit(1);
    file.Finish();
    outputs.CommitAll();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ReadTree(dir.path()), (Tree{{"a", "content"}}));
}

// --- leftovers -----------------------------------------------------------------------------------

// A child that dies in the middle of its work.
template <typename Work>
void Killed(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST(Leftovers, OfTheDeadAreRemovedByTheNextRun) {
  const TempDir dir;
  test::WriteText(dir / "a", "old");
  Killed([&] {
    OutputSet outputs;
    WriteFile(outputs.AddFile(dir / "a"), "half");
    OutputFile file(outputs.AddFile(dir / "b"));
    file.WriteAt(0, "ha", 2);
    raise(SIGKILL);
  });
  EXPECT_EQ(CountHidden(dir), 1);
  WriteFile(dir / "a", "new");
  EXPECT_EQ(ReadTree(dir.path()), (Tree{{"a", "new"}}));
}

TEST(Leftovers, OfTheLivingStay) {
  const TempDir dir;
  OutputSet ours;
  OutputFile file(ours.AddFile(dir / "a"));
  file.Write("ours");
  WriteFile(dir / "a", "another set");
  const pid_t child = fork();
  if (child == 0) {
    WriteFile(dir / "a", "another process");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(CountHidden(dir), 1);
  EXPECT_EQ(ReadTree(dir.path()).at("a"), "another process");
  file.Finish();
  ours.CommitAll();
  EXPECT_EQ(ReadTree(dir.path()), (Tree{{"a", "ours"}}));
}

TEST(Leftovers, AreOnlyFoldersOfOurMaking) {
  const TempDir dir;
  fs::create_directory(dir / ".mdvt-notes");
  test::WriteText(dir / ".mdvt-notes/lock", "");
  test::WriteText(dir / ".mdvt-0123456789abcdef", "a file");
  fs::create_directory(dir / ".mdvt-0123456789abcde0");  // killed before there was a lock
  fs::create_directory(dir / ".mdvt-0123456789abcde1");  // no lock: not ours, or just begun
  test::WriteText(dir / ".mdvt-0123456789abcde1/file", "x");
  WriteFile(dir / "a", "new");
  EXPECT_EQ(ReadTree(dir.path()), (Tree{{".mdvt-0123456789abcde1/", ""},
                                        {".mdvt-0123456789abcde1/file", "x"},
                                        {".mdvt-0123456789abcdef", "a file"},
                                        {".mdvt-notes/", ""},
                                        {".mdvt-notes/lock", ""},
                                        {"a", "new"}}));
}

TEST(Leftovers, JournalsSurviveTheirText) {
  staging::Journal journal;
  journal.leader = "/some where/\nelse";
  journal.followers = {"/a", "/b c"};
  journal.folders = {"made", "made/deep %"};
  journal.entries = {{0, {~uint64_t{0}, 12, -3, 999999999}, "a b\n%0A"}, {7, {1, 0, 0, 0}, "d/e"}};
  const std::string text = journal.ToText();
  const std::optional<staging::Journal> read = staging::Journal::FromText(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->leader, journal.leader);
  EXPECT_EQ(read->followers, journal.followers);
  EXPECT_EQ(read->folders, journal.folders);
  ASSERT_EQ(read->entries.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->entries[i].number, journal.entries[i].number);
    EXPECT_TRUE(read->entries[i].stamp == journal.entries[i].stamp);
    EXPECT_EQ(read->entries[i].place, journal.entries[i].place);
  }
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(staging::Journal::FromText(text.substr(0, size))) << size;
  for (const char* place : {"../a", "a/../../b", "/etc/passwd", "", ".", "a//b"}) {
    staging::Journal bad;
    bad.entries = {{0, {}, place}};
    EXPECT_FALSE(staging::Journal::FromText(bad.ToText())) << place;
  }
}

}  // namespace
}  // namespace mdvt
