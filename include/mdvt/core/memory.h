// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace mdvt {

// Bytes of memory that this process can still get without taking any from others: the least of what
// the system has free or can reclaim (MemAvailable of Linux), what the limits of its control groups
// leave, and what its limit on addresses (ulimit -v) leaves. INT64_MAX where nothing is known.
int64_t AvailableMemory();

// For programs that stand in front of their allocator: an allocation has failed, in whichever
// library. Takes no lock and no memory.
void NoteFailedAllocation() noexcept;
// How many have been noted. Some libraries go on after one, with a picture that is not whole: what
// was made meanwhile is not to be published. 0 where nobody notes them.
int64_t FailedAllocations() noexcept;

}  // namespace mdvt
