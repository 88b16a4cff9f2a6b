// SPDX-License-Identifier: Apache-2.0
#include "pipeline/scene_starts.h"

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"
#include "mdvt/io/scene_list.h"
#include "mdvt/tracking/content_cut.h"

namespace mdvt {
namespace {

constexpr int kPictureWidth = 256;  // of the pictures in which cuts are looked for

}  // namespace

CutPictures::CutPictures(const VideoInfo& source, const PixelFormat& format, ThreadPool* pool) {
  const double ratio =
      std::min(1.0, static_cast<double>(kPictureWidth) / std::max(source.width, source.height));
  const int width = std::max(1, static_cast<int>(std::lround(source.width * ratio)));
  const int height = std::max(1, static_cast<int>(std::lround(source.height * ratio)));
  color_ = ResolveColor(source.color, format, source.height);
  small_ = Image(format, width, height);
  const ResizeWindow whole{0, 0, static_cast<double>(source.width),
                           static_cast<double>(source.height)};
  resizer_.emplace(format, source.width, source.height, whole, width, height,
                   ResizeOptions{ResizeFilter::kBilinear, color_.chroma_location}, pool);
}

Image CutPictures::Make(const Image& picture) {
  resizer_->Resize(picture.view(), small_.mutable_view());
  return converter_.Convert(small_, color_, PixelFormat::Rgb(8));
}

// Looks for cuts in small pictures.
class SceneStarts::Detector {
 public:
  Detector(const VideoInfo& source, const PixelFormat& format, ThreadPool* pool)
      : pictures_(source, format, pool) {}

  void Push(const Image& picture, double seconds) {
    cuts_.Push(pictures_.Make(picture).view(), seconds);
  }
  ContentCutDetector& cuts() { return cuts_; }

 private:
  CutPictures pictures_;
  ContentCutDetector cuts_;
};

SceneStarts::SceneStarts(SceneCuts cuts, const std::string& scene_file, const Limits& limits,
                         const VideoInfo& source, const PixelFormat& format, ThreadPool* pool) {
  if (cuts == SceneCuts::kOff) return;
  if (scene_file.empty())
    detector_ = std::make_unique<Detector>(source, format, pool);
  else
    starts_ = ReadSceneStarts(scene_file, limits);
}

SceneStarts::~SceneStarts() = default;

void SceneStarts::Push(const Image& picture, int64_t index, double seconds) {
  if (detector_) return detector_->Push(picture, seconds);
  bool cut = false;
  // Also the starts of scenes whose first frames are not among those shown.
  for (; next_ < starts_.size() && starts_[next_] <= index; ++next_)
    cut = cut || starts_[next_] > 0;
  known_.push_back(cut && index > 0);
}

void SceneStarts::Finish() {
  if (detector_) detector_->cuts().Finish();
}

std::optional<bool> SceneStarts::Pop() {
  if (detector_) return detector_->cuts().Pop();
  if (known_.empty()) return std::nullopt;
  const bool cut = known_.front();
  known_.pop_front();
  return cut;
}

void SceneStarts::Save(State* state) const {
  if (detector_) return detector_->cuts().Save(state);
  std::vector<double> known = {static_cast<double>(next_)};
  for (const bool cut : known_) known.push_back(cut ? 1 : 0);
  state->SetNumbers("known", known);
}

void SceneStarts::Load(const State& state) {
  if (detector_) return detector_->cuts().Load(state);
  const std::vector<double> known = state.Numbers("known");
  Require(!known.empty() && known[0] >= 0 && known[0] <= static_cast<double>(starts_.size()),
          Code::kCorrupt, "the saved state knows no scenes");
  next_ = static_cast<size_t>(known[0]);
  known_.assign(known.begin() + 1, known.end());
}

}  // namespace mdvt
