// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/scene_list.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "io/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\"";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Field number `index` of a line; empty if there are fewer. No field that is read holds a
// delimiter.
std::string_view Field(std::string_view line, char delimiter, size_t index) {
  for (; index > 0; --index) {
    const size_t end = line.find(delimiter);
    if (end == std::string_view::npos) return {};
    line.remove_prefix(end + 1);
  }
  return Trim(line.substr(0, line.find(delimiter)));
}

}  // namespace

std::vector<int64_t> ParseSceneStarts(const char* data, size_t size, const Limits& limits) {
  limits.Check();
  Require(size <= static_cast<uint64_t>(limits.max_text_bytes), Code::kLimit,
          "scene list: " + std::to_string(size) + " bytes, the limit is " +
              std::to_string(limits.max_text_bytes));
  std::string_view text(data, size);
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  std::vector<int64_t> starts;
  char delimiter = ',';
  std::optional<size_t> column;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (Trim(line).empty() || Trim(line).substr(0, 14) == "Timecode List:") continue;
    const std::string where = "scene list: line " + std::to_string(number);
    if (!column) {
      if (std::count(line.begin(), line.end(), ';') > std::count(line.begin(), line.end(), ','))
        delimiter = ';';
      const auto fields = static_cast<size_t>(std::count(line.begin(), line.end(), delimiter)) + 1;
      for (size_t i = 0; i < fields && !column; ++i)
        if (Field(line, delimiter, i) == "Start Frame") column = i;
      Require(column.has_value(), Code::kCorrupt, where + " names no column 'Start Frame'");
      continue;
    }
    const std::optional<int64_t> start = ParseInt(Field(line, delimiter, *column));
    Require(start && *start >= 1, Code::kCorrupt,
            where + " has no start frame, a whole number from 1 on");
    Require(starts.empty() || *start - 1 > starts.back(), Code::kCorrupt,
            where + " begins no later than the scene before");
    Require(static_cast<int64_t>(starts.size()) < limits.max_frames, Code::kLimit,
            "scene list: more scenes than the limit of " + std::to_string(limits.max_frames) +
                " frames");
    starts.push_back(*start - 1);
  }
  Require(!starts.empty(), Code::kCorrupt, "scene list: it holds no scene");
  return starts;
}

std::vector<int64_t> ReadSceneStarts(const std::string& path, const Limits& limits) {
  const std::string text = ReadTextFile(path, "scene list", limits);
  try {
    return ParseSceneStarts(text.data(), text.size(), limits);
  } catch (const Error& error) {
    throw Error(error.code(), path + ": " + error.what());
  }
}

}  // namespace mdvt
