// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>

#include "core/text_file.h"
#include "core/utf8.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/subtitle_renderer.h"

namespace mdvt {
namespace {

constexpr size_t kMaxCues = 200000;
constexpr int64_t kMaxHours = 1000;

// "[HH:]MM:SS,mmm" or with a point; -1 for anything else.
int64_t ParseTime(std::string_view text) {
  const size_t comma = text.find_first_of(",.");
  if (comma == std::string_view::npos || text.size() - comma != 4) return -1;
  const std::optional<int64_t> ms = ParseInt(text.substr(comma + 1));
  if (!ms || *ms < 0) return -1;
  int64_t seconds = 0;
  std::string_view rest = text.substr(0, comma);
  for (int parts = 1;; ++parts) {
    const size_t colon = rest.find(':');
    const std::optional<int64_t> part = ParseInt(rest.substr(0, colon));
    if (!part || *part < 0 || *part > kMaxHours * 60 || parts > 3) return -1;
    seconds = seconds * 60 + *part;
    if (colon == std::string_view::npos) return parts >= 2 ? seconds * 1000 + *ms : -1;
    rest = rest.substr(colon + 1);
  }
}

// "00:00:01,000 --> 00:00:02,500 position:10%"
bool ParseTimes(std::string_view line, SubtitleCue* cue) {
  const size_t arrow = line.find("-->");
  if (arrow == std::string_view::npos) return false;
  std::string_view end = Trim(line.substr(arrow + 3));
  end = end.substr(0, end.find_first_of(" \t"));
  cue->begin_ms = ParseTime(Trim(line.substr(0, arrow)));
  cue->end_ms = ParseTime(end);
  return cue->begin_ms >= 0 && cue->end_ms >= 0;
}

}  // namespace

std::vector<SubtitleCue> ParseSubtitleCues(const char* data, size_t size, const Limits& limits) {
  const std::string_view text = CheckedText(data, size, "subtitles", limits);
  Require(IsUtf8(text), Code::kCorrupt, "the subtitles are not UTF-8: save them in that encoding");
  std::vector<SubtitleCue> cues;
  TextLines lines(text);
  while (std::optional<std::string_view> line = lines.Next()) {
    SubtitleCue cue;
    if (!ParseTimes(*line, &cue)) continue;  // numbers, headings, notes
    while ((line = lines.Next()) && !Trim(*line).empty()) {
      if (!cue.text.empty()) cue.text += '\n';
      cue.text += Trim(*line);
    }
    if (cue.text.empty() || cue.end_ms <= cue.begin_ms) continue;
    Require(cues.size() < kMaxCues, Code::kLimit, "more than 200000 subtitles");
    cues.push_back(std::move(cue));
  }
  Require(!cues.empty(), Code::kCorrupt,
          "there are no subtitles: no line like 00:00:01,000 --> 00:00:02,500 with text below");
  std::stable_sort(cues.begin(), cues.end(), [](const SubtitleCue& a, const SubtitleCue& b) {
    return a.begin_ms < b.begin_ms;
  });
  return cues;
}

}  // namespace mdvt
