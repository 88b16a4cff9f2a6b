// SPDX-License-Identifier: Apache-2.0
//
// Draws subtitles into the views of a frame, each where it stands in front of the scene.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/state.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/subtitle_renderer.h"
#include "mdvt/pipeline/view_options.h"
#include "mdvt/stereo/comfort.h"
#include "mdvt/stereo/view_layout.h"
#include "pipeline/panel_text.h"

namespace mdvt {

// The parallax of subtitles over time, shares of the width. A line begins right in front of what is
// behind it then, and at the screen at the farthest; while it stands, it glides, however fast what
// is behind it comes and goes.
class SubtitleDepth {
 public:
  // max_in_front  it is nowhere nearer than this; none: no bound
  explicit SubtitleDepth(std::optional<double> max_in_front) : max_in_front_(max_in_front) {}

  // lines    that are shown, as in SubtitlePicture
  // behind   the parallax of the nearest thing behind them
  double Push(const std::vector<int64_t>& lines, double behind, double seconds);

  // What is kept from frame to frame. Load() throws Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  std::optional<double> max_in_front_;
  std::vector<int64_t> lines_;
  double parallax_ = 0;
  double seconds_ = 0;  // of the frame before
};

// What a head sees that looks straight ahead.
struct PanelScene {
  // 1 / distance, or disparity, in a direction of the head; NaN: not known. Distances are planar.
  std::function<double(const Eigen::Vector3d&)> nearness;
  // As in ComfortView, parallax in radians.
  double scale = 0;
  double screen = 0;
};

class SubtitlePainter {
 public:
  // format, color  of the views
  // offset         of the subtitles' time: when the video begins, for a file of its own
  // panel          where they stand in panels, if views are shown as such
  // Throws what SubtitleRenderer throws.
  SubtitlePainter(SubtitleRenderer renderer, const PixelFormat& format, const ColorInfo& color,
                  double offset, std::optional<double> max_in_front,
                  std::optional<PanelText> panel = std::nullopt);

  // view   the map that was rendered, and how; its scale and parallax are shares of `width`
  // eyes   where each view stands, see ViewLayout
  void Draw(double seconds, const ComfortView& view, double width, const std::vector<double>& eyes,
            const std::vector<MutableImageView>& views);
  // The same into panels: straight ahead of the head and upright.
  void DrawOnPanels(double seconds, const PanelScene& scene, const std::vector<double>& eyes,
                    const std::vector<MutableImageView>& panels);

  // Of the last call: 1 / distance, or disparity, of what was drawn; nothing if nothing was.
  std::optional<double> nearness() const;
  // Puts `value` where the subtitles of the last call cover at least half of a pixel of the first
  // view; in panels as many times that as the ray there is longer than the planar distance.
  void PutInto(float value, const PlaneView<float>& map);

  // Into one that was opened anew. Where a line stands follows from those that stood when it came:
  // the renderer is shown the times again since when there have been lines. Load() throws as
  // SubtitleRenderer::At(), and Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  const SubtitlePicture& Look(double seconds);  // of the subtitles
  // Parallax as a share of the width, from the nearness of what is behind (values_).
  double Place(const SubtitlePicture& picture, double seconds, double scale, double screen);
  // The samples of a colour.
  std::array<int, 3> SamplesOf(const std::array<uint8_t, 3>& rgb);

  SubtitleRenderer renderer_;
  PixelFormat format_;
  ColorInfo color_;
  double offset_;
  SubtitleDepth depth_;
  std::optional<PanelText> panel_;
  // What was drawn last, by how much it stands to the right in the first view (pixels, or radians),
  // and how near it is.
  const SubtitlePicture* drawn_ = nullptr;
  double first_place_ = 0;
  double nearness_ = 0;
  // Times at which others were shown than before, since there was none.
  std::vector<double> changes_;
  std::vector<int64_t> shown_;
  ColorConverter converter_;
  std::vector<float> values_;
};

// Opens what the options ask for; nothing unless subtitles are burned.
//   video    with the subtitles, unless there is a file of them
//   begin    seconds at which it begins
//   camera   that took the pictures; for panels only
std::unique_ptr<SubtitlePainter> OpenSubtitles(const SubtitleOptions& options,
                                               const std::string& video, double begin,
                                               const ViewCanvas& canvas, const Camera& camera,
                                               const PixelFormat& format, const ColorInfo& color,
                                               const std::optional<ComfortLimits>& comfort,
                                               const Limits& limits, ThreadPool* pool);

// Blends a colour into a picture at (x, y), which may be any real x and lie outside. `samples` are
// those of the picture's planes; halved chroma gets the mean coverage of its pixels.
void BlendCoverage(PlaneView<const uint8_t> coverage, double x, int y,
                   const std::array<int, 3>& samples, const MutableImageView& picture);

}  // namespace mdvt
