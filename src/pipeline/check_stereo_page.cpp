// SPDX-License-Identifier: Apache-2.0
#include "pipeline/check_stereo_page.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "mdvt/core/json.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/printable.h"
#include "pipeline/html_text.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

using Quality = StereoFrameQuality;

constexpr int kPlotWidth = 960, kPlotHeight = 200, kMargin = 56, kFoot = 24;

double Rounded(double value) { return std::round(value * 1e6) / 1e6; }

json::Value Angles(const CheckStereoJobOptions& options, const std::array<double, 5>& parallax) {
  json::Value list = json::Value::Array{};
  for (const double value : parallax) list.Add(Rounded(options.viewer.Degrees(value)));
  return list;
}

template <typename List>
json::Value Percents(const List& shares) {
  json::Value list = json::Value::Array{};
  for (const double value : shares) list.Add(Rounded(100 * value));
  return list;
}

// One number of each frame; null where nothing was measured.
template <typename Get>
json::Value Column(const CheckStereoReport& report, const Get& get) {
  json::Value::Array list;
  list.reserve(report.frames.size());
  for (const StereoFrameQuality& frame : report.frames)
    list.push_back(frame.measured > 0 ? json::Value(Rounded(get(frame))) : json::Value());
  return list;
}

std::string Escaped(const std::string& text) { return HtmlText(Printable(text)); }

struct Line {
  std::string color;
  std::string name;
  std::vector<double> values;  // NaN: none
};

struct Plot {
  std::string title;
  std::string unit;
  std::vector<Line> lines;
  std::vector<double> marks;  // values that get a thin line
};

std::string Number(double value) { return FormatFixed(value, 1); }

class PlotWriter {
 public:
  explicit PlotWriter(const CheckStereoReport& report) : report_(report) {
    begin_ = report.seconds.empty() ? 0 : report.seconds.front();
    end_ = report.seconds.empty() ? 1 : std::max(report.seconds.back(), begin_ + 1e-3);
  }

  std::string Write(const Plot& plot) const {
    double low = 0, high = 0;
    for (const double mark : plot.marks) {
      low = std::min(low, mark);
      high = std::max(high, mark);
    }
    for (const Line& line : plot.lines)
      for (const double value : line.values)
        if (!std::isnan(value)) {
          low = std::min(low, value);
          high = std::max(high, value);
        }
    const double room = std::max(1e-6, 0.05 * (high - low));
    low -= room;
    high += room;
    const auto y_of = [&](double value) { return (high - value) / (high - low) * kPlotHeight; };
    std::string svg = "<h2>" + Escaped(plot.title) + "</h2>\n<p class=\"key\">";
    for (const Line& line : plot.lines)
      svg += "<span style=\"color:" + line.color + "\">&#9644; " + Escaped(line.name) + "</span> ";
    svg += "</p>\n<svg viewBox=\"0 0 " + std::to_string(kPlotWidth + kMargin + 8) + " " +
           std::to_string(kPlotHeight + kFoot) + "\" role=\"img\" aria-label=\"" +
           Escaped(plot.title) + "\"><g transform=\"translate(" + std::to_string(kMargin) +
           ",4)\">\n";
    std::vector<double> levels = plot.marks;
    levels.push_back(0);
    for (const double level : levels) svg += Level(y_of(level), level, plot.unit);
    for (const StereoCut& cut : report_.clip.cuts) {
      const std::string x = Number(XOf(report_.seconds[static_cast<size_t>(cut.frame)]));
      svg += "<line class=\"cut\" x1=\"" + x + "\" x2=\"" + x + "\" y1=\"0\" y2=\"" +
             std::to_string(kPlotHeight) + "\"/>\n";
    }
    for (const Line& line : plot.lines) svg += Path(line, y_of);
    svg += "<text x=\"0\" y=\"" + std::to_string(kPlotHeight + 16) + "\">" +
           FormatFixed(begin_, 1) + " s</text><text class=\"end\" x=\"" +
           std::to_string(kPlotWidth) + "\" y=\"" + std::to_string(kPlotHeight + 16) + "\">" +
           FormatFixed(end_, 1) + " s</text>\n</g></svg>\n";
    return svg;
  }

