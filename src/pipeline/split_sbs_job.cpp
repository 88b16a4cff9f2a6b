// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "core/file_ending.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/split_sbs.h"
#include "pipeline/job_common.h"
#include "pipeline/packed_views.h"
#include "pipeline/split_sbs_settings.h"

namespace mdvt {
namespace {

class SplitSbsJob {
 public:
  SplitSbsJob(const SplitSbsJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        left_name_(SplitOutput(options, "_left")),
        right_name_(SplitOutput(options, "_right")),
        outputs_(options.job.overwrite),
        left_(StageOutputs()),
        right_(StageFile(right_name_)),
        reader_(options.color_video, ReaderOptions(options.job, graph_.pool())),
        halves_(IsTopBottom(options.packing, reader_.info()), reader_.info()),
        right_first_(RightEyeFirst(options.packing, reader_.info()) != options.swap_eyes),
        codec_(options.encode.Codec(left_name_, VideoCodec::kFfv1)),
        format_(options.encode.Format(codec_, halves_.format, halves_.width, halves_.height)) {
    Open(left_, "left", &left_writer_);
    Open(right_, "right", &right_writer_);
  }

  SplitSbsReport Run() {
    Stream<Frame> frames = graph_.From([this] { return reader_.Read(); });
    frames = graph_.While(std::move(frames), [this] {
      return options_.job.max_frames < 0 || taken_ < options_.job.max_frames;
    });
    frames = graph_.Map(std::move(frames), [this](Frame frame) {
      ++taken_;
      frame.image = converter_.Convert(frame.image, reader_.info().color, halves_.format);
      return frame;
    });
    auto both = graph_.Split(std::move(frames));
    Encode(std::move(both.first), right_first_, &*left_writer_);
    Encode(std::move(both.second), !right_first_, &*right_writer_);
    graph_.Run("split",
               ExpectedFrames(reader_.info().estimated_frames, 0, options_.job.max_frames));
    const StreamEnd end = EndOfStreams(&reader_, options_.job.max_frames);
    left_writer_->Finish(end);
    right_writer_->Finish(end);
    outputs_.CommitAll();

    SplitSbsReport report;
    report.frames = graph_.frames_done();
    report.left_output = left_name_;
    report.right_output = right_name_;
    report.top_bottom = halves_.top_bottom;
    report.width = halves_.width;
    report.height = halves_.height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!options_.output.empty()) folder_ = outputs_.AddFolder(options_.output);
    return StageFile(left_name_);
  }
  OutputTarget StageFile(const std::string& path) {
    return folder_ ? folder_->AddFile(FileName(path)) : outputs_.AddFile(path);
  }

  void Open(const OutputTarget& target, const char* eye, std::optional<VideoWriter>* writer) {
    const VideoInfo& source = reader_.info();
    DepthTags tags;
    tags.kind = eye;
    tags.source = FileName(options_.color_video);
    VideoWriterOptions video =
        WriterOptions(options_.encode, codec_, source, options_.job, graph_.pool());
    video.sample_aspect = source.sample_aspect;
    if (options_.squeezed)
      (halves_.top_bottom ? video.sample_aspect.den : video.sample_aspect.num) *= 2;
    video.sample_aspect = video.sample_aspect.Reduced();
    video.color = EncodedColor(source.color, halves_.format, format_, source.height);
    video.tags = tags.ToTags();
    video.copy_streams_from = options_.color_video;
    writer->emplace(target, format_, halves_.width, halves_.height, video);
  }

  void Encode(Stream<Frame> frames, bool second, VideoWriter* writer) {
    const ColorInfo color =
        EncodedColor(reader_.info().color, halves_.format, format_, reader_.info().height);
    graph_.Into(std::move(frames), [this, second, writer, color, converter = ColorConverter(),
                                    view = Image()](const Frame& frame) mutable {
      const ImageView half = halves_.Of(frame.image, second);
      if (format_ == half.format) return writer->Write(half, frame.pts, frame.duration);
      if (view.empty()) view = Image(format_, half.width, half.height);
      converter.Convert(half, color, view.mutable_view());
      writer->Write(view, frame.pts, frame.duration);
    });
  }

  const SplitSbsJobOptions& options_;
  Graph graph_;
  std::string left_name_;
  std::string right_name_;
  OutputSet outputs_;
  std::optional<OutputFolder> folder_;
  OutputTarget left_;
  OutputTarget right_;
  VideoReader reader_;
  PackedViews halves_;
  bool right_first_;
  VideoCodec codec_;
  PixelFormat format_;
  std::optional<VideoWriter> left_writer_;
  std::optional<VideoWriter> right_writer_;
  ColorConverter converter_;
  int64_t taken_ = 0;
};

}  // namespace

std::string SplitOutput(const SplitSbsJobOptions& options, const std::string& suffix) {
  namespace fs = std::filesystem;
  const fs::path input(options.color_video);
  const fs::path folder = options.output.empty() ? input.parent_path() : fs::path(options.output);
  return (folder / (input.stem().string() + suffix + ".mkv")).string();
}

void Describe(OptionList* list, SplitSbsJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "stereo video")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field(
          "output", &options->output, "FOLDER",
          "where <color_video>_left.mkv and <color_video>_right.mkv go, the ending left out; it "
          "is made if there is none")
      .Default("the folder of the input")
      .Output();
  DescribePacking(list, &options->packing, "sbs");
  list->Field("squeezed", &options->squeezed,
              "the views are squeezed to half their width (sbs) or height (tab): give their pixels "
              "the right shape");
  list->Field("swap_eyes", &options->swap_eyes,
              "the eyes are the other way round: the right one comes first, or the left one where "
              "the file says that the right one does");
  Describe(list, &options->encode);
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void SplitSbsJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  // Whoever names a video does not want a folder that is called so.
  std::error_code ignored;
  const std::string ending = LowerEnding(output);
  const bool video = ending == ".mkv" || ending == ".mp4" || ending == ".mov" || ending == ".avi";
  Require(!video || std::filesystem::is_directory(output, ignored), Code::kInvalidArgument,
          "output '" + output + "' must be a folder, not a video: two files go into it");
  encode.Codec(SplitOutput(*this, "_left"), VideoCodec::kFfv1);
}

SplitSbsReport RunSplitSbsJob(const SplitSbsJobOptions& options, const RunControl& control) {
  options.Check();
  return SplitSbsJob(options, control).Run();
}

}  // namespace mdvt
