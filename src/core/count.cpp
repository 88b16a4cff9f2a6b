// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/count.h"

namespace mdvt {

std::string CountOf(int64_t count, const std::string& one, const std::string& more) {
  const std::string plural = more.empty() ? one + "s" : more;
  return std::to_string(count) + " " + (count == 1 ? one : plural);
}

}  // namespace mdvt
