// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/black.h"
#include "io/output_file.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/geometry/equirect.h"
#include "mdvt/geometry/picture_remap.h"
#include "mdvt/geometry/rig_calibration.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/rig_clip.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/rectify.h"
#include "pipeline/clip_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/packed_views.h"
#include "pipeline/rectify_settings.h"
#include "pipeline/row_check.h"
#include "pipeline/stereo4d_clip.h"
#include "pipeline/view_matches.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;

// What is drawn of each frame of the video.
struct Drawn {
  std::array<Frame, 2> views;
  Frame raw;                    // both eyes as they are
  std::optional<Image> turned;  // both eyes, rectified, side by side
};

// The maps of one eye.
class EyeMaps {
 public:
  EyeMaps(const RectifyJobOptions& options, const EquirectLayout& layout, const Camera& camera,
          const Eigen::Matrix3d& rig_from_rectified, const PixelFormat& format, int chroma_location,
          ThreadPool* pool)
      : two_pass_(options.sampling == RectifySampling::kTwoPass) {
    const RemapSampling sampling = two_pass_ ? RemapSampling::kSingle : RemapSampling::kMean;
    const PictureSize eye{layout.width, layout.height};
    if (two_pass_ || options.write_equirect)
      turn_.emplace(
          format, chroma_location, eye, eye,
          [&](const Eigen::Vector2d& at) {
            return EquirectPosition(layout, rig_from_rectified * EquirectRay(layout, at));
          },
          sampling, pool);
    const Eigen::Matrix3d turn = two_pass_ ? Eigen::Matrix3d::Identity() : rig_from_rectified;
    view_.emplace(
        format, chroma_location, eye, PictureSize{camera.width, camera.height},
        [&](const Eigen::Vector2d& at) {
          return EquirectPosition(layout, turn * Unproject(camera, at, 1));
        },
        sampling, pool);
  }

  // The view of an eye, and where it is given a place the rectified picture of the whole eye.
  void Draw(const ImageView& eye, const std::array<int, 3>& black, const MutableImageView& view,
            const MutableImageView* turned) {
    if (turned == nullptr && two_pass_ && spare_.empty())
      spare_ = Image(eye.format, eye.width, eye.height);
    const MutableImageView whole = turned != nullptr ? *turned : spare_.mutable_view();
    if (turn_) turn_->Draw(eye, black, whole);
    view_->Draw(two_pass_ ? ImageView(whole) : eye, black, view);
  }
  const PictureRemap& view() const { return *view_; }

 private:
  bool two_pass_;
  std::optional<PictureRemap> turn_;
  std::optional<PictureRemap> view_;
  Image spare_;
};

double ShownShare(const Image& mask) {
  int64_t shown = 0;
  for (int y = 0; y < mask.height(); ++y) {
    const uint8_t* row = mask.Plane<uint8_t>().Row(y);
    shown += std::count(row, row + mask.width(), 255);
  }
  return static_cast<double>(shown) / (static_cast<double>(mask.width()) * mask.height());
}

class RectifyJob {
 public:
  RectifyJob(const RectifyJobOptions& options, const RunControl& control)
      : options_(options),
        source_(SourceOf(options)),
        graph_(options.job, control),
        clip_(source_.meta.empty() ? RigClip()
                                   : ReadRigClip(source_.meta, source_.choice, options.job.limits)),
        video_(VideoOf(options, clip_)),
        name_(clip_.name.empty() ? fs::path(video_).stem().string() : clip_.name),
        outputs_(options.job.overwrite),
        folder_(StageFolder()),
        reader_(video_, ReaderOptions(options.job, graph_.pool())),
        frames_(&reader_, clip_.times_us),
        halves_(IsTopBottom(options.packing, reader_.info()), reader_.info()),
        right_first_(RightEyeFirst(options.packing, reader_.info()) != options.swap_eyes),
        layout_(LayoutOf(options, clip_, source_.meta.empty(), halves_)),
        camera_(CameraOf(options)),
        codec_(options.encode.Codec("", VideoCodec::kFfv1)),
        format_(options.encode.Format(codec_, halves_.format, camera_.width, camera_.height)),
        black_(BlackOf(halves_.format, reader_.info().color.full_range)) {
    if (options.baseline) clip_.baseline = *options.baseline;
    if (options.calibrate != RigLearning::kNone) Calibrate();
    for (size_t eye = 0; eye < 2; ++eye)
      maps_.emplace_back(options_, layout_, camera_, clip_.rig_from_rectified[eye], halves_.format,
                         reader_.info().color.chroma_location, graph_.pool());
    report_.width = camera_.width;
    report_.height = camera_.height;
    report_.focal_px = camera_.fx;
    report_.baseline = clip_.baseline;
    report_.shown = ShownShare(maps_[0].view().Shown());
    const std::array<int, 2> samples = maps_[0].view().samples();
    report_.source_samples = std::max(samples[0], samples[1]);
    report_.left_output = OpenView("left", &views_[0]);
    report_.right_output = OpenView("right", &views_[1]);
    if (options.write_equirect) OpenWholes();
  }

