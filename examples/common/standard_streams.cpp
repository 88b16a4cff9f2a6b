// SPDX-License-Identifier: Apache-2.0
#include "common/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

namespace mdvt::example {

void OpenStandardStreams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1) continue;
    // The lowest free number is given out, which is this one.
    if (open("/dev/null", O_RDWR) != stream) return;  // without /dev/null the library still copes
  }
}

}  // namespace mdvt::example
