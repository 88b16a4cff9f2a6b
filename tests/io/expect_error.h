// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "mdvt/core/error.h"

namespace mdvt::test {

// `body` must throw Error(code) whose text, on one line, contains `part`.
template <typename Body>
void ExpectError(Code code, const std::string& part, const Body& body) {
  try {
    body();
    ADD_FAILURE() << "no error, expected " << CodeName(code) << ": " << part;
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.code(), code) << text;
    EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in: " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

// The code of the Error that `body` throws; kInternal, which input never causes, if it throws none.
template <typename Body>
Code CodeOf(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  return Code::kInternal;
}

}  // namespace mdvt::test
