// SPDX-License-Identifier: Apache-2.0
//
// Makes a tool of a job. A tool's own file has, in namespace mdvt:
//
//   void Describe(ToolReport* to, const SomeOptions&, const SomeReport&);  // in words and by name
//   std::string OutputOf(const SomeOptions&);                              // the main output
//   ToolInfo SomeTool() { return MakeToolInfo<SomeOptions, SomeReport, RunSome>(...); }
//
// beside Describe(OptionList*, SomeOptions*), and where they apply ModelOf() and TellStart().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/model.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/tools.h"
#include "pipeline/job_common.h"

namespace mdvt {

inline std::string Percent(double share) { return FormatFixed(100 * share, 2) + " %"; }

// The value, or none where it does not apply.
template <typename T>
std::optional<T> If(bool applies, T value) {
  return applies ? std::optional<T>(value) : std::nullopt;
}

// What was written; empty names stand for files that were not asked for.
inline void AddOutputs(ToolReport* to, int64_t frames, const std::vector<std::string>& outputs) {
  to->frames = frames;
  for (const std::string& output : outputs)
    if (!output.empty()) to->outputs.push_back(output);
}

inline void AddSize(ToolReport* to, int width, int height) {
  to->Add("width", int64_t{width}, "pixels of the output");
  to->Add("height", int64_t{height}, "pixels of the output");
}

// The model that a job uses; null for jobs that use none.
inline DepthModelOptions* ModelOf(void*) { return nullptr; }

// Has what a run is going to do told by control.on_start, for jobs that know it before they begin.
inline void TellStart(const RunControl&, void*) {}

// Fields of a report for which memory is taken before the run.
constexpr size_t kMostFields = 48;

template <typename Options, typename Report>
class JobTool : public Tool {
 public:
  using Runner = Report (*)(const Options&, const RunControl&);

  explicit JobTool(Runner run) : run_(run) {
    Describe(&options_, &values_);
    if (DepthModelOptions* model = ModelOf(&values_))
      model->keep = std::make_shared<OpenedModels>();
  }

  std::unique_ptr<Tool> Clone() const override {
    auto copy = std::make_unique<JobTool>(run_);
    // What one keeps open is not for the other, which may run on another thread.
    DepthModelOptions* model = ModelOf(&copy->values_);
    const auto keep = model != nullptr ? model->keep : nullptr;
    copy->values_ = values_;
    if (model != nullptr) model->keep = keep;
    copy->options_.TakeGiven(options_);
    return copy;
  }

  void Check() const override { Settled(); }
  std::string Output() const override { return OutputOf(Settled()); }

  ToolReport Run(const RunControl& control) override {
    Options options = Settled();
    TellStart(control, &options);
    ToolReport told;
    told.fields.reserve(kMostFields);  // telling what has been done must not need much memory
    const Report report = run_(options, control);
    Describe(&told, options, report);
    return told;
  }

  void UseModel(std::shared_ptr<const Model> model) override {
    DepthModelOptions* options = ModelOf(&values_);
    Require(options != nullptr, Code::kInvalidArgument, "this tool uses no model");
    Require(model != nullptr, Code::kInvalidArgument, "UseModel: there is no model");
    IsRelativeDepth(model->info());  // throws for networks of another kind
    options_.Set("model", model->path());
    if (model->deterministic()) options_.Set("deterministic", true);
    options->loaded = std::move(model);
  }

  void UseLimits(const Limits& limits) override {
    limits.Check();
    values_.job.limits = limits;
  }

 private:
  Options Settled() const {
    Options values = values_;
    OptionList list;
    Describe(&list, &values);
    list.TakeGiven(options_);
    if (DepthModelOptions* model = ModelOf(&values)) SettleLoaded(list, model);
    list.Settle();
    values.Check();
    return values;
  }

  // The option "model" may have been set again, and what is said about opening comes too late.
  static void SettleLoaded(const OptionList& list, DepthModelOptions* model) {
    if (model->loaded && model->loaded->path() != model->path) model->loaded.reset();
    if (!model->loaded) return;
    for (const char* name : {"device", "fp16", "fp32", "sha256", "trust_model"})
      Require(!list.WasGiven(name), Code::kInvalidArgument,
              std::string(name) + " is for a model that is opened by its name, this one is open");
    Require(!model->open.deterministic || model->loaded->deterministic(), Code::kInvalidArgument,
            "deterministic is for a model that was opened so, this one was not");
  }

  Options values_;
  Runner run_;
};

template <typename Options, typename Report, Report (*run)(const Options&, const RunControl&)>
ToolInfo MakeToolInfo(const char* name, const char* purpose, const char* example) {
  ToolInfo info;
  info.name = name;
  info.purpose = purpose;
  info.example = example;
  info.make = []() -> std::unique_ptr<Tool> {
    return std::make_unique<JobTool<Options, Report>>(run);
  };
  info.report_fields = [] {
    ToolReport report;
    Describe(&report, Options(), Report());
    for (ToolReport::Field& field : report.fields) field.value = {};
    return report.fields;
  };
  return info;
}

}  // namespace mdvt
