// SPDX-License-Identifier: Apache-2.0
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>

#include "locked.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "module.h"
#include "options.h"

namespace mdvt::python {
namespace {

class PyVideoReader {
 public:
  PyVideoReader(const std::string& path, const VideoReaderOptions& options)
      : reader_("the reader", path, options),
        info_(reader_.With([](VideoReader& reader) { return reader.info(); })) {}

  std::optional<PyFrame> Read() {
    auto frame = reader_.With([](VideoReader& reader) { return reader.Read(); });
    if (!frame) return std::nullopt;
    PyFrame out;
    out.pixels = {std::move(frame->image), false};
    out.color = info_.color;
    out.time_base = info_.time_base;
    out.index = frame->index;
    out.pts = frame->pts;
    out.duration = frame->duration;
    return out;
  }
  void Close() { reader_.Close(); }
  const VideoInfo& info() const { return info_; }

 private:
  Locked<VideoReader> reader_;
  const VideoInfo info_;
};

class PyVideoWriter {
 public:
  PyVideoWriter(const std::string& path, const PixelFormat& format, int width, int height,
                const VideoWriterOptions& options)
      : options_(options),
        format_(format),
        writer_("the writer", path, format, width, height, options) {}

  void Write(const py::object& picture, const std::optional<int64_t>& pts,
             const std::optional<int64_t>& duration) {
    const PyImage image = ToImage(picture, format_, "picture");
    const Times times = TimesOf(picture, pts, duration, FramesWritten(), options_);
    writer_.With([&](VideoWriter& writer) {
      if (image.writable) {
        // Whoever may write to the pixels may do so as soon as this returns.
        writer.Write(image.image.view(), times.pts, times.duration);
      } else {
        writer.Write(image.image, times.pts, times.duration);
      }
    });
    ++frames_;
  }
  void Finish() {
    if (finished_) return;
    writer_.With([](VideoWriter& writer) { writer.Finish(); });
    finished_ = true;
    writer_.Close();
  }
  void Discard() {
    discarded_ = !finished_;
    writer_.Close();
  }
  bool discarded() const { return discarded_; }
  int64_t FramesWritten() const { return frames_; }

