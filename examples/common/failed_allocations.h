// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mdvt::example {

// A program in which this is called counts the allocations that failed, see FailedAllocations(),
// and ends with one line where it has no memory left to tell of an error otherwise.
void LinkAllocationCount();

}  // namespace mdvt::example
