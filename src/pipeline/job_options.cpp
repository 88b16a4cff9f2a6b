// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/job_options.h"

#include <string>

#include "mdvt/core/error.h"
#include "mdvt/pipeline/depth_model.h"
#include "pipeline/job_common.h"

namespace mdvt {

void Describe(OptionList* list, ReadingOptions* options) {
  list->Section("reading");
  list->Field("strict", &options->strict,
              "refuse a video that is damaged or incomplete; off: read what there is, and tell");
  static const EnumNames<Deinterlace> names = {
      {"auto", Deinterlace::kAuto}, {"off", Deinterlace::kOff}, {"fields", Deinterlace::kFields}};
  list->Field("deinterlace", &options->deinterlace, names,
              "interlaced video: make a whole picture of each frame (auto), leave it woven (off), "
              "or make a picture of each field, twice as many (fields)");
}

void DescribePictures(OptionList* list, JobOptions* options) {
  Describe(list, &options->reading);
  list->Field("one_picture", &options->one_picture,
              "take a video that says it holds two eyes already as one picture; off: refuse it");
}

void Describe(OptionList* list, JobOptions* options) {
  list->Section("run");
  list->Field("max_frames", &options->max_frames, {1, kUnlimitedWhole}, "N",
              "stop after this many frames")
      .Or(-1, "all");
  list->Field("overwrite", &options->overwrite,
              "replace an output that exists, once the new one is whole; off: fail if one does");
  list->Field("threads", &options->num_threads, {0, 1024}, "N",
              "worker threads; 0 means one per core; never changes the result");
}

void Describe(OptionList* list, FovOptions* options, const std::string& otherwise) {
  const Range angle{0, 180, true, true};
  list->Field("xfov", &options->xfov_deg, angle, "DEGREES",
              "horizontal field of view; from --yfov and square pixels if only that is given")
      .Default(otherwise);
  list->Field("yfov", &options->yfov_deg, angle, "DEGREES",
              "vertical field of view; from --xfov and square pixels if only that is given")
      .Default(otherwise);
  list->Field("xfov_file", &options->xfov_file, "JSON",
              "horizontal field of view of each frame, in degrees; wins over both")
      .Input();
}

void Describe(OptionList* list, DepthReadingOptions* options, const std::string& prefix,
              const std::string& what) {
  list->Field(prefix + "max_depth", &options->max_depth, {1e-6, 1e6}, "METRES",
              "depth at the end of the range of " + what)
      .Default("from its file, else 100");
  list->Field(prefix + "encoding", &options->encoding, DepthEncodingNames(),
              "how " + what + " is encoded")
      .Default("from its file, else rgb16");
}

const EnumNames<DepthEncoding>& DepthEncodingNames() {
  static const EnumNames<DepthEncoding> names = {
      {"rgb16", DepthEncoding::kRgb16},
      {"gray16", DepthEncoding::kGray16},
      {"rgb24-log", DepthEncoding::kRgb24Log},
      {"gray16-65025", DepthEncoding::kGray16Legacy},
      {"gray8", DepthEncoding::kGray8},
      {"rgb16-linear-255p4", DepthEncoding::kRgb16, true},
      {"gray16-linear-65535", DepthEncoding::kGray16, true},
      {"gray16-linear-65025", DepthEncoding::kGray16Legacy, true},
      {"gray8-linear-255", DepthEncoding::kGray8, true}};
  return names;
}

namespace {

// Takes `text` as `field` of the options of a model if it can be one.
bool SetOfModel(std::string ModelOptions::*field, const std::string& text, std::string* value) {
  ModelOptions options;
  options.*field = text;
  try {
    options.Check();
  } catch (const Error&) {
    return false;
  }
  *value = text;
  return true;
}

}  // namespace

Option& DescribeDevice(OptionList* list, const std::string& name, std::string* device,
                       const std::string& help) {
  return list->Custom(
      name, "DEVICE", "cpu, cuda or cuda:N", help, [device] { return *device; },
      [device](const std::string& text) {
        return SetOfModel(&ModelOptions::device, text, device);
      });
}

void Describe(OptionList* list, DepthModelOptions* options) {
  list->Field("model", &options->path, "FILE",
              "depth model in place of the camera's motion: a file that models/export/ has written")
      .Alias("ckpt")
      .Input();
  list->Field("batch", &options->batch, {1, 64}, "FRAMES", "frames that the model sees at once")
      .OnlyWith("model");
  DescribeNetwork(list, options, "model");
  static const EnumNames<ModelProcessing> places = {{"auto", ModelProcessing::kAuto},
                                                    {"host", ModelProcessing::kHost},
                                                    {"device", ModelProcessing::kDevice}};
  list->Field("processing", &options->open.processing, places,
              "where frames are made ready for the model, and its maps aligned, resized and turned "
              "into depth (auto: where the model runs, unless that is the processor; host: the "
              "same bits for every number of threads; device: equal but for rounding)")
      .OnlyWith("model");
}

void DescribeVdaMode(OptionList* list, DepthModelOptions* options) {
  static const EnumNames<VdaMode> modes = {{"window", VdaMode::kWindow},
                                           {"stream", VdaMode::kStream}};
  list->Field("vda_mode", &options->vda_mode, modes,
              "how Video-Depth-Anything sees the clip, refused if --model is of the other kind "
              "(window: 32 frames at once, steadier; stream: frame by frame, with what it "
              "remembers, for live use)")
      .Default("as the model's file says")
      .OnlyWith("model");
  static const EnumNames<SceneCuts> cuts = {{"on", SceneCuts::kAuto}, {"off", SceneCuts::kOff}};
  list->Field("vda_cuts", &options->vda_cuts, cuts,
              "models that see several frames at once or remember them start anew at each cut in "
              "the colors, and so does their scale")
      .OnlyWith("model");
}

// `other` may be empty: they are always there.
void DescribeNetwork(OptionList* list, DepthModelOptions* options, const std::string& other,
                     const std::vector<std::string>& values) {
  std::vector<Option*> added;
  const auto add = [&](Option& option) -> Option& { return *added.emplace_back(&option); };
  add(list->Field("fp16", &options->fp16, "half precision, on CUDA")).Excludes("fp32");
  add(list->Field("fp32", &options->fp32, "full precision, on CUDA too"));
  add(list->Field("deterministic", &options->open.deterministic,
                  "the same bits for every number of threads: a forward pass has one thread, "
                  "several frames run side by side"));
  std::string* sha256 = &options->open.sha256;
  add(list->Custom(
          "sha256", "HASH", "64 hexadecimal digits", "the hash that the model's file must have",
          [sha256] { return *sha256; },
          [sha256](const std::string& text) {
            return SetOfModel(&ModelOptions::sha256, text, sha256);
          }))
      .Default("that of manifest.json beside it");
  add(list->Field("trust_model", &options->trust_model,
                  "open a model that is not listed in manifest.json: a model is a program"));
  if (!other.empty())
    for (Option* option : added) option->OnlyWith(other, values);
  DescribeDevice(list, "device", &options->open.device, "where a model runs: cpu, cuda or cuda:N");
}

}  // namespace mdvt
