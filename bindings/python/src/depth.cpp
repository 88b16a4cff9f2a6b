// SPDX-License-Identifier: Apache-2.0
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>

#include "locked.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/metrics.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/depth_video.h"
#include "module.h"
#include "no_gil.h"
#include "options.h"

namespace mdvt::python {
namespace {

struct PyDepthFrame {
  PyImage depth;
  Rational time_base{1, 1000};
  int64_t index = 0;
  int64_t pts = 0;
  int64_t duration = 0;
};

class PyDepthReader {
 public:
  PyDepthReader(const std::string& path, const DepthVideoReaderOptions& options)
      : pool_(options.video.num_threads),
        reader_("the reader", path, options),
        info_(reader_.With([](DepthVideoReader& reader) { return reader.info(); })),
        tags_(reader_.With([](DepthVideoReader& reader) { return reader.tags(); })),
        codec_(reader_.With([](DepthVideoReader& reader) { return reader.codec(); })) {}

  std::optional<PyDepthFrame> Read() {
    auto frame =
        reader_.With([this](DepthVideoReader& reader) { return reader.Read(pool_.get()); });
    if (!frame) return std::nullopt;
    PyDepthFrame out;
    out.depth = {std::move(frame->depth), true};  // unpacked for the caller alone
    out.time_base = info_.time_base;
    out.index = frame->index;
    out.pts = frame->pts;
    out.duration = frame->duration;
    return out;
  }
  void Close() { reader_.Close(); }
  const VideoInfo& info() const { return info_; }
  const DepthTags& tags() const { return tags_; }
  const DepthCodecOptions& codec() const { return codec_; }

 private:
  ProcessPool pool_;
  Locked<DepthVideoReader> reader_;
  const VideoInfo info_;
  const DepthTags tags_;
  const DepthCodecOptions codec_;
};

class PyDepthWriter {
 public:
  PyDepthWriter(const std::string& path, int width, int height,
                const DepthVideoWriterOptions& options)
      : options_(options),
        pool_(options.video.num_threads),
        writer_("the writer", path, width, height, options) {}