 private:
  double XOf(double seconds) const { return (seconds - begin_) / (end_ - begin_) * kPlotWidth; }

  static std::string Level(double y, double level, const std::string& unit) {
    return "<line class=\"level\" x1=\"0\" x2=\"" + std::to_string(kPlotWidth) + "\" y1=\"" +
           Number(y) + "\" y2=\"" + Number(y) + "\"/><text class=\"end\" x=\"-6\" y=\"" +
           Number(y + 4) + "\">" + FormatFixed(level, std::fabs(level) < 1 ? 2 : 1) + unit +
           "</text>\n";
  }

  // Where there are more frames than pixels, the least and the largest of each column.
  template <typename YOf>
  std::string Path(const Line& line, const YOf& y_of) const {
    std::string path;
    bool open = false;
    const auto add = [&](double x, double value) {
      path += (open ? "L" : "M") + Number(x) + " " + Number(y_of(value));
      open = true;
    };
    const size_t count = line.values.size();
    const size_t step = std::max<size_t>(1, count / kPlotWidth);
    for (size_t begin = 0; begin < count; begin += step) {
      double low = INFINITY, high = -INFINITY;
      for (size_t i = begin; i < std::min(count, begin + step); ++i)
        if (!std::isnan(line.values[i])) {
          low = std::min(low, line.values[i]);
          high = std::max(high, line.values[i]);
        }
      if (low > high) {
        open = false;
        continue;
      }
      const double x = XOf(report_.seconds[begin]);
      add(x, low);
      if (high > low) add(x, high);
    }
    return "<path style=\"stroke:" + line.color + "\" d=\"" + path + "\"/>\n";
  }

  const CheckStereoReport& report_;
  double begin_ = 0;
  double end_ = 1;
};

template <typename Get>
Line LineOf(const CheckStereoReport& report, const char* color, const char* name, const Get& get) {
  Line line{color, name, {}};
  for (const StereoFrameQuality& frame : report.frames)
    line.values.push_back(frame.measured > 0 ? get(frame) : std::nan(""));
  return line;
}

std::vector<Plot> PlotsOf(const CheckStereoJobOptions& options, const CheckStereoReport& report) {
  const auto parallax = [](size_t i) {
    return [i](const Quality& frame) { return 100 * frame.parallax[i]; };
  };
  Plot depth{"Parallax (below 0: in front of the screen), % of the width", "", {}, {}};
  depth.lines = {LineOf(report, "#c0392b", "nearest 1 %", parallax(0)),
                 LineOf(report, "#e59866", "5 %", parallax(1)),
                 LineOf(report, "#2471a3", "middle", parallax(2)),
                 LineOf(report, "#7dcea0", "95 %", parallax(3)),
                 LineOf(report, "#1e8449", "99 %", parallax(4))};
  // Where eyes are parallel, if that is anywhere near.
  if (report.clip.farthest > options.viewer.Infinity() / 2)
    depth.marks = {100 * options.viewer.Infinity()};
  Plot vertical{"Vertical disparity, % of the height", "", {}, {}};
  vertical.lines = {
      LineOf(report, "#2471a3", "middle", [](const Quality& f) { return 100 * f.vertical; }),
      LineOf(report, "#c0392b", "95 % of the points stay below",
             [](const Quality& f) { return 100 * f.vertical_most; })};
  Plot window{"Cut off by the border in front of the screen, % of the height", "", {}, {}};
  window.lines = {
      LineOf(report, "#c0392b", "worse border", [](const Quality& f) { return 100 * f.window; })};
  Plot color{"Right eye minus left eye, % of white", "", {}, {}};
  const char* names[] = {"red", "green", "blue"};
  const char* colors[] = {"#c0392b", "#1e8449", "#2471a3"};
  for (size_t i = 0; i < 3; ++i)
    color.lines.push_back(
        LineOf(report, colors[i], names[i], [i](const Quality& f) { return 100 * f.color[i]; }));
  return {depth, vertical, window, color};
}

}  // namespace