  RectifyReport Run() {
    int64_t taken = 0;
    Stream<Frame> frames = graph_.From([this] { return frames_.Next(); });
    frames = graph_.While(std::move(frames), [this, &taken] {
      return options_.job.max_frames < 0 || taken++ < options_.job.max_frames;
    });
    Stream<Drawn> drawn =
        graph_.Then(std::move(frames), [this](Frame frame) { return Draw(std::move(frame)); });
    graph_.Into(std::move(drawn), [this](const Drawn& one) { Write(one); });
    const int64_t known = static_cast<int64_t>(clip_.times_us.size());
    graph_.Run("rectify", ExpectedFrames(known > 0 ? known : reader_.info().estimated_frames, 0,
                                         options_.job.max_frames));
    Finish();
    return report_;
  }

 private:
  // How the cameras are turned, from what both eyes see in frames spread over the beginning.
  void Calibrate() {
    constexpr int kPairs = 8, kCells = 8;
    RectifyJobOptions plain = options_;
    plain.sampling = RectifySampling::kMean;
    plain.write_equirect = false;
    // As fine as the source is.
    const double degrees = layout_.end_yaw_deg - layout_.start_yaw_deg;
    const int side =
        std::clamp(static_cast<int>(2 * layout_.width / degrees * 180 / M_PI), 64, 1024);
    const Camera wide = Camera::FromFov(side, side, 90.0, std::nullopt);
    EyeMaps map(plain, layout_, wide, Eigen::Matrix3d::Identity(), halves_.format,
                reader_.info().color.chroma_location, graph_.pool());
    VideoReader reader(video_, ReaderOptions(options_.job, graph_.pool()));
    const int64_t every = std::clamp<int64_t>(reader.info().estimated_frames / kPairs, 1, 10);
    ViewMatcher matcher;
    std::vector<RayPair> pairs;
    for (int64_t number = 0; number < every * kPairs; ++number) {
      std::optional<Frame> frame = reader.Read();
      if (!frame) break;
      if (number % every != 0) continue;
      frame->image = converter_.Convert(frame->image, reader.info().color, halves_.format);
      std::array<Image, 2> views;
      for (size_t eye = 0; eye < 2; ++eye) {
        views[eye] = Image(halves_.format, side, side);
        map.Draw(halves_.Of(frame->image, (eye == 1) != right_first_), black_,
                 views[eye].mutable_view(), nullptr);
      }
      for (const ViewMatch& match : matcher.Match(views[0], views[1], reader.info().color)) {
        const Eigen::Vector2d at(match.x + 0.5, match.y + 0.5);
        pairs.push_back({Unproject(wide, at, 1).normalized(),
                         Unproject(wide, at + match.vector.cast<double>(), 1).normalized(),
                         match.y * kCells / side * kCells + match.x * kCells / side});
      }
    }
    RigCalibrationOptions learning;
    learning.find_scale = options_.calibrate == RigLearning::kLens;
    learning.least_noise = 0.05 / wide.fx;
    const RigCalibration rig = CalibrateRig(pairs, learning);
    Require(rig.turn_known, Code::kRefused,
            "how the cameras of '" + video_ + "' are turned cannot be known from it: " +
                CountOf(rig.pairs, "place") + " of both eyes' pictures could be matched" +
                (rig.turn_sigma_deg.maxCoeff() > 0
                     ? ", which tell the turn to " + FormatFixed(rig.turn_sigma_deg.maxCoeff(), 2) +
                           " degrees only"
                     : "") +
                "; give a file of the clip (--meta), or leave --calibrate out");
    if (!rig.axis_known)
      LogWarning(
          "all that was matched is too far away to tell in which direction the eyes lie apart: "
          "along the rows of the left eye's picture is held");
    if (learning.find_scale && !rig.scale_known)
      LogWarning("what the pictures show across cannot be known from this clip: " +
                 FormatFixed(degrees, 1) + " degrees are held (see --source_fov)");
    clip_.rig_from_rectified = rig.rig_from_rectified;
    if (rig.scale_known)
      for (double* bound : {&layout_.start_yaw_deg, &layout_.end_yaw_deg, &layout_.start_tilt_deg,
                            &layout_.end_tilt_deg})
        *bound *= rig.scale;
    layout_.Check();
    report_.rig = rig;
  }

