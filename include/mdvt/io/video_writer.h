// SPDX-License-Identifier: Apache-2.0
//
// Writes a video file that appears under its name only when it is whole.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/stereo_layout.h"
#include "mdvt/io/hdr_metadata.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

// Makes a picture from top to bottom, some rows at a time: `band` is the part of the picture that
// begins at row y, in its full width. What the band holds on entry is not defined.
using RowFiller = std::function<void(int y, const MutableImageView& band)>;

enum class VideoCodec {
  // Lossless, Matroska. FFV1 level 3, every frame a key frame, slices with checksums, the same
  // bytes
  // for every number of threads. Gray 8, 9, 10, 12, 16 bits; RGB and YUV 8, 9, 10, 12, 14, 16 bits.
  kFfv1,
  kH264,     // .mp4, .mov or .mkv; 8-bit and 10-bit gray, 4:2:0, 4:2:2, 4:4:4
  kH264Rgb,  // lossless RGB 8 bit (qp 0): larger than FFV1, faster to write
  kHevc,     // x265. .mp4, .mov or .mkv; 8, 10 and 12-bit gray, 4:2:0, 4:2:2, 4:4:4
  kAv1,      // SVT-AV1. .mp4 or .mkv; 8-bit and 10-bit 4:2:0
  kUtVideo,  // lossless, Matroska, made for editing; 8-bit RGB, 4:2:0, 4:2:2, 4:4:4
  // Encoders of devices: NVIDIA's; any GPU's by VA-API; Intel's Quick Sync; AMD's AMF; those of the
  // Linux kernel (V4L2). .mp4, .mov (not AV1) or .mkv (not V4L2); 4:2:0 of 8 bits, or where it is
  // neither H.264 nor V4L2, also 10. What they give depends on the device and its driver.
  kH264Nvenc,
  kHevcNvenc,
  kAv1Nvenc,
  kH264Vaapi,
  kHevcVaapi,
  kAv1Vaapi,
  kH264Qsv,
  kHevcQsv,
  kAv1Qsv,
  kH264Amf,
  kHevcAmf,
  kAv1Amf,
  kH264V4l2,
  kHevcV4l2,
};

// Where the streams end that are copied from another file.
enum class StreamEnd {
  kOwn,       // each where it ends there, also behind the last picture
  kPictures,  // with the pictures, which are fewer than there: what begins later is left out
};

