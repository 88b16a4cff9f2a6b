// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mdvt {
namespace {

const std::vector<std::pair<Code, int>> kTable = {
    {Code::kInvalidArgument, 2}, {Code::kNotFound, 3}, {Code::kCorrupt, 3},
    {Code::kUnsupported, 3},     {Code::kLimit, 3},    {Code::kRefused, 4},
    {Code::kNotConverged, 5},    {Code::kIo, 1},       {Code::kOutOfMemory, 1},
    {Code::kCancelled, 130},     {Code::kInternal, 1},
};

TEST(Error, CarriesCodeAndText) {
  const Error error(Code::kCorrupt, "a.mkv: frame 3: cut off");
  EXPECT_EQ(error.code(), Code::kCorrupt);
  EXPECT_STREQ(error.what(), "a.mkv: frame 3: cut off");
  const Error copy = error;
  EXPECT_EQ(copy.code(), Code::kCorrupt);
  EXPECT_STREQ(copy.what(), error.what());
}

TEST(Error, HasTheDocumentedExitStatuses) {
  for (const auto& [code, status] : kTable) EXPECT_EQ(ExitStatus(code), status) << CodeName(code);
  EXPECT_EQ(ExitStatus(static_cast<Code>(99)), 1);
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::set<std::string> names;
  for (const auto& [code, status] : kTable) names.insert(CodeName(code));
  EXPECT_EQ(names.size(), kTable.size());
  EXPECT_EQ(names.count("unknown"), 0u);
  EXPECT_STREQ(CodeName(static_cast<Code>(99)), "unknown");
}

TEST(Error, CodesAreFrozen) {
  // The C statuses follow from these numbers.
  for (size_t i = 0; i < kTable.size(); ++i)
    EXPECT_EQ(static_cast<int>(kTable[i].first), static_cast<int>(i) + 1);
}

TEST(Require, ThrowsOnlyWhenTheConditionFails) {
  EXPECT_NO_THROW(Require(true, Code::kInternal, "never"));
  EXPECT_NO_THROW(Require(true, Code::kInternal, std::string("never")));
  const double value = std::nan("");
  for (const bool as_string : {false, true}) {
    try {
      if (as_string) {
        Require(value >= 0, Code::kLimit, std::string("value must be >= 0"));
      } else {
        Require(value >= 0, Code::kLimit, "value must be >= 0");
      }
      FAIL() << "nothing thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kLimit);
      EXPECT_STREQ(error.what(), "value must be >= 0");
    }
  }
}

}  // namespace
}  // namespace mdvt
