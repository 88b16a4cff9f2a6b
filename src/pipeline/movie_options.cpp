// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/pipeline/movie.h"
#include "pipeline/film_encoder.h"
#include "pipeline/job_common.h"
#include "pipeline/metric_eyes.h"
#include "pipeline/movie_force.h"
#include "pipeline/movie_scenes.h"

namespace mdvt {
namespace {

void DescribeScenes(OptionList* list, MovieJobOptions* options) {
  list->Section("scenes");
  list->Field("scene_file", &options->scene_file, "CSV",
              "list of scenes as PySceneDetect writes it, with columns for what each scene needs "
              "of its own")
      .Input()
      .Default(
          "<output_dir>/<color_video without ending>-Scenes.csv, which is made if there is "
          "none");
  list->Choice("csv_delimiter", &options->csv_delimiter, {",", ";"},
               "what parts the columns of --scene_file; , takes lists with ; too");
  list->Field("end_scene", &options->end_scene, {1, kUnlimitedWhole}, "N",
              "stop after this scene, counted after long ones were split")
      .Or(-1, "all");
  list->Field("max_scene_frames", &options->max_scene_frames, {1, kUnlimitedWhole}, "FRAMES",
              "longer scenes are split evenly; depth and convergence are found over all of their "
              "parts")
      .Or(0, "none is split");
  Describe(list, &options->detect);
  for (const char* name : {"detector", "threshold", "min_content", "min_scene_len"})
    list->Refine(name).Excludes("scene_file");
}

void DescribeRun(OptionList* list, MovieJobOptions* options) {
  list->Section("steps");
  list->Field("no_render", &options->no_render,
              "stop when depth, masks and convergence of the scenes are there");
  list->Field("parallel", &options->parallel, {0, 1024}, "SCENES",
              "scenes at once, 0 as 1; never changes the result")
      .Or(-1, "half of the cores");
  list->Field("save_clips", &options->save_clips, "write the pictures of each scene too, lossless");
  list->Field("keep_going", &options->keep_going,
              "go on with the other scenes when one fails; no film is written then")
      .Switch();
  list->Field("allow_missing", &options->allow_missing,
              "write the film all the same, with scenes that failed shown flat");
  list->Field(
      "adopt", &options->adopt,
      "take files of the scenes that another program has made, as they are, if they have as "
      "many frames as their scene");
  list->Field("dry_run", &options->dry_run, "tell what would be done, and why; nothing is written");
  list->Field("force", &options->force, "STEP[:SCENE],...",
              "do these steps again, and what follows from them: clip, depth, mask, convergence, "
              "stereo, infill, film");
  list->Choice("clean", &options->clean, {"none", "temp", "intermediate", "all"},
               "delete files in place of making any: those of broken runs (temp), all products of "
               "scenes that are as they were made (intermediate), and the film (all)");
}

void DescribeScene(OptionList* list, MovieJobOptions* options) {
  SceneSettings* scene = &options->scene;
  list->Section("depth");
  list->Field("xfov", &scene->xfov_deg, {0, 180, true, true}, "DEGREES",
              "horizontal field of view; column XFov")
      .Default(
          "found in the camera's motion, or told by --model; 60, with a warning, where that tells "
          "nothing");
  list->Field("yfov", &options->fov.yfov_deg, {0, 180, true, true}, "DEGREES",
              "vertical field of view")
      .Default("from --xfov and square pixels");
  list->Field("xfov_file", &options->fov.xfov_file, "JSON",
              "horizontal field of view of each frame of the film, in degrees; wins over both")
      .Input();
  list->Field("max_depth", &scene->max_depth, {1e-6, 1e6}, "METRES",
              "depth at the end of the range of depth videos; column MaxDepth");
  Describe(list, &options->source);
  list->Refine("engine").help += "; column Engine, where da3 and vda mean model";
  // These hold for the networks of masks and infill too.
  OptionList networks;
  DescribeNetwork(&networks, &options->source.model, "");
  for (const char* name : {"fp16", "fp32", "deterministic", "trust_model"}) {
    Option& option = list->Refine(name);
    const std::string section = option.section;
    option = networks.At(name);
    option.section = section;
  }
  list->Section("eyes");
  list->Field("pupillary_distance", &scene->pupillary_distance_mm, {0, 1000}, "MM",
              "distance between the eyes in millimetres; column PupillaryDistance");
  list->Field("master_xfov", &scene->master_xfov_deg, {0, 180, true, true}, "DEGREES",
              "angle that the screen fills for the viewer; scales the distance of the eyes by "
              "tan(master_xfov / 2) / tan(xfov / 2); column MasterFov")
      .Default("no scaling");
  list->Custom(
      "convergence", "WHERE", "mask, center, off or a distance in metres in (0, 1e+06]",
      "where the eyes' pictures coincide: mask: at what create_video_mask finds in each frame; "
      "center: at what its middle shows; off: nowhere, parallel eyes; column Convergence",
      [scene] { return MovieConvergenceText(*scene); },
      [scene](const std::string& text) { return SetMovieConvergence(text, scene); });
  DescribeConvergenceSmoothing(list, &options->smoothing);
  list->Field(
          "max_shift", &scene->max_shift, {0, 100, true, false}, "PERCENT",
          "largest parallax in front of the screen and behind it, of the width; column MaxShift")
      .Default("no bound");
  Describe(list, &options->comfort);
  Describe(list, &options->tear);
  list->Field("mask_model", &options->mask_model, "FILE",
              "network that finds the main subject, see create_video_mask")
      .Input()
      .Default("none: what moves on its own is masked");
  list->Section("infill");
  list->Choice("infill_engine", &scene->infill_engine, MovieInfillEngines(),
               "what fills holes: directional: the background beside them; normals: the same as "
               "the original toolbox; observed: other frames; none: surfaces are stretched; the "
               "others are networks and need --infill_model; column InfillEngine, and none where "
               "the column Infill says No");
  list->Field("infill_model", &options->infill_model, "PATH",
              "network that fills holes, see stereo_crafter_infill")
      .Input();
  list->Field("infill_fallback", &options->infill_fallback,
              "fill the holes of a scene with the background beside them when the network fails "
              "on it; the next run tries the network again")
      .Switch();
}

}  // namespace

void Describe(OptionList* list, MovieJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "the film")
      .Input()
      .Positional(0)
      .Required();
  list->Field("output_dir", &options->output_dir, "FOLDER",
              "where the files of all scenes go, and the film; it is made if there is none")
      .Folder();
  list->Field("output", &options->output, "FILE", "the stereo film (.mp4, .mkv, .mov)")
      .Output()
      .Default("<output_dir>/<color_video>_SBS.mp4, by layout and codec");
  DescribeScenes(list, options);
  DescribeRun(list, options);
  DescribeScene(list, options);
  list->Section("film");
  Describe(list, &options->frame);
  Describe(list, &options->encode);
  list->Field("swap_eyes", &options->swap_eyes, "right eye on the left, for crossed viewing");
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
}