struct VideoWriterOptions {
  VideoCodec codec = VideoCodec::kFfv1;
  // Of the pts given to Write(). MP4 and MOV keep times exactly; Matroska, as FFmpeg writes it,
  // rounds them to the nearest millisecond and keeps frame_rate to the nanosecond.
  Rational time_base{1, 1000};
  Rational frame_rate{0, 1};  // stated in the file when positive
  // False: frames differ in length, frame_rate is their average. Matroska then states no rate, by
  // which every longer frame would be taken for a missing one.
  bool rate_is_even = true;
  Rational sample_aspect{1, 1};
  ColorInfo color;
  // Stated in Matroska, MP4 and MOV, and in the stream of x264, x265 and SVT-AV1. The curves of
  // HDR10+ go into H.264, HEVC and AV1 with the pictures that have the times of their track; others
  // leave them out with a warning.
  HdrMetadata hdr;
  // Matroska's StereoMode, MP4's st3d box (side by side and top-bottom with the left eye first; MOV
  // has none), and the frame-packing SEI in H.264 (no anaglyphs, left eye first). What a file
  // cannot say it does not say: nothing wrong is stated in its place.
  StereoLayout stereo = StereoLayout::kNone;
  bool right_eye_first = false;  // the eyes of `stereo` are swapped
  // Each eye's picture is the middle of an equirectangular one, so many degrees across and down.
  // Stated in Matroska (Projection) and MP4 (sv3d box). Valid: (0, 180].
  std::optional<double> equirectangular_deg;
  std::map<std::string, std::string> tags;  // on the picture stream and on the container
  // Audio, subtitles, chapters, attachments and metadata are copied from this file (empty: none)
  // with the times that they have there, so that the frames must have theirs too. Streams that the
  // container cannot hold are left out with a warning each; audio is turned into AAC instead, text
  // subtitles into SubRip or timed text. Finish() tells where they end. Read as the video advances:
  // memory stays bounded.
  std::string copy_streams_from;
  bool copy_audio = true;  // false: of that file everything but its audio
  bool copy_text = true;   // false: the same for text subtitles
  int num_threads = 0;     // of the encoder; 0 means one per core
  // In place of threads of its own FFV1 codes its slices on those of this pool, which must outlive
  // the writer. x264 and x265 have threads of their own, and stand for so many of the pool while
  // they work. The file does not depend on threads, but for encoders of hardware.
  ThreadPool* pool = nullptr;
  // Quality on the scale of x264, 0 .. 51. For pictures as good by PSNR x265 gets crf + 3, SVT-AV1
  // 2.75 crf - 24.5 within [1, 63] (measured between 18 and 26). The encoders of devices take the
  // number as their constant quality or quantizer, in AV1 of VA-API and AMF four times SVT-AV1's;
  // those of V4L2 know bits only, of which they get 0.1 a pixel at 23, twice as many for 6 less. 0
  // is lossless in x264 (8 bits) and x265, and refused for SVT-AV1 and devices.
  int crf = 18;
  // Speed, by x264's names. x265 has the same ones; SVT-AV1's presets 12 .. 2 and the levels of
  // devices, from their fastest to their best, stand for them in that order. V4L2 has none.
  std::string preset = "veryfast";
  // Further options of the encoder, by FFmpeg's names: {"tune", "film"}. Error(kInvalidArgument) at
  // construction for those that it does not know or take, and for those that mdvt sets itself:
  // threads, thread_type, preset, crf, cq, qp, qp_i, qp_p, rc, rc_mode, global_quality, b, qmin,
  // qmax, x264-params, x265-params and svtav1-params.
  std::map<std::string, std::string> encoder_options;
  // Of a plain path, see OutputSet; a set has its own.
  bool overwrite = true;
};

// Throws Error(kInvalidArgument) where the ending of the path asks for no container that holds
// video of this codec: .mkv, .mp4, .m4v or .mov.
void CheckVideoName(const std::string& path, VideoCodec codec);

// Finish() counts the frames and syncs the file, which then appears under its name, or waits for
// the others of its OutputSet. Without Finish() whatever was under the name stays. Not thread safe.
class VideoWriter {
 public:
  // Throws Error: kInvalidArgument (format and codec do not go together, file ending unknown),
  // kUnsupported (encoder not in this FFmpeg), and as OutputSet::AddFile().
  VideoWriter(const OutputTarget& target, const PixelFormat& format, int width, int height,
              const VideoWriterOptions& options = {});
  ~VideoWriter();
  VideoWriter(VideoWriter&&) noexcept;
  VideoWriter& operator=(VideoWriter&&) noexcept;

  // Timestamps must increase. Throws Error: kInvalidArgument (format, size or time wrong), kIo.
  // The pixels are read before this returns and may change after.
  void Write(const ImageView& image, int64_t pts, int64_t duration = 0);
  void Write(const Image& image, int64_t pts, int64_t duration = 0) {
    Write(image.view(), pts, duration);
  }
  // The same for a picture that is made while it is written, so that it need not exist as a whole
  // beside the encoder's own. Bands begin at multiples of 2 rows.
  void Write(const RowFiller& fill, int64_t pts, int64_t duration = 0);

  // copied  kPictures where fewer frames were written than the file of copy_streams_from has.
  // Throws Error(kIo) if the disk was full or the count of frames in the file is not the count of
  // frames given; nothing appears then. No frame at all is kInvalidArgument.
  void Finish(StreamEnd copied = StreamEnd::kOwn);

  int64_t frames_written() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