  OutputFolder StageFolder() {
    AddInputs(&outputs_, options_);
    outputs_.AddInput(video_);
    outputs_.AddInput(source_.meta);
    const fs::path folder = options_.clip.output_folder.empty()
                                ? fs::path(video_).parent_path()
                                : fs::path(options_.clip.output_folder);
    folder_name_ = (folder / name_).string();
    return outputs_.AddFolder(folder_name_);
  }

  VideoWriterOptions Options(const PixelFormat& encoded, const char* kind) {
    VideoWriterOptions video =
        WriterOptions(options_.encode, codec_, reader_.info(), options_.job, graph_.pool());
    video.color = EncodedColor(reader_.info().color, halves_.format, encoded, camera_.height);
    DepthTags tags;
    tags.kind = kind;
    tags.source = FileName(video_);
    video.tags = tags.ToTags();
    return video;
  }

  std::string OpenView(const char* eye, std::optional<VideoWriter>* writer) {
    const std::string file = name_ + "-" + eye + "_rectified" + EncodeOptions::Ending(codec_);
    VideoWriterOptions video = Options(format_, eye);
    if (clip_.times_us.empty()) video.copy_streams_from = video_;
    writer->emplace(folder_.AddFile(file), format_, camera_.width, camera_.height, video);
    return (fs::path(folder_name_) / file).string();
  }

  void OpenWholes() {
    const auto open = [this](const char* what, int width, int height) {
      VideoWriterOptions video = Options(halves_.format, what);
      options_.encode.Apply(VideoCodec::kFfv1, &video);
      return VideoWriter(folder_.AddFile(name_ + "-" + what + ".mkv"), halves_.format, width,
                         height, video);
    };
    raw_.emplace(open("raw_equirect", reader_.info().width, reader_.info().height));
    turned_.emplace(open("rectified_equirect", 2 * layout_.width, layout_.height));
  }

  Drawn Draw(Frame frame) {
    Drawn drawn;
    const ColorInfo& color = reader_.info().color;
    frame.image = converter_.Convert(frame.image, color, halves_.format);
    if (turned_) drawn.turned = Image(halves_.format, 2 * layout_.width, layout_.height);
    for (size_t eye = 0; eye < 2; ++eye) {
      Frame& view = drawn.views[eye];
      view.pts = frame.pts;
      view.duration = frame.duration;
      view.image = Image(halves_.format, camera_.width, camera_.height);
      std::optional<MutableImageView> turned;
      if (drawn.turned)
        turned = drawn.turned->mutable_view().Crop(eye == 0 ? 0 : layout_.width, 0, layout_.width,
                                                   layout_.height);
      maps_[eye].Draw(halves_.Of(frame.image, (eye == 1) != right_first_), black_,
                      view.image.mutable_view(), turned ? &*turned : nullptr);
    }
    check_.Add(drawn.views[0].image, drawn.views[1].image, color);
    if (raw_) drawn.raw = std::move(frame);
    return drawn;
  }

