// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <utility>

#include "mdvt/core/error.h"
#include "pipeline/clip_pair.h"
#include "pipeline/depth_source.h"
#include "pipeline/frame_state.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

// The frames come with their depth: there is nothing left to do in the stage.
class FileSource : public DepthSource {
 public:
  FileSource(const DepthFileOptions& file, const DepthOpening& opening)
      : reader_(file.path, DepthReaderOptions(file.reading, opening.limits, opening.pool)) {
    if (opening.tells) watch_ = DepthWatch::OfFile(file.path, SaturatedDepth(reader_.codec()));
  }

  bool needs_fov() const override { return false; }
  const DepthVideoReader* file() const override { return &reader_; }
  void Start(const DepthClip& clip) override { keeps_pictures_ = clip.keeps_pictures; }

  Stream<PairedFrame> Join(Graph* graph, JoinedColor color) override {
    if (color.info != nullptr) RequirePair(reader_.info(), *color.info);
    Stream<DepthEstimate> depths = graph->From(
        [this, first = color.first_frame, end = color.end] { return Read(first, end); });
    auto keep = [number = int64_t{0}, first = color.first_frame](
                    DepthEstimate depth, Frame picture) mutable -> std::optional<PairedFrame> {
      if (number++ < first) return std::nullopt;
      return PairedFrame{std::move(depth), std::move(picture), std::nullopt};
    };
    if (!color.frames)
      return graph->Map(std::move(depths), [keep](DepthEstimate depth) mutable {
        return keep(std::move(depth), Frame());
      });
    return graph->Map(graph->Zip(std::move(depths), std::move(*color.frames),
                                 NamesOfPair(reader_.info(), *color.info, color.end)),
                      [keep](std::pair<DepthEstimate, Frame> pair) mutable {
                        return keep(std::move(pair.first), std::move(pair.second));
                      });
  }

  void Push(PairedFrame pair) override {
    if (!keeps_pictures_) pair.color.image = Image();
    pairs_.push_back(std::move(pair));
  }
  void Finish() override {}
  std::optional<PairedFrame> Pop() override {
    if (pairs_.empty()) return std::nullopt;
    PairedFrame pair = std::move(pairs_.front());
    pairs_.pop_front();
    return pair;
  }

  // Of the stage: how far the file has been read belongs to Join().
  bool CanSave() const override { return true; }
  void Save(State* state) const override { SaveQueue("pairs", pairs_, &SavedFrame, state); }
  void Load(const State& state) override {
    pairs_ = LoadQueue<PairedFrame>("pairs", state, [](const State& one) {
      PairedFrame pair;
      LoadFrame(one, &pair);
      return pair;
    });
  }

 private:
  std::optional<DepthEstimate> Read(int64_t first, int64_t end) {
    std::optional<DepthFrame> frame;
    if (frames_ < end) frame = reader_.Read();
    if (!frame) {
      Require(frames_ == end || frames_ > first, Code::kInvalidArgument,
              "'" + reader_.info().path + "' has " + CountOf(frames_, "frame") +
                  ": there is no frame " + std::to_string(first + 1) + ", counted from 1");
      if (watch_) watch_->Tell();
      return std::nullopt;
    }
    if (++frames_ > first && watch_) watch_->Look(frame->depth.Plane<float>());
    DepthEstimate depth;
    depth.depth = std::move(frame->depth);
    depth.index = frame->index;
    depth.pts = frame->pts;
    depth.duration = frame->duration;
    return depth;
  }

  DepthVideoReader reader_;
  std::optional<DepthWatch> watch_;
  bool keeps_pictures_ = true;
  int64_t frames_ = 0;  // read so far
  std::deque<PairedFrame> pairs_;
};

}  // namespace

void Describe(OptionList* list, DepthFileOptions* options) {
  list->Field("depth_video", &options->path, "FILE", "depth video")
      .Input(true)
      .RequiredWith("engine", {"file"});
  Describe(list, &options->reading);
  list->Refine("max_depth").OnlyWith("depth_video");
  list->Refine("encoding").OnlyWith("depth_video");
}

DepthEngineInfo FileDepthEngine() {
  DepthEngineInfo engine;
  engine.name = "file";
  engine.help = "from --depth_video";
  engine.file_option = "depth_video";
  engine.file_is = "a depth video";
  engine.file_how = "(--depth_video FILE)";
  engine.file_given = [](const DepthSourceOptions& options) { return !options.file.path.empty(); };
  engine.describe = [](OptionList* list, DepthSourceOptions* options) {
    Describe(list, &options->file);
  };
  engine.open = [](const DepthSourceOptions& options, const DepthOpening& opening) {
    return std::make_unique<FileSource>(options.file, opening);
  };
  return engine;
}

}  // namespace mdvt
