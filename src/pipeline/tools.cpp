// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/tools.h"

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/model.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "pipeline/job_common.h"
#include "pipeline/stereo_settings.h"

namespace mdvt {
namespace {

std::string SizeText(int width, int height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

std::string Percent(double share) { return FormatFixed(100 * share, 2) + " %"; }

// The value, or none where it does not apply.
template <typename T>
std::optional<T> If(bool applies, T value) {
  return applies ? std::optional<T>(value) : std::nullopt;
}

void AddSize(ToolReport* to, int width, int height) {
  to->Add("width", int64_t{width}, "pixels of the output");
  to->Add("height", int64_t{height}, "pixels of the output");
}

// ---- What each job tells, in words and by name.

std::string Summary(const DepthJobReport& report) {
  std::string text = SizeText(report.width, report.height);
  if (report.xfov_deg > 0) text += ", xfov " + FormatFixed(report.xfov_deg, 2) + " degrees";
  if (!report.model.empty()) {
    text += ", " + report.model;
    if (report.calibration)
      text += ", 1 / depth = " + FormatFixed(report.calibration->scale, 6) + " x + " +
              FormatFixed(report.calibration->shift, 6) + " per metre";
    if (report.fit)
      text += " (" + FormatFixed(100 * report.fit->inlier_share, 1) + " % of " +
              std::to_string(report.fit->samples) + " pixels, R2 " +
              FormatFixed(report.fit->r_squared, 3) + ")";
    return text;
  }
  if (!report.translation_found)
    return text + ", a guess: the camera never moved sideways or forward";
  return text + ", " + std::to_string(report.measured_frames) + " measured from camera motion";
}

void Describe(ToolReport* to, const DepthJobOptions& options, const DepthJobReport& report) {
  to->frames = report.frames;
  to->outputs = {report.output};
  if (!options.transformation_output.empty()) to->outputs.push_back(options.transformation_output);
  to->summary = Summary(report);
  AddSize(to, report.width, report.height);
  const bool by_model = !report.model.empty();
  to->Add("xfov", If(report.xfov_deg > 0, report.xfov_deg),
          "degrees, of the clip or of its median frame");
  to->Add("translation_found", If(!by_model, report.translation_found),
          "off: the camera only turned or stood still, depth is a guess");
  to->Add("measured_frames", If(!by_model, report.measured_frames),
          "frames whose depth comes from the camera's translation");
  to->Add("model", report.model, "name of the model in its metadata, empty for motion");
  to->Add("model_license", report.model_license, "as its metadata states it");
  const DisparityCalibration calibration = report.calibration.value_or(DisparityCalibration{});
  const DisparityFitResult fit = report.fit.value_or(DisparityFitResult{});
  to->Add("disparity_scale", If(report.calibration.has_value(), calibration.scale),
          "of a relative model: 1 / depth = scale x + shift");
  to->Add("disparity_shift", If(report.calibration.has_value(), calibration.shift),
          "of a relative model, per metre");
  to->Add("fit_samples", If(report.fit.has_value(), static_cast<int64_t>(fit.samples)),
          "pixels that were compared with the reference depth");
  to->Add("fit_inlier_share", If(report.fit.has_value(), fit.inlier_share),
          "of them: those that scale and shift explain");
  to->Add("fit_r_squared", If(report.fit.has_value(), fit.r_squared), "of the inliers");
  to->Add("fit_by_median", If(report.fit.has_value(), fit.by_median),
          "on: no line explains them, the scale is the median ratio");
}

void Describe(ToolReport* to, const StereoJobOptions& options, const StereoJobReport& report) {
  to->frames = report.frames;
  to->outputs = {report.output};
  if (!report.mask_output.empty()) to->outputs.push_back(report.mask_output);
  if (!options.preview.contact_sheet.empty()) to->outputs.push_back(options.preview.contact_sheet);
  to->summary = SizeText(report.width, report.height) + ", " + Percent(report.hole_share) +
                " not seen by the camera";
  AddSize(to, report.width, report.height);
  to->Add("mask_output", report.mask_output, "the infill mask, empty if none was asked for");
  to->Add("hole_share", report.hole_share, "mean share of pixels that the source did not show");
}

void Describe(ToolReport* to, const ExportJobOptions& options, const ExportJobReport& report) {
  to->frames = report.frames;
  for (const std::string& output : {report.grey_output, options.ply_folder, options.obj_folder})
    if (!output.empty()) to->outputs.push_back(output);
  to->summary = SizeText(report.width, report.height);
  if (report.files > 0) to->summary += ", " + std::to_string(report.files) + " files";
  AddSize(to, report.width, report.height);
  to->Add("geometry_files", report.files, "PLY and OBJ files");
}

void Describe(ToolReport* to, const MonoToSbsJobOptions& options, const MonoToSbsReport& report) {
  to->frames = report.frames;
  to->outputs = {report.output};
  if (!report.mask_output.empty()) to->outputs.push_back(report.mask_output);
  if (!options.preview.contact_sheet.empty()) to->outputs.push_back(options.preview.contact_sheet);
  to->summary = SizeText(report.width, report.height) + ", " + CountOf(report.scenes, "scene") +
                ", mean shift " + FormatFixed(report.mean_shift, 1) + " pixels, " +
                Percent(report.hole_share) + " filled";
  AddSize(to, report.width, report.height);
  to->Add("scenes", int64_t{report.scenes}, "scenes found");
  to->Add("mean_shift", report.mean_shift, "of all frames, pixels of one eye");
  to->Add("hole_share", report.hole_share, "mean share of pixels that the source did not show");
}

// ---- Where each job writes, and which model it uses.

std::string OutputOf(const DepthJobOptions& options) {
  return OutputName(options.output, options.color_video, "_depth.mkv");
}
std::string OutputOf(const StereoJobOptions& options) { return Settle(options).output; }
std::string OutputOf(const ExportJobOptions& options) {
  if (!options.bit8 && !options.bit16) return "";
  return OutputName(options.output, options.depth_video,
                    options.bit16 ? "_grey16.mkv" : "_grey8.mkv");
}
std::string OutputOf(const MonoToSbsJobOptions& options) {
  return OutputName(options.output, options.input,
                    ViewLayoutOf(options.frame.canvas.layout).suffix + ".mp4");
}

DepthModelOptions* ModelOf(DepthJobOptions* options) { return &options->source.model; }
DepthModelOptions* ModelOf(MonoToSbsJobOptions* options) { return &options->source.model; }
DepthModelOptions* ModelOf(StereoJobOptions*) { return nullptr; }
DepthModelOptions* ModelOf(ExportJobOptions*) { return nullptr; }

// What a run is going to do, for jobs that tell.
void TellStart(const RunControl&, DepthJobOptions*) {}
void TellStart(const RunControl&, StereoJobOptions*) {}
void TellStart(const RunControl&, ExportJobOptions*) {}
void TellStart(const RunControl& control, MonoToSbsJobOptions* options) {
  if (!control.on_start) return;
  options->on_start = [&control, options](const MonoToSbsPlan& plan) {
    control.on_start(MonoToSbsFacts(*options, plan));
  };
}

template <typename Options, typename Report>
class JobTool : public Tool {
 public:
  using Runner = Report (*)(const Options&, const RunControl&);

  explicit JobTool(Runner run) : run_(run) {
    Describe(&options_, &values_);
    if (DepthModelOptions* model = ModelOf(&values_)) model->keep = std::make_shared<OpenedModel>();
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
    const Report report = run_(options, control);
    ToolReport told;
    Describe(&told, options, report);
    return told;
  }

  void UseModel(std::shared_ptr<const Model> model) override {
    DepthModelOptions* options = ModelOf(&values_);
    Require(options != nullptr, Code::kInvalidArgument, "this tool uses no model");
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
std::unique_ptr<Tool> Make() {
  return std::make_unique<JobTool<Options, Report>>(run);
}

template <typename Options, typename Report>
std::vector<ToolReport::Field> Fields() {
  ToolReport report;
  Describe(&report, Options(), Report());
  for (ToolReport::Field& field : report.fields) field.value = {};
  return report.fields;
}

}  // namespace

const std::vector<ToolInfo>& Tools() {
  static const std::vector<ToolInfo> tools = {
      {"video_metric_convert",
       "Makes a metric depth video of a color video: from the motion of its camera, or with a "
       "depth\n"
       "model. Motion and relative models do not tell the world's size: --scene_scale sets it.",
       "video_metric_convert --color_video clip.mp4 --xfov 60",
       Make<DepthJobOptions, DepthJobReport, RunDepthJob>, Fields<DepthJobOptions, DepthJobReport>},
      {"stereo_rerender",
       "Renders a side-by-side stereo video (left eye left, full size each) from a color video "
       "and\n"
       "its metric depth video. Without --remove_edges or --infill_mask what the camera did not "
       "see\n"
       "is filled from the background beside it.",
       "stereo_rerender --depth_video clip.mp4_depth.mkv --color_video clip.mp4 --xfov 48",
       Make<StereoJobOptions, StereoJobReport, RunStereoJob>,
       Fields<StereoJobOptions, StereoJobReport>},
      {"mono_to_sbs",
       "Makes a stereo video of a color video in one run: depth, both eyes, and the sound of the "
       "input.\n"
       "Depth comes from the motion of the camera (where it does not move, depth is a guess) or "
       "from a\ndepth model.",
       "mono_to_sbs clip.mp4 clip_sbs.mp4 --preset 1080 --layout half-sbs",
       Make<MonoToSbsJobOptions, MonoToSbsReport, RunMonoToSbsJob>,
       Fields<MonoToSbsJobOptions, MonoToSbsReport>},
      {"convert_metric_depth_video_to_other_format",
       "Turns a depth video into a grey video (--bit8 or --bit16) and into a point cloud "
       "(--save_ply)\n"
       "or mesh (--save_obj) per frame: x right, y down, z forward, metres.",
       "convert_metric_depth_video_to_other_format --depth_video clip.mp4_depth.mkv \\\n"
       "      --color_video clip.mp4 --xfov 55 --save_ply clip_ply",
       Make<ExportJobOptions, ExportJobReport, RunExportJob>,
       Fields<ExportJobOptions, ExportJobReport>}};
  return tools;
}

const ToolInfo& FindTool(const std::string& name) {
  std::string names;
  for (const ToolInfo& tool : Tools()) {
    if (name == tool.name) return tool;
    names += (names.empty() ? "" : ", ") + std::string(tool.name);
  }
  throw Error(Code::kInvalidArgument, "there is no tool '" + name + "', only " + names);
}

std::unique_ptr<Tool> MakeTool(const std::string& name) { return FindTool(name).make(); }

const ToolReport::Field& ToolReport::At(const std::string& name) const {
  std::string names;
  for (const Field& field : fields) {
    if (field.name == name) return field;
    names += (names.empty() ? "" : ", ") + field.name;
  }
  throw Error(Code::kInvalidArgument, "the report has no '" + name + "', only " + names);
}

const ToolReport::Field* ToolReport::Find(const std::string& name) const {
  for (const Field& field : fields)
    if (field.name == name) return &field;
  return nullptr;
}

}  // namespace mdvt
