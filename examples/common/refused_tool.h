// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mdvt::example {

// A program whose name is known from elsewhere and whose work is not done here: all of its main().
// Whatever it is asked, except --help and --version, it fails with one line that says what to take
// instead.
int RefuseTool(const std::string& name, const std::string& instead, int argc, char** argv);

}  // namespace mdvt::example
