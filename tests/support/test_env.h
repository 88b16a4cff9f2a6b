// SPDX-License-Identifier: Apache-2.0
//
// What every test may need: folders that vanish, the optional clips, random numbers by test name.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>

namespace mdvt::test {

// An empty folder, removed with all in it at the end of the scope.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Folder of the clips with ground truth: $MDVT_DATA, else ../shared/data beside the project's root.
// Empty where there is none; such tests skip by MDVT_SKIP_WITHOUT_DATA().
std::filesystem::path DataDir();

#define MDVT_SKIP_WITHOUT_DATA()                                                       \
  do {                                                                                 \
    if (::mdvt::test::DataDir().empty())                                               \
      GTEST_SKIP() << "test data not found: set MDVT_DATA to the folder of the clips"; \
  } while (false)

// A field of this process in /proc/self/status, in KiB: "VmRSS:" (resident now), "VmHWM:" (at
// most).
int64_t StatusKib(const std::string& field);

// Seeded by the name of the running test; the seed is printed when the test fails.
std::mt19937_64 Rng();

}  // namespace mdvt::test
