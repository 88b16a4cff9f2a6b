// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace mdvt {

// Bytes of memory that this process can still get without taking any from others: the least of what
// the system has free or can reclaim (MemAvailable of Linux), what the limits of its control groups
// leave, and what its limit on addresses (ulimit -v) leaves. INT64_MAX where nothing is known.
int64_t AvailableMemory();

}  // namespace mdvt
