// SPDX-License-Identifier: Apache-2.0
//
// Small text files, read whole and with a limit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/naming.h"
#include "mdvt/core/limits.h"

namespace mdvt {

// The bytes of a regular file. Throws Error: kNotFound, kIo (also for folders, pipes and devices),
// kLimit past limits.max_text_bytes. `what` begins the text: "FOV file", "batch list".
std::string ReadTextFile(const std::string& path, const std::string& what, const Limits& limits);

// The same, then parse(data, size, limits), whose errors get the path in front.
template <typename Parse>
auto ReadAndParse(const std::string& path, const std::string& what, const Limits& limits,
                  const Parse& parse) {
  const std::string text = ReadTextFile(path, what, limits);
  return Naming(path, [&] { return parse(text.data(), text.size(), limits); });
}

// The text without a UTF-8 byte order mark. Throws Error(kLimit) past limits.max_text_bytes, with a
// text that begins with `what`.
std::string_view CheckedText(const char* data, size_t size, const std::string& what,
                             const Limits& limits);

// Without spaces, tabs, carriage returns and the characters `more` at both ends.
std::string_view Trim(std::string_view text, std::string_view more = {});

// The lines of a text, one after the other, without their ends. The text must outlive it.
class TextLines {
 public:
  explicit TextLines(std::string_view text) : rest_(text) {}

  // Nothing after the last one; an empty text has no line.
  std::optional<std::string_view> Next();
  // Of the line that Next() gave, from 1 on.
  size_t number() const { return number_; }

 private:
  std::string_view rest_;
  size_t number_ = 0;
};

}  // namespace mdvt
