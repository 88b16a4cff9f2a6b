// SPDX-License-Identifier: Apache-2.0
//
// Depth video files: reading with the range and encoding found out, writing with both stated.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mdvt/core/camera.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"

namespace mdvt {

// What the tags of a depth file (or its sidecar <video>.mdvt.json) say. Keys MDVT_*.
struct DepthTags {
  std::optional<std::string> kind;  // "depth", "mask", "infillmask", "sbs", "sbs_depth", ...
  std::optional<DepthEncoding> encoding;
  std::optional<double> max_depth;   // metres
  std::optional<double> log_offset;  // metres
  std::optional<double> xfov_deg;
  std::optional<double> yfov_deg;
  std::optional<std::string> source;  // name of the colour video
  std::optional<int64_t> source_frames;

  std::map<std::string, std::string> ToTags() const;
  // Ignores keys that are not MDVT_*. Throws Error(kCorrupt) that names the key for a value that
  // cannot be one, Error(kUnsupported) for an encoding or schema version that is not known.
  static DepthTags FromTags(const std::map<std::string, std::string>& tags);
  // The same from the text of a sidecar, a flat JSON object of strings and numbers.
  static DepthTags FromJson(const char* data, size_t size, const Limits& limits = {});
};

struct DepthVideoReaderOptions {
  VideoReaderOptions video;
  // What the caller says wins over tags, tags over the sidecar, the sidecar over the default of
  // rgb16 at 100 m (with a warning that names the ambiguity).
  std::optional<double> max_depth;
  std::optional<DepthEncoding> encoding;
  bool allow_damaged = false;  // read files in which R and G differ
};

struct DepthFrame {
  Image depth;  // GrayF32, metres, 0 = no data
  int64_t index = 0;
  int64_t pts = 0;
  int64_t duration = 0;
};

class DepthVideoReader {
 public:
  // Throws Error as VideoReader does, and kRefused for files that are no depth video: lossy codec,
  // YUV samples, R != G. The text names what to do.
  explicit DepthVideoReader(const std::string& path, const DepthVideoReaderOptions& options = {});
  ~DepthVideoReader();
  DepthVideoReader(DepthVideoReader&&) noexcept;
  DepthVideoReader& operator=(DepthVideoReader&&) noexcept;

  const VideoInfo& info() const;
  const DepthTags& tags() const;
  const DepthCodecOptions& codec() const;  // as resolved
  std::optional<DepthFrame> Read(ThreadPool* pool = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct DepthVideoWriterOptions {
  DepthCodecOptions codec;
  // Codec kFfv1 or kH264Rgb. Kind, encoding and range are added to its tags.
  VideoWriterOptions video;
  DepthTags tags;  // FOV and source; encoding and range are filled in
};

class DepthVideoWriter {
 public:
  DepthVideoWriter(const std::string& path, int width, int height,
                   const DepthVideoWriterOptions& options);
  ~DepthVideoWriter();
  DepthVideoWriter(DepthVideoWriter&&) noexcept;
  DepthVideoWriter& operator=(DepthVideoWriter&&) noexcept;

  void Write(const DepthView& depth, int64_t pts, int64_t duration = 0, ThreadPool* pool = nullptr);
  void Finish();
  int64_t frames_written() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
