// SPDX-License-Identifier: Apache-2.0
//
// The description of options as data, for those that show options: forms, type stubs,
// documentation.
#pragma once

#include "mdvt/core/json.h"
#include "mdvt/core/options.h"

namespace mdvt {

// A list with an object for each option, in their order:
//
//   name, aliases   list of texts
//   kind            "flag", "integer", "number", "text" or "choice"
//   section, help   texts for people
//   unit            what stands for the value in a help, "METRES"
//   valid           what is taken, in words
//   default         the value that holds at first; null: none
//   default_text    the same in words, where it depends on other options too
//   required        it has to be given
//   optional        it may be taken back: null
//   position        of a value that may be given without the name; null: none
// and where it applies:
//   min, max        of numbers; null: no end
//   open            those of "min" and "max" that are not taken themselves
//   also            {"value", "meaning"} of a number outside the range
//   choices         list of texts
//   path            "input", "output" or "folder"
//   takes_list      programs take a list of such files in a text file too
json::Value OptionsToJson(const OptionList& options);

// monostate is null.
json::Value ToJson(const OptionValue& value);

}  // namespace mdvt