const char* EyesText(StereoClipQuality::Eyes eyes) {
  switch (eyes) {
    case StereoClipQuality::Eyes::kRight:
      return "in the right order";
    case StereoClipQuality::Eyes::kSwapped:
      return "swapped";
    case StereoClipQuality::Eyes::kUnknown:
      break;
  }
  return "not known";
}

std::string CheckStereoText(const CheckStereoJobOptions& options, const CheckStereoReport& report) {
  const StereoClipQuality& clip = report.clip;
  const ViewerGeometry& viewer = options.viewer;
  const auto percent = [](double share) { return FormatFixed(100 * share, 2) + " %"; };
  const auto with_angle = [&](double share) {
    return percent(share) + " (" + FormatFixed(viewer.Degrees(share), 2) + " deg)";
  };
  const std::string packing = report.top_bottom ? "top-bottom" : "side by side";
  double jump = 0;
  for (const StereoCut& cut : clip.cuts) jump = std::max(jump, cut.jump());
  std::string text = "score " + FormatFixed(clip.score, 0) + " of 100\n";
  for (const StereoClipQuality::Penalty& penalty : clip.penalties)
    if (penalty.points >= 0.05)
      text += "  -" + FormatFixed(penalty.points, 1) + "  " + penalty.name + "\n";
  text += "views       " + FormatSize(report.width, report.height) + ", " + packing +
          (report.squeezed ? ", squeezed" : "") +
          (report.right_eye_first ? ", right eye first" : "") + ", measured at " +
          FormatSize(report.working_width, report.working_height) + "\n";
  text += "viewer      screen " + FormatDouble(viewer.screen_width) + " m wide, " +
          FormatDouble(viewer.seat_distance) + " m away\n";
  text += "parallax    nearest 1 % " + with_angle(clip.parallax[0]) + ", middle " +
          with_angle(clip.parallax[2]) + ", farthest 1 % " + with_angle(clip.parallax[4]) + "\n";
  text += "  extremes  " + with_angle(clip.nearest) + " to " + with_angle(clip.farthest) +
          ", eyes turn outwards in " + percent(clip.diverging) + " of the frames\n";
  text += "over time   middle moves by " + percent(clip.rate) + " a second at most; " +
          CountOf(static_cast<int64_t>(clip.cuts.size()), "cut") + ", largest jump " +
          percent(jump) + "\n";
  text += "window      " + percent(clip.window) +
          " of the height cut off in front of the screen, " + CountOf(clip.window_frames, "frame") +
          " with more than 2 %\n";
  text += "vertical    " + percent(clip.vertical) + " of the height, 95 % below " +
          percent(clip.vertical_most) + ", turned by " + FormatFixed(clip.rotation_deg, 2) +
          " deg, magnified by " + percent(clip.magnification) + "\n";
  text += "colors      right eye minus left eye: red " + percent(clip.color[0]) + ", green " +
          percent(clip.color[1]) + ", blue " + percent(clip.color[2]) + " of white\n";
  text += std::string("eyes        ") + EyesText(clip.eyes) + "\n";
  text += "measured    " + percent(clip.measured) + " of the pixels";
  return text;
}

