// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_cutter.h"

#include <optional>

#include "mdvt/core/error.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"

namespace mdvt {

void Describe(OptionList* list, ClipCut* options) {
  list->Field("color_video", &options->input, "FILE", "video").Input().Required();
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void CutClip(const ClipCut& cut, const RunControl& control) {
  Graph graph(cut.job, control);
  OutputSet outputs(cut.job.overwrite);
  outputs.AddInput(cut.input);
  const OutputTarget file = outputs.AddFile(cut.output);
  VideoReaderOptions reading = ReaderOptions(cut.job, graph.pool());
  reading.exact = cut.codes;
  VideoReader reader(cut.input, reading);
  const VideoInfo& info = reader.info();
  VideoWriterOptions video = LosslessLike(info, graph.pool());
  video.color = info.color;
  video.hdr = info.hdr;
  for (const auto& [key, value] : info.tags)
    if (key.rfind("MDVT_", 0) == 0) video.tags[key] = value;
  VideoWriter writer(file, info.format, info.width, info.height, video);
  graph.Into(graph.From(FirstFrames(&reader, cut.job.max_frames)),
             [&](const Frame& frame) { writer.Write(frame.image, frame.pts, frame.duration); });
  graph.Run("clip", ExpectedFrames(info.estimated_frames, 0, cut.job.max_frames));
  Require(cut.job.max_frames < 0 || graph.frames_done() == cut.job.max_frames, Code::kCorrupt,
          "'" + cut.input + "' ends " + std::to_string(cut.job.max_frames - graph.frames_done()) +
              " frames too early");
  writer.Finish();
  outputs.CommitAll();
}

}  // namespace mdvt
