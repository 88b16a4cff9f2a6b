// SPDX-License-Identifier: Apache-2.0
#include "pipeline/background_pass.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/point_array_file.h"
#include "pipeline/first_frames.h"
#include "pipeline/mask_watch.h"

namespace mdvt {
namespace {

constexpr int kForegroundLuma = 128;
// A point that was loaded counts as if it had been seen so often.
constexpr int kLoadedTimes = 8;
constexpr double kColorSlack = 1e-6;
constexpr int kPointsPerPiece = 4096;

class BackgroundPass {
 public:
  BackgroundPass(const BackgroundInput& input, Graph* graph)
      : input_(input),
        options_(*input.options),
        graph_(graph),
        plate_(Views(), PlateOptions(), graph->pool()) {}

  void Load() {
    const Pose world_from_file = input_.file_from_world.inverse();
    std::vector<Eigen::Vector3d> points;
    Image colors(PixelFormat::Rgb(input_.format.bits), kPointsPerPiece, 1);
    const auto flush = [&] {
      if (points.empty()) return;
      const Image converted = converter_.Convert(colors, input_.color, input_.format);
      for (size_t i = 0; i < points.size(); ++i)
        plate_.AddPoint(points[i], ColorAt(converted, static_cast<int>(i)), kLoadedTimes);
      points.clear();
    };
    for (int plane = 0; plane < 3; ++plane)
      for (int x = 0; x < kPointsPerPiece; ++x) SetSample(&colors, plane, x, 0);
    const int64_t count = ReadPointArray(
        options_.load_background, [&](const Eigen::Vector3d& at, const Eigen::Vector3d& color) {
          const int x = static_cast<int>(points.size());
          Require(color.minCoeff() >= -kColorSlack && color.maxCoeff() <= 1 + kColorSlack,
                  Code::kCorrupt,
                  "'" + options_.load_background + "' has colors outside of [0, 1], such as " +
                      FormatDouble(color.maxCoeff()) + ": divide them by what white is");
          for (int plane = 0; plane < 3; ++plane)
            SetSample(&colors, plane, x,
                      static_cast<int>(std::lround(std::clamp(color[plane], 0.0, 1.0) *
                                                   colors.format().max_value())));
          points.push_back(world_from_file * at);
          if (points.size() == kPointsPerPiece) flush();
        });
    flush();
    Require(count > 0, Code::kRefused, "'" + options_.load_background + "' holds no points");
    Require(plate_.seen() > 0, Code::kRefused,
            "'" + options_.load_background + "' has no point that lies in view of this clip");
  }

  void Gather() {
    ClipPair clip(input_.clip);
    clip.ConvertColorTo(input_.format);
    const DepthVideoReader* file = clip.depth().file();
    Require(file != nullptr, Code::kInvalidArgument,
            "a background is gathered in a pass of its own, which needs a depth video: write one "
            "with video_metric_convert first");
    std::optional<VideoReader> masks;
    if (!options_.mask_video.empty())
      masks = OpenMaskVideo(options_.mask_video, file->info(), input_.limits, graph_->pool());
    Stream<PairedFrame> pairs = clip.Frames(graph_);
    if (masks) {
      const int64_t most = input_.clip.max_frames;
      graph_->Into(
          graph_->Zip(std::move(pairs), graph_->From(FirstFrames(&*masks, most)),
                      InStep("depth video '" + file->info().path + "'",
                             "mask video '" + options_.mask_video + "'", most)),
          [this](std::pair<PairedFrame, Frame> both) { Add(both.first, both.second.image); });
    } else {
      graph_->Into(std::move(pairs), [this](const PairedFrame& pair) { Add(pair, Image()); });
    }
    graph_->Run("background", clip.expected_frames());
    mask_watch_.Tell("it takes nothing out of the background");
    Require(plate_.seen() > 0, Code::kRefused,
            "no frame has any background: mask_depth is too large, or the mask is white "
            "everywhere");
  }

  std::shared_ptr<const PlateSurfaces> Surfaces() const {
    return std::make_shared<const PlateSurfaces>(plate_.Surfaces());
  }

  void Save(const PlateSurfaces& surfaces, const OutputTarget& target) {
    int64_t count = 0;
    std::vector<Image> colors;
    for (const PlateSurface& surface : surfaces) {
      const PlaneView<const float> depth = surface.depth.Plane<float>();
      for (int y = 0; y < depth.height; ++y)
        count +=
            std::count_if(depth.Row(y), depth.Row(y) + depth.width, [](float z) { return z > 0; });
      Image color = surface.color;
      MutableImageView view = color.mutable_view();
      view.format = input_.format;
      colors.push_back(converter_.Convert(Image(view, std::make_shared<Image>(color)), input_.color,
                                          PixelFormat::Rgb(input_.format.bits)));
    }
    WritePointArray(target, count, [&](const PointTaker& take) {
      for (size_t i = 0; i < surfaces.size(); ++i) {
        const PlateSurface& surface = surfaces[i];
        const Pose file_from_cam = input_.file_from_world * surface.world_from_cam;
        for (int y = 0; y < surface.depth.height(); ++y)
          for (int x = 0; x < surface.depth.width(); ++x) {
            const float z = surface.depth.Plane<float>().Row(y)[x];
            if (!(z > 0)) continue;
            const Eigen::Vector3d color = Rgb(colors[i], x, y);
            take(file_from_cam * Unproject(surface.camera, {x + 0.5, y + 0.5}, z), color);
          }
      }
    });
  }