std::vector<ForcedStep> ParseForced(const std::string& text) {
  static const std::vector<std::string> names = {"clip",   "depth",  "mask", "convergence",
                                                 "stereo", "infill", "film"};
  std::vector<ForcedStep> forced;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string one = text.substr(begin, end - begin);
    const size_t colon = one.find(':');
    ForcedStep step;
    step.name = one.substr(0, colon);
    bool valid = std::find(names.begin(), names.end(), step.name) != names.end();
    if (colon != std::string::npos) {
      const std::optional<int64_t> scene = ParseInt(one.substr(colon + 1));
      valid = valid && scene && *scene >= 1;
      step.scene = scene.value_or(0);
    }
    Require(valid, Code::kInvalidArgument,
            "force: '" + one +
                "' is no step; valid are clip, depth, mask, convergence, stereo, infill and film, "
                "each alone or with a scene: stereo:3");
    forced.push_back(step);
    begin = end + 1;
  }
  return forced;
}

void MovieJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  source.Check();
  detect.Cuts();
  CheckConvergenceSmoothing(smoothing);
  ParseForced(force);
  Require(!scene_file.empty() || csv_delimiter == ",", Code::kInvalidArgument,
          "csv_delimiter belongs to scene_file");
  Require(clean == "none" || force.empty(), Code::kInvalidArgument,
          "force does steps again, clean does none: not both");
  const DepthModelOptions& model = source.model;
  Require(!model.empty() || !mask_model.empty() || !infill_model.empty() ||
              !(model.fp16 || model.fp32 || model.trust_model || model.open.deterministic),
          Code::kInvalidArgument,
          "fp16, fp32, deterministic and trust_model are for networks: give model, mask_model or "
          "infill_model");
  Require(
      keep_going || !allow_missing, Code::kInvalidArgument,
      "allow_missing shows scenes that failed flat, keep_going off ends with the first of them");
  Require(
      job.reading.deinterlace != Deinterlace::kFields, Code::kInvalidArgument,
      "deinterlace fields: the frames of a list of scenes are counted before fields are parted");
  FilmOptions film;
  film.frame = frame;
  film.encode = encode;
  film.output = output;
  film.Check();
  comfort.CheckWith(frame);
}

}  // namespace mdvt
