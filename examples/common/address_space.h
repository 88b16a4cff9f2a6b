// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mdvt::example {

// A program in which this is called ends before main(), with one line and status 1, where a limit
// of the address space leaves too little for its libraries. Without, OpenBLAS would wait for ever.
void LinkAddressSpaceCheck();

}  // namespace mdvt::example
