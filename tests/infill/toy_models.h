// SPDX-License-Identifier: Apache-2.0
//
// Models of a backend "toy" whose outputs are formulas: the four parts of a diffusion model, a
// segmenter and a painter. The first line of a file (.toy) says what it does, the rest is metadata.
#pragma once

#include <atomic>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mdvt/model/model.h"
#include "model/fake_backend.h"

namespace mdvt::test {

inline std::atomic<int>& ToyRuns() {
  static std::atomic<int> runs{0};
  return runs;
}

namespace toy {

using Inputs = const mdvt_backend_tensor*;

inline const float* Values(const mdvt_backend_tensor& tensor) {
  return tensor.data != nullptr ? tensor.data : tensor.buffer->values.data();
}

// Means of 8 x 8 pixels of R, G, B, and of all three.
inline void Encode(const mdvt_backend_tensor& in, mdvt_backend_tensor* out) {
  const int64_t f = in.shape[0], h = in.shape[2] / 8, w = in.shape[3] / 8;
  std::vector<float> values(static_cast<size_t>(f * 4 * h * w), 0);
  for (int64_t i = 0; i < f; ++i)
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < 8 * h; ++y)
        for (int64_t x = 0; x < 8 * w; ++x) {
          const float v = Values(in)[((i * 3 + c) * 8 * h + y) * 8 * w + x] / 64;
          values[static_cast<size_t>(((i * 4 + c) * h + y / 8) * w + x / 8)] += v;
          values[static_cast<size_t>(((i * 4 + 3) * h + y / 8) * w + x / 8)] += v / 3;
        }
  fake::Add({f, 4, h, w}, values, true, out);
}

// 8 x 8 pixels of each latent, as gain * value + offset.
inline void Decode(const mdvt_backend_tensor& in, float gain, float offset,
                   mdvt_backend_tensor* out) {
  const int64_t f = in.shape[0], h = in.shape[2], w = in.shape[3];
  std::vector<float> values;
  for (int64_t i = 0; i < f; ++i)
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < 8 * h; ++y)
        for (int64_t x = 0; x < 8 * w; ++x)
          values.push_back(gain * Values(in)[((i * 4 + c) * h + y / 8) * w + x / 8] + offset);
  fake::Add({f, 3, 8 * h, 8 * w}, values, true, out);
}

// v for which the denoised latent is, at every step,
//   "pass"   the known latent
//   "paint"  the known latent outside the mask, the mean of the embedding inside
// or 0 ("free"), so that the noise shows.
inline void Unet(const std::string& behaviour, Inputs inputs, mdvt_backend_tensor* out) {
  const mdvt_backend_tensor& sample = inputs[0];
  const int64_t f = sample.shape[1], h = sample.shape[3], w = sample.shape[4], area = h * w;
  const double sigma = std::exp(4 * double{Values(inputs[1])[0]}),
               root = std::sqrt(sigma * sigma + 1);
  const int64_t width = inputs[2].shape[2];
  double mean = 0;
  for (int64_t i = 0; i < width; ++i)
    mean += double{Values(inputs[2])[i]} / static_cast<double>(width);
  std::vector<float> values;
  for (int64_t i = 0; i < f; ++i)
    for (int64_t c = 0; c < 4; ++c)
      for (int64_t k = 0; k < area; ++k) {
        const float* from = Values(sample) + i * 9 * area;
        const double known = double{from[(4 + c) * area + k]}, mask = double{from[8 * area + k]};
        const double target = behaviour == "paint" ? known * (1 - mask) + mean * mask : known;
        values.push_back(
            behaviour == "free"
                ? 0.0f
                : static_cast<float>((double{from[c * area + k]} - target * root) / sigma));
      }
  fake::Add({1, f, 4, h, w}, values, true, out);
}

// The frames; in masked cells the originals, where there are some.
inline void Infill(Inputs inputs, bool originals, mdvt_backend_tensor* out) {
  const mdvt_backend_tensor& in = inputs[0];
  const int64_t f = in.shape[1], h = in.shape[3], w = in.shape[4];
  const int64_t cell = h / inputs[1].shape[3], rows = h / cell, columns = w / cell;
  std::vector<float> values(Values(in), Values(in) + f * 3 * h * w);
  for (int64_t i = 0; i < f * 3 * h * w; ++i) {
    const int64_t frame = i / (3 * h * w), y = i / w % h, x = i % w;
    const float mask = Values(inputs[1])[(frame * rows + y / cell) * columns + x / cell];
    if (originals && mask > 0.5f) values[static_cast<size_t>(i)] = Values(inputs[2])[i];
  }
  fake::Add({1, f, 3, h, w}, values, true, out);
}

