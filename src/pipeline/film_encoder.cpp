// SPDX-License-Identifier: Apache-2.0
#include "pipeline/film_encoder.h"

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/job_common.h"
#include "pipeline/packed_views.h"

namespace mdvt {
namespace {

struct FilmFrame {
  Frame film;  // without its image where the scene has eyes of its own
  Image sbs;
};

CanvasOptions CanvasOf(const FilmOptions& options) { return options.frame.Canvas(false); }

// The pictures of both eyes in the frame of a layout.
class EyePacker {
 public:
  EyePacker(const FilmOptions& options, const VideoInfo& film, ThreadPool* pool)
      : layout_(LayoutOf(CanvasOf(options))),
        canvas_(PlanCanvas(CanvasOf(options), film.width, film.height, film.sample_aspect)),
        color_(ResolveColor(film.color, film.format, film.height)),
        format_(PackedFormat(layout_, canvas_, film.format)),
        pool_(pool),
        frame_(format_, canvas_.frame_width, canvas_.frame_height) {
    for (size_t i = 0; i < layout_.views.size(); ++i) {
      const bool is_right = layout_.views[i] > 0;
      right_.push_back(is_right != options.swap_eyes);
      if (layout_.mix)
        unmixed_.emplace_back(format_, canvas_.content_width, canvas_.content_height);
    }
    if (!canvas_.exact)
      resizer_.emplace(format_, film.width, film.height, canvas_.window, canvas_.content_width,
                       canvas_.content_height,
                       ResizeOptions{options.frame.filter, color_.chroma_location}, pool);
    PaintPadding(canvas_, color_.full_range, frame_.mutable_view());
  }

  const ViewLayout& layout() const { return layout_; }
  const ViewCanvas& canvas() const { return canvas_; }
  const PixelFormat& format() const { return format_; }

  // The frame holds until the next call. eyes: left and right, as large as the film.
  const Image& Pack(const std::array<ImageView, 2>& eyes) {
    std::vector<MutableImageView> tiles, views;
    for (int tile = 0; tile < canvas_.num_tiles(); ++tile)
      tiles.push_back(canvas_.Content(frame_.mutable_view(), tile));
    for (Image& view : unmixed_) views.push_back(view.mutable_view());
    for (size_t i = 0; i < right_.size(); ++i)
      Place(eyes[right_[i] ? 1 : 0], layout_.mix ? views[i] : tiles[i]);
    if (!layout_.mix) return frame_;
    MixInput input;
    input.views.assign(views.begin(), views.end());
    input.full_range = color_.full_range;
    layout_.mix(input, tiles, pool_);
    return frame_;
  }

 private:
  void Place(ImageView eye, const MutableImageView& to) {
    if (eye.format != format_) {
      if (converted_.empty()) converted_ = Image(format_, eye.width, eye.height);
      converter_.Convert(eye, color_, converted_.mutable_view());
      eye = converted_.view();
    }
    if (!canvas_.exact) return resizer_->Resize(eye, to);
    converter_.Convert(Crop(eye, static_cast<int>(canvas_.window.x),
                            static_cast<int>(canvas_.window.y), to.width, to.height),
                       color_, to);
  }

