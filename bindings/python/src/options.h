// SPDX-License-Identifier: Apache-2.0
//
// Options that several classes take as keyword arguments.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <string>

#include "arrays.h"
#include "mdvt/core/limits.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"

namespace mdvt::python {

// What Python takes for a path: a str, bytes, or a pathlib.Path.
struct Path {
  std::string text;
  operator const std::string&() const { return text; }
};

// A name as Python shows it, also one that is not UTF-8.
inline py::object NameToPython(const std::string& text) {
  return py::reinterpret_steal<py::object>(
      PyUnicode_DecodeFSDefaultAndSize(text.data(), static_cast<py::ssize_t>(text.size())));
}

// Python's None stands for the defaults.
inline Limits LimitsOrDefault(const std::optional<Limits>& limits) {
  return limits.value_or(Limits());
}

// What one write() gives besides pixels.
struct Times {
  int64_t pts = 0;
  int64_t duration = 0;
};

// Explicit times first, then those of a frame, then `count` frames at the stated rate.
Times TimesOf(const py::handle& picture, const std::optional<int64_t>& pts,
              const std::optional<int64_t>& duration, int64_t count,
              const VideoWriterOptions& options);

VideoWriterOptions WriterOptions(VideoCodec codec, const py::object& time_base,
                                 const py::object& frame_rate, const py::object& sample_aspect,
                                 const std::map<std::string, std::string>& tags,
                                 const Path& copy_streams_from, int num_threads, bool overwrite);

// Adds the methods that every writer has: finish, discard, and "with" that does the one or, after
// an exception, the other.
template <typename Class>
void AddWriterMethods(Class& writer) {
  using Self = typename Class::type;
  writer
      .def("finish", &Self::Finish,
           "Completes, counts, syncs and renames the file. Nothing appears under its name before.")
      .def("discard", &Self::Discard, "Removes what was written, unless it is finished.")
      .def_property_readonly("frames_written", &Self::FramesWritten)
      .def("__enter__", [](py::object self) { return self; })
      .def(
          "__exit__",
          [](Self& self, const py::object& type, const py::object&, const py::object&) {
            if (!type.is_none()) {
              self.Discard();
            } else if (!self.discarded()) {
              self.Finish();
            }
          },
          py::arg("type"), py::arg("value"), py::arg("traceback"));
}

// The same for readers: iteration, close, "with".
template <typename Class>
void AddReaderMethods(Class& reader) {
  using Self = typename Class::type;
  reader.def("read", &Self::Read, "The next frame in order of presentation, None at the end.")
      .def("close", &Self::Close)
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__",
           [](Self& self) {
             auto frame = self.Read();
             if (!frame) throw py::stop_iteration();
             return std::move(*frame);
           })
      .def("__enter__", [](py::object self) { return self; })
      .def(
          "__exit__",
          [](Self& self, const py::object&, const py::object&, const py::object&) { self.Close(); },
          py::arg("type"), py::arg("value"), py::arg("traceback"));
}

}  // namespace mdvt::python

template <>
struct pybind11::detail::type_caster<mdvt::python::Path> {
  PYBIND11_TYPE_CASTER(mdvt::python::Path, const_name("os.PathLike"));

  bool load(handle source, bool /*convert*/) {
    auto given = reinterpret_steal<object>(PyOS_FSPath(source.ptr()));
    if (given && PyUnicode_Check(given.ptr()))
      given = reinterpret_steal<object>(PyUnicode_EncodeFSDefault(given.ptr()));
    if (given) value.text = reinterpret_borrow<bytes>(given);
    PyErr_Clear();
    return static_cast<bool>(given);
  }
};
