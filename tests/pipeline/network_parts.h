// SPDX-License-Identifier: Apache-2.0
//
// Small networks as a backend of the tests' own: the first line of a file names the formula.
//
//   luma       disparity = Y (mean of R, G, B) + 0.1
//   rays       2 / (z of the pixel's ray) metres
//   backbone   8 features: 4 x 4 means of Y, then of the disparity, then zeros
//   head       mean disparity of the four frames, enlarged, + 0.01 Y
//   focal      Y metres at 100 pixels of focal length; a focal length of 50 + 100 Y pixels, Y of
//   the
//              first pixel
//   metric     2 + Y metres, and rays of a camera of 60 pixels of focal length
//   noisy      the same, and each ray is up to 0.03 of the focal length beside its place
//   prompt     the prompt's value at the first pixel of each picture, plus Y / 100
//   flow       no motion; calls OnFlowPass()
//   zeros, nan disparity that is 0, or no number
//   stream     1 metre for each frame of the scene so far
//   window     disparity (1 + m) (4 Y + 0.5) + m / 2 of each frame, m the mean of the last one
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mdvt/model/model.h"
#include "model/fake_backend.h"
#include "model/metadata.h"

namespace mdvt::test {

inline const float* ValuesOf(const mdvt_backend_tensor& tensor) {
  return tensor.data != nullptr ? tensor.data : tensor.buffer->values.data();
}

// What a pass of "flow" does.
inline std::function<void()>& OnFlowPass() {
  static std::function<void()> call;
  return call;
}

inline mdvt_backend_status RunPart(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                                   size_t, mdvt_backend_tensor* outputs, size_t,
                                   size_t* num_outputs) {
  const std::string& kind = model->behaviour;
  *num_outputs = 1;
  const int64_t rank = inputs[0].rank;
  const int64_t h = inputs[0].shape[rank - 2], w = inputs[0].shape[rank - 1], area = h * w;
  const auto luma = [](const float* rgb, int64_t n, int64_t i) {
    return (rgb[i] + rgb[n + i] + rgb[2 * n + i]) / 3;
  };
  std::vector<float> values;
  if (kind == "luma") {
    for (int64_t b = 0; b < inputs[0].shape[0]; ++b)
      for (int64_t i = 0; i < area; ++i)
        values.push_back(luma(ValuesOf(inputs[0]) + b * 3 * area, area, i) + 0.1f);
    fake::Add({inputs[0].shape[0], 1, h, w}, values, true, &outputs[0]);
  } else if (kind == "flow") {
    OnFlowPass()();
    values.assign(static_cast<size_t>(inputs[0].shape[0] * 2 * area), 0);
    fake::Add({inputs[0].shape[0], 2, h, w}, values, true, &outputs[0]);
  } else if (kind == "zeros" || kind == "nan") {
    values.assign(static_cast<size_t>(area), kind == "nan" ? std::nanf("") : 0);
    fake::Add({1, 1, h, w}, values, true, &outputs[0]);
  } else if (kind == "rays") {
    for (int64_t i = 0; i < area; ++i) values.push_back(2 / ValuesOf(inputs[1])[2 * area + i]);
    fake::Add({1, 1, h, w}, values, true, &outputs[0]);
  } else if (kind == "focal" || kind == "metric" || kind == "noisy") {
    const float* in = ValuesOf(inputs[0]);
    std::vector<float> told;
    for (int64_t b = 0; b < inputs[0].shape[0]; ++b) {
      const float* picture = in + b * 3 * area;
      for (int64_t i = 0; i < area; ++i)
        values.push_back(luma(picture, area, i) + (kind == "focal" ? 0.0f : 2.0f));
      const float focal = 50 + 100 * luma(picture, area, 0);
      if (kind == "focal")
        told.insert(told.end(), {focal, 0, static_cast<float>(w) / 2, 0, focal,
                                 static_cast<float>(h) / 2, 0, 0, 1});
      else
        for (int c = 0; c < 3; ++c)
          for (int64_t i = 0; i < area; ++i) {
            const float off =
                kind == "noisy" ? 0.03f * std::sin(12.9898f * static_cast<float>(i)) : 0;
            const float x =
                (static_cast<float>(i % w) + 0.5f - static_cast<float>(w) / 2) / 60 + off;
            const float y = (static_cast<float>(i / w) + 0.5f - static_cast<float>(h) / 2) / 60;
            told.push_back(c == 0 ? x : c == 1 ? y : 1);
          }
    }
    const int64_t n = inputs[0].shape[0];
    fake::Add({n, 1, h, w}, values, true, &outputs[0]);
    fake::Add(kind == "focal" ? std::vector<int64_t>{n, 3, 3} : std::vector<int64_t>{n, 3, h, w},
              told, true, &outputs[1]);
    *num_outputs = 2;
  } else if (kind == "prompt") {
    for (int64_t i = 0; i < area; ++i)
      values.push_back(ValuesOf(inputs[1])[0] + luma(ValuesOf(inputs[0]), area, i) / 100);
    fake::Add({1, 1, h, w}, values, true, &outputs[0]);
  } else if (kind == "stream") {
    const bool start = ValuesOf(inputs[1])[0] == 0;
    const float seen = 1 + (start ? 0 : ValuesOf(inputs[2])[0]);
    fake::Add({1, 1, h, w}, std::vector<float>(static_cast<size_t>(area), seen), true, &outputs[0]);
    fake::Add({1, 1}, {seen}, true, &outputs[1]);
    *num_outputs = 2;
  } else if (kind == "window" || kind == "metric_window") {
    const int64_t frames = inputs[0].shape[1];
    const float* in = ValuesOf(inputs[0]);
    float mean = 0;
    for (int64_t i = 0; i < area; ++i)
      mean += luma(in + (frames - 1) * 3 * area, area, i) / static_cast<float>(area);
    for (int64_t f = 0; f < frames; ++f)
      for (int64_t i = 0; i < area; ++i)
        values.push_back((1 + mean) * (4 * luma(in + f * 3 * area, area, i) + 0.5f) + mean / 2);
    fake::Add({1, frames, 1, h, w}, values, true, &outputs[0]);
  } else if (kind == "backbone") {
    values.assign(static_cast<size_t>(area / 2), 0);
    const float* in = ValuesOf(inputs[0]);
    const int64_t sw = w / 4, small = area / 16;
    for (int64_t y = 0; y < h; ++y)
      for (int64_t x = 0; x < w; ++x) {
        const int64_t to = y / 4 * sw + x / 4;
        values[static_cast<size_t>(to)] += luma(in, area, y * w + x) / 16;
        values[static_cast<size_t>(small + to)] += in[3 * area + y * w + x] / 16;
      }
    fake::Add({1, 8, h / 4, w / 4}, values, true, &outputs[0]);
  } else {
    const int64_t lh = inputs[4].shape[2], lw = inputs[4].shape[3], small = h * w;
    for (int64_t y = 0; y < lh; ++y)
      for (int64_t x = 0; x < lw; ++x) {
        float sum = 0.01f * luma(ValuesOf(inputs[4]), lh * lw, y * lw + x);
        for (int k = 0; k < 4; ++k) sum += ValuesOf(inputs[k])[small + y / 4 * w + x / 4] / 4;
        values.push_back(sum);
      }
    fake::Add({1, 1, lh, lw}, values, true, &outputs[0]);
  }
  return MDVT_BACKEND_OK;
}

inline void RegisterParts() {
  static const mdvt_backend kTable = [] {
    static const char* const kExtensions[] = {".part", nullptr};
    mdvt_backend table = FakeTable();
    table.name = "part";
    table.extensions = kExtensions;
    table.run = RunPart;
    table.trace_run = nullptr;
    return table;
  }();
  RegisterBackend(&kTable);
}

// Writes the network into `folder` and returns the file's name.
inline std::string MakePart(const std::string& folder, const std::string& kind) {
  RegisterParts();
  using nlohmann::json;
  json metadata = DepthMetadata();
  const json native = {{"rule", "native"}, {"multiple", 32},  {"round", "floor"},
                       {"dynamic", true},  {"min", {32, 32}}, {"max", {1024, 1024}}};
  const auto latent = [&](const std::string& name) {
    return json{
        {"name", name}, {"layout", "NCHW"}, {"channels", 8}, {"downscale", 4}, {"size", native}};
  };
  metadata["name"] = kind;
  if (kind == "luma" || kind == "rays" || kind == "focal" || kind == "metric" || kind == "noisy" ||
      kind == "prompt" || kind == "zeros" || kind == "nan" || kind == "stream" || kind == "flow") {
    metadata["inputs"][0]["size"] = native;
    metadata["inputs"][0]["size"]["multiple"] = 2;
    metadata["inputs"][0]["size"]["min"] = {2, 2};
    metadata["inputs"][0]["resample"] = "bilinear";
  }
  if (kind == "rays") {
    json rays = metadata["inputs"][0];
    rays["name"] = "rays";
    metadata["inputs"].push_back(rays);
    metadata["outputs"][0]["quantity"] = "depth";
    metadata["outputs"][0]["scale"] = "metric";
    metadata["outputs"][0]["unit"] = "m";
    metadata["batch"] = {{"dynamic", true}, {"max", 1}};
  }
  if (kind == "focal" || kind == "metric" || kind == "noisy") {
    json& depth = metadata["outputs"][0];
    depth["quantity"] = "depth";
    depth["scale"] = kind == "focal" ? "metric_times_focal" : "metric";
    if (kind == "focal") depth["focal_ref"] = 100;
    depth["unit"] = "m";
    metadata["outputs"].push_back(kind == "focal"
                                      ? json{{"name", "k"}, {"quantity", "intrinsics"}}
                                      : json{{"name", "directions"}, {"quantity", "rays"}});
  }
  if (kind == "prompt") {
    json prompt = metadata["inputs"][0];
    prompt["name"] = "prompt";
    prompt["channels"] = 1;
    prompt["color"] = "gray";
    metadata["inputs"].push_back(prompt);
    metadata["batch"] = {{"dynamic", false}, {"max", 1}};
  }
  if (kind == "flow") {
    metadata["kind"] = "flow";
    json second = metadata["inputs"][0];
    second["name"] = "next";
    metadata["inputs"].push_back(second);
    metadata["outputs"] =
        json::array({{{"name", "flow"}, {"layout", "NCHW"}, {"quantity", "flow"}}});
  }
  if (kind == "stream") {
    metadata["kind"] = "depth_stream";
    metadata.erase("batch");
    metadata["inputs"].push_back({{"name", "time"}, {"layout", "1"}});
    metadata["inputs"].push_back({{"name", "seen"}, {"layout", "AB"}});
    metadata["outputs"][0].update({{"quantity", "depth"}, {"scale", "metric"}, {"unit", "m"}});
    metadata["outputs"].push_back({{"name", "seen"}, {"layout", "AB"}, {"quantity", "latent"}});
  }
  if (kind == "window" || kind == "metric_window") {
    metadata["kind"] = "depth_video";
    metadata.erase("batch");
    metadata["inputs"][0]["layout"] = "1TCHW";
    metadata["inputs"][0]["size"] = native;
    metadata["inputs"][0]["size"]["multiple"] = 2;
    metadata["inputs"][0]["size"]["min"] = {2, 2};
    metadata["outputs"][0]["layout"] = "1TCHW";
    metadata["window"] = {{"length", 8},           {"stride", 6},          {"overlap", 2},
                          {"carry", {0, 7}},       {"align_refs", {0, 7}}, {"blend", 1},
                          {"align", "scale_shift"}};
  }
  if (kind == "metric_window") {
    metadata["outputs"][0]["quantity"] = "depth";
    metadata["outputs"][0]["scale"] = "metric";
    metadata["outputs"][0]["unit"] = "m";
    metadata["window"]["align"] = "none";
  }
  if (kind == "backbone" || kind == "head") {
    metadata["kind"] = "stabilizer_part";
    metadata["role"] = kind;
    metadata["group"] = "parts";
    metadata.erase("batch");
    metadata["inputs"] = json::array();
    if (kind == "backbone") {
      metadata["inputs"].push_back(
          {{"name", "frame"}, {"layout", "NCHW"}, {"channels", 4}, {"size", native}});
      metadata["outputs"] = json::array({{{"name", "features"},
                                          {"layout", "NCHW"},
                                          {"quantity", "latent"},
                                          {"channels", 8},
                                          {"downscale", 4}}});
    } else {
      for (int k = 0; k < 4; ++k) metadata["inputs"].push_back(latent("f" + std::to_string(k)));
      metadata["inputs"].push_back({{"name", "image"}, {"layout", "NCHW"}, {"size", native}});
      metadata["outputs"] = json::array({{{"name", "disparity"},
                                          {"layout", "NCHW"},
                                          {"quantity", "disparity"},
                                          {"scale", "affine"}}});
    }
  }
  const std::string path = folder + "/" + kind + ".part";
  std::ofstream(path) << kind << "\n" << metadata.dump();
  return path;
}

}  // namespace mdvt::test
