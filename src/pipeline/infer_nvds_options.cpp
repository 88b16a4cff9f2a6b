// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/error.h"
#include "mdvt/pipeline/infer_nvds.h"
#include "pipeline/job_common.h"

namespace mdvt {

void Describe(OptionList* list, InferNvdsJobOptions* options) {
  list->Field("base_dir", &options->base_dir, "FOLDER", "where the results are written")
      .Folder()
      .Required();
  list->Field("vnum", &options->vnum, "NAME",
              "the clip: pictures <video_dir>/<vnum>/left/frame_000000.png and so on");
  list->Field("video_dir", &options->video_dir, "FOLDER", "where clips of pictures are")
      .OnlyWith("vnum");
  list->Field("color_video", &options->color_video, "FILE", "a video in place of pictures")
      .Input()
      .Excludes("vnum");
  list->Section("network");
  list->Field("backbone", &options->backbone, "FILE", "first half of the network")
      .Input()
      .Required();
  list->Field("head", &options->head, "FILE", "second half of the network").Input().Required();
  DescribeDevice(list, "nvds_device", &options->nvds_device,
                 "where the network runs: cpu, cuda or cuda:N");
  list->Field("nvds_trust_model", &options->nvds_trust_model,
              "open the network though no manifest.json lists it: a model is a program");
  list->Section("first disparity");
  Describe(list, &options->model);
  list->Refine("model").help =
      "depth model that gives the first disparity: a file that models/export/ has written";
  list->Field("initial_dir", &options->initial_dir, "FOLDER",
              "pictures of 16 bits with the first disparity in place of a model, near is white")
      .Excludes("model");
  list->Field("depth_video", &options->depth_video, "FILE",
              "metric depth video in place of a model; its disparity is taken")
      .Input()
      .Excludes("model")
      .Excludes("initial_dir");
  Describe(list, &options->depth);
  for (const char* name : {"max_depth", "encoding"}) list->Refine(name).OnlyWith("depth_video");
  list->Section("inference");
  list->Field("infer_w", &options->infer_w, {32, 4096}, "PIXELS",
              "width of the work, a multiple of 32")
      .Default("from infer_h and the proportions of the picture");
  list->Field("infer_h", &options->infer_h, {32, 4096}, "PIXELS",
              "height of the work, a multiple of 32")
      .Default("384, or what makes the short side 384");
  list->Field("timesall", &options->timesall, {1, 2}, "PASSES", "1: forward only; 2: backward too");
  list->Field("clip_step", &options->clip_step, {1, 64}, "FRAMES",
              "from one frame of a window to the next")
      .Alias("interval");
  static const EnumNames<NvdsDirection> directions = {{"forward", NvdsDirection::kForward},
                                                      {"backward", NvdsDirection::kBackward},
                                                      {"mix", NvdsDirection::kMix},
                                                      {"mix-aligned", NvdsDirection::kMixAligned}};
  list->Field("direction", &options->direction, directions,
              "mix: the mean of both passes, or the steadier one for the whole clip; mix-aligned: "
              "backward fitted to forward, each pixel weighted by how steady it is")
      .Default("mix-aligned; forward with --timesall 1");
  static const EnumNames<NvdsStartup> startups = {{"replicate", NvdsStartup::kReplicate},
                                                  {"repeat", NvdsStartup::kRepeat}};
  list->Field("startup", &options->startup, startups,
              "windows of the first three frames: the history there is, or the frame four times");
  static const EnumNames<NvdsRange> ranges = {{"frame", NvdsRange::kFrame},
                                              {"clip", NvdsRange::kClip}};
  list->Field("norm", &options->norm, ranges,
              "black and white of the pictures: of each by itself, or of the whole clip");
  list->Field("quantize", &options->quantize,
              "hand disparity to the network through pictures of 16 bits, as the original does");
  list->Field("parity", &options->parity, "as the original: mix, repeat, 16 bits in between")
      .Preset({{"direction", "mix"}, {"startup", "repeat"}, {"quantize", "on"}});
  list->Field(
      "cache_mb", &options->cache_mb, {0, 1048576}, "MB",
      "memory for frames of the forward pass that the backward pass needs; others go through "
      "the first half of the network again; never changes the result");
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
}

NvdsDirection InferNvdsJobOptions::Direction() const {
  return direction.value_or(timesall == 1 ? NvdsDirection::kForward : NvdsDirection::kMixAligned);
}

void InferNvdsJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  model.Check();
  Require(!vnum.empty() || !color_video.empty(), Code::kInvalidArgument,
          "there are no frames: give vnum, or color_video");
  Require(vnum.find('/') == std::string::npos && vnum != "..", Code::kInvalidArgument,
          "vnum is the name of a folder in video_dir, not a path");
  Require(vnum.empty() || color_video.empty(), Code::kInvalidArgument,
          "vnum and color_video contradict each other");
  const int given = !model.empty() + !initial_dir.empty() + !depth_video.empty();
  Require(given == 1, Code::kInvalidArgument,
          "one first disparity is wanted: a model, an initial_dir, or a depth_video");
  const NvdsDirection chosen = Direction();
  Require(timesall == 2 || chosen == NvdsDirection::kForward, Code::kInvalidArgument,
          "timesall 1 is the forward pass alone");
}

}  // namespace mdvt
