// SPDX-License-Identifier: Apache-2.0
//
// Every call to the system that writing makes is made to fail, one after the other: under the
// output's name there must be the old file or the whole new one, and nothing else in the folder.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "mdvt/io/image_file.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "support/faulty_system.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ListFolder;
using test::TempDir;

struct Job {
  const char* name;  // of the output
  std::function<void(const std::string& path)> write;
  std::function<bool(const std::string& path)> is_whole;
};

void WriteVideo(const std::string& path, const PixelFormat& format, VideoCodec codec) {
  VideoWriterOptions options;
  options.codec = codec;
  options.num_threads = 1;
  options.preset = "ultrafast";
  VideoWriter writer(path, format, 48, 32, options);
  for (int i = 0; i < 12; ++i) writer.Write(test::RandomImage(format, 48, 32, i), i * 40);
  writer.Finish();
}

bool VideoIsWhole(const std::string& path) {
  try {
    VideoReader reader(path);
    int frames = 0;
    while (reader.Read()) ++frames;
    return frames == 12;
  } catch (const Error&) {
    return false;
  }
}

std::vector<Job> Jobs() {
  return {
      {"a.mkv",
       [](const std::string& path) { WriteVideo(path, PixelFormat::Rgb(8), VideoCodec::kFfv1); },
       VideoIsWhole},
      {"a.mp4",
       [](const std::string& path) { WriteVideo(path, PixelFormat::Yuv(420), VideoCodec::kH264); },
       VideoIsWhole},
      {"a.mov",
       [](const std::string& path) { WriteVideo(path, PixelFormat::Yuv(444), VideoCodec::kH264); },
       VideoIsWhole},
      {"b.mkv",
       [](const std::string& path) { WriteVideo(path, PixelFormat::Gray(16), VideoCodec::kFfv1); },
       VideoIsWhole},
      {"a.png",
       [](const std::string& path) {
         WritePng(path, test::RandomImage(PixelFormat::Rgb(8), 60, 40, 1).view());
       },
       [](const std::string& path) {
         try {
           return test::SamePixels(ReadImageFile(path).view(),
                                   test::RandomImage(PixelFormat::Rgb(8), 60, 40, 1).view());
         } catch (const Error&) {
           return false;  // the old file
         }
       }},
  };
}

// Runs `job` with a fault and returns whether the fault was reached.
bool RunWithFault(const Job& job, const test::Fault& fault, bool with_old_file) {
  const TempDir folder;
  const std::string path = folder / job.name;
  const std::vector<std::byte> old(5, std::byte{'o'});
  if (with_old_file) test::WriteBytes(path, old);
  std::string failure;
  const test::FaultOutcome outcome = test::RunWithFault(
      fault, [&] { job.write(path); }, &failure);
  const auto old_stayed = [&] {
    return with_old_file ? std::filesystem::exists(path) && test::ReadBytes(path) == old
                         : !std::filesystem::exists(path);
  };
  // The hidden folder stays until the next run only where removing it is what failed.
  const bool cleaned = !outcome.hit || (!fault.forever && !test::IsPartOfCleaning(outcome.which));
  if (cleaned) {
    EXPECT_EQ(test::CountLeftovers(folder.path().string()), 0);
  }
  if (failure.empty()) {
    EXPECT_TRUE(job.is_whole(path));
  } else {
    EXPECT_TRUE(outcome.hit);
    EXPECT_NE(failure.find(path), std::string::npos) << failure;
    // Where nothing works any more the last step cannot be taken back.
    EXPECT_TRUE(old_stayed() || (fault.forever && job.is_whole(path))) << failure;
    job.write(path);
  }
  EXPECT_TRUE(job.is_whole(path));
  if (!failure.empty()) {
    EXPECT_EQ(ListFolder(folder.path()), std::vector<std::string>{job.name});
  }
  return outcome.hit;
}

TEST(WriteFaults, EveryFailureLeavesTheOldOrTheWholeFile) {
  int points = 0;
  for (const Job& job : Jobs()) {
    for (const int error : {EIO, ENOSPC, EDQUOT, EACCES}) {
      for (const bool forever : {false, true}) {
        for (const bool with_old_file : {false, true}) {
          int at = 0;
          for (;; ++at) {
            SCOPED_TRACE(std::string(job.name) + " call " + std::to_string(at) + " " +
                         std::strerror(error) + (forever ? " forever" : " once"));
            if (!RunWithFault(job, {at, error, forever}, with_old_file)) break;
            ++points;
            ASSERT_LT(at, 1000);
          }
          EXPECT_GE(at, 4);
        }
      }
    }
  }
  const bool pass = !::testing::Test::HasFailure();
  std::printf("{\"id\":\"C3\",\"value\":%d,\"target\":2000,\"pass\":%s}\n", points,
              pass && points >= 2000 ? "true" : "false");
}

TEST(WriteFaults, InterruptionsAndShortWritesDoNotMatter) {
  for (const Job& job : Jobs()) {
    for (const int error : {EINTR, test::kShortWrite}) {
      for (int at = 0;; ++at) {
        const TempDir folder;
        const std::string path = folder / job.name;
        std::string failure;
        const test::FaultOutcome outcome = test::RunWithFault(
            {at, error, false}, [&] { job.write(path); }, &failure);
        // Nobody retries what changes names; on local file systems it does not end in EINTR.
        const bool retried =
            outcome.which == test::SystemCall::kOpen || outcome.which == test::SystemCall::kWrite ||
            outcome.which == test::SystemCall::kSync || outcome.which == test::SystemCall::kClose;
        EXPECT_TRUE(failure.empty() || !retried) << failure;
        if (failure.empty()) {
          EXPECT_TRUE(job.is_whole(path)) << job.name << " call " << at;
        }
        if (retried) {
          EXPECT_EQ(ListFolder(folder.path()), std::vector<std::string>{job.name});
        }
        if (!outcome.hit) break;
      }
    }
  }
}

