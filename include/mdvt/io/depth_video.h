// SPDX-License-Identifier: Apache-2.0
//
// Depth video files: reading with the range and encoding found out, writing with both stated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "mdvt/core/camera.h"
#include "mdvt/core/rational.h"
#include "mdvt/io/byte_source.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"

namespace mdvt {

enum class DepthGeometry {
  kZ,      // planar, along the optical axis
  kRange,  // distance along each pixel's ray (VR180)
};

// What the tags of a depth file (or its sidecar <video>.mdvt.json) say. Each field is one key:
struct DepthTags {
  std::optional<std::string> kind;         // MDVT_KIND: "depth", "sbs_depth", "mask", ...
  std::optional<DepthEncoding> encoding;   // MDVT_ENCODING: DepthEncodingName()
  std::optional<double> max_depth;         // MDVT_MAX_DEPTH, metres
  std::optional<double> log_offset;        // MDVT_LOG_OFFSET, metres
  std::optional<DepthGeometry> geometry;   // MDVT_DEPTH_GEOMETRY: "z" or "range"
  std::optional<double> xfov_deg;          // MDVT_XFOV, (0, 180)
  std::optional<double> yfov_deg;          // MDVT_YFOV, (0, 180)
  std::optional<std::array<double, 4>> k;  // MDVT_K: "fx fy cx cy", pixels, see Camera
  std::optional<std::string> source;       // MDVT_SOURCE: name of the colour video
  std::optional<int64_t> source_frames;    // MDVT_SOURCE_FRAMES
  std::optional<Rational> frame_rate;      // MDVT_FPS: "30000/1001"
  std::optional<Rational> sample_aspect;   // MDVT_SAR: "1:1"

  // The camera of frames of this size: from k, else from the fields of view; empty without both.
  std::optional<Camera> CameraFor(int width, int height) const;

  // MDVT_VERSION = 1, MDVT_ZERO = invalid and one key for each field that is set.
  std::map<std::string, std::string> ToTags() const;
  // Ignores keys that it does not know, and the encoding of files that are no depth (see kind).
  // Throws Error(kCorrupt) that names the key for a value that cannot be one, Error(kUnsupported)
  // for an encoding, a meaning of zero or a schema version that is not known.
  static DepthTags FromTags(const std::map<std::string, std::string>& tags);

  // The sidecar: a flat JSON object of strings and numbers with the same keys. Throws as FromTags,
  // and kCorrupt for text that is no such object.
  std::string ToJson() const;
  static DepthTags FromJson(const char* data, size_t size, const Limits& limits = {});
};

// <video>.mdvt.json
std::string DepthSidecarPath(const std::string& video_path);

struct DepthVideoReaderOptions {
  // Its format field is not used: depth is read in the format it is stored in.
  VideoReaderOptions video;
  // What the caller says wins over tags, tags over the sidecar (which is looked for where the tags
  // lack encoding or range), the sidecar over what the first frames look like and 100 m (with a
  // warning that names the ambiguity). Frames without tags are taken
  //   as gray16-linear-65025   16-bit gray: what the original exporter writes
  //   as gray8-linear-255      8-bit gray, or R = G = B everywhere
  //   as rgb16-linear-255p4    R = G
  std::optional<double> max_depth;
  std::optional<DepthEncoding> encoding;
  // How the caller's user knows max_depth, for the warning of a file that does not say it.
  std::string max_depth_name = "--max_depth";
  // Read files in which R and G differ, and lossy RGB, with a warning: depth is then wrong by up
  // to the whole range wherever they do.
  bool allow_damaged = false;
  // Read files of distances along the ray, see tags().geometry; else they are kRefused.
  bool allow_range = false;
};

struct DepthFrame {
  Image depth;  // GrayF32, metres, 0 = no data
  int64_t index = 0;
  int64_t pts = 0;
  int64_t duration = 0;
};

// Streams the depth of a file. Frames come from a pool: while the caller drops each one before the
// next, all of a clip is unpacked into the same memory. Not thread safe.
class DepthVideoReader {
 public:
  // Throws Error as VideoReader and DepthTags do, and kRefused for files that are no depth video:
  // lossy codec, YUV samples, R != G in more than 0.1 % of the pixels, tags of another kind. The
  // text names what to do. kInvalidArgument if the encoding asked for does not go with the samples.
  explicit DepthVideoReader(const std::string& path, const DepthVideoReaderOptions& options = {});
  // The same from any source of bytes, without a sidecar; `name` stands for the file in messages.
  DepthVideoReader(std::unique_ptr<ByteSource> source, const std::string& name,
                   const DepthVideoReaderOptions& options = {});
  ~DepthVideoReader();
  DepthVideoReader(DepthVideoReader&&) noexcept;
  DepthVideoReader& operator=(DepthVideoReader&&) noexcept;

  // Frame rate and pixel aspect are those of the tags where the container has rounded them.
  const VideoInfo& info() const;
  const DepthTags& tags() const;           // of the file and, where it lacks them, the sidecar
  const DepthCodecOptions& codec() const;  // as resolved

  // The next frame; empty at the end. Throws Error(kCorrupt) that names the frame if R and G differ
  // in more than 0.1 % of its pixels.
  std::optional<DepthFrame> Read(ThreadPool* pool = nullptr);

  // As VideoReader.
  void SeekTo(int64_t frame);
  int64_t CountFrames();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct DepthVideoWriterOptions {
  DepthCodecOptions codec;
  // Codec kFfv1, or kH264Rgb for the RGB encodings. Kind, encoding and range are added to its tags;
  // colour is stated as full range.
  VideoWriterOptions video;
  // FOV or intrinsics, source, and what else is known; encoding, range, rate and aspect are filled
  // in, kind is "depth" unless set.
  DepthTags tags;
  // Write <video>.mdvt.json as well; both files appear together. Always written for containers
  // other than Matroska, which keep no tags of ours.
  bool write_sidecar = false;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

// Not thread safe.
class DepthVideoWriter {
 public:
  // Throws as VideoWriter does.
  DepthVideoWriter(const OutputTarget& target, int width, int height,
                   const DepthVideoWriterOptions& options);
  ~DepthVideoWriter();
  DepthVideoWriter(DepthVideoWriter&&) noexcept;
  DepthVideoWriter& operator=(DepthVideoWriter&&) noexcept;

  // `depth` has the size of the video, else Error(kInvalidArgument); it is packed straight into
  // the encoder's frame.
  void Write(const DepthView& depth, int64_t pts, int64_t duration = 0, ThreadPool* pool = nullptr);
  // The same for a GrayF32 image, which is let go as soon as it is packed, before it is encoded.
  void Write(Image depth, int64_t pts, int64_t duration = 0, ThreadPool* pool = nullptr);
  void Finish();
  int64_t frames_written() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
