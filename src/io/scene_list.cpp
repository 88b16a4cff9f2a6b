// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/scene_list.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "core/lower_case.h"
#include "core/text_file.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr std::string_view kFirstLine = "timecode list";

// Without blanks and quotes around it; a doubled quote inside is one.
std::string Plain(std::string_view raw) {
  std::string_view text = Trim(raw);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string plain;
  text = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && i + 1 < text.size() && text[i + 1] == '"') ++i;
    plain += text[i];
  }
  return std::string(Trim(plain));
}

std::string Written(const std::string& text, char delimiter) {
  if (text.find_first_of("\"\r\n") == std::string::npos &&
      text.find(delimiter) == std::string::npos)
    return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::vector<std::string> Fields(std::string_view line, char delimiter, const std::string& where) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == delimiter && !quoted)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  Require(!quoted, Code::kCorrupt, where + " has a quote that is not closed");
  return fields;
}

std::string Seconds(double seconds) { return FormatFixed(seconds, 3); }

}  // namespace

std::string SceneTimecode(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds * 1000));
  char text[48];
  std::snprintf(text, sizeof(text), "%02lld:%02lld:%02lld.%03lld",
                static_cast<long long>(whole / 3600000), static_cast<long long>(whole / 60000 % 60),
                static_cast<long long>(whole / 1000 % 60), static_cast<long long>(whole % 1000));
  return text;
}

SceneTable SceneTable::Parse(std::string_view text, char delimiter, const Limits& limits) {
  SceneTable table;
  table.has_mark_ = text.substr(0, kMark.size()) == kMark;
  const std::string_view content = CheckedText(text.data(), text.size(), "scene list", limits);
  table.ends_with_line_ = content.empty() || content.back() == '\n';
  if (content.find("\r\n") != std::string_view::npos) table.line_end_ = "\r\n";
  TextLines lines(content);
  while (const auto next = lines.Next()) {
    std::string_view line = *next;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (Trim(line, "\",;").empty()) continue;
    const std::string where = "scene list: line " + std::to_string(lines.number());
    if (table.columns_.empty()) {
      const bool first = Lower(Trim(line, "\"")).rfind(kFirstLine, 0) == 0;
      if (first && !table.has_first_line_) {
        table.has_first_line_ = true;
        table.first_line_ = std::string(line);
        continue;
      }
      if (delimiter == 0)
        delimiter =
            std::count(line.begin(), line.end(), ';') > std::count(line.begin(), line.end(), ',')
                ? ';'
                : ',';
      table.delimiter_ = delimiter;
      table.columns_ = Fields(line, delimiter, where);
      table.names_line_ = lines.number();
      std::vector<std::string> names;
      for (const std::string& field : table.columns_)
        if (const std::string name = Lower(Plain(field)); !name.empty()) names.push_back(name);
      std::sort(names.begin(), names.end());
      const auto twice = std::adjacent_find(names.begin(), names.end());
      Require(twice == names.end(), Code::kCorrupt,
              where + " names the column '" + (twice == names.end() ? "" : *twice) + "' twice");
      continue;
    }
    Row row;
    row.fields = Fields(line, delimiter, where);
    row.line = lines.number();
    Require(row.fields.size() <= table.columns_.size(), Code::kCorrupt,
            where + " has " + std::to_string(row.fields.size()) + " fields, the line of names " +
                std::to_string(table.columns_.size()));
    Require(static_cast<int64_t>(table.rows_.size()) < limits.max_frames, Code::kLimit,
            "scene list: more scenes than the limit of " + std::to_string(limits.max_frames) +
                " frames");
    table.rows_.push_back(std::move(row));
  }
  return table;
}

SceneTable SceneTable::Read(const std::string& path, char delimiter, const Limits& limits) {
  return ReadAndParse(path, "scene list", limits,
                      [&](const char* data, size_t size, const Limits& most) {
                        return Parse({data, size}, delimiter, most);
                      });
}

SceneTable SceneTable::Of(const std::vector<SceneRange>& scenes, Rational frame_rate) {
  const double frame = frame_rate.IsPositive() ? 1 / frame_rate.ToDouble() : 0;
  const auto seconds = [frame](int64_t frames) { return static_cast<double>(frames) * frame; };
  SceneTable table;
  table.has_first_line_ = true;
  table.first_line_ = "Timecode List:";
  table.columns_ = {"Scene Number",         "Start Frame",     "Start Timecode",
                    "Start Time (seconds)", "End Frame",       "End Timecode",
                    "End Time (seconds)",   "Length (frames)", "Length (timecode)",
                    "Length (seconds)"};
  for (const SceneRange& scene : scenes) {
    const double start = seconds(scene.first), end = seconds(scene.end);
    const double length = seconds(scene.length());
    if (!table.rows_.empty()) table.first_line_ += "," + SceneTimecode(start);
    Row row;
    row.fields = {std::to_string(table.rows_.size() + 1),
                  std::to_string(scene.first + 1),
                  SceneTimecode(start),
                  Seconds(start),
                  std::to_string(scene.end),
                  SceneTimecode(end),
                  Seconds(end),
                  std::to_string(scene.length()),
                  SceneTimecode(length),
                  Seconds(length)};
    row.line = table.rows_.size() + 3;
    table.rows_.push_back(std::move(row));
  }
  return table;
}

