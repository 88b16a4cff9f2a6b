// SPDX-License-Identifier: Apache-2.0
//
// Options that several jobs share. Each struct describes its fields once, in Describe(): names on
// the command line, valid values, help.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/limits.h"
#include "mdvt/core/options.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/video_reader.h"

namespace mdvt {

// How the videos that a job looks at (not those of depth) are read.
struct ReadingOptions {
  bool strict = false;  // Error(kCorrupt) for a video that is damaged or incomplete
  Deinterlace deinterlace = Deinterlace::kAuto;
  int64_t first_frame = 0;  // see VideoReaderOptions; for jobs that copy no sound, which is not cut
};
void Describe(OptionList* list, ReadingOptions* options);

// Shared by all jobs.
struct JobOptions {
  Limits limits;
  int num_threads = 0;      // 0 means one per core. Never changes the result.
  bool overwrite = true;    // false: Error(kIo) if an output exists
  int64_t max_frames = -1;  // stop after exactly this many; -1 = all
  ReadingOptions reading;
  // A video that says it holds two eyes already is taken as one picture; else it is kRefused.
  bool one_picture = false;
};
void Describe(OptionList* list, JobOptions* options);  // without the next two
// `reading` and `one_picture`, of jobs that make something of a picture.
void DescribePictures(OptionList* list, JobOptions* options);

// How a stereo video holds its two views.
enum class PackingChoice {
  kAuto,  // as the file says; each job says what it takes where the file does not
  kSideBySide,
  kTopBottom,
};

// Field of view of a camera. An explicit value wins over the depth file's tags.
struct FovOptions {
  std::optional<double> xfov_deg;
  std::optional<double> yfov_deg;
  std::string xfov_file;  // per frame; wins over both

  bool empty() const { return !xfov_deg && !yfov_deg && xfov_file.empty(); }
};
void Describe(OptionList* list, FovOptions* options, const std::string& otherwise);
inline constexpr double kDefaultXfovDeg = 60;

// How a depth video is read; what is empty follows from the tags of its file.
struct DepthReadingOptions {
  std::optional<double> max_depth;  // metres
  std::optional<DepthEncoding> encoding;
};
// `prefix` begins the names ("reference_"), `what` says in the help which file it is.
void Describe(OptionList* list, DepthReadingOptions* options, const std::string& prefix = "",
              const std::string& what = "the depth video");

// "rgb16", ...; full names ("rgb16-linear-255p4") are taken too.
const EnumNames<DepthEncoding>& DepthEncodingNames();

}  // namespace mdvt
