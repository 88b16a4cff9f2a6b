// SPDX-License-Identifier: Apache-2.0
//
// What all jobs share: names of files, the camera of each frame.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/options.h"
#include "mdvt/core/rational.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/per_frame.h"

namespace mdvt {

// "clip.mp4" of "/some/where/clip.mp4".
std::string FileName(const std::string& path);

// The name of a job's output: `output` if it is given, <input><suffix> in it if it is a folder,
// else <input><suffix>.
std::string OutputName(const std::string& output, const std::string& input,
                       const std::string& suffix);

// The same for a stereo video: the layout gives the suffix ("_half_sbs"), `ending` follows. The
// name of a quilt ends as players want it, _qs8x6a1.77778: the shape of a view is that of the
// picture of `source`, which is looked into where it matters.
std::string ViewOutputName(const std::string& output, const std::string& input,
                           const CanvasOptions& canvas, const std::string& source,
                           const std::string& ending, const Limits& limits);

// How a job reads a video that it looks at.
VideoReaderOptions ReaderOptions(const JobOptions& job, ThreadPool* pool);

// How a job reads a depth video.
DepthVideoReaderOptions DepthReaderOptions(const DepthReadingOptions& reading, const Limits& limits,
                                           ThreadPool* pool);

// Opens a mask video of any size as Gray(8). Throws what VideoReader throws, and Error(kCorrupt)
// for a video that says that it is something else, or that is plainly no mask (CheckLooksLikeMask).
VideoReader OpenMask(const std::string& path, const Limits& limits, ThreadPool* pool);

// The same of a mask for a depth video. Throws what VideoReader throws, and Error(kCorrupt)
// that names both sizes if it is not as large as the depth video.
VideoReader OpenMaskVideo(const std::string& path, const VideoInfo& depth, const Limits& limits,
                          ThreadPool* pool);

// How a job writes a video of the frames of another one: encoded as it is told, at the times of the
// source and with its HDR metadata.
VideoWriterOptions WriterOptions(const EncodeOptions& encode, VideoCodec codec,
                                 const VideoInfo& source, const JobOptions& job, ThreadPool* pool);

// How a job writes a video that is a tool rather than a film (masks, motion, marks): without loss,
// in the full range, at the times of the source.
VideoWriterOptions LosslessLike(const VideoInfo& source, ThreadPool* pool);

// For jobs that make depth or eyes of a picture: refuses a video that says it holds two eyes
// already (Error(kRefused)) unless it is to be taken as one picture, and tells what does not fit a
// pinhole camera.
void CheckOnePicture(const VideoInfo& video, bool one_picture);

// An option for where a network runs.
Option& DescribeDevice(OptionList* list, const std::string& name, std::string* device,
                       const std::string& help);

// Checks every option of a struct against its description.
template <typename Options>
void CheckDescribed(const Options& options) {
  Options copy = options;
  OptionList list;
  Describe(&list, &copy);
  list.Check();
}

// The options of a job that name files which it reads, as inputs of its outputs.
template <typename Options>
void AddInputs(OutputSet* outputs, const Options& options) {
  Options copy = options;
  OptionList list;
  Describe(&list, &copy);
  for (const Option& option : list.options())
    if (option.path == PathKind::kInput)
      if (const OptionValue value = option.Get(); std::holds_alternative<std::string>(value))
        outputs->AddInput(std::get<std::string>(value));
}

// The camera of each frame of a clip. The first of these that is given holds: the file of FOVs per
// frame, the FOV options, the tags of the depth file.
class ClipCamera {
 public:
  // `sample_aspect` is the shape of a stored pixel: with only one FOV given, pixels of that shape
  // make the other. Throws Error(kInvalidArgument) that names the options if nothing is given, and
  // what ReadFovFile throws.
  ClipCamera(const FovOptions& fov, const DepthTags& tags, int width, int height,
             Rational sample_aspect, const Limits& limits);

  // Throws Error(kCorrupt) if the file of FOVs has no entry for this frame.
  Camera At(int64_t frame) const;

  // The horizontal FOV of all frames, or of the median frame if it changes.
  double typical_xfov_deg() const;
  // One per frame; empty if it does not change.
  const std::vector<double>& xfovs_deg() const { return xfovs_deg_.values(); }

 private:
  Camera Make(std::optional<double> xfov_deg, std::optional<double> yfov_deg) const;

  int width_;
  int height_;
  Rational sample_aspect_;
  PerFrame<double> xfovs_deg_;  // fixed: the camera is fixed_
  Camera fixed_;
};

// The field of view, or the usual one if none is given: with a warning if depth depends on it.
FovOptions FovOrUsual(const FovOptions& fov, bool needed);

// The rate that a number of frames per second stands for: 23.976 is 24000/1001.
Rational RateOf(double fps);

// To the nearest millionth.
Rational ToRational(double value);

// Frames that a job will write as far as the container tells: for progress only.
int64_t ExpectedFrames(int64_t estimated, int64_t first, int64_t max_frames);

// Where sound and subtitles of a clip end when a job has taken what it wanted of its frames: with
// the pictures only if max_frames (-1: no limit) left some unread. May read one more frame.
StreamEnd EndOfStreams(VideoReader* reader, int64_t max_frames);

// How the provenance of a video's pixels is written, which is opened with `video`.
VideoWriterOptions ProvenanceWriterOptions(const VideoWriterOptions& video,
                                           const std::string& output);

// Throws Error(kLimit), which names the option, if a window of so many frames before and after one
// takes more memory than there may be.
void CheckWindowMemory(const char* option, int window, int64_t bytes_per_frame,
                       const Limits& limits);

}  // namespace mdvt
