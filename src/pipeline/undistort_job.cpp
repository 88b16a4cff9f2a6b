// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "core/naming.h"
#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/undistort.h"
#include "pipeline/clip_pair.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/undistort_settings.h"

namespace mdvt {
namespace {

constexpr const char* kBrownKeys[] = {"k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"};
constexpr const char* kFisheyeKeys[] = {"k1", "k2", "k3", "k4"};

// What an object says, over what the file says for all frames.
class LensKeys {
 public:
  LensKeys(const json::Value& file, const json::Value* frame) : file_(file), frame_(frame) {}

  const json::Value* Find(const char* key) const {
    const json::Value* own = frame_ != nullptr ? frame_->Find(key) : nullptr;
    return own != nullptr ? own : file_.Find(key);
  }
  double Number(const char* key, std::optional<double> otherwise) const {
    const json::Value* value = Find(key);
    Require(value != nullptr || otherwise, Code::kCorrupt,
            std::string("lens file: the key \"") + key + "\" is missing");
    if (value == nullptr) return *otherwise;
    Require(value->is_number() && std::isfinite(value->AsDouble()), Code::kCorrupt,
            std::string("lens file: \"") + key + "\" must be a number");
    return value->AsDouble();
  }

 private:
  const json::Value& file_;
  const json::Value* frame_;
};

Lens LensOf(const LensKeys& keys, int width, int height) {
  Lens lens;
  const json::Value* model = keys.Find("camera_model");
  const std::string name = model == nullptr     ? "OPENCV"
                           : model->is_string() ? model->AsString()
                                                : "";
  Require(name == "OPENCV" || name == "OPENCV_FISHEYE" || name == "PINHOLE", Code::kUnsupported,
          "lens file: camera_model must be \"OPENCV\", \"OPENCV_FISHEYE\" or \"PINHOLE\"");
  const double w = keys.Number("w", width), h = keys.Number("h", height);
  constexpr double kMost = 1 << 20;
  Require(w >= 1 && h >= 1 && w <= kMost && h <= kMost, Code::kCorrupt,
          "lens file: \"w\" and \"h\" must be a size in pixels");
  const double across = width / w, down = height / h;
  constexpr double kRoom = 0.02;  // sides that were rounded, of small pictures too
  Require(std::abs(across / down - 1) <= kRoom, Code::kCorrupt,
          "lens file: \"w\" and \"h\" are " + FormatDouble(w) + " x " + FormatDouble(h) +
              ", the video has " + FormatSize(width, height) +
              " pixels: another shape, so that it is not the lens of this video");
  lens.camera.width = width;
  lens.camera.height = height;
  lens.camera.fx = keys.Number("fl_x", std::nullopt) * across;
  lens.camera.fy = keys.Number("fl_y", keys.Number("fl_x", std::nullopt)) * down;
  lens.camera.cx = keys.Number("cx", w / 2) * across;
  lens.camera.cy = keys.Number("cy", h / 2) * down;
  size_t i = 0;
  if (name == "OPENCV_FISHEYE") {
    lens.model = LensModel::kFisheye;
    for (const char* key : kFisheyeKeys) lens.k[i++] = keys.Number(key, 0);
  } else if (name == "OPENCV") {
    for (const char* key : kBrownKeys) lens.k[i++] = keys.Number(key, 0);
  }
  try {
    lens.Check();
  } catch (const Error& error) {
    throw Error(Code::kCorrupt, std::string("lens file: ") + error.what());
  }
  return lens;
}

struct Bent {
  std::optional<Frame> color;
  std::optional<DepthFrame> depth;
};

class UndistortJob {
 public:
  UndistortJob(const UndistortJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        name_(UndistortOutput(options)),
        depth_name_(options.depth_video.empty() ? "" : UndistortDepthOutput(options)),
        outputs_(options.job.overwrite),
        target_(StageOutputs()),
        color_(options.color_video, ReaderOptions(options.job, graph_.pool())),
        lenses_(Naming(options.lens,
                       [&] {
                         return ParseLenses(
                             ReadTextFile(options.lens, "lens file", options.job.limits),
                             color_.info().width, color_.info().height, options.job.limits);
                       })),
        codec_(options.encode.Codec(name_, VideoCodec::kFfv1)),
        format_(options.encode.Format(codec_, color_.info().format, color_.info().width,
                                      color_.info().height)) {
    CheckOnePicture(color_.info(), options.job.one_picture);
    if (!options.depth_video.empty()) {
      depth_.emplace(options.depth_video,
                     DepthReaderOptions(options.depth, options.job.limits, graph_.pool()));
      RequirePair(depth_->info(), color_.info());
      Require(depth_->tags().geometry.value_or(DepthGeometry::kZ) == DepthGeometry::kZ,
              Code::kUnsupported,
              "'" + options.depth_video + "' holds distances along rays, not planar depth");
    }
    PlanCamera();
    OpenWriters();
  }

  UndistortReport Run() {
    auto straight =
        graph_.Then(Frames(), [this](Bent frame) { return Straighten(std::move(frame)); });
    if (depth_) {
      auto both = graph_.Split(std::move(straight));
      Encode(std::move(both.first));
      graph_.Into(std::move(both.second), [this](const Bent& frame) {
        depth_writer_->Write(frame.depth->depth.Plane<float>(), frame.depth->pts,
                             frame.depth->duration, graph_.pool());
      });
    } else {
      Encode(std::move(straight));
    }
    graph_.Run("undistort",
               ExpectedFrames(color_.info().estimated_frames, 0, options_.job.max_frames));
    Require(graph_.frames_done() > 0, Code::kCorrupt,
            "'" + options_.color_video + "' has no frames");
    writer_->Finish(EndOfStreams(&color_, options_.job.max_frames));
    if (depth_writer_) depth_writer_->Finish();
    outputs_.CommitAll();
    UndistortReport report;
    report.frames = graph_.frames_done();
    report.output = name_;
    report.depth_output = depth_name_;
    report.width = camera_.width;
    report.height = camera_.height;
    report.xfov_deg = camera_.xfov_deg();
    report.unseen = Unseen();
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!depth_name_.empty()) depth_target_ = outputs_.AddFile(depth_name_);
    return outputs_.AddFile(name_);
  }

