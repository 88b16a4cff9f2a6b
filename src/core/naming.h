// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/core/error.h"

namespace mdvt {

// What `body` gives. "what: " is put before the text of its errors, whose code stays.
template <typename Body>
decltype(auto) Naming(const std::string& what, const Body& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(error.code(), what + ": " + error.what());
  }
}

}  // namespace mdvt