  void Write(const py::object& depth, const std::optional<int64_t>& pts,
             const std::optional<int64_t>& duration) {
    const bool is_frame = py::isinstance<PyDepthFrame>(depth);
    const DepthInput input(
        is_frame ? py::object(PlaneArray(depth.cast<const PyDepthFrame&>().depth, 0)) : depth,
        "depth");
    Times times;
    if (is_frame && !pts) {
      const auto& frame = depth.cast<const PyDepthFrame&>();
      times.pts = Rescale(frame.pts, frame.time_base, options_.video.time_base);
      times.duration = Rescale(frame.duration, frame.time_base, options_.video.time_base);
      if (duration) times.duration = *duration;
    } else {
      times = TimesOf(depth, pts, duration, frames_, options_.video);
    }
    writer_.With([&](DepthVideoWriter& writer) {
      writer.Write(input.view(), times.pts, times.duration, pool_.get());
    });
    ++frames_;
  }
  void Finish() {
    if (finished_) return;
    writer_.With([](DepthVideoWriter& writer) { writer.Finish(); });
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
  const DepthVideoWriterOptions options_;
  ProcessPool pool_;
  Locked<DepthVideoWriter> writer_;
  int64_t frames_ = 0;
  bool finished_ = false;
  bool discarded_ = false;
};

DepthCodecOptions CodecOptions(DepthEncoding encoding, double max_depth, double log_offset,
                               DepthRounding rounding) {
  const DepthCodecOptions options{encoding, max_depth, log_offset, rounding};
  options.Check();
  return options;
}

py::array Pack(const py::object& depth, DepthEncoding encoding, double max_depth, double log_offset,
               DepthRounding rounding, int num_threads) {
  const DepthInput input(depth, "depth");
  const DepthCodecOptions options = CodecOptions(encoding, max_depth, log_offset, rounding);
  PyImage encoded;
  {
    const NoGil nogil;
    ThreadPool pool(num_threads);
    encoded.image = Image(EncodedFormat(encoding), input.view().width, input.view().height);
    PackDepth(input.view(), options, encoded.image.mutable_view(), &pool);
  }
  return PixelArray(encoded);
}

py::array Unpack(const py::object& encoded, DepthEncoding encoding, double max_depth,
                 double log_offset, int num_threads) {
  const DepthCodecOptions options =
      CodecOptions(encoding, max_depth, log_offset, DepthRounding::kNearest);
  const PyImage from = ToImage(encoded, EncodedFormat(encoding), "encoded");
  PyImage depth;
  {
    const NoGil nogil;
    ThreadPool pool(num_threads);
    depth.image = Image(PixelFormat::GrayF32(), from.image.width(), from.image.height());
    UnpackDepth(from.image.view(), options, depth.image.MutablePlane<float>(), &pool);
  }
  return PixelArray(depth);
}

void AddCodec(py::module_& module) {
  py::enum_<DepthEncoding>(module, "DepthEncoding", "How metric depth becomes integer samples.")
      .value("RGB16", DepthEncoding::kRgb16, "8-bit RGB, R = G = high byte, B = low byte")
      .value("GRAY16", DepthEncoding::kGray16, "65535 codes over the range")
      .value("RGB24_LOG", DepthEncoding::kRgb24Log, "8-bit RGB, logarithmic code of 24 bits")
      .value("GRAY16_LEGACY", DepthEncoding::kGray16Legacy, "of the original exporter")
      .value("GRAY8", DepthEncoding::kGray8, "for looking at");
  py::enum_<DepthRounding>(module, "DepthRounding", "How depth between two codes is rounded.")
      .value("NEAREST", DepthRounding::kNearest, "half a step of error at most")
      .value("TRUNCATE", DepthRounding::kTruncate, "bit for bit what the original toolbox writes");

  const DepthCodecOptions defaults;
  module.def("pack_depth", &Pack, py::arg("depth"), py::kw_only(),
             py::arg("encoding") = defaults.encoding, py::arg("max_depth") = defaults.max_depth,
             py::arg("log_offset") = defaults.log_offset, py::arg("rounding") = defaults.rounding,
             py::arg("num_threads") = 1,
             "H x W metres (0 = no data) as integer samples: H x W x 3 uint8 or H x W, as the "
             "encoding says.\n\n"
             ">>> import mdvt, numpy\n"
             ">>> depth = numpy.array([[0.0, 1.5, 40.0]], numpy.float32)\n"
             ">>> packed = mdvt.pack_depth(depth, max_depth=100)\n"
             ">>> packed.shape, packed.dtype\n"
             "((1, 3, 3), dtype('uint8'))\n"
             ">>> mdvt.unpack_depth(packed, max_depth=100).round(2).tolist()\n"
             "[[0.0, 1.5, 40.0]]\n");
  module.def("unpack_depth", &Unpack, py::arg("encoded"), py::kw_only(),
             py::arg("encoding") = defaults.encoding, py::arg("max_depth") = defaults.max_depth,
             py::arg("log_offset") = defaults.log_offset, py::arg("num_threads") = 1,
             "The reverse of pack_depth: H x W float32 in metres, 0 = no data.");
}

void AddTags(py::module_& module) {
  py::enum_<DepthGeometry>(module, "DepthGeometry", "What a depth is measured along.")
      .value("Z", DepthGeometry::kZ, "planar, along the optical axis")
      .value("RANGE", DepthGeometry::kRange, "distance along each pixel's ray");
  const auto fraction = [](const std::optional<Rational>& value) -> py::object {
    return value ? ToFraction(*value) : py::none();
  };
  py::class_<DepthTags>(module, "DepthTags",
                        "What the tags of a depth file, or its sidecar, say; None where nothing.")
      .def_readonly("kind", &DepthTags::kind)
      .def_readonly("encoding", &DepthTags::encoding)
      .def_readonly("max_depth", &DepthTags::max_depth, "metres")
      .def_readonly("log_offset", &DepthTags::log_offset, "metres")
      .def_readonly("geometry", &DepthTags::geometry)
      .def_readonly("xfov_deg", &DepthTags::xfov_deg)
      .def_readonly("yfov_deg", &DepthTags::yfov_deg)
      .def_readonly("k", &DepthTags::k, "fx, fy, cx, cy in pixels")
      .def_readonly("source", &DepthTags::source, "name of the colour video")
      .def_readonly("source_frames", &DepthTags::source_frames)
      .def_property_readonly(
          "frame_rate", [fraction](const DepthTags& self) { return fraction(self.frame_rate); })
      .def_property_readonly(
          "sample_aspect",
          [fraction](const DepthTags& self) { return fraction(self.sample_aspect); })
      .def("camera_for", &DepthTags::CameraFor, py::arg("width"), py::arg("height"),
           "The camera of frames of this size, None if nothing tells it.");
}

void AddDepthReader(py::module_& module) {
  py::class_<PyDepthFrame>(module, "DepthFrame", "A frame of a depth video.")
      .def_property_readonly(
          "depth", [](const PyDepthFrame& self) { return PlaneArray(self.depth, 0); },
          "H x W float32 in metres, 0 = no data; shares the frame's memory.")
      .def_readonly("index", &PyDepthFrame::index)
      .def_readonly("pts", &PyDepthFrame::pts)
      .def_readonly("duration", &PyDepthFrame::duration)
      .def_property_readonly(
          "time",
          [](const PyDepthFrame& self) { return ToFraction(self.time_base) * py::int_(self.pts); },
          "Exact presentation time in seconds.");

  py::class_<PyDepthReader> reader(
      module, "DepthVideoReader",
      "Reads depth in metres, with range and encoding found out. Iterate over it for the frames. "
      "What is no depth video is refused.");
  reader.def(py::init([](const Path& path, std::optional<double> max_depth,
                         std::optional<DepthEncoding> encoding, bool allow_damaged,
                         bool allow_range, int num_threads, const std::optional<Limits>& limits) {
               DepthVideoReaderOptions options;
               options.max_depth = max_depth;
               options.encoding = encoding;
               options.allow_damaged = allow_damaged;
               options.allow_range = allow_range;
               options.video.num_threads = num_threads;
               options.video.limits = LimitsOrDefault(limits);
               return std::make_unique<PyDepthReader>(path, options);
             }),
             py::arg("path"), py::kw_only(), py::arg("max_depth") = std::nullopt,
             py::arg("encoding") = std::nullopt, py::arg("allow_damaged") = false,
             py::arg("allow_range") = false, py::arg("num_threads") = 0,
             py::arg("limits") = std::nullopt);
  reader.def_property_readonly("info", &PyDepthReader::info)
      .def_property_readonly("tags", &PyDepthReader::tags)
      .def_property_readonly(
          "encoding", [](const PyDepthReader& self) { return self.codec().encoding; },
          "As the file is read.")
      .def_property_readonly(
          "max_depth", [](const PyDepthReader& self) { return self.codec().max_depth; },
          "Metres, as the file is read.");
  AddReaderMethods(reader);
}

void AddDepthWriter(py::module_& module) {
  const DepthVideoWriterOptions defaults;
  py::class_<PyDepthWriter> writer(
      module, "DepthVideoWriter",
      "Writes depth in metres, with range and encoding stated in the file. It appears under its "
      "name only when it is whole.\n\n"
      ">>> import os, tempfile, mdvt, numpy\n"
      ">>> path = os.path.join(tempfile.mkdtemp(), 'depth.mkv')\n"
      ">>> with mdvt.DepthVideoWriter(path, 64, 48, max_depth=20, xfov_deg=60, frame_rate=25) as "
      "w:\n"
      "...     w.write(numpy.full((48, 64), 2.5, numpy.float32))\n"
      ">>> reader = mdvt.DepthVideoReader(path)\n"
      ">>> reader.max_depth, reader.tags.xfov_deg\n"
      "(20.0, 60.0)\n"
      ">>> round(float(next(reader).depth[0, 0]), 3)\n"
      "2.5\n");
  writer.def(
      py::init([](const Path& path, int width, int height, DepthEncoding encoding, double max_depth,
                  double log_offset, DepthRounding rounding, std::optional<double> xfov_deg,
                  std::optional<double> yfov_deg, const std::optional<Camera>& camera,
                  const std::optional<std::string>& source, std::optional<int64_t> source_frames,
                  VideoCodec codec, const py::object& time_base, const py::object& frame_rate,
                  const py::object& sample_aspect, const std::map<std::string, std::string>& tags,
                  const Path& copy_streams_from, int num_threads, bool overwrite,
                  bool write_sidecar) {
        DepthVideoWriterOptions options;
        options.codec = {encoding, max_depth, log_offset, rounding};
        options.video = WriterOptions(codec, time_base, frame_rate, sample_aspect, tags,
                                      copy_streams_from, num_threads, overwrite);
        options.tags.xfov_deg = xfov_deg;
        options.tags.yfov_deg = yfov_deg;
        if (camera) {
          Require(camera->width == width && camera->height == height, Code::kInvalidArgument,
                  "camera has another size than the video");
          options.tags.k = {camera->fx, camera->fy, camera->cx, camera->cy};
        }
        options.tags.source = source;
        options.tags.source_frames = source_frames;
        options.write_sidecar = write_sidecar;
        return std::make_unique<PyDepthWriter>(path, width, height, options);
      }),
      py::arg("path"), py::arg("width"), py::arg("height"), py::kw_only(),
      py::arg("encoding") = defaults.codec.encoding,
      py::arg("max_depth") = defaults.codec.max_depth,
      py::arg("log_offset") = defaults.codec.log_offset,
      py::arg("rounding") = defaults.codec.rounding, py::arg("xfov_deg") = std::nullopt,
      py::arg("yfov_deg") = std::nullopt, py::arg("camera") = std::nullopt,
      py::arg("source") = std::nullopt, py::arg("source_frames") = std::nullopt,
      py::arg("codec") = defaults.video.codec, py::arg("time_base") = py::none(),
      py::arg("frame_rate") = py::int_(0), py::arg("sample_aspect") = py::int_(1),
      py::arg("tags") = defaults.video.tags, py::arg("copy_streams_from") = "",
      py::arg("num_threads") = 0, py::arg("overwrite") = true, py::arg("write_sidecar") = false);
  writer.def("write", &PyDepthWriter::Write, py::arg("depth"), py::arg("pts") = std::nullopt,
             py::arg("duration") = std::nullopt,
             "H x W metres or a DepthFrame. Without pts a DepthFrame keeps its own and arrays "
             "follow at the frame rate.");
  AddWriterMethods(writer);
}

void AddMetrics(py::module_& module) {
  py::class_<DepthMetrics>(module, "DepthMetrics", "How far depth is from the truth.")
      .def_readonly("pixels", &DepthMetrics::pixels, "where both maps have data")
      .def_readonly("abs_rel", &DepthMetrics::abs_rel, "mean |d - t| / t")
      .def_readonly("rmse", &DepthMetrics::rmse, "metres")
      .def_readonly("delta1", &DepthMetrics::delta1, "share with max(d / t, t / d) < 1.25")
      .def_readonly("scale", &DepthMetrics::scale, "that was applied before comparing")
      .def("__repr__", [](const DepthMetrics& self) {
        return "<mdvt.DepthMetrics abs_rel=" + std::to_string(self.abs_rel) +
               " rmse=" + std::to_string(self.rmse) + " delta1=" + std::to_string(self.delta1) +
               " scale=" + std::to_string(self.scale) + ">";
      });
  py::class_<DepthMetricsAccumulator>(
      module, "DepthMetricsAccumulator",
      "Gathers pairs of depth maps over a clip: first all of them for the scale, then all of them "
      "for the errors.\n\n"
      ">>> import mdvt, numpy\n"
      ">>> truth = numpy.linspace(1, 5, 12).reshape(3, 4)\n"
      ">>> metrics = mdvt.DepthMetricsAccumulator()\n"
      ">>> metrics.add_for_scale(truth / 2, truth)\n"
      ">>> round(metrics.median_scale(), 2)\n"
      "2.0\n"
      ">>> metrics.add(truth / 2, truth, metrics.median_scale())\n"
      ">>> metrics.result().delta1\n"
      "1.0\n")
      .def(py::init<>())
      .def(
          "add_for_scale",
          [](DepthMetricsAccumulator& self, const py::object& estimate, const py::object& truth) {
            self.AddForScale(DepthInput(estimate, "estimate").view(),
                             DepthInput(truth, "truth").view());
          },
          py::arg("estimate"), py::arg("truth"))
      .def("median_scale", &DepthMetricsAccumulator::MedianScale,
           "Median of truth / estimate; 1 if no pair had data.")
      .def(
          "add",
          [](DepthMetricsAccumulator& self, const py::object& estimate, const py::object& truth,
             double scale) {
            self.Add(DepthInput(estimate, "estimate").view(), DepthInput(truth, "truth").view(),
                     scale);
          },
          py::arg("estimate"), py::arg("truth"), py::arg("scale") = 1.0)
      .def("result", &DepthMetricsAccumulator::Result);
}

}  // namespace

void AddDepth(py::module_& module) {
  AddCodec(module);
  AddTags(module);
  AddDepthReader(module);
  AddDepthWriter(module);
  AddMetrics(module);
}

}  // namespace mdvt::python
