// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mdvt {

// Why another user could change the file `canonical` (absolute, without links) or put another one
// in its place; empty where nobody can but the superuser, the user of this process, and whoever can
// change `holder` as well, the file that asks. What is not told by permissions (a mount, a list of
// access rights that the mode does not show) is not seen.
std::string WhyOthersMayChange(const std::string& canonical, const std::string& holder);

}  // namespace mdvt
