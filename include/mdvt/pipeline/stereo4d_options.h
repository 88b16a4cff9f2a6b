// SPDX-License-Identifier: Apache-2.0
//
// Which clip the steps of Stereo4D work on.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/options.h"

namespace mdvt {

// A clip that rectify has made: the folder <output_folder>/<name>/, with the name vid, or
// <videoid>-clip<clipid>.
struct Stereo4dClipOptions {
  std::string output_folder;
  std::string vid;
  std::string videoid;
  int64_t clipid = 0;

  std::string name() const;  // empty: no clip is named
  bool empty() const { return name().empty(); }
  // "<output_folder>/<name>/<name>" + suffix.
  std::string File(const std::string& suffix) const;
};
void Describe(OptionList* list, Stereo4dClipOptions* options);
// The same for steps after rectify, which have no other way to name a clip.
void DescribeMadeClip(OptionList* list, Stereo4dClipOptions* options);

}  // namespace mdvt
