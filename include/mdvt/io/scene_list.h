// SPDX-License-Identifier: Apache-2.0
//
// Lists of scenes as PySceneDetect writes them (`<video>-Scenes.csv`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/core/rational.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

// Frames [first, end) of a film, counted from 0; the file counts from 1.
struct SceneRange {
  int64_t first = 0;
  int64_t end = -1;  // -1: to the end of the film
  // It begins where a long scene was split, not at a cut.
  bool soft = false;

  int64_t length() const { return end - first; }
};

// The text of a list, cell by cell. What is not changed is written as it was read, byte for byte:
// columns of other programs, their order, quotes, the kind of line ends. Only empty lines are lost.
class SceneTable {
 public:
  // The text may begin with a byte order mark and with the line "Timecode List..."; the next one
  // names the columns, in any order. Fields may be quoted.
  // delimiter  0: `,` or `;`, of which the line of names has more
  // Throws Error: kCorrupt naming the line (a quote that is not closed, a row with more fields than
  // names), kLimit for too much text or too many scenes.
  static SceneTable Parse(std::string_view text, char delimiter = 0, const Limits& limits = {});
  // Also kNotFound and kIo; errors name the file.
  static SceneTable Read(const std::string& path, char delimiter = 0, const Limits& limits = {});
  // The columns and numbers that PySceneDetect writes, of scenes that have an end.
  static SceneTable Of(const std::vector<SceneRange>& scenes, Rational frame_rate);

  size_t rows() const { return rows_.size(); }
  // Whether there is a column of this name; upper and lower case are the same.
  bool Has(std::string_view column) const;
  // The text without quotes and blanks around it; empty if there is no such column or field.
  std::string Cell(size_t row, std::string_view column) const;
  // Adds the column if there is none.
  void Set(size_t row, std::string_view column, const std::string& text);
  // "line 5" of the text that was read.
  std::string Where(size_t row) const;

  // Of "Start Frame", and of "End Frame" or "Length (frames)" where there is one, else up to the
  // next row. Throws Error(kCorrupt) naming the line: no such column, no whole number from 1 on, a
  // scene that begins no later than the one before, or ends before it begins; no scene at all.
  std::vector<SceneRange> Scenes() const;

  std::string ToText() const;

 private:
  struct Row {
    std::vector<std::string> fields;  // as they are written
    size_t line = 0;
  };

  size_t ColumnOf(std::string_view name) const;  // columns_.size(): none

  std::string first_line_;
  bool has_first_line_ = false;
  bool has_mark_ = false;
  bool ends_with_line_ = true;
  std::string line_end_ = "\n";
  char delimiter_ = ',';
  std::vector<std::string> columns_;  // as they are written
  size_t names_line_ = 1;             // of them
  std::vector<Row> rows_;
};

void WriteSceneTable(const OutputTarget& target, const SceneTable& table);

// Scenes with more than max_frames frames in parts that differ by one frame at most, all but the
// first of them soft. Scenes must have an end. max_frames: 0 = none is split, else at least 1.
std::vector<SceneRange> SplitScenes(const std::vector<SceneRange>& scenes, int64_t max_frames);

// "HH:MM:SS.mmm".
std::string SceneTimecode(double seconds);

// The first frame of each scene, counted from 0, ascending. Throws as SceneTable.
std::vector<int64_t> ParseSceneStarts(const char* data, size_t size, const Limits& limits = {});
std::vector<int64_t> ReadSceneStarts(const std::string& path, const Limits& limits = {});

}  // namespace mdvt
