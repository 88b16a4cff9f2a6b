// SPDX-License-Identifier: Apache-2.0
#include "pipeline/trajectory_page.h"
#include "pipeline/html_text.h"

#include <algorithm>
#include <limits>

#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kWidth = 640, kHeight = 360, kMargin = 40;

using Curve = std::vector<Eigen::Vector2d>;

struct Frame {
  Eigen::Vector2d low = Eigen::Vector2d::Constant(std::numeric_limits<double>::infinity());
  Eigen::Vector2d high = -low;
  void Hold(const Curve& curve) {
    for (const Eigen::Vector2d& p : curve) {
      low = low.cwiseMin(p);
      high = high.cwiseMax(p);
    }
  }
};

std::string Line(const Curve& curve, const Frame& frame, const Eigen::Vector2d& scale,
                 const char* color) {
  std::string points;
  for (const Eigen::Vector2d& p : curve)
    points += FormatFixed(kMargin + (p.x() - frame.low.x()) * scale.x(), 1) + "," +
              FormatFixed(kHeight - kMargin - (p.y() - frame.low.y()) * scale.y(), 1) + " ";
  return "<polyline fill='none' stroke='" + std::string(color) + "' stroke-width='1.5' points='" +
         points + "'/>\n";
}

// same_scale: a metre is as long in both directions.
std::string Plot(const std::string& title, const std::vector<std::pair<Curve, const char*>>& curves,
                 bool same_scale, const std::string& x_name, const std::string& y_name) {
  Frame frame;
  for (const auto& curve : curves) frame.Hold(curve.first);
  const Eigen::Vector2d size = (frame.high - frame.low).cwiseMax(1e-9);
  Eigen::Vector2d scale((kWidth - 2 * kMargin) / size.x(), (kHeight - 2 * kMargin) / size.y());
  if (same_scale) scale.setConstant(scale.minCoeff());
  std::string svg =
      "<h2>" + title + "</h2>\n<svg viewBox='0 0 640 360' width='640' height='360'>\n";
  svg += "<rect x='0' y='0' width='640' height='360' fill='#fff' stroke='#ccc'/>\n";
  for (const auto& [curve, color] : curves) svg += Line(curve, frame, scale, color);
  const auto text = [&](double x, double y, const std::string& anchor, const std::string& words) {
    svg += "<text x='" + FormatFixed(x, 0) + "' y='" + FormatFixed(y, 0) +
           "' font-size='12' text-anchor='" + anchor + "'>" + words + "</text>\n";
  };
  text(kMargin, kHeight - 12, "start", FormatFixed(frame.low.x(), 2));
  text(kWidth - kMargin, kHeight - 12, "end",
       FormatFixed(frame.low.x() + (kWidth - 2 * kMargin) / scale.x(), 2) + " " + x_name);
  text(4, kHeight - kMargin, "start", FormatFixed(frame.low.y(), 2));
  text(4, 16, "start",
       FormatFixed(frame.low.y() + (kHeight - 2 * kMargin) / scale.y(), 2) + " " + y_name);
  return svg + "</svg>\n";
}

}  // namespace

std::string TrajectoryTable(const std::vector<TrajectoryFigure>& figures) {
  size_t width = 0;
  for (const TrajectoryFigure& figure : figures) width = std::max(width, figure.name.size());
  std::string text;
  for (const TrajectoryFigure& figure : figures)
    text += figure.name + std::string(width + 2 - figure.name.size(), ' ') + figure.value + "\n";
  return text;
}

std::string TrajectoryPage(const std::string& estimate_name, const std::string& reference_name,
                           const std::vector<TrajectoryFigure>& figures,
                           const std::vector<Pose>& estimate, const std::vector<Pose>& reference,
                           const TrajectoryError& error) {
  constexpr const char* kTruth = "#888";
  constexpr const char* kFound = "#c22";
  Curve above_e, above_r, side_e, side_r, distance, angle;
  for (size_t i = 0; i < estimate.size(); ++i) {
    const Eigen::Vector3d e = error.similarity * estimate[i].translation();
    const Eigen::Vector3d r = reference[i].translation();
    above_e.emplace_back(e.x(), e.z());
    above_r.emplace_back(r.x(), r.z());
    side_e.emplace_back(e.z(), -e.y());
    side_r.emplace_back(r.z(), -r.y());
    distance.emplace_back(static_cast<double>(i), error.distance[i]);
    angle.emplace_back(static_cast<double>(i), error.angle_deg[i]);
  }
  std::string html =
      "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>Camera path</title>\n"
      "<style>body{font-family:sans-serif;margin:2em;max-width:50em}td{padding:2px 1em 2px 0}"
      "</style></head>\n<body>\n<h1>" +
      HtmlText(estimate_name) + "</h1>\n<p>Compared with " + HtmlText(reference_name) +
      ". Grey is the reference, red the estimate after the alignment.</p>\n<table>\n";
  for (const TrajectoryFigure& figure : figures)
    html +=
        "<tr><td>" + HtmlText(figure.name) + "</td><td>" + HtmlText(figure.value) + "</td></tr>\n";
  html += "</table>\n";
  html += Plot("From above", {{above_r, kTruth}, {above_e, kFound}}, true, "m right", "m forward");
  html += Plot("From the side", {{side_r, kTruth}, {side_e, kFound}}, true, "m forward", "m up");
  html += Plot("Distance", {{distance, kFound}}, false, "frames", "m");
  html += Plot("Angle", {{angle, kFound}}, false, "frames", "deg");
  return html + "</body></html>\n";
}

}  // namespace mdvt
