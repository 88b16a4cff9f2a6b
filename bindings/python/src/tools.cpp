// SPDX-License-Identifier: Apache-2.0
//
// Whole jobs: the tools of the registry, their options by name. _tools.py makes a Python function
// of each.
#include <pybind11/stl.h>

#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/run.h"
#include "mdvt/pipeline/tools.h"
#include "models.h"
#include "module.h"
#include "no_gil.h"
#include "options.h"

namespace mdvt::python {
namespace {

// Cancels jobs from any thread.
struct CancelFlag {
  std::atomic<bool> set{false};
};

// Runs a job without Python's lock. What the callback or Ctrl-C raises cancels the job and is
// raised again when all of its threads have ended.
ToolReport Run(Tool* tool, const std::optional<Limits>& limits, const py::object& progress,
               const CancelFlag* cancel) {
  if (limits) tool->UseLimits(*limits);
  std::exception_ptr raised;
  RunControl control;
  if (cancel != nullptr) control.cancelled = &cancel->set;
  control.on_progress = [&](const Progress& done) {
    if (InterpreterEnds()) return false;
    const py::gil_scoped_acquire gil;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (progress.is_none()) return true;
      const py::object answer = progress(done);
      return !(py::isinstance<py::bool_>(answer) && !answer.cast<bool>());
    } catch (...) {
      raised = std::current_exception();
      return false;
    }
  };
  try {
    const NoGil nogil;
    return tool->Run(control);
  } catch (const Error&) {
    if (raised) std::rethrow_exception(raised);
    throw;
  }
}

// What Python gives for an option: bool, int, float, str, a path, or numpy's numbers.
OptionValue ToOptionValue(const py::handle& value, const std::string& name) {
  py::detail::make_caster<bool> flag;
  if (flag.load(value, /*convert=*/false)) return py::detail::cast_op<bool>(flag);
  py::detail::make_caster<int64_t> whole;
  if (PyIndex_Check(value.ptr()) && whole.load(value, /*convert=*/false))
    return py::detail::cast_op<int64_t>(whole);
  if (PyNumber_Check(value.ptr()))
    return py::float_(py::reinterpret_borrow<py::object>(value)).cast<double>();
  try {
    return value.cast<Path>().text;
  } catch (const py::cast_error&) {
    throw Error(Code::kInvalidArgument, name + " is a " +
                                            std::string(Py_TYPE(value.ptr())->tp_name) +
                                            ", must be a bool, a number, a text or a path");
  }
}

void SetOptions(const py::dict& options, Tool* tool) {
  std::map<std::string, std::string> given;
  for (const auto& [key, value] : options) {
    const auto name = key.cast<std::string>();
    const Option& option = tool->options().At(name);
    if (value.is_none()) continue;
    const auto [other, is_new] = given.emplace(option.name, name);
    Require(is_new, Code::kInvalidArgument,
            other->second + " and " + name + " are the same option, give one");
    if (option.name == "model" && py::isinstance<PyModel>(value)) {
      const auto& model = value.cast<const PyModel&>();
      tool->UseModel(model.model);
      if (model.deterministic) tool->options().Set("deterministic", true);
    } else {
      tool->options().Set(name, ToOptionValue(value, name));
    }
  }
}

py::object ToPython(const OptionValue& value) {
  return std::visit(
      [](const auto& v) -> py::object {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
          return py::none();
        else if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>)
          return NameToPython(v);
        else
          return py::cast(v);
      },
      value);
}

void AddProgress(py::module_& module) {
  py::class_<Progress>(module, "Progress", "How far a job has come.")
      .def_readonly("phase", &Progress::phase, "what the job is at")
      .def_readonly("frames_done", &Progress::frames_done, "of this phase")
      .def_readonly("frames_total", &Progress::frames_total,
                    "of this phase; 0 if not known, an estimate until the last frame")
      .def_readonly("seconds", &Progress::seconds, "since the start of the job")
      .def_readonly("frames_per_second", &Progress::frames_per_second)
      .def("__repr__", [](const Progress& self) {
        return "<mdvt.Progress " + std::to_string(self.frames_done) + " of " +
               std::to_string(self.frames_total) + ">";
      });
  py::class_<CancelFlag>(module, "CancelFlag",
                         "Cancels the jobs that were given it, from any thread.")
      .def(py::init<>())
      .def("set", [](CancelFlag& self) { self.set.store(true); })
      .def("is_set", [](const CancelFlag& self) { return self.set.load(); });
}

void AddReport(py::module_& module) {
  py::class_<ToolReport>(module, "Report",
                         "What a tool has written and found. What only some tools tell is an "
                         "attribute too, None where it does not apply to the run.")
      .def_readonly("frames", &ToolReport::frames)
      .def_property_readonly(
          "output",
          [](const ToolReport& self) {
            return self.outputs.empty() ? py::none() : NameToPython(self.outputs.front());
          },
          "the first of the outputs")
      .def_property_readonly(
          "outputs",
          [](const ToolReport& self) {
            py::list names;
            for (const std::string& output : self.outputs) names.append(NameToPython(output));
            return names;
          },
          "files and folders")
      .def_readonly("summary", &ToolReport::summary, "one line for people")
      .def(
          "__getattr__",
          [](const ToolReport& self, const std::string& name) {
            if (const ToolReport::Field* field = self.Find(name)) return ToPython(field->value);
            std::string names = "frames, output, outputs, summary";
            for (const ToolReport::Field& field : self.fields) names += ", " + field.name;
            throw py::attribute_error("this report has no '" + name + "', only " + names);
          },
          py::arg("name"))
      .def("__dir__",
           [](const py::object& self) {
             py::list names = py::module_::import("builtins").attr("dir")(py::type::of(self));
             for (const auto& field : self.cast<const ToolReport&>().fields)
               names.append(field.name);
             return names;
           })
      .def("__repr__", [](const ToolReport& self) {
        return "<mdvt.Report " + std::to_string(self.frames) + " frames, " + self.summary + ">";
      });
}

}  // namespace

void AddTools(py::module_& module) {
  AddProgress(module);
  AddReport(module);
  module.def("_describe", [] {
    py::list tools;
    for (const ToolInfo& tool : Tools()) tools.append(ToolToJson(tool));
    return tools;
  });
  module.def("_run", [](const std::string& tool_name, const py::dict& options,
                        const std::optional<Limits>& limits, const py::object& progress,
                        const CancelFlag* cancel) {
    const std::unique_ptr<Tool> tool = MakeTool(tool_name);
    SetOptions(options, tool.get());
    return Run(tool.get(), limits, progress, cancel);
  });
  module.def(
      "run_job",
      [](const py::object& job, const std::optional<Limits>& limits, const py::object& progress,
         const CancelFlag* cancel) {
        std::unique_ptr<Tool> tool;
        if (py::isinstance<py::dict>(job)) {
          const auto as_json = py::module_::import("json").attr("dumps");
          const auto as_path = py::module_::import("os").attr("fspath");
          tool = ToolFromJson(as_json(job, py::arg("default") = as_path).cast<std::string>(),
                              "the job");
        } else {
          tool = ToolFromJobFile(job.cast<Path>());
        }
        return Run(tool.get(), limits, progress, cancel);
      },
      py::arg("job"), py::kw_only(), py::arg("limits") = std::nullopt,
      py::arg("progress") = py::none(), py::arg("cancel") = py::none(),
      "Runs a job file, as --print_job of the programs writes it, or a dict of the same shape: "
      "{\"tool\": \"stereo_rerender\", \"options\": {\"depth_video\": \"a.mkv\"}}.");
}

}  // namespace mdvt::python