  const ViewLayout layout_;
  const ViewCanvas canvas_;
  const ColorInfo color_;
  const PixelFormat format_;
  ThreadPool* pool_;
  Image frame_;
  std::vector<bool> right_;  // which eye each view is
  std::vector<Image> unmixed_;
  std::optional<ImageResizer> resizer_;
  ColorConverter converter_;
  Image converted_;
};

class FilmJob {
 public:
  FilmJob(const FilmOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        outputs_(options.job.overwrite),
        file_(StageOutputs()),
        reader_(options.color_video, ReaderOptions(options.job, graph_.pool())),
        packer_(options, reader_.info(), graph_.pool()),
        codec_(options.encode.Codec(options.output, VideoCodec::kH264)),
        output_format_(options.encode.Format(codec_, packer_.format(), packer_.canvas().frame_width,
                                             packer_.canvas().frame_height,
                                             packer_.layout().samples == MixSamples::kFullChroma)) {
    OpenWriter();
  }

  FilmReport Run() {
    graph_.Into(graph_.From([this] { return Next(); }).Holding(1),
                [this](const FilmFrame& frame) { Encode(frame); });
    const int64_t frames = options_.scenes.back().range.end;
    graph_.Run("film", frames);
    Require(graph_.frames_done() == frames, Code::kCorrupt,
            "'" + options_.color_video + "' has " + std::to_string(graph_.frames_done()) +
                " frames, its scenes " + std::to_string(frames));
    writer_->Finish(EndOfStreams(&reader_, frames));
    outputs_.CommitAll();
    return {frames, packer_.canvas().frame_width, packer_.canvas().frame_height};
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    for (const FilmScene& scene : options_.scenes) outputs_.AddInput(scene.sbs);
    return outputs_.AddFile(options_.output);
  }

  void OpenWriter() {
    const VideoInfo& source = reader_.info();
    output_color_ = EncodedColor(source.color, packer_.format(), output_format_, source.height);
    DepthTags tags;
    tags.kind = packer_.layout().kind;
    tags.source = FileName(source.path);
    VideoWriterOptions video =
        WriterOptions(options_.encode, codec_, source, options_.job, graph_.pool());
    video.sample_aspect = packer_.canvas().sample_aspect;
    video.color = output_color_;
    video.stereo = packer_.layout().Tag(options_.swap_eyes);
    video.right_eye_first = options_.swap_eyes;
    video.tags = tags.ToTags();
    video.copy_streams_from = options_.color_video;
    writer_.emplace(file_, output_format_, packer_.canvas().frame_width,
                    packer_.canvas().frame_height, video);
  }

  std::optional<FilmFrame> Next() {
    if (next_ == options_.scenes.back().range.end) return std::nullopt;
    std::optional<Frame> film = reader_.Read();
    if (!film) return std::nullopt;
    while (next_ >= options_.scenes[scene_].range.end) {
      ++scene_;
      sbs_.reset();
    }
    FilmFrame frame;
    frame.film = std::move(*film);
    const FilmScene& scene = options_.scenes[scene_];
    if (!scene.sbs.empty()) {
      frame.film.image = Image();
      frame.sbs = ReadEyes(scene);
    }
    ++next_;
    return frame;
  }

  Image ReadEyes(const FilmScene& scene) {
    if (!sbs_) {
      VideoReaderOptions reader;
      reader.limits = options_.job.limits;
      reader.pool = graph_.pool();
      sbs_.emplace(scene.sbs, reader);
      const VideoInfo& info = sbs_->info();
      const int width = 2 * reader_.info().width, height = reader_.info().height;
      Require(info.width == width && info.height == height, Code::kCorrupt,
              "'" + scene.sbs + "' is " + FormatSize(info.width, info.height) +
                  ", the eyes of the film are " + FormatSize(width, height));
    }
    std::optional<Frame> eyes = sbs_->Read();
    Require(eyes.has_value(), Code::kCorrupt,
            "'" + scene.sbs + "' has " + std::to_string(next_ - scene.range.first) +
                " frames, its scene has " + std::to_string(scene.range.length()));
    // Not by `strict`: a film may have holes in its times, and so have its eyes.
    Require(sbs_->report().damaged == 0, Code::kCorrupt, "'" + scene.sbs + "' is damaged");
    if (!views_) views_.emplace(false, sbs_->info());
    return converter_.Convert(eyes->image, sbs_->info().color, views_->format);
  }

  void Encode(const FilmFrame& frame) {
    const ImageView flat = frame.film.image.view();
    const std::array<ImageView, 2> eyes =
        frame.sbs.empty()
            ? std::array<ImageView, 2>{flat, flat}
            : std::array<ImageView, 2>{views_->Of(frame.sbs, false), views_->Of(frame.sbs, true)};
    writer_->Write(output_converter_.Convert(packer_.Pack(eyes), output_color_, output_format_),
                   frame.film.pts, frame.film.duration);
  }

  const FilmOptions& options_;
  Graph graph_;
  OutputSet outputs_;
  OutputTarget file_;
  VideoReader reader_;
  EyePacker packer_;
  VideoCodec codec_;
  PixelFormat output_format_;
  ColorInfo output_color_;
  std::optional<VideoWriter> writer_;
  std::optional<VideoReader> sbs_;    // of the scene that is read
  std::optional<PackedViews> views_;  // the same of all scenes
  ColorConverter converter_, output_converter_;
  int64_t next_ = 0;  // frame of the film
  size_t scene_ = 0;
};

}  // namespace

void Describe(OptionList* list, FilmOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "the film").Input().Required();
  Describe(list, &options->frame);
  Describe(list, &options->encode);
  list->Field("swap_eyes", &options->swap_eyes, "right eye on the left, for crossed viewing");
}

void FilmOptions::Check() const {
  job.limits.Check();
  frame.Check();
  const ViewLayout layout = LayoutOf(CanvasOf(*this));
  Require(!layout.panel && layout.depth == DepthShown::kNone &&
              layout.count == ViewLayout::Count::kFixed,
          Code::kInvalidArgument,
          "layout '" + layout.name +
              "' needs more than the pictures of two eyes: make the scenes with movie_2_3D "
              "--no_render and each of them with stereo_rerender");
  const VideoCodec codec = encode.Codec(output, VideoCodec::kH264);
  if (!output.empty()) CheckVideoName(output, codec);
}

FilmReport EncodeFilm(const FilmOptions& options, const RunControl& control) {
  options.Check();
  Require(!options.scenes.empty(), Code::kInvalidArgument, "a film without scenes");
  return FilmJob(options, control).Run();
}

}  // namespace mdvt
