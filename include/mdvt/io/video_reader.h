// SPDX-License-Identifier: Apache-2.0
//
// Reads the picture stream of a video file frame by frame, in its own pixel format.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "mdvt/core/image.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/stereo_layout.h"
#include "mdvt/io/byte_source.h"
#include "mdvt/io/hdr_metadata.h"

namespace mdvt {

struct VideoInfo {
  std::string path;
  std::string container;  // FFmpeg's name: "matroska,webm", "mov,mp4,..."
  std::string codec;      // "h264", "ffv1", ...
  bool lossless = false;  // the codec as used here keeps every bit (FFV1, PNG, H.264 RGB qp 0 ...)
  int width = 0;          // upright pixels, after rotation
  int height = 0;
  PixelFormat format;        // of the frames that Read() gives
  std::string codec_format;  // FFmpeg's name of what the decoder gives: "yuv420p", "bgra", ...
  ColorInfo color;
  HdrMetadata hdr;
  // What the file says of itself; nothing for an ordinary picture.
  StereoMark stereo = StereoMark::kNone;
  bool right_eye_first = false;  // of the two eyes that `stereo` tells of
  std::string projection;        // of a sphere: "equirectangular", "a cube map", ...
  Rational sample_aspect{1, 1};  // upright; 1:1 if the file does not say
  int rotation_deg = 0;          // clockwise turn that has been applied: 0, 90, 180 or 270
  bool mirrored = false;         // and before it the picture was mirrored left-right
  Rational time_base{1, 1000};
  Rational frame_rate{0, 1};  // average; 0/1 if the file does not say
  // False if the index of an MP4 file tells frames that are much longer than others, or if another
  // file states no rate: frame_rate is then found in its first frames.
  bool rate_is_even = true;
  int64_t start_pts = 0;         // of the first frame, in time_base
  int64_t skipped_pts = 0;       // the time of VideoReaderOptions::first_frame in the file
  int64_t estimated_frames = 0;  // from the container, for progress only; 0 if not known
  bool has_audio = false;
  // Tags of the container, overlaid by those of the picture stream; keys in upper case.
  std::map<std::string, std::string> tags;
};

// What is done with pictures of two fields, taken at two moments and woven together row by row.
enum class Deinterlace {
  kAuto,    // whole pictures are made of those that stream or frame call interlaced, one of each
  kOff,     // as they are
  kFields,  // one picture for each field: twice as many, in half the time base
};

// What was not as it should be in the pictures read so far.
struct ReadingReport {
  int64_t left_out_at_start = 0;  // pictures before the first one that can be decoded in full
  int64_t damaged = 0;            // given out as the decoder patched them
  int64_t missing = 0;            // could not be decoded, or the timestamps have a hole for them
};

struct VideoReaderOptions {
  Limits limits;
  int num_threads = 0;  // of the decoder; 0 means one per core
  // In place of threads of its own the decoder works on those of this pool, which must outlive the
  // reader: FFV1 decodes its slices side by side, other codecs work on the thread that reads.
  ThreadPool* pool = nullptr;
  // Show a clip that begins with this frame: its frames and their times count from 0, and so do
  // CountFrames() and SeekTo(). Error(kInvalidArgument) past the last frame.
  int64_t first_frame = 0;
  // Refuse a video whose pictures are damaged or incomplete, by Error(kCorrupt). Where the distance
  // of frames is even, a hole between timestamps is a missing frame, from the eighth frame on.
  bool strict = false;
  Deinterlace deinterlace = Deinterlace::kAuto;
  // The samples are codes (depth, masks), not light: strict, never deinterlaced, alpha ignored.
  bool exact = false;
  bool apply_rotation = true;  // turn frames upright by the file's display matrix
  // Convert to this format with the stream's own matrix and range. Empty: the decoder's own
  // planar format; packed ones (bgra, nv12, p010, ...) become their planar equal without loss.
  std::optional<PixelFormat> format;
};

// Gets a picture from top to bottom, some rows at a time: `band` is the part of the picture that
// begins at row y, in its full width. It is gone when the call returns.
using RowTaker = std::function<void(int y, const ImageView& band)>;

// Reads Matroska, WebM, MP4, MOV, AVI and MPEG transport streams through FFmpeg. Not thread safe.
//
// The container is recognised by the file's first bytes and nothing but this file is ever opened:
// no playlist, no network, no file that another one names. Decoders: H.264, HEVC, VP8, VP9, AV1,
// MPEG-1, -2 and -4, MJPEG, ProRes, DNxHD, CineForm, DV, FFV1, Ut Video, HuffYUV, MagicYUV, PNG,
// QuickTime RLE, v210 and raw video.
//
// Damage is told, and never stops a video that can still be watched:
//   * A file that ends before its container says so (Matroska segment or cluster, MP4 box or index,
//     AVI chunk) is kCorrupt at construction. A recording that was never finalised is read with a
//     warning, and so is a Matroska file of constant rate whose last frames are missing.
//   * The video begins with its first whole picture; those before it, which hang on pictures that
//     are not there, are left out with a warning that says how many.
//   * Later ones that the decoder reports as damaged are given out as it patched them; FFV1 frames
//     are also compared with the checksums that they carry. They and the ones that are missing are
//     counted, with one warning at the end. With options.strict the first one is kCorrupt.
// Frames without a timestamp get one from their order and durations; a timestamp that is not later
// than the one before is moved by the least that brings it in order. Where the file goes back in
// time the clip goes on from where it was. One warning for each of the two.
//
// A transport stream may begin and end anywhere. Its times count from its first packet on, packets
// that are missing make the pictures around them damaged ones, and of several programs the first
// one with pictures is read.
//
// Pixels: chroma of 4:1:0 is widened to 4:2:0; transparent pictures are shown
// over black, with a warning.
class VideoReader {
 public:
  // Decodes the first frame, so that info() states facts.
  // Throws Error: kNotFound (no such file, a folder, no picture stream), kCorrupt (not a video, cut
  // off, no frame), kUnsupported (container, codec or pixel format not on the list, Dolby Vision
  // without an ordinary base layer, pipes and devices), kLimit, kIo.
  explicit VideoReader(const std::string& path, const VideoReaderOptions& options = {});
  // The same from any source of bytes; `name` stands for the path in messages.
  VideoReader(std::unique_ptr<ByteSource> source, const std::string& name,
              const VideoReaderOptions& options = {});
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  const VideoInfo& info() const;
  // Of the frames read so far; options.deinterlace may hold one back.
  ReadingReport report() const;

  // The next frame in presentation order, with its exact timestamp; empty at the end. The pixels
  // are shared with the decoder, stay valid after the reader is gone, and must not be written to.
  // Nothing behind the end of a row may be read. Throws Error: kCorrupt (damaged, or of another
  // size or pixel format than the first frame), kLimit (more than Limits.max_frames), kIo.
  std::optional<Frame> Read();
  // The same for a picture that is used up while it is read, so that packed RGB is never unpacked
  // as a whole. The frame comes without an image.
  std::optional<Frame> Read(const RowTaker& take);

  // Makes this frame the next one that Read() gives, by decoding from the key frame before it. The
  // first call reads the container's index; where that does not list every frame at an even pace,
  // the headers of all packets. Throws Error: kInvalidArgument outside [0, CountFrames()), kCorrupt
  // (also if the file's index misleads), kUnsupported (a container that cannot be entered), kIo.
  void SeekTo(int64_t frame);
  // How many frames there are, by that index.
  int64_t CountFrames();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