size_t SceneTable::ColumnOf(std::string_view name) const {
  const std::string wanted = Lower(name);
  return static_cast<size_t>(
      std::find_if(columns_.begin(), columns_.end(),
                   [&](const std::string& column) { return Lower(Plain(column)) == wanted; }) -
      columns_.begin());
}

bool SceneTable::Has(std::string_view column) const { return ColumnOf(column) < columns_.size(); }

std::string SceneTable::Cell(size_t row, std::string_view column) const {
  const size_t index = ColumnOf(column);
  const std::vector<std::string>& fields = rows_.at(row).fields;
  return index < fields.size() ? Plain(fields[index]) : "";
}

void SceneTable::Set(size_t row, std::string_view column, const std::string& text) {
  const size_t index = ColumnOf(column);
  if (index == columns_.size()) columns_.push_back(Written(std::string(column), delimiter_));
  std::vector<std::string>& fields = rows_.at(row).fields;
  if (fields.size() <= index) fields.resize(index + 1);
  fields[index] = Written(text, delimiter_);
}

std::string SceneTable::Where(size_t row) const {
  return "line " + std::to_string(rows_.at(row).line);
}

std::vector<SceneRange> SceneTable::Scenes() const {
  const std::string start_name = "Start Frame", end_name = "End Frame",
                    length_name = "Length (frames)";
  Require(
      columns_.empty() || Has(start_name), Code::kCorrupt,
      "scene list: line " + std::to_string(names_line_) + " names no column '" + start_name + "'");
  std::vector<SceneRange> scenes;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const std::string where = "scene list: " + Where(i);
    const auto number = [&](const std::string& column, const char* what) {
      const std::optional<int64_t> value = ParseInt(Cell(i, column));
      Require(value && *value >= 1, Code::kCorrupt,
              where + " has no " + what + ", a whole number from 1 on");
      return *value;
    };
    SceneRange scene;
    scene.first = number(start_name, "start frame") - 1;
    Require(scenes.empty() || scene.first > scenes.back().first, Code::kCorrupt,
            where + " begins no later than the scene before");
    if (!Cell(i, end_name).empty())
      scene.end = number(end_name, "end frame");
    else if (!Cell(i, length_name).empty())
      scene.end = scene.first + number(length_name, "length");
    Require(scene.end == -1 || scene.end > scene.first, Code::kCorrupt,
            where + " ends before it begins");
    if (!scenes.empty() && scenes.back().end == -1) scenes.back().end = scene.first;
    scenes.push_back(scene);
  }
  Require(!scenes.empty(), Code::kCorrupt, "scene list: it holds no scene");
  return scenes;
}

std::string SceneTable::ToText() const {
  std::string text = has_mark_ ? std::string(kMark) : "";
  if (has_first_line_) text += first_line_ + line_end_;
  const auto add = [&](const std::vector<std::string>& fields) {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) text += delimiter_;
      text += fields[i];
    }
    text += line_end_;
  };
  if (!columns_.empty()) add(columns_);
  for (const Row& row : rows_) add(row.fields);
  if (!ends_with_line_ && !text.empty()) text.resize(text.size() - line_end_.size());
  return text;
}

void WriteSceneTable(const OutputTarget& target, const SceneTable& table) {
  WriteFile(target, table.ToText());
}

std::vector<SceneRange> SplitScenes(const std::vector<SceneRange>& scenes, int64_t max_frames) {
  Require(max_frames >= 0, Code::kInvalidArgument, "max_frames of a scene must be 0 or more");
  std::vector<SceneRange> split;
  for (const SceneRange& scene : scenes) {
    Require(scene.length() > 0, Code::kInvalidArgument, "a scene that is split must have an end");
    const int64_t parts = max_frames == 0 ? 1 : (scene.length() + max_frames - 1) / max_frames;
    for (int64_t k = 0; k < parts; ++k) {
      SceneRange part;
      part.first = scene.first + scene.length() * k / parts;
      part.end = scene.first + scene.length() * (k + 1) / parts;
      part.soft = k > 0 || scene.soft;
      split.push_back(part);
    }
  }
  return split;
}

std::vector<int64_t> ParseSceneStarts(const char* data, size_t size, const Limits& limits) {
  std::vector<int64_t> starts;
  for (const SceneRange& scene : SceneTable::Parse({data, size}, 0, limits).Scenes())
    starts.push_back(scene.first);
  return starts;
}

std::vector<int64_t> ReadSceneStarts(const std::string& path, const Limits& limits) {
  return ReadAndParse(path, "scene list", limits, ParseSceneStarts);
}

}  // namespace mdvt
