// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/rows.h"

namespace mdvt {

// body(y) for each row, in blocks of `grain` rows; on the calling thread alone without a pool.
template <typename Body>
void EachRow(ThreadPool* pool, int rows, int grain, const Body& body) {
  ForRows(pool, rows, grain, [&body](int begin, int end) {
    for (int y = begin; y < end; ++y) body(y);
  });
}

}  // namespace mdvt
