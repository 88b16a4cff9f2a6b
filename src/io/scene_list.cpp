// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/scene_list.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

// Field number `index` of a line; empty if there are fewer. No field that is read holds a
// delimiter.
std::string_view Field(std::string_view line, char delimiter, size_t index) {
  for (; index > 0; --index) {
    const size_t end = line.find(delimiter);
    if (end == std::string_view::npos) return {};
    line.remove_prefix(end + 1);
  }
  return Trim(line.substr(0, line.find(delimiter)), "\"");
}

}  // namespace

std::vector<int64_t> ParseSceneStarts(const char* data, size_t size, const Limits& limits) {
  TextLines lines(CheckedText(data, size, "scene list", limits));
  std::vector<int64_t> starts;
  char delimiter = ',';
  std::optional<size_t> column;
  while (const auto next = lines.Next()) {
    const std::string_view line = *next;
    const std::string_view content = Trim(line, "\"");
    if (content.empty() || content.substr(0, 14) == "Timecode List:") continue;
    const std::string where = "scene list: line " + std::to_string(lines.number());
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
  return ReadAndParse(path, "scene list", limits, ParseSceneStarts);
}

}  // namespace mdvt
