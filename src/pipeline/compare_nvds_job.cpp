// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/infer_nvds.h"
#include "pipeline/job_common.h"
#include "pipeline/picture_folder.h"

namespace mdvt {
namespace {

std::vector<std::string> Parts(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t comma = std::min(list.find(',', begin), list.size());
    parts.push_back(list.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

std::string OutputFor(const CompareNvdsJobOptions& options) {
  return OutputName(options.output, "./demo_outputs_videos/compare_" + options.vnum, ".mp4");
}

// One row of one column.
class Cell {
 public:
  Cell(const std::string& folder, const CompareNvdsJobOptions& options, ThreadPool* pool)
      : folder_(folder),
        pictures_(folder, options.job.limits),
        resizer_(
            PixelFormat::Rgb(8), pictures_.width(), pictures_.height(),
            {0, 0, static_cast<double>(pictures_.width()), static_cast<double>(pictures_.height())},
            options.infer_w, options.infer_h, {ResizeFilter::kBilinear, 0}, pool) {}
  int64_t size() const { return pictures_.size(); }
  const std::string& folder() const { return folder_; }
  void Draw(int64_t frame, const MutableImageView& to) const {
    resizer_.Resize(pictures_.ReadRgb(frame).view(), to);
  }

 private:
  std::string folder_;
  PictureFolder pictures_;
  ImageResizer resizer_;
};

class CompareNvdsJob {
 public:
  CompareNvdsJob(const CompareNvdsJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(OutputFor(options)),
        outputs_(options.job.overwrite) {
    const std::string frames = options.video_dir + "/" + options.vnum + "/left";
    for (const std::string& column : Parts(options.columns)) {
      const std::string results = options.results_dir + "/" + column + "/" + options.vnum;
      AddColumn({frames, results + "/initial/color", results + "/mix/color"});
    }
    MakeFolder();
    codec_ = options.encode.Codec(output_, VideoCodec::kH264);
    const int width = options.infer_w * static_cast<int>(cells_.size());
    const int height = 3 * options.infer_h;
    canvas_ = {width, height};
    format_ = options.encode.Format(codec_, PixelFormat::Yuv(420), width, height, false);
    VideoWriterOptions writer;
    VideoInfo source;
    source.width = width;
    source.height = height;
    source.frame_rate = RateOf(options.fps);
    source.time_base = {source.frame_rate.den, source.frame_rate.num};
    source.color.matrix = source.color.primaries = source.color.transfer = 1;  // BT.709
    writer = WriterOptions(options.encode, codec_, source, options.job, graph_.pool());
    writer.time_base = source.time_base;
    writer.frame_rate = source.frame_rate;
    writer.color = source.color;
    color_ = source.color;
    writer_.emplace(outputs_.AddFile(output_), format_, width, height, writer);
  }

  CompareNvdsReport Run() {
    const int64_t frames = options_.job.max_frames < 0
                               ? cells_[0][0]->size()
                               : std::min(cells_[0][0]->size(), options_.job.max_frames);
    auto pictures = graph_.Then(graph_.From([&]() -> std::optional<int64_t> {
      return next_ < frames ? std::optional<int64_t>(next_++) : std::nullopt;
    }),
                                [this](int64_t frame) { return Draw(frame); });
    graph_.Into(std::move(pictures), [this](const Image& image) {
      writer_->Write(converter_.Convert(image, color_, format_), written_++, 1);
    });
    graph_.Run("compare", frames);
    writer_->Finish();
    outputs_.CommitAll();
    return {graph_.frames_done(), output_, canvas_.width, canvas_.height};
  }

 private:
  void AddColumn(const std::vector<std::string>& folders) {
    std::vector<std::unique_ptr<Cell>> column;
    for (const std::string& folder : folders) {
      column.push_back(std::make_unique<Cell>(folder, options_, graph_.pool()));
      const Cell& first = cells_.empty() ? *column[0] : *cells_[0][0];
      Require(column.back()->size() == first.size() || options_.job.max_frames >= 0, Code::kCorrupt,
              "'" + folder + "' has " + CountOf(column.back()->size(), "picture") + ", '" +
                  first.folder() + "' " + std::to_string(first.size()) +
                  ": they must be as many (or end all with --max_frames)");
      Require(options_.job.max_frames < 0 ||
                  column.back()->size() >= std::min(first.size(), options_.job.max_frames),
              Code::kCorrupt,
              "'" + folder + "' has only " + CountOf(column.back()->size(), "picture"));
    }
    cells_.push_back(std::move(column));
  }

  // The usual place is a folder that may not be there yet.
  void MakeFolder() const {
    if (!options_.output.empty()) return;
    std::error_code error;
    std::filesystem::create_directories("./demo_outputs_videos", error);
    Require(!error, Code::kIo, "the folder './demo_outputs_videos' cannot be made");
  }

  Image Draw(int64_t frame) const {
    Image canvas(PixelFormat::Rgb(8), canvas_.width, canvas_.height);
    for (size_t column = 0; column < cells_.size(); ++column)
      for (size_t row = 0; row < cells_[column].size(); ++row)
        cells_[column][row]->Draw(
            frame, canvas.mutable_view().Crop(static_cast<int>(column) * options_.infer_w,
                                              static_cast<int>(row) * options_.infer_h,
                                              options_.infer_w, options_.infer_h));
    return canvas;
  }

  const CompareNvdsJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  std::vector<std::vector<std::unique_ptr<Cell>>> cells_;  // columns of rows
  PixelSize canvas_;
  VideoCodec codec_ = VideoCodec::kH264;
  PixelFormat format_;
  ColorInfo color_;
  std::optional<VideoWriter> writer_;
  ColorConverter converter_;
  int64_t next_ = 0, written_ = 0;
};

}  // namespace

void Describe(OptionList* list, CompareNvdsJobOptions* options) {
  list->Field("vnum", &options->vnum, "NAME", "the clip").Required();
  list->Field("output", &options->output, "FILE", "video (.mp4, .mov or .mkv), or a folder")
      .Output()
      .Default("./demo_outputs_videos/compare_<vnum>.mp4");
  list->Field("video_dir", &options->video_dir, "FOLDER",
              "pictures of the clip: <video_dir>/<vnum>/left");
  list->Field("results_dir", &options->results_dir, "FOLDER",
              "results: <results_dir>/<column>/<vnum>/{initial,mix}/color");
  list->Field("columns", &options->columns, "NAMES", "folders of results, parted by commas");
  const Range side{16, 4096};
  list->Field("infer_w", &options->infer_w, side, "PIXELS", "width of each cell, even");
  list->Field("infer_h", &options->infer_h, side, "PIXELS", "height of each cell, even");
  list->Field("fps", &options->fps, {0, 1000, true, false}, "FPS", "of the video").Rate();
  Describe(list, &options->encode);
  Describe(list, &options->job);
}

void CompareNvdsJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(vnum.find('/') == std::string::npos && vnum != "..", Code::kInvalidArgument,
          "vnum is the name of a folder in video_dir, not a path");
  Require(infer_w % 2 == 0 && infer_h % 2 == 0, Code::kInvalidArgument,
          "infer_w and infer_h must be even");
  for (const std::string& part : Parts(columns))
    Require(!part.empty() && part.find('/') == std::string::npos && part != "..",
            Code::kInvalidArgument,
            "columns = '" + columns + "', must be names of folders, parted by commas");
  Require(Parts(columns).size() <= 8, Code::kInvalidArgument, "there may be 8 columns at most");
}

CompareNvdsReport RunCompareNvdsJob(const CompareNvdsJobOptions& options,
                                    const RunControl& control) {
  options.Check();
  return CompareNvdsJob(options, control).Run();
}

}  // namespace mdvt
