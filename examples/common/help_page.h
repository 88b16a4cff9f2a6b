// SPDX-License-Identifier: Apache-2.0
//
// What is told about a program, in the forms that people and shells want, all from the description
// of its options.
#pragma once

#include <string>

#include "mdvt/core/options.h"

namespace mdvt::example {

struct HelpPage {
  std::string program;
  std::string version;
  std::string purpose;  // with line breaks
  std::string example;
};

// Its name on a command line is followed by a value.
bool TakesValue(const Option& option);
// The option at this position of the values without a name; null where there is none.
const Option* OptionAt(const OptionList& options, size_t position);

enum class HelpForm {
  kMarkdown,  // tables for a page of the documentation, one for each section
  kMan,       // a page of section 1
  kBash,      // completion of names and values, to be put where the shell looks for it
  kZsh,
  kJson,  // program, purpose, example, options (see OptionsToJson)
};
std::string Describe(HelpForm form, const HelpPage& page, const OptionList& options);

// What --help prints.
std::string HelpText(const HelpPage& page, const OptionList& options);

}  // namespace mdvt::example
