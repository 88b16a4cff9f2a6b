// SPDX-License-Identifier: Apache-2.0
//
// Scores as JSON, as a table of text, and as a web page that needs nothing but itself.
#pragma once

#include <string>
#include <vector>

#include "mdvt/pipeline/eval_depth.h"

namespace mdvt {

// Name, value, unit or meaning; what was not measured is left out.
struct ScoreRow {
  const char* name;
  double value;
  const char* meaning;
};
std::vector<ScoreRow> ScoreRows(const DepthScores& scores);

std::string ScoresToJson(const EvalDepthReport& report, const EvalDepthJobOptions& options);
std::string ScoresToTable(const EvalDepthReport& report);
std::string ScoresToHtml(const EvalDepthReport& report, const EvalDepthJobOptions& options);

}  // namespace mdvt