 private:
  std::vector<PlateView> Views() const {
    std::vector<PlateView> views;
    const std::vector<Pose>& poses = input_.poses->values();
    const std::vector<double>& fovs = input_.camera->xfovs_deg();
    size_t count = std::max<size_t>({1, poses.size(), fovs.size()});
    if (!poses.empty()) count = std::min(count, poses.size());
    if (!fovs.empty()) count = std::min(count, fovs.size());
    if (input_.clip.max_frames >= 0)
      count = std::min(count, static_cast<size_t>(std::max<int64_t>(1, input_.clip.max_frames)));
    for (size_t i = 0; i < count; ++i) {
      const auto frame = static_cast<int64_t>(i);
      views.push_back({input_.camera->At(frame), input_.poses->At(frame)});
    }
    return views;
  }

  BackgroundPlateOptions PlateOptions() const {
    BackgroundPlateOptions plate;
    plate.bits = input_.format.bits;
    return plate;
  }

  void Add(const PairedFrame& frame, const Image& mask) {
    const PlaneView<const float> depth = frame.depth.depth.Plane<float>();
    if (foreground_.empty()) foreground_ = Image(PixelFormat::Gray(8), depth.width, depth.height);
    const PlaneView<uint8_t> foreground = foreground_.MutablePlane<uint8_t>();
    if (options_.mask_depth)
      MarkForeground(depth, *options_.mask_depth, foreground, graph_->pool());
    else
      for (int y = 0; y < depth.height; ++y)
        std::fill_n(foreground.Row(y), depth.width, uint8_t{0});
    if (!mask.empty()) mask_watch_.Look(mask);
    for (int y = 0; y < depth.height && !mask.empty(); ++y) {
      const uint8_t* row = mask.Plane<uint8_t>().Row(y);
      for (int x = 0; x < depth.width; ++x)
        if (row[x] >= kForegroundLuma) foreground.Row(y)[x] = 255;
    }
    ImageView color = frame.color.image.view();
    color.format = PixelFormat::Rgb(input_.format.bits);
    const int64_t index = frames_++;
    plate_.Add(color, depth, foreground, input_.camera->At(index), input_.poses->At(index));
  }

  static void SetSample(Image* image, int plane, int x, int value) {
    if (image->format().type == SampleType::kU8)
      image->MutablePlane<uint8_t>(plane).Row(0)[x] = static_cast<uint8_t>(value);
    else
      image->MutablePlane<uint16_t>(plane).Row(0)[x] = static_cast<uint16_t>(value);
  }
  static int Sample(const Image& image, int plane, int x, int y) {
    return image.format().type == SampleType::kU8 ? image.Plane<uint8_t>(plane).Row(y)[x]
                                                  : image.Plane<uint16_t>(plane).Row(y)[x];
  }
  static BackgroundPlate::Color ColorAt(const Image& image, int x) {
    BackgroundPlate::Color color;
    for (int plane = 0; plane < 3; ++plane)
      color[static_cast<size_t>(plane)] = static_cast<uint16_t>(Sample(image, plane, x, 0));
    return color;
  }
  static Eigen::Vector3d Rgb(const Image& image, int x, int y) {
    Eigen::Vector3d color;
    for (int plane = 0; plane < 3; ++plane)
      color[plane] = double(Sample(image, plane, x, y)) / image.format().max_value();
    return color;
  }

  const BackgroundInput& input_;
  const StereoSceneOptions& options_;
  Graph* graph_;
  BackgroundPlate plate_;
  MaskWatch mask_watch_{options_.mask_video, kForegroundLuma - 1};
  Image foreground_;
  ColorConverter converter_;
  int64_t frames_ = 0;
};

}  // namespace

std::shared_ptr<const PlateSurfaces> GatherBackground(const BackgroundInput& input, Graph* graph,
                                                      const OutputTarget* save) {
  BackgroundPass pass(input, graph);
  if (!input.options->load_background.empty()) pass.Load();
  if (input.options->MakesBackground()) pass.Gather();
  std::shared_ptr<const PlateSurfaces> surfaces = pass.Surfaces();
  if (save != nullptr) pass.Save(*surfaces, *save);
  return surfaces;
}

}  // namespace mdvt
