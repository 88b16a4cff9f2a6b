// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "mdvt/core/parallel.h"

namespace mdvt {

// body(begin, end) over blocks of rows; on the calling thread alone without a pool.
template <typename Body>
void ForRows(ThreadPool* pool, int rows, int grain, const Body& body) {
  if (pool == nullptr) {
    for (int begin = 0; begin < rows; begin += grain)
      body(begin, begin + grain < rows ? begin + grain : rows);
    return;
  }
  pool->ParallelFor(rows, grain, [&](int64_t begin, int64_t end) {
    body(static_cast<int>(begin), static_cast<int>(end));
  });
}

}  // namespace mdvt
