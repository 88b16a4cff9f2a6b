// SPDX-License-Identifier: Apache-2.0
//
// Standard streams that the caller has closed.
#pragma once

namespace mdvt::example {

// Opens those of stdin, stdout and stderr that are closed on /dev/null. Call before anything else
// opens a file: the next file would get the free number, and what is printed would end up in it.
void OpenStandardStreams();

}  // namespace mdvt::example
