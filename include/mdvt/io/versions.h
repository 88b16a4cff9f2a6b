// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mdvt {

// The codec libraries that this process runs with: "libavcodec 59.37.100, libavformat 59.27.100".
std::string CodecLibraryVersions();

}  // namespace mdvt
