// SPDX-License-Identifier: Apache-2.0
#include "pipeline/score_report.h"

#include <algorithm>
#include <cmath>

#include "mdvt/core/json.h"
#include "mdvt/core/numbers.h"
#include "pipeline/html_text.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

const char* NameOf(DepthAlignment alignment) {
  switch (alignment) {
    case DepthAlignment::kNone:
      return "none";
    case DepthAlignment::kScale:
      return "scale";
    case DepthAlignment::kDisparity:
      return "disparity";
    case DepthAlignment::kDepth:
      return "depth";
  }
  return "none";
}

json::Value ListOf(const std::vector<double>& values) {
  json::Value list{json::Value::Array()};
  for (const double value : values) {
    if (std::isfinite(value))
      list.Add(value);
    else
      list.Add(nullptr);
  }
  return list;
}

json::Value ToJson(const DepthScores& scores, const EvalDepthJobOptions& options) {
  json::Value value;
  value["depth_video"] = FileName(scores.path);
  value["alignment"] = NameOf(options.alignment);
  value["alignment_of"] = options.span == AlignmentSpan::kClip ? "clip" : "frame";
  if (options.span == AlignmentSpan::kClip && options.alignment != DepthAlignment::kNone) {
    value["alignment_scale"] = scores.alignment.scale;
    value["alignment_shift"] = scores.alignment.shift;
  }
  for (const ScoreRow& row : ScoreRows(scores)) {
    const bool whole = std::string(row.name) == "pixels" || std::string(row.name) == "pairs" ||
                       std::string(row.name) == "tracks" || std::string(row.name) == "shots" ||
                       std::string(row.name) == "true_edges";
    json::Value& entry = value[row.name];
    if (whole)
      entry = std::llround(row.value);
    else if (std::isfinite(row.value))
      entry = row.value;
  }
  if (!scores.abs_rel_of_frames.empty())
    value["abs_rel_of_frames"] = ListOf(scores.abs_rel_of_frames);
  if (!scores.tae_of_pairs.empty()) value["tae_of_pairs"] = ListOf(scores.tae_of_pairs);
  if (scores.temporal) {
    value["opw2_of_pairs"] = ListOf(scores.temporal->opw2_of_pairs);
    value["spectrum"] = ListOf(scores.temporal->spectrum);
    value["spectrum_step_hz"] = scores.temporal->spectrum_step_hz;
  }
  return value;
}

// Four significant digits.
std::string Short(double value) {
  if (!std::isfinite(value)) return "-";
  const double size = std::abs(value);
  return FormatFixed(value, size >= 1000 || value == std::floor(value) ? 0
                            : size >= 10                               ? 2
                            : size >= 0.1                              ? 4
                                                                       : 6);
}

struct Curve {
  std::string name;
  const std::vector<double>* values;
};

constexpr const char* kColors[] = {"#0b6e99", "#c2410c"};

