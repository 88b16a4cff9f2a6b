// SPDX-License-Identifier: Apache-2.0
//
// The command line of all programs: arguments to options.
#pragma once

#include <string>

#include "mdvt/core/options.h"

namespace mdvt::example {

// Sets the options that the arguments name. `-` and `_` are the same in names, one dash is as good
// as two, a value follows as `--name value` or `--name=value`, a flag that is on may be turned off
// as `--no_name`, and after `--` nothing is a name. Throws Error(kInvalidArgument).
void ParseCommandLine(int argc, char** argv, OptionList* options);

// The value of one option, without setting anything; empty if it is not there.
std::string FindArgument(int argc, char** argv, const OptionList& options, const std::string& name);

}  // namespace mdvt::example