TEST(WriteFaults, FullDiskIsOneClearError) {
  const TempDir folder;
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
    GTEST_SKIP() << "no small tmpfs can be mounted here: " << std::strerror(errno)
                 << " (injected ENOSPC is tested above)";
  }
  test::WriteBytes(folder / "a.mkv", std::vector<std::byte>(5, std::byte{'o'}));
  test::ExpectError(Code::kIo, "No space left on device", [&] {
    VideoWriter writer(folder / "a.mkv", PixelFormat::Rgb(8), 320, 240);
    for (int i = 0; i < 20; ++i) {
      writer.Write(test::RandomImage(PixelFormat::Rgb(8), 320, 240, i), i);
    }
    writer.Finish();
  });
  EXPECT_EQ(ListFolder(folder.path()), std::vector<std::string>{"a.mkv"});
  EXPECT_EQ(test::ReadBytes(folder / "a.mkv").size(), 5u);
  umount(folder.path().c_str());
}

// --- the protocol without faults ----------------------------------------------------------------

TEST(TemporaryFile, IsHiddenInTheSameFolderUntilTheEnd) {
  const TempDir folder;
  test::WriteBytes(folder / "a.mkv", std::vector<std::byte>(3, std::byte{'o'}));
  {
    VideoWriter writer(folder / "a.mkv", PixelFormat::Gray(8), 16, 16);
    writer.Write(test::RandomImage(PixelFormat::Gray(8), 16, 16, 0), 0);
    const auto names = ListFolder(folder.path());
    ASSERT_EQ(names.size(), 2u);
    EXPECT_EQ(names[0].front(), '.');
    EXPECT_EQ(test::ReadBytes(folder / "a.mkv").size(), 3u);
  }
  // Destroyed without Finish(): as before.
  EXPECT_EQ(ListFolder(folder.path()), std::vector<std::string>{"a.mkv"});
  EXPECT_EQ(test::ReadBytes(folder / "a.mkv").size(), 3u);
}

TEST(TemporaryFile, IsUniqueForEachWriter) {
  const TempDir folder;
  VideoWriter a(folder / "a.mkv", PixelFormat::Gray(8), 16, 16);
  VideoWriter b(folder / "a.mkv", PixelFormat::Gray(8), 16, 16);
  EXPECT_EQ(ListFolder(folder.path()).size(), 2u);
  for (VideoWriter* writer : {&a, &b}) {
    writer->Write(test::RandomImage(PixelFormat::Gray(8), 16, 16, 0), 0);
    writer->Finish();
  }
  EXPECT_EQ(ListFolder(folder.path()), std::vector<std::string>{"a.mkv"});
}

TEST(TemporaryFile, WithoutOverwriteTheOldFileWins) {
  const TempDir folder;
  VideoWriterOptions options;
  options.overwrite = false;
  VideoWriter late(folder / "a.mkv", PixelFormat::Gray(8), 16, 16, options);
  late.Write(test::RandomImage(PixelFormat::Gray(8), 16, 16, 0), 0);
  test::WriteBytes(folder / "a.mkv", std::vector<std::byte>(3, std::byte{'o'}));
  test::ExpectError(Code::kIo, "exists and may not be overwritten",
                    [&] { VideoWriter(folder / "a.mkv", PixelFormat::Gray(8), 16, 16, options); });
  // And if it appears while the video is being written.
  test::ExpectError(Code::kIo, "exists already", [&] { late.Finish(); });
  EXPECT_EQ(test::ReadBytes(folder / "a.mkv").size(), 3u);
  VideoWriter other(folder / "b.mkv", PixelFormat::Gray(8), 16, 16, options);
  other.Write(test::RandomImage(PixelFormat::Gray(8), 16, 16, 0), 0);
  other.Finish();
  EXPECT_TRUE(VideoReader(folder / "b.mkv").Read());
}

TEST(TemporaryFile, PlacesThatCannotBeWrittenAreRefusedAtOnce) {
  const TempDir folder;
  const auto open = [](const std::string& path) {
    VideoWriter(path, PixelFormat::Gray(8), 16, 16);
  };
  test::ExpectError(Code::kIo, "does not exist", [&] { open(folder / "no/folder/a.mkv"); });
  std::filesystem::create_directory(folder / "folder.mkv");
  test::ExpectError(Code::kInvalidArgument, "is a folder", [&] { open(folder / "folder.mkv"); });
  test::ExpectError(Code::kIo, "File name too long",
                    [&] { open(folder / (std::string(300, 'x') + ".mkv")); });
  std::filesystem::create_symlink("/dev/null", folder / "null.mkv");
  if (geteuid() != 0) {
    std::filesystem::create_directory(folder / "closed");
    std::filesystem::permissions(folder / "closed", std::filesystem::perms::owner_read);
    test::ExpectError(Code::kIo, "Permission denied", [&] { open(folder / "closed/a.mkv"); });
  }
  test::ExpectError(Code::kIo, "/proc", [&] { open("/proc/a.mkv"); });
}

TEST(TemporaryFile, RelativeNamesWork) {
  const TempDir folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  {
    VideoWriter writer("a.mkv", PixelFormat::Gray(8), 16, 16);
    writer.Write(test::RandomImage(PixelFormat::Gray(8), 16, 16, 0), 0);
    writer.Finish();
  }
  std::filesystem::current_path(before);
  EXPECT_EQ(ListFolder(folder.path()), std::vector<std::string>{"a.mkv"});
}

}  // namespace
}  // namespace mdvt