// A line for each curve; gaps where there is no value.
std::string Plot(const std::string& title, const std::string& x_title, double x_step,
                 double x_start, const std::vector<Curve>& curves) {
  constexpr double kWidth = 760, kHeight = 220, kLeft = 64, kTop = 12, kRight = 12, kBottom = 40;
  double most = 0;
  size_t count = 0;
  for (const Curve& curve : curves) {
    count = std::max(count, curve.values->size());
    for (const double v : *curve.values)
      if (std::isfinite(v)) most = std::max(most, v);
  }
  if (count == 0 || !(most > 0)) return "";
  const double w = kWidth - kLeft - kRight, h = kHeight - kTop - kBottom;
  const auto x_of = [&](size_t i) {
    return kLeft + w * (count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0.5);
  };
  const auto y_of = [&](double v) { return kTop + h * (1 - v / most); };
  const auto at = [](double v) { return FormatFixed(v, 1); };
  std::string svg = "<h2>" + HtmlText(title) + "</h2>\n<svg viewBox=\"0 0 760 220\" role=\"img\">";
  for (int tick = 0; tick <= 4; ++tick) {
    const double v = most * tick / 4;
    svg += "<line class=\"grid\" x1=\"" + at(kLeft) + "\" x2=\"" + at(kWidth - kRight) +
           "\" y1=\"" + at(y_of(v)) + "\" y2=\"" + at(y_of(v)) + "\"/><text x=\"" + at(kLeft - 6) +
           "\" y=\"" + at(y_of(v) + 4) + "\" text-anchor=\"end\">" + Short(v) + "</text>";
  }
  for (int tick = 0; tick <= 4; ++tick) {
    const size_t i = (count - 1) * static_cast<size_t>(tick) / 4;
    svg += "<text x=\"" + at(x_of(i)) + "\" y=\"" + at(kHeight - kBottom + 18) +
           "\" text-anchor=\"middle\">" + Short(x_start + x_step * static_cast<double>(i)) +
           "</text>";
  }
  svg += "<text x=\"" + at(kLeft + w / 2) + "\" y=\"" + at(kHeight - 4) +
         "\" text-anchor=\"middle\">" + HtmlText(x_title) + "</text>";
  for (size_t c = 0; c < curves.size(); ++c) {
    std::string path;
    bool pen = false;
    for (size_t i = 0; i < curves[c].values->size(); ++i) {
      const double v = (*curves[c].values)[i];
      if (!std::isfinite(v)) {
        pen = false;
        continue;
      }
      path += (pen ? "L" : "M") + at(x_of(i)) + " " + at(y_of(v));
      pen = true;
    }
    svg += "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + kColors[c % 2] +
           "\" stroke-width=\"1.5\"/><text x=\"" + at(kLeft + 8) + "\" y=\"" +
           at(kTop + 14 + 15 * static_cast<double>(c)) + "\" fill=\"" + kColors[c % 2] + "\">" +
           HtmlText(curves[c].name) + "</text>";
  }
  return svg + "</svg>\n";
}

template <typename Part>
std::vector<Curve> Curves(const EvalDepthReport& report, const Part& part) {
  std::vector<Curve> curves;
  const auto add = [&](const DepthScores& scores) {
    const std::vector<double>* values = part(scores);
    if (values != nullptr && !values->empty()) curves.push_back({FileName(scores.path), values});
  };
  add(report.scores);
  if (report.baseline) add(*report.baseline);
  return curves;
}

const ScoreRow* Find(const std::vector<ScoreRow>& rows, const std::string& name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const ScoreRow& row) { return name == row.name; });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

std::vector<ScoreRow> ScoreRows(const DepthScores& scores) {
  std::vector<ScoreRow> rows;
  const auto add = [&rows](const char* name, double value, const char* meaning) {
    rows.push_back({name, value, meaning});
  };
  if (const auto& a = scores.accuracy) {
    add("abs_rel", a->abs_rel, "mean |d - t| / t");
    add("sq_rel", a->sq_rel, "mean (d - t)^2 / t, metres");
    add("rmse", a->rmse, "metres");
    add("rmse_log", a->rmse_log, "of log d - log t");
    add("si_log", a->si_log, "deviation of log d - log t");
    add("delta1", a->delta1, "share within a factor of 1.25");
    add("delta2", a->delta2, "share within 1.25^2");
    add("delta3", a->delta3, "share within 1.25^3");
    add("pixels", static_cast<double>(a->pixels), "with depth in both");
  }
  if (const auto& e = scores.edges) {
    add("edge_f1", e->f1, "of depth edges against the true ones");
    add("edge_precision", e->precision, "share of edges that are true");
    add("edge_recall", e->recall, "share of true edges that are found");
    add("true_edges", static_cast<double>(e->true_edges), "pixels");
  }
  if (scores.tae) add("tae", *scores.tae, "percent, temporal alignment error");
  if (const auto& t = scores.temporal) {
    add("opw2", t->opw2, "warping error, one normalisation per shot");
    add("opw2_frame", t->opw2_frame, "the same, each frame normalised by itself");
    add("coverage", t->coverage, "share of pixels whose flow is consistent");
    add("rtc", t->rtc, "share of them within a factor of 1.25^0.5 of the frame before");
    add("tflick", t->tflick, "rms second difference of log disparity");
    add("tflick_global", t->tflick_global, "of it: whole frames");
    add("tflick_local", t->tflick_local, "of it: the rest");
    if (t->tracks > 0)  // none in clips of less than 32 frames
      add("flicker_share", t->flicker_share, "share of power above 3 Hz along tracks");
    add("tracks", static_cast<double>(t->tracks), "of 32 frames, for the spectrum");
    add("pairs", static_cast<double>(t->pairs), "of frames that were compared");
    add("shots", static_cast<double>(t->shots), "between cuts");
  }
  if (scores.opw) add("opw", *scores.opw, "warping error as the original computes it");
  return rows;
}