std::string CheckStereoJson(const CheckStereoJobOptions& options, const CheckStereoReport& report) {
  const StereoClipQuality& clip = report.clip;
  json::Value root;
  root["video"] = Printable(options.input);
  root["score"] = Rounded(clip.score);
  for (const StereoClipQuality::Penalty& penalty : clip.penalties)
    root["penalties"][penalty.name] = Rounded(penalty.points);
  root["packing"] = report.top_bottom ? "tab" : "sbs";
  root["squeezed"] = report.squeezed;
  root["right_eye_first"] = report.right_eye_first;
  root["width"] = report.width;
  root["height"] = report.height;
  root["screen_width_m"] = options.viewer.screen_width;
  root["seat_distance_m"] = options.viewer.seat_distance;
  root["eye_distance_m"] = options.viewer.eye_distance;
  root["frame_count"] = clip.frames;
  root["measured_frames"] = clip.measured_frames;
  root["measured_percent"] = Rounded(100 * clip.measured);
  root["parallax_quantiles"] =
      std::vector<double>(kParallaxQuantiles.begin(), kParallaxQuantiles.end());
  root["parallax_percent"] = Percents(clip.parallax);
  root["parallax_deg"] = Angles(options, clip.parallax);
  root["nearest_percent"] = Rounded(100 * clip.nearest);
  root["farthest_percent"] = Rounded(100 * clip.farthest);
  root["rate_percent_per_second"] = Rounded(100 * clip.rate);
  root["diverging_percent_of_frames"] = Rounded(100 * clip.diverging);
  root["vertical_percent"] = Rounded(100 * clip.vertical);
  root["vertical_most_percent"] = Rounded(100 * clip.vertical_most);
  root["rotation_deg"] = Rounded(clip.rotation_deg);
  root["magnification_percent"] = Rounded(100 * clip.magnification);
  root["window_percent"] = Rounded(100 * clip.window);
  root["window_frames"] = clip.window_frames;
  root["color_percent"] = Percents(clip.color);
  root["eyes"] = EyesText(clip.eyes);
  root["eyes_confidence"] = Rounded(clip.eyes_confidence);
  root["eyes_seen"] = clip.eyes_seen;
  root["cuts"] = json::Value::Array{};
  for (const StereoCut& cut : clip.cuts)
    root["cuts"].Add(json::Value::Members{{"frame", cut.frame},
                                          {"middle_percent", Rounded(100 * cut.middle)},
                                          {"nearest_percent", Rounded(100 * cut.nearest)}});
  json::Value& frames = root["frames"];
  json::Value::Array seconds;
  for (const double time : report.seconds) seconds.push_back(Rounded(time));
  frames["seconds"] = std::move(seconds);
  const char* names[] = {"parallax_1", "parallax_5", "parallax_50", "parallax_95", "parallax_99"};
  for (size_t i = 0; i < 5; ++i)
    frames[names[i]] = Column(report, [i](const Quality& f) { return 100 * f.parallax[i]; });
  frames["vertical"] = Column(report, [](const Quality& f) { return 100 * f.vertical; });
  frames["vertical_most"] = Column(report, [](const Quality& f) { return 100 * f.vertical_most; });
  frames["window"] = Column(report, [](const Quality& f) { return 100 * f.window; });
  const char* colors[] = {"red", "green", "blue"};
  for (size_t i = 0; i < 3; ++i)
    frames[colors[i]] = Column(report, [i](const Quality& f) { return 100 * f.color[i]; });
  frames["measured"] = Column(report, [](const Quality& f) { return 100 * f.measured; });
  return json::Write(root, json::Layout::kPretty) + "\n";
}

std::string CheckStereoPage(const CheckStereoJobOptions& options, const CheckStereoReport& report) {
  const std::string name = Escaped(FileName(options.input));
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>" + name +
      "</title>\n<style>\nbody{font:15px/1.45 system-ui,sans-serif;max-width:66em;margin:2em auto;"
      "padding:0 1em;color:#222;background:#fff}\nh1{font-size:1.5em}h2{font-size:1.05em;"
      "margin:1.6em 0 0}\n.score{font-size:3em;font-weight:600}\npre{background:#f4f4f2;"
      "padding:1em;overflow:auto}\n.key{margin:.2em 0;font-size:.9em}\nsvg{width:100%}\n"
      "path{fill:none;stroke-width:1.2}\n.level{stroke:#ccc}.cut{stroke:#999;stroke-dasharray:2 3}"
      "\ntext{font-size:11px;fill:#666}.end{text-anchor:end}\n</style></head><body>\n";
  page += "<h1>" + name + "</h1>\n<p><span class=\"score\">" + FormatFixed(report.clip.score, 0) +
          "</span> of 100</p>\n<pre>";
  const std::string text = CheckStereoText(options, report);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.size(), text.find('\n', begin));
    page += Escaped(text.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  page += "</pre>\n<p>Dashed lines are cuts.</p>\n";
  const PlotWriter plots(report);
  for (const Plot& plot : PlotsOf(options, report)) page += plots.Write(plot);
  return page + "</body></html>\n";
}

}  // namespace mdvt
