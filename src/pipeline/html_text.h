// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mdvt {

// The text as HTML shows it, between tags or in an attribute in double quotes: names of files may
// hold anything.
inline std::string HtmlText(const std::string& text) {
  std::string html;
  for (const char c : text) {
    if (c == '&')
      html += "&amp;";
    else if (c == '<')
      html += "&lt;";
    else if (c == '>')
      html += "&gt;";
    else if (c == '"')
      html += "&quot;";
    else
      html += c;
  }
  return html;
}

}  // namespace mdvt