std::string ScoresToJson(const EvalDepthReport& report, const EvalDepthJobOptions& options) {
  json::Value value = ToJson(report.scores, options);
  value["frames"] = report.frames;
  if (report.baseline) value["baseline"] = ToJson(*report.baseline, options);
  return json::Write(value, json::Layout::kPretty) + "\n";
}

std::string ScoresToTable(const EvalDepthReport& report) {
  const std::vector<ScoreRow> rows = ScoreRows(report.scores);
  const std::vector<ScoreRow> others =
      report.baseline ? ScoreRows(*report.baseline) : std::vector<ScoreRow>();
  const auto padded = [](std::string text, size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
  };
  std::string text = padded("score", 16) + padded("value", 14);
  if (report.baseline) text += padded("baseline", 14) + padded("change", 12);
  text += "meaning\n";
  for (const ScoreRow& row : rows) {
    text += padded(row.name, 16) + padded(Short(row.value), 14);
    if (report.baseline) {
      const ScoreRow* other = Find(others, row.name);
      const bool known = other != nullptr && std::isfinite(other->value) && other->value != 0;
      text += padded(other != nullptr ? Short(other->value) : "-", 14) +
              padded(known ? FormatFixed(100 * (row.value / other->value - 1), 1) + " %" : "-", 12);
    }
    text += std::string(row.meaning) + "\n";
  }
  return text;
}

std::string ScoresToHtml(const EvalDepthReport& report, const EvalDepthJobOptions& options) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Scores of " +
      HtmlText(FileName(report.scores.path)) +
      "</title>\n<style>body{font:15px/1.5 system-ui,sans-serif;max-width:800px;margin:2em "
      "auto;padding:0 1em;color:#1f2933}table{border-collapse:collapse;width:100%}td,th{text-align:"
      "left;padding:.25em .6em;border-bottom:1px solid #d9e2ec}td.n{text-align:right;"
      "font-variant-numeric:tabular-nums}svg{width:100%;font-size:11px}svg text{fill:#52606d}"
      ".grid{stroke:#e4e7eb}h2{font-size:1.05em;margin:1.6em 0 .2em}</style></head><body>\n<h1>" +
      HtmlText(FileName(report.scores.path)) + "</h1>\n<p>" + CountOf(report.frames, "frame") +
      " of " + FormatSize(report.width, report.height) + ", aligned: " + NameOf(options.alignment) +
      (options.span == AlignmentSpan::kFrame ? " for each frame" : "") +
      ".</p>\n<table><tr><th>"
      "score</th><th>value</th>";
  if (report.baseline) html += "<th>" + HtmlText(FileName(report.baseline->path)) + "</th>";
  html += "<th>meaning</th></tr>\n";
  const std::vector<ScoreRow> others =
      report.baseline ? ScoreRows(*report.baseline) : std::vector<ScoreRow>();
  for (const ScoreRow& row : ScoreRows(report.scores)) {
    html +=
        "<tr><td>" + std::string(row.name) + "</td><td class=\"n\">" + Short(row.value) + "</td>";
    if (report.baseline) {
      const ScoreRow* other = Find(others, row.name);
      html += "<td class=\"n\">" + (other != nullptr ? Short(other->value) : "-") + "</td>";
    }
    html += "<td>" + HtmlText(row.meaning) + "</td></tr>\n";
  }
  html += "</table>\n";
  html += Plot("AbsRel of frames", "frame", 1, 0,
               Curves(report, [](const DepthScores& s) { return &s.abs_rel_of_frames; }));
  html += Plot("Temporal alignment error, percent", "frame", 1, 0,
               Curves(report, [](const DepthScores& s) { return &s.tae_of_pairs; }));
  html += Plot("Warping error opw2", "frame", 1, 0, Curves(report, [](const DepthScores& s) {
                 return s.temporal ? &s.temporal->opw2_of_pairs : nullptr;
               }));
  const double step = report.scores.temporal ? report.scores.temporal->spectrum_step_hz : 1;
  html += Plot("Power of log disparity along tracks", "Hz", step, step,
               Curves(report, [](const DepthScores& s) {
                 return s.temporal ? &s.temporal->spectrum : nullptr;
               }));
  return html + "</body></html>\n";
}

}  // namespace mdvt
