// SPDX-License-Identifier: Apache-2.0
#include "pipeline/eye_maker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/black.h"
#include "mdvt/core/error.h"
#include "mdvt/stereo/backward_warp.h"
#include "pipeline/frame_state.h"

namespace mdvt {
namespace {

constexpr double kWidthPerShift = 80;  // 24 pixels of 1920
// What is farther than this stands still, also as the distance of the screen.
constexpr double kLeastDisparity = 1e-6;

StereoOptions RendererOptions(const EyeOptions& options, const ColorInfo& color, bool inverse) {
  StereoOptions stereo = options.stereo;
  // The camera's focal length is the shift then.
  if (options.placement == Placement::kNormalized) stereo.baseline = 1;
  stereo.inverse_depth = inverse;
  stereo.color = color;
  return stereo;
}

ShiftOptions ShiftWith(ShiftOptions shift, double max_shift) {
  shift.max_shift = max_shift;
  return shift;
}

std::vector<double> EyesOf(const ViewLayout& layout, bool swapped) {
  std::vector<double> eyes = layout.views;
  if (swapped)
    for (double& eye : eyes) eye = -eye;
  return eyes;
}

double ViewWidth(const ViewCanvas& canvas) { return canvas.tile_width / canvas.squeeze_x; }

int64_t HolePixels(const HoleMap& holes) {
  int64_t pixels = 0;
  for (const auto& row : holes.rows)
    for (const HoleSpan& span : row) pixels += span.end - span.begin;
  return pixels;
}

void CopyDepth(PlaneView<const float> from, const PlaneView<float>& to) {
  for (int y = 0; y < to.height; ++y) std::copy_n(from.Row(y), to.width, to.Row(y));
}

void ScaleDepth(float factor, const PlaneView<float>& depth) {
  for (int y = 0; y < depth.height; ++y)
    for (int x = 0; x < depth.width; ++x) depth.Row(y)[x] *= factor;
}

// The depth of each view into its tile, 0 beside it. Panels have theirs put in later.
void PackDepth(const ViewCanvas& canvas, const std::vector<PlaneView<float>>& depths,
               Image* packed) {
  const PlaneView<float> all = packed->MutablePlane<float>();
  for (int y = 0; y < all.height; ++y) std::fill_n(all.Row(y), all.width, 0.0f);
  if (canvas.panel) return;
  for (size_t view = 0; view < depths.size(); ++view)
    CopyDepth(depths[view], canvas.Content(all, static_cast<int>(view)));
}

// Every fourth row: as good for a median, in a quarter of the time.
DepthView SomeRows(const Image& depth) {
  DepthView rows = depth.Plane<float>();
  rows.stride *= 4;
  rows.height = (rows.height + 3) / 4;
  return rows;
}

bool HasNan(PlaneView<const float> map) {
  for (int y = 0; y < map.height; ++y) {
    const float* row = map.Row(y);
    if (std::any_of(row, row + map.width, [](float value) { return std::isnan(value); }))
      return true;
  }
  return false;
}

}  // namespace

void EyeOptions::Check() const {
  stereo.Check();
  smoothing.Check();
  norm.Check();
  shift.Check();
  screen.Check();
  Require(warp == WarpKind::kForward || placement == Placement::kNormalized, Code::kInvalidArgument,
          "the backward warp has no metric placement");
  Require(warp == WarpKind::kForward ||
              (!holes && fill == HoleFill::kFill && stereo.edges == EdgeMode::kTear),
          Code::kInvalidArgument,
          "the backward warp stretches everything and has no holes: no mask of them, none left "
          "black, no choice of edges");
}

bool PreviewSampler::Takes(double seconds) {
  const int64_t number = count_++;
  if (every_) return number % *every_ == 0;
  if (!interval_) return true;
  if (number == 0) start_ = seconds;
  constexpr double kRoom = 1e-6;  // of times in ticks of a container
  if (seconds - start_ + kRoom < static_cast<double>(next_) * *interval_) return false;
  next_ = static_cast<int64_t>(std::floor((seconds - start_ + kRoom) / *interval_)) + 1;
  return true;
}

EyeMaker::EyeMaker(const EyeOptions& options, const ViewLayout& layout, const ViewCanvas& canvas,
                   const EyeSource& source, EyePlaces places, ThreadPool* pool)
    : options_(options),
      source_(source),
      places_(std::move(places)),
      layout_(layout),
      frame_(canvas),
      canvas_(canvas.panel ? PlanPanelSource(source.width, source.height, {1, 1}) : canvas),
      format_(PackedFormat(layout, canvas, source.format)),
      eyes_(EyesOf(layout, options.swap_eyes)),
      pool_(pool),
      inverse_(!metric() || options.Smooths() || !canvas_.exact),
      max_shift_(options.max_shift.value_or(ViewWidth(canvas_) / kWidthPerShift)),
      normalizer_(options.norm, pool),
      smoother_(options.smoothing, pool),
      shifts_(ShiftWith(options.shift, max_shift_)),
      screen_(options.screen),
      focus_(places_.focus),
      renderer_(RendererOptions(options, source.color, inverse_), pool),
      filler_({}, pool),
      images_([canvas, format = format_, full_range = source.color.full_range] {
        auto image = std::make_unique<Image>(format, canvas.frame_width, canvas.frame_height);
        PaintPadding(canvas, full_range, image->mutable_view());
        return image;
      }),
      holes_([views = eyes_.size()] { return std::make_unique<ViewHoles>(views); }),
      preview_(options.preview_interval, options.preview_every),
      steep_step_(max_shift_ > 0 ? 1 / (max_shift_ * canvas_.squeeze_x) : 2) {
  options.Check();
  if (options.observe && options.fill == HoleFill::kFill) observer_.emplace(*options.observe, pool);
  if (places_.comfort) comfort_.emplace(*places_.comfort);
  Require(!metric() || (places_.camera && places_.distance), Code::kInternal,
          "metric placement needs the camera and the convergence of each frame");
  Require(metric() || (!options.scene && layout.depth != DepthShown::kTouchly &&
                       (!frame_.panel || places_.camera)),
          Code::kInvalidArgument,
          "the layout '" + layout.name + "' needs depth in metres: metric placement");
  const std::array<int, 3> black = BlackOf(format_, source.color.full_range);
  if (frame_.panel)
    panels_.emplace(*frame_.panel, eyes_.size(), source.color.chroma_location, black, pool);
  if (options.scene) scene_.emplace(*options.scene, format_, black, pool);
  const bool wide = panels_ && scene_;
  const int view_width = wide ? ViewCamera().width : canvas_.content_width;
  const int view_height = wide ? ViewCamera().height : canvas_.content_height;
  for (size_t view = 0; view < eyes_.size(); ++view) {
    if (layout_.mix || panels_) unmixed_.emplace_back(format_, view_width, view_height);
    if (WantsViewDepth()) depths_.emplace_back(PixelFormat::GrayF32(), view_width, view_height);
  }
  if (canvas_.exact) return;
  content_ = Image(format_, canvas_.content_width, canvas_.content_height);
  scaled_ = Image(PixelFormat::GrayF32(), canvas_.content_width, canvas_.content_height);
  color_resizer_.emplace(format_, source.width, source.height, canvas_.window,
                         canvas_.content_width, canvas_.content_height,
                         ResizeOptions{options.filter, source.color.chroma_location}, pool);
  map_resizer_.emplace(source.width, source.height, canvas_.window, canvas_.content_width,
                       canvas_.content_height, pool);
}

void EyeMaker::Push(EyeInput frame) {
  const bool metres = frame.quantity == DepthQuantity::kMetricDepth;
  if (observer_) KeepInSight(frame);
  if (scene_ && metres && (focus_ || comfort_)) LookAround(&frame);
  if (focus_ && metres) {
    frame.screen = focus_->Push(scene_ ? frame.seen.Plane<float>() : SomeRows(frame.depth),
                                frame.seconds - focus_seconds_, frame.new_scene);
    focus_seconds_ = frame.seconds;
  }
  if (metric()) {
    Require(metres, Code::kRefused,
            "metric placement needs depth in metres, this engine gives relative disparity");
  } else if (metres) {
    normalizer_.PushDepth(frame.depth.MutablePlane<float>(), frame.new_scene);
  } else {
    Require(options_.norm.mode != NormMode::kMetric, Code::kRefused,
            "the norm 'metric' needs depth in metres, this engine gives relative disparity");
    Require(!places_.distance && !focus_, Code::kRefused,
            "a convergence in metres needs depth in metres, this engine gives relative disparity");
    normalizer_.Push(frame.depth.Plane<float>(), frame.new_scene);
  }
  waiting_.push_back(std::move(frame));
}

void EyeMaker::Finish() {
  if (observer_) observer_->Finish();
  if (!metric()) normalizer_.Finish();
}

std::optional<PackedFrame> EyeMaker::Pop() {
  for (;;) {
    if (observer_ && !observer_->Ready()) return std::nullopt;
    NormalRange range;
    if (!metric()) {
      const std::optional<NormalRange> known = normalizer_.Pop();
      if (!known) return std::nullopt;
      range = *known;
    } else if (waiting_.empty()) {
      return std::nullopt;
    }
    EyeInput frame = std::move(waiting_.front());
    waiting_.pop_front();
    std::optional<PackedFrame> packed = Make(range, &frame);
    if (observer_) observer_->Advance();
    if (packed) return packed;
  }
}

void PreviewSampler::Save(State* state) const {
  state->SetNumbers("preview", {static_cast<double>(count_), static_cast<double>(next_), start_});
}

void PreviewSampler::Load(const State& state) {
  const std::vector<double> numbers = state.Numbers("preview");
  Require(numbers.size() == 3, Code::kCorrupt, "the saved state holds no preview");
  count_ = static_cast<int64_t>(numbers[0]);
  next_ = static_cast<int64_t>(numbers[1]);
  start_ = numbers[2];
}

State SavedInput(const EyeInput& input) {
  State state;
  state.SetImage("color", input.color);
  state.SetImage("depth", input.depth);
  state.SetImage("seen", input.seen);
  state.SetNumbers("input",
                   {static_cast<double>(input.quantity), static_cast<double>(input.new_scene),
                    static_cast<double>(input.index), input.seconds, input.screen,
                    static_cast<double>(input.pts), static_cast<double>(input.duration),
                    static_cast<double>(input.shows)});
  SavePose(input.world_from_cam, &state);
  return state;
}

EyeInput LoadedInput(const State& state) {
  const std::vector<double> n = state.Numbers("input");
  Require(n.size() == 8, Code::kCorrupt, "the saved state holds no frame");
  EyeInput input;
  input.color = state.GetImage("color");
  input.depth = state.GetImage("depth");
  input.seen = state.GetImage("seen");
  input.quantity = static_cast<DepthQuantity>(n[0]);
  input.new_scene = n[1] != 0;
  input.index = static_cast<int64_t>(n[2]);
  input.seconds = n[3];
  input.screen = n[4];
  input.pts = static_cast<int64_t>(n[5]);
  input.duration = static_cast<int64_t>(n[6]);
  input.shows = static_cast<int64_t>(n[7]);
  input.world_from_cam = LoadPose(state);
  return input;
}

void EyeMaker::Save(State* state) const {
  const auto add = [state](const char* name, const auto& part) {
    State own;
    part.Save(&own);
    state->Add(name, own);
  };
  add("range", normalizer_);
  add("smoother", smoother_);
  add("shift", shifts_);
  add("screen", screen_);
  add("frames", preview_);
  if (focus_) add("focus", *focus_);
  if (comfort_) add("comfort", *comfort_);
  if (observer_) add("observer", *observer_);
  if (places_.subtitles) add("subtitles", *places_.subtitles);
  add("sheet", sheet_);
  SaveQueue("waiting", waiting_, &SavedInput, state);
  state->SetFlag("was_flat", was_flat_);
  state->SetNumbers(
      "counts",
      {last_seconds_, static_cast<double>(scenes_), static_cast<double>(hole_pixels_), shift_sum_,
       static_cast<double>(frames_), focus_seconds_, static_cast<double>(fill_counts_.holes),
       static_cast<double>(fill_counts_.observed)});
}

void EyeMaker::Load(const State& state) {
  const std::vector<double> counts = state.Numbers("counts");
  Require(counts.size() == 8, Code::kCorrupt, "the saved state is none of an EyeMaker");
  was_flat_ = state.Flag("was_flat");
  normalizer_.Load(state.Part("range"));
  smoother_.Load(state.Part("smoother"));
  shifts_.Load(state.Part("shift"));
  screen_.Load(state.Part("screen"));
  preview_.Load(state.Part("frames"));
  if (focus_) focus_->Load(state.Part("focus"));
  if (comfort_) comfort_->Load(state.Part("comfort"));
  if (observer_) observer_->Load(state.Part("observer"));
  if (places_.subtitles) places_.subtitles->Load(state.Part("subtitles"));
  sheet_.Load(state.Part("sheet"));
  waiting_ = LoadQueue<EyeInput>("waiting", state, &LoadedInput);
  last_seconds_ = counts[0];
  scenes_ = static_cast<int>(counts[1]);
  hole_pixels_ = static_cast<int64_t>(counts[2]);
  shift_sum_ = counts[3];
  frames_ = static_cast<int64_t>(counts[4]);
  focus_seconds_ = counts[5];
  fill_counts_.holes = static_cast<int64_t>(counts[6]);
  fill_counts_.observed = static_cast<int64_t>(counts[7]);
}

double EyeMaker::mean_hole_share() const {
  const double pixels = static_cast<double>(frames_) * static_cast<double>(eyes_.size()) *
                        frame_.content_width * frame_.content_height;
  return pixels > 0 ? static_cast<double>(hole_pixels_) / pixels : 0;
}

std::optional<PackedFrame> EyeMaker::Make(const NormalRange& range, EyeInput* frame) {
  const bool new_scene = frame->new_scene || scenes_ == 0;
  scenes_ += new_scene;
  const double seconds = frame->seconds - last_seconds_;
  last_seconds_ = frame->seconds;
  if (metric())
    PrepareMetric(frame->color, seconds, new_scene, &frame->depth);
  else
    PrepareNormal(frame->color, seconds, new_scene, range, &frame->depth);

  const bool taken = preview_.Takes(frame->seconds);
  if (metric() && !taken && !comfort_) return std::nullopt;
  const PlaneView<const float> map = FitMap(*frame);
  Parallax parallax =
      metric() ? MetricParallax(*frame) : NormalParallax(range, *frame, new_scene, map);
  const PlaneView<const float> shown = Comfortable(map, *frame, seconds, new_scene, &parallax);
  if (!taken) return std::nullopt;
  frame->color = converter_.Convert(frame->color, source_.color, format_);
  const ImageView color = FitColor(frame->color);
  shift_sum_ += parallax.shift;
  ++frames_;

  std::shared_ptr<Image> shared = images_.Get();
  const MutableImageView pixels = shared->mutable_view();
  PackedFrame result;
  result.image = Image(pixels, std::move(shared));
  std::shared_ptr<ViewHoles> holes = holes_.Get();
  std::vector<MutableImageView> tiles, views;
  for (int tile = 0; tile < frame_.num_tiles(); ++tile)
    tiles.push_back(frame_.Content(pixels, tile));
  if (!unmixed_.empty())
    for (Image& view : unmixed_) views.push_back(view.mutable_view());
  else
    views = tiles;
  std::vector<PlaneView<float>> depths;
  for (Image& depth : depths_) depths.push_back(depth.MutablePlane<float>());
  provenance_.clear();
  if (options_.provenance) {
    result.provenance = Image(PixelFormat::Gray(8), frame_.frame_width, frame_.frame_height);
    const PlaneView<uint8_t> all = result.provenance.MutablePlane<uint8_t>();
    for (int y = 0; y < all.height; ++y) std::fill_n(all.Row(y), all.width, uint8_t{0});
    for (int tile = 0; tile < frame_.num_tiles(); ++tile)
      provenance_.push_back(frame_.Content(all, tile));
  }
  Parallax rendered = parallax;
  if (panels_ && metric()) rendered.distance = 0;  // the eyes turn, see Yaw()
  if (scene_)
    RenderScene(color, map, parallax, frame->index, views, depths, holes.get());
  else
    Render(color, shown, rendered, views, depths, holes.get());
  if (!scene_) FillViews(color, shown, rendered, frame->index, views, *holes);
  if (places_.subtitles && !panels_)
    places_.subtitles->Draw(frame->seconds,
                            scene_ ? SceneViewOf(depths[0], parallax, frame->index, false)
                                   : ViewOf(shown, parallax, frame->index, false),
                            canvas_.tile_width, eyes_, views);
  if (options_.depth) {
    result.depth = Image(PixelFormat::GrayF32(), frame_.frame_width, frame_.frame_height);
    PackDepth(frame_, depths, &result.depth);
  }
  if (panels_)
    ShowPanels(views, depths, shown, parallax, *frame, tiles, holes.get(), &result.depth);
  else if (layout_.mix)
    Mix(views, map, depths, tiles);
  // A tile that shows depth has no holes.
  while (holes->size() < tiles.size() && layout_.HasOwnTiles())
    holes->emplace_back().Reset(frame_.content_width, frame_.content_height);
  for (const HoleMap& map_of_view : *holes) hole_pixels_ += HolePixels(map_of_view);
  if (options_.sheet && sheet_.Wants()) AddToSheet(views, map);
  if (options_.holes) result.holes = std::move(holes);
  result.pts = frame->pts;
  result.duration = preview_.active() ? 0 : frame->duration;
  result.shows = preview_.active() ? 1 : frame->shows;
  return result;
}

void EyeMaker::PrepareMetric(const Image& color, double seconds, bool new_scene, Image* depth) {
  if (!inverse_) return;
  DepthToDisparity(depth->MutablePlane<float>(), pool_);
  if (!options_.Smooths()) return;
  // Smoothing takes what is not known for the farthest, rendering must not.
  Image known;
  if (HasNan(depth->Plane<float>())) known = depth->Clone();
  NormalRange range;
  range.lo = 0;
  range.hi = kMostDisparity;
  smoother_.Smooth(color, seconds, new_scene, range, depth);
  if (known.empty()) return;
  for (int y = 0; y < known.height(); ++y) {
    const float* smoothed = depth->Plane<float>().Row(y);
    float* row = known.MutablePlane<float>().Row(y);
    for (int x = 0; x < known.width(); ++x) row[x] = std::isnan(row[x]) ? row[x] : smoothed[x];
  }
  *depth = std::move(known);
}

void EyeMaker::PrepareNormal(const Image& color, double seconds, bool new_scene,
                             const NormalRange& range, Image* depth) {
  // A flat frame has nothing to show and nothing to remember.
  if (range.flat)
    NormalizeDisparity(range, depth->MutablePlane<float>(), pool_);
  else
    smoother_.Smooth(color, seconds, new_scene || was_flat_, range, depth);
  was_flat_ = range.flat;
}

// What of the source parts in the widest pair of views, and at least in that of two eyes.
double EyeMaker::SourcePixelsPerUnit(const EyeInput& frame) const {
  double apart = 1;
  for (const double eye : eyes_) apart = std::max(apart, 2 * std::fabs(eye));
  const double baseline =
      options_.stereo.baseline > 0 ? options_.stereo.baseline : StereoOptions().baseline;
  const double pixels =
      metric() ? MetricParallax(frame).focal * baseline : max_shift_ * canvas_.squeeze_x;
  return pixels * apart * canvas_.window.width / canvas_.content_width;
}

PlaneView<const float> EyeMaker::FitMap(const EyeInput& frame) {
  const PlaneView<const float> whole = std::as_const(frame.depth).Plane<float>();
  if (canvas_.exact) {
    return {whole.Row(static_cast<int>(canvas_.window.y)) + static_cast<int>(canvas_.window.x),
            whole.stride, canvas_.content_width, canvas_.content_height};
  }
  map_resizer_->Resize(whole, options_.stereo.tear, SourcePixelsPerUnit(frame),
                       scaled_.MutablePlane<float>());
  return scaled_.Plane<float>();
}

ImageView EyeMaker::FitColor(const Image& color) {
  if (canvas_.exact)
    return Crop(color.view(), static_cast<int>(canvas_.window.x),
                static_cast<int>(canvas_.window.y), canvas_.content_width, canvas_.content_height);
  color_resizer_->Resize(color.view(), content_.mutable_view());
  return content_.view();
}

double EyeMaker::ScreenOf(const EyeInput& frame) const {
  return focus_ ? frame.screen : places_.distance->At(frame.index);
}

ComfortView EyeMaker::ViewOf(PlaneView<const float> map, const Parallax& parallax, int64_t index,
                             bool angles) const {
  ComfortView view;
  view.map = map;
  view.metres = !inverse_;
  const double baseline = metric() ? options_.stereo.baseline : 1;
  view.scale = parallax.focal * baseline / (angles ? FrameCamera(index).fx : canvas_.tile_width);
  view.screen = parallax.distance > 0 ? 1 / parallax.distance : 0;
  return view;
}

PlaneView<const float> EyeMaker::Comfortable(PlaneView<const float> map, const EyeInput& frame,
                                             double seconds, bool new_scene, Parallax* parallax) {
  if (!comfort_ || !(parallax->focal > 0)) return map;
  const bool angles = panels_.has_value();
  ComfortView view = scene_ ? SceneViewOf(frame.seen.Plane<float>(), *parallax, frame.index, angles)
                            : ViewOf(map, *parallax, frame.index, angles);
  const ComfortSetting setting = comfort_->Push(view, seconds, new_scene);
  parallax->focal *= setting.strength;
  parallax->shift *= setting.strength;
  view.scale *= setting.strength;
  if (!(view.scale > 0)) return map;
  // In the units of the map, or in 1 / metres.
  const double moved = setting.shift / view.scale;
  view.screen += moved;
  parallax->convergence += moved;
  parallax->distance = view.screen > 0 ? 1 / view.screen : 0;
  if (scene_) {
    parallax->distance /= MetresPerUnit();
    return map;
  }
  if (pressed_.empty()) pressed_ = Image(PixelFormat::GrayF32(), map.width, map.height);
  Press(view, *places_.comfort, pressed_.MutablePlane<float>(), pool_);
  return pressed_.Plane<float>();
}

EyeMaker::Parallax EyeMaker::MetricParallax(const EyeInput& frame) const {
  const Camera camera = places_.camera->At(frame.index);
  Parallax parallax;
  parallax.focal = camera.fx * options_.baseline.For(camera);  // disparity is fx * baseline / z
  parallax.focal *= canvas_.content_width / canvas_.window.width;
  parallax.distance = ScreenOf(frame);
  parallax.unit = MetresPerUnit();
  if (options_.Smooths()) {
    parallax.focal *= kMostDisparity;
    parallax.distance *= kMostDisparity;
  }
  return parallax;
}

EyeMaker::Parallax EyeMaker::NormalParallax(const NormalRange& range, const EyeInput& frame,
                                            bool new_scene, PlaneView<const float> map) {
  Parallax parallax;
  if (range.flat) return parallax;
  double convergence = screen_.Push(map, new_scene);
  if (places_.distance || focus_) {
    const double metres = ScreenOf(frame);
    convergence = ((metres > 0 ? 1 / metres : 0) - range.lo) / (range.hi - range.lo + range.slack);
  }
  parallax.unit = 1 / (range.hi - range.lo + range.slack);
  parallax.zero = -range.lo * parallax.unit;
  ShiftFrame facts;
  facts.lo = range.lo;
  facts.hi = range.hi;
  facts.zero_is_infinity = frame.quantity == DepthQuantity::kMetricDepth;
  facts.steep_share = options_.shift.dynamic ? SteepShare(map, steep_step_, pool_) : 0;
  facts.convergence = convergence;
  facts.new_scene = new_scene;
  parallax.shift = shifts_.Push(facts, ViewWidth(canvas_));
  parallax.focal = parallax.shift * canvas_.squeeze_x;
  parallax.convergence = convergence;
  parallax.distance = 1 / std::max(convergence, kLeastDisparity);
  return parallax;
}

void EyeMaker::Render(const ImageView& color, PlaneView<const float> map, const Parallax& parallax,
                      const std::vector<MutableImageView>& views,
                      const std::vector<PlaneView<float>>& depths, ViewHoles* holes) {
  const bool still = !(parallax.focal > 0);
  const auto view_of = [&](size_t view) {
    EyeView result;
    result.image = views[view];
    result.holes = &(*holes)[view];
    if (!depths.empty()) result.depth = depths[view];
    return result;
  };
  std::vector<bool> done(views.size());
  for (size_t view = 0; view < views.size(); ++view) {
    if (done[view]) continue;
    const double eye = eyes_[view];
    if (still || eye == 0) {
      (*holes)[view].Reset(color.width, color.height);
      CopyPixels(color, views[view]);
      if (!depths.empty()) CopyDepth(Metres(map), depths[view]);
      continue;
    }
    // Views that mirror each other share a pass.
    size_t partner = view + 1;
    while (partner < views.size() && (done[partner] || eyes_[partner] != -eye)) ++partner;
    EyeView near = view_of(view), far;
    if (partner < views.size()) {
      far = view_of(partner);
      done[partner] = true;
    }
    if (eye > 0) std::swap(near, far);
    WarpPair(color, map, parallax, std::fabs(eye), near, far);
  }
  // The renderer tells depth in the units of the map.
  if (!still && !depths.empty() && MetresPerUnit() != 1)
    for (size_t view = 0; view < views.size(); ++view)
      if (eyes_[view] != 0) ScaleDepth(static_cast<float>(MetresPerUnit()), depths[view]);
}

void EyeMaker::FillViews(const ImageView& color, PlaneView<const float> map,
                         const Parallax& parallax, int64_t index,
                         const std::vector<MutableImageView>& views, const ViewHoles& holes) {
  std::vector<ViewPlace> places;
  const bool known = observer_ && observer_->now().world_from_cam && parallax.focal > 0;
  for (size_t view = 0; known && view < views.size(); ++view) {
    // As the renderer has it: pixels move by
    //   shift (unit / z + zero - 1 / distance)
    // to the left, which a camera with another principal point, beside the first, sees as well.
    ViewPlace place;
    place.camera = FrameCamera(index);
    const double shift = eyes_[view] * parallax.focal * (metric() ? options_.stereo.baseline : 1.0);
    const double screen =
        parallax.distance > 0 && std::isfinite(parallax.distance) ? 1 / parallax.distance : 0;
    place.world_from_view = *observer_->now().world_from_cam;
    place.world_from_view.translate(Eigen::Vector3d(shift * parallax.unit / place.camera.fx, 0, 0));
    place.camera.cx += shift * (screen - parallax.zero);
    places.push_back(place);
  }
  FillViews(color, known ? Metres(map, parallax) : map, places, index, views, holes);
}

void EyeMaker::WarpPair(const ImageView& color, PlaneView<const float> map,
                        const Parallax& parallax, double eye, const EyeView& left,
                        const EyeView& right) {
  const double focal = parallax.focal * (2 * eye);
  if (options_.warp == WarpKind::kBackward) {
    for (const EyeView* view : {&left, &right})
      if (view->holes != nullptr) view->holes->Reset(color.width, color.height);
    Image unwanted;
    const auto image_of = [&](const EyeView& view) {
      if (!view.image.empty()) return view.image;
      unwanted = Image(color.format, color.width, color.height);
      return unwanted.mutable_view();
    };
    BackwardWarp(color, map, focal, parallax.convergence, image_of(left), image_of(right),
                 source_.color.chroma_location, pool_);
    return;
  }
  Camera camera;
  camera.width = map.width;
  camera.height = map.height;
  camera.fx = camera.fy = focal;
  camera.cx = map.width / 2.0;
  camera.cy = map.height / 2.0;
  renderer_.Render(color, map, camera, parallax.distance, left, right);
}

void EyeMaker::Mix(const std::vector<MutableImageView>& views, PlaneView<const float> map,
                   const std::vector<PlaneView<float>>& depths,
                   const std::vector<MutableImageView>& tiles) {
  MixInput input;
  input.views.assign(views.begin(), views.end());
  if (layout_.depth == DepthShown::kNearness)
    input.nearness = scene_ ? Nearness(WithSubtitles(depths[0], true), true)
                            : Nearness(WithSubtitles(map, !inverse_), !inverse_);
  if (layout_.depth == DepthShown::kTouchly)
    input.nearness = TouchlyShade(WithSubtitles(depths[0], true));
  input.full_range = source_.color.full_range;
  layout_.mix(input, tiles, pool_);
}

PlaneView<const float> EyeMaker::Nearness(PlaneView<const float> map, bool metres) {
  if (!metric()) return map;  // in [0, 1], 1 = nearest
  if (nearness_.empty()) nearness_ = Image(PixelFormat::GrayF32(), map.width, map.height);
  const PlaneView<float> near = nearness_.MutablePlane<float>();
  const double unit = !metres && options_.Smooths() ? kMostDisparity : 1;
  const float white = static_cast<float>(options_.rgbd_white * unit);
  for (int y = 0; y < map.height; ++y) {
    const float* from = map.Row(y);
    float* to = near.Row(y);
    if (!metres)
      std::transform(from, from + map.width, to, [=](float value) { return value * white; });
    else
      std::transform(from, from + map.width, to, [=](float z) { return z > 0 ? white / z : 0.0f; });
  }
  return near;
}

void EyeMaker::AddToSheet(const std::vector<MutableImageView>& views, PlaneView<const float> map) {
  Image shown;
  if (metric()) {
    shown = Image(PixelFormat::GrayF32(), map.width, map.height);
    const PlaneView<float> plane = shown.MutablePlane<float>();
    for (int y = 0; y < map.height; ++y) std::copy_n(map.Row(y), map.width, plane.Row(y));
    if (!inverse_) DepthToDisparity(plane, pool_);
    NormalRange range;
    const std::optional<DisparityRange> measured = MeasureDisparityRange(plane, 1, 99, pool_);
    range.flat = !measured || !(measured->hi > measured->lo);
    if (!range.flat) {
      range.lo = measured->lo;
      range.hi = measured->hi;
    }
    NormalizeDisparity(range, plane, pool_);
    map = shown.Plane<float>();
  }
  const auto [leftmost, rightmost] = std::minmax_element(eyes_.begin(), eyes_.end());
  const double aspect = canvas_.sample_aspect.ToDouble() *
                        (canvas_.content_width / canvas_.squeeze_x) /
                        (canvas_.content_height / canvas_.squeeze_y);
  const auto view = [&](std::vector<double>::const_iterator eye) {
    return views[static_cast<size_t>(eye - eyes_.begin())];
  };
  sheet_.Add(view(leftmost), view(rightmost), map, source_.color, aspect);
}

VideoWriterOptions MaskWriterOptions(const VideoWriterOptions& video, InfillMaskStyle style,
                                     const std::string& output) {
  VideoWriterOptions mask;
  mask.codec = VideoCodec::kFfv1;
  mask.time_base = video.time_base;
  mask.frame_rate = video.frame_rate;
  mask.sample_aspect = video.sample_aspect;
  mask.tags = {{"MDVT_VERSION", "1"},
               {"MDVT_KIND", "infillmask"},
               {"MDVT_ENCODING", style == InfillMaskStyle::kGreen   ? "green8"
                                 : style == InfillMaskStyle::kEnds  ? "ends8"
                                 : style == InfillMaskStyle::kWhite ? "white8"
                                                                    : "normal8-v2"},
               {"MDVT_SOURCE", FileName(output)}};
  mask.num_threads = video.num_threads;
  return mask;
}

std::optional<ObserveOptions> ObserveFor(const HoleOptions& holes, bool poses_known,
                                         const PixelFormat& format, int width, int height,
                                         const Limits& limits) {
  if (!holes.looks_around()) return std::nullopt;
  if (!poses_known) return std::nullopt;
  ObserveOptions observe;
  observe.window = holes.infill_window;
  const int64_t frame = EyeObserver::BytesPerFrame(format, width, height);
  if (holes.infill == Infill::kObserved) {
    CheckWindowMemory("infill_window", observe.window, frame, limits);
    return observe;
  }
  // What nobody has asked for takes a share only.
  constexpr double kShare = 0.25;
  const double most = kShare * static_cast<double>(limits.max_frame_buffer_bytes);
  const auto bytes = [&](int window) { return (2.0 * window + 1) * static_cast<double>(frame); };
  while (observe.window > 1 && bytes(observe.window) > most) --observe.window;
  if (bytes(observe.window) > most) return std::nullopt;
  return observe;
}

void PaintPackedMask(const ViewCanvas& canvas, const ViewHoles& holes, InfillMaskStyle style, int y,
                     const MutableImageView& band) {
  const bool padded =
      canvas.content_width != canvas.tile_width || canvas.content_height != canvas.tile_height;
  if (padded) {
    for (int plane = 0; plane < band.format.num_planes(); ++plane)
      for (int row = 0; row < band.height; ++row)
        std::fill_n(band.Plane<uint8_t>(plane).Row(row), band.width, uint8_t{0});
  }
  for (int view = 0; view < canvas.num_tiles(); ++view) {
    const int top = canvas.TileY(view) + canvas.content_y;
    const int begin = std::max(y, top);
    const int end = std::min(y + band.height, top + canvas.content_height);
    if (begin >= end) continue;
    PaintInfillMaskRows(holes[static_cast<size_t>(view)], style, begin - top,
                        band.Crop(canvas.TileX(view) + canvas.content_x, begin - y,
                                  canvas.content_width, end - begin));
  }
}

}  // namespace mdvt
