// SPDX-License-Identifier: Apache-2.0
//
// Tests of a layer are one program; --file=NAME leaves those of NAME_test.cpp, among which
// --gtest_filter still chooses.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <set>
#include <string>

namespace {

bool IsOf(const ::testing::TestInfo& test, const std::string& name) {
  const std::string path = test.file();
  return path.substr(path.rfind('/') + 1) == name + "_test.cpp";
}

// Narrows the filter down to the tests of one file. False if there are none, or if a name is there
// twice, as a filter could not tell the two apart.
bool KeepFile(const std::string& name) {
  const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
  std::set<std::string> names;
  std::string mine, others;
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const ::testing::TestSuite& suite = *all.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const ::testing::TestInfo& test = *suite.GetTestInfo(t);
      const std::string full = std::string(suite.name()) + "." + test.name();
      if (!names.insert(full).second) {
        std::fprintf(stderr, "two tests are called %s, one of them in %s\n", full.c_str(),
                     test.file());
        return false;
      }
      (IsOf(test, name) ? mine : others) += ":" + full;
    }
  }
  if (mine.empty()) {
    std::fprintf(stderr, "there are no tests of %s_test.cpp in here\n", name.c_str());
    return false;
  }
  const std::string given = GTEST_FLAG_GET(filter);
  if (given == "*") {
    GTEST_FLAG_SET(filter, mine.substr(1));
  } else if (!others.empty()) {
    others[0] = given.find('-') == std::string::npos ? '-' : ':';
    GTEST_FLAG_SET(filter, given + others);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    constexpr char kFile[] = "--file=";
    if (std::strncmp(argv[i], kFile, sizeof kFile - 1) != 0) {
      std::fprintf(stderr, "unknown argument %s; --file=NAME and those of GoogleTest are known\n",
                   argv[i]);
      return 2;
    }
    if (!KeepFile(argv[i] + sizeof kFile - 1)) return 2;
  }
  return RUN_ALL_TESTS();
}
