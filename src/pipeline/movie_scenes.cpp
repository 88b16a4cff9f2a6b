// SPDX-License-Identifier: Apache-2.0
#include "pipeline/movie_scenes.h"

#include <algorithm>
#include <optional>

#include "core/lower_case.h"
#include "core/naming.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/depth_source.h"

namespace mdvt {
namespace {

constexpr size_t kFirstNetwork = 4;  // of MovieInfillEngines()

class RowReader {
 public:
  RowReader(const SceneTable& table, size_t row) : table_(table), row_(row) {}

  [[noreturn]] void Fail(const std::string& column, const std::string& valid) const {
    throw Error(Code::kCorrupt, "scene list: " + table_.Where(row_) + ": '" +
                                    table_.Cell(row_, column) + "' in the column '" + column +
                                    "' is none of: " + valid);
  }
  std::string Text(const char* column) const { return table_.Cell(row_, column); }

  // Nothing where the cell is empty.
  std::optional<bool> YesNo(const char* column) const {
    const std::string text = Lower(Text(column));
    if (text.empty()) return std::nullopt;
    for (const char* no : {"no", "off", "0", "false"})
      if (text == no) return false;
    for (const char* yes : {"yes", "on", "1", "true"})
      if (text == yes) return true;
    Fail(column, "Yes, No");
  }
  std::optional<double> Number(const char* column, const Range& range) const {
    const std::string text = Text(column);
    if (text.empty()) return std::nullopt;
    const std::optional<double> value = ParseDouble(text);
    if (!value || !range.Contains(*value)) Fail(column, "numbers in " + range.ToString());
    return value;
  }

 private:
  const SceneTable& table_;
  size_t row_;
};

SceneSettings SettingsOf(const SceneTable& table, size_t index, const MovieJobOptions& options) {
  const RowReader row(table, index);
  SceneSettings scene = options.scene;
  if (!row.Text("Engine").empty())
    scene.engine = Naming("scene list: " + table.Where(index),
                          [&] { return MovieDepthEngine(row.Text("Engine"), options.source); });
  const std::vector<std::string>& engines = MovieInfillEngines();
  const std::string infill = Lower(row.Text("InfillEngine"));
  if (!infill.empty()) {
    if (std::find(engines.begin(), engines.end(), infill) == engines.end()) {
      std::string names;
      for (const std::string& name : engines) names += (names.empty() ? "" : ", ") + name;
      row.Fail("InfillEngine", names);
    }
    scene.infill_engine = infill;
  }
  if (!row.YesNo("Infill").value_or(true)) scene.infill_engine = engines.front();
  const std::string convergence = Lower(row.Text("Convergence"));
  if (convergence == "no")
    scene.convergence = MovieConvergence::kOff;
  else if (!convergence.empty() && convergence != "yes" &&
           !SetMovieConvergence(convergence, &scene))
    row.Fail("Convergence", "Yes, No, mask, center, off, a distance in metres");
  if (const auto fov = row.Number("XFov", {0, 180, true, true})) scene.xfov_deg = fov;
  if (const auto depth = row.Number("MaxDepth", {1e-6, 1e6})) scene.max_depth = *depth;
  if (const auto eyes = row.Number("PupillaryDistance", {0, 1000}))
    scene.pupillary_distance_mm = *eyes;
  if (const auto fov = row.Number("MasterFov", {0, 180, true, true})) scene.master_xfov_deg = fov;
  if (const auto shift = row.Number("MaxShift", {0, 100, true, false})) scene.max_shift = shift;
  scene.skip = row.YesNo("Skip").value_or(scene.skip);
  return scene;
}

}  // namespace

const std::vector<std::string>& MovieInfillEngines() {
  static const std::vector<std::string> engines = {
      "none",          "directional", "normals",        "observed",
      "stereocrafter", "m2svid",      "inspatio_world", "stereo_dissoclusion_net"};
  return engines;
}

bool IsInfillNetwork(const std::string& engine) {
  const std::vector<std::string>& engines = MovieInfillEngines();
  return std::find(engines.begin() + kFirstNetwork, engines.end(), engine) != engines.end();
}

bool SetMovieConvergence(const std::string& text, SceneSettings* settings) {
  if (text == "mask") {
    settings->convergence = MovieConvergence::kMask;
  } else if (text == "center" || text == "centre") {
    settings->convergence = MovieConvergence::kCenter;
  } else if (text == "off" || text == "0") {
    settings->convergence = MovieConvergence::kOff;
  } else {
    const std::optional<double> metres = ParseDouble(text);
    if (!metres || !(*metres > 0 && *metres <= 1e6)) return false;
    settings->convergence = MovieConvergence::kFixed;
    settings->convergence_distance = *metres;
  }
  return true;
}

std::string MovieConvergenceText(const SceneSettings& settings) {
  switch (settings.convergence) {
    case MovieConvergence::kMask:
      return "mask";
    case MovieConvergence::kCenter:
      return "center";
    case MovieConvergence::kFixed:
      return FormatDouble(settings.convergence_distance);
    case MovieConvergence::kOff:
      break;
  }
  return "off";
}

std::string MovieDepthEngine(const std::string& name, const DepthSourceOptions& source) {
  const std::string engine = Lower(name);
  Require(engine != "depthcrafter" && engine != "geometrycrafter", Code::kUnsupported,
          "the engine '" + name +
              "' is a diffusion network, which mdvt does not run; take 'model' with a "
              "Video-Depth-Anything model (--model), which is steady as well, or 'motion'");
  if (engine == "da3" || engine == "vda" || engine == "model") {
    Require(!source.model.empty(), Code::kInvalidArgument,
            "the engine '" + name +
                "' is a network: give its file (--model FILE; docs/models.md tells how to make "
                "one), or name the engine 'motion'");
    return "model";
  }
  std::string names;
  for (const DepthEngineInfo& info : DepthEngines()) {
    if (!info.picture_format) continue;  // it reads depth
    if (engine == info.name) return engine;
    names += std::string(info.name) + ", ";
  }
  throw Error(Code::kInvalidArgument,
              "there is no depth engine '" + name + "', only " + names + "da3, vda");
}

std::vector<MovieScene> MovieScenes(const SceneTable& table, const MovieJobOptions& options,
                                    int64_t frames) {
  std::vector<SceneRange> ranges = table.Scenes();
  std::vector<MovieScene> scenes;
  for (size_t i = 0; i < ranges.size(); ++i) {
    SceneRange& range = ranges[i];
    const std::string where = "scene list: " + table.Where(i);
    if (range.end == -1) range.end = frames;
    Require(range.end != -1, Code::kCorrupt, where + " has no end frame");
    Require(frames < 0 || range.end <= frames, Code::kCorrupt,
            where + " ends with frame " + std::to_string(range.end) + ", the film has " +
                std::to_string(frames) + " frames");
    Require(range.end > range.first, Code::kCorrupt, where + " ends before it begins");
    const int64_t before = i == 0 ? 0 : ranges[i - 1].end;
    Require(range.first == before, Code::kCorrupt,
            where + " begins with frame " + std::to_string(range.first + 1) + " where frame " +
                std::to_string(before + 1) +
                " should follow: give scenes that are not wanted a row with 'Yes' in the column "
                "'Skip'");
    const SceneSettings settings = SettingsOf(table, i, options);
    for (const SceneRange& part : SplitScenes({range}, options.max_scene_frames)) {
      const int64_t number = static_cast<int64_t>(scenes.size()) + 1;
      if (options.end_scene >= 0 && number > options.end_scene) return scenes;
      scenes.push_back({number, part, settings});
    }
  }
  return scenes;
}

}  // namespace mdvt
