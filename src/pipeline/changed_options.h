// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/options.h"

namespace mdvt {

// Names and values of the options that are not as in a new struct, in the order of their
// description. `describe` is called as describe(OptionList*, Options*).
template <typename Options, typename Describing>
std::vector<std::pair<std::string, OptionValue>> ChangedOptions(const Options& options,
                                                                const Describing& describe) {
  Options given = options, usual;
  OptionList list, usual_list;
  describe(&list, &given);
  describe(&usual_list, &usual);
  std::vector<std::pair<std::string, OptionValue>> changed;
  for (const Option& option : list.options())
    if (OptionValue value = option.Get(); value != usual_list.Get(option.name))
      changed.emplace_back(option.name, std::move(value));
  return changed;
}

}  // namespace mdvt