  void Write(const Drawn& drawn) {
    for (size_t eye = 0; eye < 2; ++eye) {
      const Frame& view = drawn.views[eye];
      views_[eye]->Write(encoder_.Convert(view.image, reader_.info().color, format_), view.pts,
                         view.duration);
    }
    if (!raw_) return;
    raw_->Write(drawn.raw.image, drawn.raw.pts, drawn.raw.duration);
    turned_->Write(*drawn.turned, drawn.raw.pts, drawn.raw.duration);
  }

  void Finish() {
    report_.frames = graph_.frames_done();
    report_.worst_time_ms = frames_.worst_us() / 1000;
    StreamEnd end = StreamEnd::kOwn;
    if (clip_.times_us.empty())
      end = EndOfStreams(&reader_, options_.job.max_frames);
    else
      frames_.RequireAll(options_.job.max_frames);
    for (auto* writer : {&views_[0], &views_[1]}) (*writer)->Finish(end);
    for (auto* writer : {&raw_, &turned_})
      if (*writer) (*writer)->Finish();
    WriteFile(folder_.AddFile(name_ + "-clip.json"), FormatStereo4dClip(About()));
    if (!clip_.world_from_left.empty()) {
      std::vector<Pose> poses = clip_.world_from_left;
      poses.resize(std::min(poses.size(), static_cast<size_t>(report_.frames)));
      WriteTransformationsFile(folder_.AddFile(name_ + "-transformations.json"), poses);
    }
    Judge();
    outputs_.CommitAll();
  }

  void Judge() {
    if (!check_.SeesTheSame())
      LogWarning("the two views do not show the same things: does '" + video_ +
                 "' hold both eyes (see --packing), each as a picture of half the sphere?");
    const std::optional<RowCheck::Result> result = check_.Measure();
    if (!result) return;
    report_.checked = true;
    report_.vertical_median = result->vertical_median;
    report_.vertical_95 = result->vertical_95;
    report_.disparity_median = result->disparity_median;
    if (result->vertical_median > 0.3 || result->vertical_95 > 1)
      LogWarning("the rows of the two views do not match: " +
                 FormatFixed(result->vertical_median, 2) + " pixels apart in the median, " +
                 FormatFixed(result->vertical_95, 2) + " for one in twenty" +
                 (source_.meta.empty() ? "; --calibrate turns learns how the cameras are turned"
                                       : "; does --meta belong to this video?"));
    if (result->disparity_median < -0.5)
      LogWarning("the eyes seem to be swapped: things lie " +
                 FormatFixed(-result->disparity_median, 1) +
                 " pixels farther left in the left view; " +
                 (options_.swap_eyes ? "leave out --swap_eyes" : "try --swap_eyes"));
  }

  // The clip as later steps need it.
  Stereo4dClip About() const {
    Stereo4dClip about;
    about.name = name_;
    about.video = FileName(video_);
    about.camera = camera_;
    about.baseline = clip_.baseline;
    about.rig_from_rectified = clip_.rig_from_rectified;
    about.fov_bounds = {layout_.start_yaw_deg, layout_.end_yaw_deg, layout_.start_tilt_deg,
                        layout_.end_tilt_deg};
    about.times_us = frames_.taken_us();
    return about;
  }

  const RectifyJobOptions& options_;
  const RectifySource source_;
  Graph graph_;
  RigClip clip_;
  const std::string video_;
  const std::string name_;
  OutputSet outputs_;
  std::string folder_name_;
  OutputFolder folder_;
  VideoReader reader_;
  ClipFrames frames_;
  PackedViews halves_;
  bool right_first_;
  EquirectLayout layout_;
  Camera camera_;
  VideoCodec codec_;
  PixelFormat format_;
  std::array<int, 3> black_;
  std::vector<EyeMaps> maps_;
  ColorConverter converter_, encoder_;
  RowCheck check_;
  std::array<std::optional<VideoWriter>, 2> views_;
  std::optional<VideoWriter> raw_, turned_;
  RectifyReport report_;
};

}  // namespace

RectifyReport RunRectifyJob(const RectifyJobOptions& options, const RunControl& control) {
  options.Check();
  return RectifyJob(options, control).Run();
}

}  // namespace mdvt