inline mdvt_backend_status Run(mdvt_backend_model* model, Inputs inputs, size_t num_inputs,
                               mdvt_backend_tensor* outputs, size_t, size_t* num_outputs) {
  ++ToyRuns();
  *num_outputs = 1;
  const std::string& does = model->behaviour;
  const mdvt_backend_tensor& in = inputs[0];
  const int64_t count = in.shape[0] * in.shape[1] * in.shape[2] * (in.rank > 3 ? in.shape[3] : 1);
  if (does == "encode") {
    Encode(in, outputs);
  } else if (does == "decode" || does == "tinted" || does == "brighter") {
    Decode(in, does == "tinted" ? 0.7f : 1.0f,
           does == "tinted"     ? 0.2f
           : does == "brighter" ? 0.1f
                                : 0.0f,
           outputs);
  } else if (does == "embed") {
    double mean = 0;
    for (int64_t i = 0; i < count; ++i) mean += double{Values(in)[i]} / static_cast<double>(count);
    fake::Add({1, 1, 2}, {static_cast<float>(mean), static_cast<float>(mean)}, true, outputs);
  } else if (does == "segment") {  // the first channel is the probability
    const int64_t area = in.shape[2] * in.shape[3];
    std::vector<float> values;
    for (int64_t b = 0; b < in.shape[0]; ++b)
      values.insert(values.end(), Values(in) + b * 3 * area, Values(in) + (b * 3 + 1) * area);
    fake::Add({in.shape[0], 1, in.shape[2], in.shape[3]}, values, true, outputs);
  } else if (does == "inpaint") {  // a quarter of white in the mask
    const int64_t area = in.shape[2] * in.shape[3];
    std::vector<float> values(Values(in), Values(in) + 3 * area);
    for (int64_t i = 0; i < 3 * area; ++i)
      if (Values(inputs[1])[i % area] > 0.5f) values[static_cast<size_t>(i)] = 0.25f;
    fake::Add({1, 3, in.shape[2], in.shape[3]}, values, true, outputs);
  } else if (does == "infill of nothing") {
    return MDVT_BACKEND_OUT_OF_MEMORY;
  } else if (does == "infill" || does == "infill of dark pictures") {
    double mean = 0;
    for (int64_t i = 0; i < count; ++i) mean += double{Values(in)[i]} / static_cast<double>(count);
    if (does != "infill" && mean > 0.55) return MDVT_BACKEND_OUT_OF_MEMORY;
    Infill(inputs, num_inputs > 2, outputs);
  } else {
    Unet(does, inputs, outputs);
  }
  return MDVT_BACKEND_OK;
}

inline mdvt_backend Table() {
  static const char* const kExtensions[] = {".toy", nullptr};
  mdvt_backend table = FakeTable();
  table.name = "toy";
  table.extensions = kExtensions;
  table.run = Run;
  return table;
}

}  // namespace toy

inline nlohmann::json ToyMetadata(const std::string& kind) {
  return {{"format", 1},
          {"kind", kind},
          {"name", "toy-" + kind},
          {"source", {{"license", "Apache-2.0"}}}};
}

inline nlohmann::json NativeSize() {
  return {{"rule", "native"}, {"multiple", 8}, {"round", "ceil"},
          {"dynamic", true},  {"min", {8, 8}}, {"max", {2048, 2048}}};
}

inline nlohmann::json PartMetadata(const std::string& role) {
  nlohmann::json meta = ToyMetadata("infill_part");
  meta["name"] = "toy-" + role;
  meta["group"] = "toy";
  meta["role"] = role;
  const nlohmann::json latent = {
      {"layout", "FCHW"}, {"quantity", "latent"}, {"channels", 4}, {"downscale", 8}};
  if (role == "vae_encoder") {
    meta["inputs"] = nlohmann::json::array(
        {{{"name", "image"}, {"layout", "FCHW"}, {"range", {-1, 1}}, {"size", NativeSize()}}});
    meta["outputs"] = nlohmann::json::array({latent});
    meta["outputs"][0]["name"] = "latent";
  } else if (role == "image_encoder") {
    meta["inputs"] = nlohmann::json::array({{{"name", "image"},
                                             {"layout", "1CHW"},
                                             {"size",
                                              {{"rule", "fixed"},
                                               {"target", {28, 28}},
                                               {"keep_aspect", false},
                                               {"dynamic", false}}}}});
    meta["outputs"] =
        nlohmann::json::array({{{"name", "embedding"}, {"layout", "11D"}, {"quantity", "latent"}}});
  } else if (role == "unet") {
    meta["inputs"] = nlohmann::json::array({{{"name", "sample"},
                                             {"layout", "1FCHW"},
                                             {"channels", 9},
                                             {"downscale", 8},
                                             {"size", NativeSize()}},
                                            {{"name", "timestep"}, {"layout", "1"}},
                                            {{"name", "embedding"}, {"layout", "11D"}},
                                            {{"name", "time_ids"}, {"layout", "13"}}});
    meta["outputs"] = nlohmann::json::array({latent});
    meta["outputs"][0]["name"] = "v";
    meta["outputs"][0]["layout"] = "1FCHW";
    meta["scheduler"] = {{"sigma_min", 0.002}, {"sigma_max", 700}, {"rho", 7},
                         {"prediction", "v"},  {"guidance", 1.0},  {"latent_scale", 1.0},
                         {"chunk", 5},         {"carry", 2}};
  } else {
    meta["inputs"] = nlohmann::json::array({{{"name", "latent"},
                                             {"layout", "FCHW"},
                                             {"channels", 4},
                                             {"downscale", 8},
                                             {"size", NativeSize()}}});
    meta["outputs"] =
        nlohmann::json::array({{{"name", "image"}, {"layout", "FCHW"}, {"quantity", "image"}}});
  }
  return meta;
}