 private:
  const VideoWriterOptions options_;
  const PixelFormat format_;
  Locked<VideoWriter> writer_;
  int64_t frames_ = 0;
  bool finished_ = false;
  bool discarded_ = false;
};

void AddInfo(py::module_& module) {
  py::class_<VideoInfo>(module, "VideoInfo", "What is known about a video before its frames.")
      .def_readonly("path", &VideoInfo::path)
      .def_readonly("container", &VideoInfo::container, "FFmpeg's name")
      .def_readonly("codec", &VideoInfo::codec, "FFmpeg's name")
      .def_readonly("lossless", &VideoInfo::lossless)
      .def_readonly("width", &VideoInfo::width, "upright pixels")
      .def_readonly("height", &VideoInfo::height)
      .def_readonly("format", &VideoInfo::format)
      .def_readonly("codec_format", &VideoInfo::codec_format,
                    "FFmpeg's name of what the decoder gives")
      .def_readonly("color", &VideoInfo::color)
      .def_property_readonly("sample_aspect",
                             [](const VideoInfo& self) { return ToFraction(self.sample_aspect); })
      .def_readonly("rotation_deg", &VideoInfo::rotation_deg, "clockwise turn that was applied")
      .def_readonly("mirrored", &VideoInfo::mirrored)
      .def_property_readonly(
          "time_base", [](const VideoInfo& self) { return ToFraction(self.time_base); },
          "seconds in a unit of pts")
      .def_property_readonly(
          "frame_rate", [](const VideoInfo& self) { return ToFraction(self.frame_rate); },
          "average; 0 if the file does not say")
      .def_readonly("start_pts", &VideoInfo::start_pts)
      .def_readonly("estimated_frames", &VideoInfo::estimated_frames,
                    "for progress only; 0 if not known")
      .def_readonly("has_audio", &VideoInfo::has_audio)
      .def_readonly("tags", &VideoInfo::tags, "keys in upper case");
}

void AddReader(py::module_& module) {
  py::class_<PyVideoReader> reader(
      module, "VideoReader",
      "Reads Matroska, WebM, MP4, MOV, AVI and MPEG transport streams frame by frame, in the "
      "file's "
      "own pixel format or converted to `format`. Iterate over it for the frames; use it in a with "
      "statement to close the file early.");
  reader.def(
      py::init([](const Path& path, const std::optional<PixelFormat>& format, bool apply_rotation,
                  int num_threads, const std::optional<Limits>& limits) {
        VideoReaderOptions options;
        options.format = format;
        options.apply_rotation = apply_rotation;
        options.num_threads = num_threads;
        options.limits = LimitsOrDefault(limits);
        return std::make_unique<PyVideoReader>(path, options);
      }),
      py::arg("path"), py::kw_only(), py::arg("format") = std::nullopt,
      py::arg("apply_rotation") = true, py::arg("num_threads") = 0,
      py::arg("limits") = std::nullopt);
  reader.def_property_readonly("info", &PyVideoReader::info);
  AddReaderMethods(reader);
}

void AddWriter(py::module_& module) {
  py::enum_<VideoCodec>(module, "VideoCodec", "How pictures are encoded.")
      .value("FFV1", VideoCodec::kFfv1, "lossless, .mkv; every integer format")
      .value("H264", VideoCodec::kH264, ".mp4, .mov, .mkv; YUV, 8 and 10 bits")
      .value("H264_RGB", VideoCodec::kH264Rgb, "lossless RGB 8 bits: larger than FFV1, faster");
  py::enum_<StereoLayout>(module, "StereoLayout", "Where the eyes are in a picture.")
      .value("NONE", StereoLayout::kNone)
      .value("SIDE_BY_SIDE", StereoLayout::kSideBySide, "left half: left eye");

  const VideoWriterOptions defaults;
  py::class_<PyVideoWriter> writer(
      module, "VideoWriter",
      "Writes a video that appears under its name only when it is whole: with finish(), or at the "
      "end of a with statement that no exception leaves.\n\n"
      ">>> import fractions, os, tempfile, mdvt, numpy\n"
      ">>> path = os.path.join(tempfile.mkdtemp(), 'gray.mkv')\n"
      ">>> with mdvt.VideoWriter(path, mdvt.PixelFormat.gray(), 64, 48, frame_rate=25) as writer:\n"
      "...     for level in range(3):\n"
      "...         writer.write(numpy.full((48, 64), level, numpy.uint8))\n"
      ">>> [int(frame.planes[0][0, 0]) for frame in mdvt.VideoReader(path)]\n"
      "[0, 1, 2]\n"
      ">>> [frame.time for frame in mdvt.VideoReader(path)][1]\n"
      "Fraction(1, 25)\n");
  writer.def(
      py::init([](const Path& path, const PixelFormat& format, int width, int height,
                  VideoCodec codec, const py::object& time_base, const py::object& frame_rate,
                  const py::object& sample_aspect, const ColorInfo& color, StereoLayout stereo,
                  const std::map<std::string, std::string>& tags, const Path& copy_streams_from,
                  int num_threads, int crf, const std::string& preset, bool overwrite) {
        VideoWriterOptions options = WriterOptions(codec, time_base, frame_rate, sample_aspect,
                                                   tags, copy_streams_from, num_threads, overwrite);
        options.color = color;
        options.stereo = stereo;
        options.crf = crf;
        options.preset = preset;
        return std::make_unique<PyVideoWriter>(path, format, width, height, options);
      }),
      py::arg("path"), py::arg("format"), py::arg("width"), py::arg("height"), py::kw_only(),
      py::arg("codec") = defaults.codec, py::arg("time_base") = py::none(),
      py::arg("frame_rate") = py::int_(0), py::arg("sample_aspect") = py::int_(1),
      py::arg("color") = defaults.color, py::arg("stereo") = defaults.stereo,
      py::arg("tags") = defaults.tags, py::arg("copy_streams_from") = "",
      py::arg("num_threads") = 0, py::arg("crf") = defaults.crf,
      py::arg("preset") = defaults.preset, py::arg("overwrite") = true,
      "Fractions and ints are exact. time_base is the unit of pts in seconds: without it 1 / "
      "frame_rate, and 1/1000 without that.");
  writer.def("write", &PyVideoWriter::Write, py::arg("picture"), py::arg("pts") = std::nullopt,
             py::arg("duration") = std::nullopt,
             "An Image, a Frame, an H x W or H x W x 3 array, or a list of planes. Without pts a "
             "Frame keeps its own and other pictures follow at the frame rate.");
  AddWriterMethods(writer);
}

}  // namespace

VideoWriterOptions WriterOptions(VideoCodec codec, const py::object& time_base,
                                 const py::object& frame_rate, const py::object& sample_aspect,
                                 const std::map<std::string, std::string>& tags,
                                 const Path& copy_streams_from, int num_threads, bool overwrite) {
  VideoWriterOptions options;
  options.codec = codec;
  options.frame_rate = FromFraction(frame_rate, "frame_rate");
  options.sample_aspect = FromFraction(sample_aspect, "sample_aspect");
  if (!time_base.is_none()) {
    options.time_base = FromFraction(time_base, "time_base");
  } else if (options.frame_rate.IsPositive()) {
    options.time_base = {options.frame_rate.den, options.frame_rate.num};
  }
  options.tags = tags;
  options.copy_streams_from = copy_streams_from;
  options.num_threads = num_threads;
  options.overwrite = overwrite;
  return options;
}

Times TimesOf(const py::handle& picture, const std::optional<int64_t>& pts,
              const std::optional<int64_t>& duration, int64_t count,
              const VideoWriterOptions& options) {
  Times times;
  if (!pts && py::isinstance<PyFrame>(picture)) {
    const auto& frame = picture.cast<const PyFrame&>();
    times.pts = Rescale(frame.pts, frame.time_base, options.time_base);
    times.duration = Rescale(frame.duration, frame.time_base, options.time_base);
  } else if (!pts) {
    Require(options.frame_rate.IsPositive(), Code::kInvalidArgument,
            "pts is not given, and the writer has no frame_rate to count by");
    const Rational frame{options.frame_rate.den, options.frame_rate.num};
    times.pts = Rescale(count, frame, options.time_base);
    times.duration = Rescale(count + 1, frame, options.time_base) - times.pts;
  } else {
    times.pts = *pts;
  }
  if (duration) times.duration = *duration;
  return times;
}

void AddVideo(py::module_& module) {
  AddInfo(module);
  AddReader(module);
  AddWriter(module);
}

}  // namespace mdvt::python
