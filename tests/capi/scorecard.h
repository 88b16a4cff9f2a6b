// SPDX-License-Identifier: Apache-2.0
//
// A row of the scorecard: one line of JSON on stdout.
#pragma once

#include <cstdint>
#include <cstdio>

namespace mdvt::test {

inline void PrintScore(const char* id, int64_t value, int64_t target, bool pass,
                       const char* measure) {
  std::printf("{\"id\":\"%s\",\"value\":%lld,\"target\":%lld,\"pass\":%s,\"measure\":\"%s\"}\n", id,
              static_cast<long long>(value), static_cast<long long>(target),
              pass ? "true" : "false", measure);
}

}  // namespace mdvt::test