  void PlanCamera() {
    const VideoInfo& source = color_.info();
    // Pixels of another shape than square are square in the result's geometry: fx / fy tells.
    const Lens& first = lenses_.front();
    if (options_.xfov_deg) {
      camera_ = Camera::FromFov(source.width, source.height, options_.xfov_deg, std::nullopt);
      camera_.fy = camera_.fx * first.camera.fy / first.camera.fx;
    } else {
      camera_ = first.camera;
      camera_.cx = source.width / 2.0;
      camera_.cy = source.height / 2.0;
    }
  }

  void OpenWriters() {
    const VideoInfo& source = color_.info();
    source_color_ = ResolveColor(source.color, source.format, source.height);
    color_info_ = EncodedColor(source.color, source.format, format_, source.height);
    VideoWriterOptions video =
        WriterOptions(options_.encode, codec_, source, options_.job, graph_.pool());
    video.sample_aspect = source.sample_aspect;
    video.color = color_info_;
    video.copy_streams_from = options_.color_video;
    DepthTags tags;
    tags.kind = "color";
    tags.source = FileName(options_.color_video);
    tags.xfov_deg = camera_.xfov_deg();
    video.tags = tags.ToTags();
    writer_.emplace(target_, format_, source.width, source.height, video);
    if (!depth_) return;
    DepthVideoWriterOptions depth;
    depth.codec = depth_->codec();
    depth.tags = depth_->tags();
    depth.tags.xfov_deg = camera_.xfov_deg();
    depth.tags.yfov_deg = camera_.yfov_deg();
    depth.tags.k.reset();
    depth.tags.source = FileName(name_);
    depth.video = LosslessLike(depth_->info(), graph_.pool());
    depth_writer_.emplace(*depth_target_, source.width, source.height, depth);
  }

  Stream<Bent> Frames() {
    auto colors = graph_.From(FirstFrames(&color_, options_.job.max_frames));
    if (!depth_)
      return graph_.Map(std::move(colors), [](Frame frame) {
        return Bent{std::move(frame), std::nullopt};
      });
    auto pairs =
        graph_.Zip(graph_.From(FirstFrames(&*depth_, options_.job.max_frames, graph_.pool())),
                   std::move(colors), NamesOfPair(depth_->info(), color_.info(), INT64_MAX));
    return graph_.Map(std::move(pairs), [](std::pair<DepthFrame, Frame> pair) {
      return Bent{std::move(pair.second), std::move(pair.first)};
    });
  }

  const Lens& LensAt(int64_t frame) const {
    if (lenses_.size() == 1) return lenses_.front();
    Require(frame < static_cast<int64_t>(lenses_.size()), Code::kCorrupt,
            "lens file '" + options_.lens + "' has " +
                CountOf(static_cast<int64_t>(lenses_.size()), "frame") + ", the video has more");
    return lenses_[static_cast<size_t>(frame)];
  }

  std::array<int, 3> Black(const PixelFormat& format) const {
    if (format.model != ColorModel::kYuv) return {0, 0, 0};
    const int middle = 1 << (format.bits - 1);
    return {source_color_.full_range ? 0 : 16 << (format.bits - 8), middle, middle};
  }

  PictureRemap RemapOf(const Lens& lens, const PixelFormat& format) {
    const PictureSize size = {camera_.width, camera_.height};
    return PictureRemap(format, source_color_.chroma_location, size, size,
                        StraightenMap(lens, camera_), RemapSampling::kSingle, graph_.pool());
  }