// Windows of `length` frames with `overlap` carried, masks of 1 / 8, tiles of 64 x 64; symmetric:
// values of pictures in [-1, 1].
inline nlohmann::json InfillMetadata(int length, int overlap, bool originals, bool dynamic = false,
                                     bool symmetric = true) {
  nlohmann::json meta = ToyMetadata("inpaint");
  meta["name"] = "toy-infill";
  const nlohmann::json size = {
      {"rule", "fixed"}, {"target", {64, 64}}, {"keep_aspect", false}, {"dynamic", false}};
  meta["inputs"] = nlohmann::json::array({{{"name", "frames"}, {"layout", "1TCHW"}, {"size", size}},
                                          {{"name", "mask"},
                                           {"layout", "1TCHW"},
                                           {"color", "gray"},
                                           {"downscale", 8},
                                           {"size", size}}});
  if (originals)
    meta["inputs"].push_back({{"name", "originals"}, {"layout", "1TCHW"}, {"size", size}});
  if (symmetric)
    for (auto& input : meta["inputs"])
      if (input["name"] != "mask") input["range"] = {-1, 1};
  meta["outputs"] =
      nlohmann::json::array({{{"name", "frames"}, {"layout", "1TCHW"}, {"quantity", "image"}}});
  meta["window"] = {{"length", length}, {"overlap", overlap}, {"dynamic", dynamic}};
  return meta;
}

inline nlohmann::json SegmentMetadata(const std::string& range = "unit") {
  nlohmann::json meta = ToyMetadata("segment");
  meta["inputs"] =
      nlohmann::json::array({{{"name", "image"}, {"size", NativeSize()}, {"resample", "nearest"}}});
  if (range == "image_max") meta["inputs"][0]["range"] = "image_max";
  meta["outputs"] = nlohmann::json::array(
      {{{"name", "mask"}, {"quantity", "probability"}, {"resample", "nearest"}}});
  meta["batch"] = {{"dynamic", true}, {"max", 4}};
  return meta;
}

inline nlohmann::json InpaintMetadata() {
  nlohmann::json meta = ToyMetadata("inpaint");
  meta["inputs"] =
      nlohmann::json::array({{{"name", "image"}, {"size", NativeSize()}, {"resample", "nearest"}},
                             {{"name", "mask"}, {"color", "gray"}, {"size", NativeSize()}}});
  meta["outputs"] = nlohmann::json::array(
      {{{"name", "painted"}, {"quantity", "image"}, {"resample", "nearest"}}});
  return meta;
}

inline std::string WriteToy(const std::string& path, const std::string& behaviour,
                            const nlohmann::json& metadata) {
  static const mdvt_backend kTable = toy::Table();
  static const bool registered = (RegisterBackend(&kTable), true);
  (void)registered;
  std::ofstream(path) << behaviour << "\n" << metadata.dump();
  return path;
}

inline std::shared_ptr<const Model> OpenToy(const std::string& path) {
  ModelOptions options;
  options.trust = ModelTrust::kUnlisted;
  return std::make_shared<const Model>(Model::Open(path, options));
}

// Four files in a folder; `unet` and `decoder` as above.
inline void WriteToyParts(const std::string& folder, const std::string& unet = "pass",
                          const std::string& decoder = "decode") {
  WriteToy(folder + "/toy_vae_encoder.toy", "encode", PartMetadata("vae_encoder"));
  WriteToy(folder + "/toy_image_encoder.toy", "embed", PartMetadata("image_encoder"));
  WriteToy(folder + "/toy_unet.toy", unet, PartMetadata("unet"));
  WriteToy(folder + "/toy_vae_decoder.toy", decoder, PartMetadata("vae_decoder"));
}

}  // namespace mdvt::test