  Bent Straighten(Bent frame) {
    const Lens& lens = LensAt(next_++);
    const PixelFormat& format = frame.color->image.format();
    if (!remap_ || lens != lens_ || format != remap_format_) {
      remap_ = RemapOf(lens, format);
      lens_ = lens;
      remap_format_ = format;
    }
    Image straight(format, camera_.width, camera_.height);
    remap_->Draw(frame.color->image.view(), Black(format), straight.mutable_view());
    frame.color->image = std::move(straight);
    if (frame.depth) {
      Image depth(PixelFormat::GrayF32(), camera_.width, camera_.height);
      remap_->DrawNearest(std::as_const(frame.depth->depth).Plane<float>(),
                          depth.MutablePlane<float>());
      frame.depth->depth = std::move(depth);
    }
    return frame;
  }

  void Encode(Stream<Bent> frames) {
    graph_.Into(std::move(frames), [this](const Bent& frame) {
      writer_->Write(converter_.Convert(frame.color->image, color_info_, format_), frame.color->pts,
                     frame.color->duration);
    });
  }

  double Unseen() {
    const Image shown = RemapOf(lenses_.front(), PixelFormat::Gray(8)).Shown();
    double dark = 0;
    for (int y = 0; y < shown.height(); ++y) {
      const uint8_t* row = shown.Plane<uint8_t>().Row(y);
      dark += static_cast<double>(std::count(row, row + shown.width(), 0));
    }
    return dark / (static_cast<double>(camera_.width) * camera_.height);
  }

  const UndistortJobOptions& options_;
  Graph graph_;
  std::string name_, depth_name_;
  OutputSet outputs_;
  std::optional<OutputTarget> depth_target_;
  OutputTarget target_;
  VideoReader color_;
  std::vector<Lens> lenses_;
  std::optional<DepthVideoReader> depth_;
  VideoCodec codec_;
  PixelFormat format_;
  Camera camera_;  // of the result
  ColorInfo source_color_, color_info_;
  std::optional<PictureRemap> remap_;  // of lens_ and remap_format_
  Lens lens_;
  PixelFormat remap_format_;
  ColorConverter converter_;
  std::optional<VideoWriter> writer_;
  std::optional<DepthVideoWriter> depth_writer_;
  int64_t next_ = 0;
};

}  // namespace

std::vector<Lens> ParseLenses(const std::string& text, int width, int height,
                              const Limits& limits) {
  const json::Value file = json::Parse(text, limits, "lens file");
  Require(file.is_object(), Code::kCorrupt, "lens file: there must be one object");
  const json::Value* frames = file.Find("frames");
  std::vector<Lens> lenses;
  if (frames == nullptr) {
    lenses.push_back(LensOf(LensKeys(file, nullptr), width, height));
    return lenses;
  }
  Require(frames->is_array() && frames->size() > 0, Code::kCorrupt,
          "lens file: \"frames\" must be a list that is not empty");
  for (const json::Value& frame : frames->AsArray()) {
    Require(frame.is_object(), Code::kCorrupt, "lens file: \"frames\" must hold objects");
    lenses.push_back(LensOf(LensKeys(file, &frame), width, height));
  }
  // One lens, if all are the same: then there may be more frames than are listed.
  if (std::all_of(lenses.begin(), lenses.end(), [&](const Lens& l) { return l == lenses[0]; }))
    lenses.resize(1);
  return lenses;
}

std::string UndistortOutput(const UndistortJobOptions& options) {
  return OutputName(options.output, options.color_video,
                    "_undistorted" + EncodeOptions::Ending(
                                         options.encode.Codec(options.output, VideoCodec::kFfv1)));
}

std::string UndistortDepthOutput(const UndistortJobOptions& options) {
  const bool folder = OutputName(options.output, options.color_video, "") != options.output;
  return OutputName(folder ? options.output : "", options.depth_video, "_undistorted.mkv");
}

void Describe(OptionList* list, UndistortJobOptions* o) {
  list->Field("color_video", &o->color_video, "FILE", "color video")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field("lens", &o->lens, "JSON",
              "how the lens bends rays, by the keys of nerfstudio's transforms.json: fl_x, fl_y, "
              "cx, cy, w, h, camera_model OPENCV or OPENCV_FISHEYE, k1, k2, p1, p2 ...; one for "
              "all frames, or a list of \"frames\"")
      .Input()
      .Required();
  list->Field("depth_video", &o->depth_video, "FILE",
              "depth video of the same size, rate and length, to be straightened as well")
      .Input();
  Describe(list, &o->depth);
  list->Field("xfov", &o->xfov_deg, {0, 170, true, false}, "DEGREES",
              "horizontal field of view of the result")
      .Default("as the lens has it in its middle");
  list->Field("output", &o->output, "FILE", "straight video (.mkv, or .mp4 for H.264), or a folder")
      .Output()
      .Default("<color_video>_undistorted.mkv");
  Describe(list, &o->encode);
  list->Section("");
  DescribePictures(list, &o->job);
  Describe(list, &o->job);
}

void UndistortJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  encode.Codec(output, VideoCodec::kFfv1);
}

UndistortReport RunUndistortJob(const UndistortJobOptions& options, const RunControl& control) {
  options.Check();
  return UndistortJob(options, control).Run();
}

}  // namespace mdvt
