// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/model_info.h"

#include <gtest/gtest.h>

#include <string>

#include "io/expect_error.h"
#include "model/metadata.h"

namespace mdvt {
namespace {

using nlohmann::json;
using test::DepthMetadata;
using test::ExpectError;

ModelInfo Parse(const json& value) {
  const std::string text = value.dump();
  return ModelInfo::Parse(text.data(), text.size());
}

json VideoMetadata() {
  json value = DepthMetadata();
  value["kind"] = "depth_video";
  value["inputs"][0]["layout"] = "1TCHW";
  value["outputs"][0]["layout"] = "1TCHW";
  value["window"] = json::parse(R"({"length": 32, "stride": 22, "overlap": 10,
    "carry": [0,12,24,25,26,27,28,29,30,31], "align_refs": [0, 12], "blend": 8,
    "align": "scale_shift", "pad": "repeat_last", "min_length": 1})");
  return value;
}

TEST(ModelInfo, ReadsADepthNetwork) {
  const ModelInfo info = Parse(DepthMetadata());
  EXPECT_EQ(info.kind, ModelKind::kDepth);
  EXPECT_EQ(info.name, "small");
  EXPECT_EQ(info.source.license, "Apache-2.0");
  EXPECT_EQ(info.torch_min, "1.13");
  ASSERT_EQ(info.inputs.size(), 1u);
  const ModelInputInfo& input = info.inputs[0];
  EXPECT_EQ(input.layout.dims, "NCHW");
  EXPECT_EQ(input.layout.channels, 3);
  EXPECT_EQ(input.range, InputRange::kZeroToOne);
  EXPECT_EQ(input.size.mode, SizeMode::kCover);
  EXPECT_EQ(input.size.target, (PixelSize{16, 16}));
  EXPECT_EQ(input.size.multiple, 2);
  EXPECT_EQ(input.size.max, (PixelSize{64, 64}));
  EXPECT_TRUE(input.size.dynamic);
  EXPECT_EQ(input.resample, ResampleKind::kCubicOpenCv);
  ASSERT_EQ(info.outputs.size(), 1u);
  const ModelOutputInfo& output = info.outputs[0];
  EXPECT_EQ(output.layout.channels, 1);
  EXPECT_EQ(output.quantity, Quantity::kDisparity);
  EXPECT_EQ(output.scale, OutputScale::kAffine);
  EXPECT_EQ(output.unit, OutputUnit::kNone);
  EXPECT_EQ(output.resample, ResampleKind::kBilinearAlignCorners);
  EXPECT_TRUE(output.non_negative);
  EXPECT_TRUE(info.batch_dynamic);
  EXPECT_EQ(info.batch_max, 4);
  EXPECT_TRUE(info.fp32);
  EXPECT_TRUE(info.fp16_cuda);
  EXPECT_FALSE(info.bf16_cpu_encoder);
  EXPECT_FALSE(info.check);
  EXPECT_TRUE(info.unknown_keys.empty());
}

TEST(ModelInfo, SidesAreHeightThenWidth) {
  json value = DepthMetadata();
  value["inputs"][0]["size"]["target"] = {384, 512};
  value["inputs"][0]["size"]["max"] = {400, 600};
  const ModelInfo info = Parse(value);
  EXPECT_EQ(info.inputs[0].size.target, (PixelSize{512, 384}));
  EXPECT_EQ(info.inputs[0].size.max, (PixelSize{600, 400}));
}

TEST(ModelInfo, ReadsAWindow) {
  const ModelInfo info = Parse(VideoMetadata());
  ASSERT_TRUE(info.window);
  EXPECT_EQ(info.window->length, 32);
  EXPECT_EQ(info.window->stride, 22);
  EXPECT_EQ(info.window->overlap, 10);
  EXPECT_EQ(info.window->carry.size(), 10u);
  EXPECT_EQ(info.window->align_refs, (std::vector<int>{0, 12}));
  EXPECT_EQ(info.window->blend, 8);
  EXPECT_TRUE(info.window->align_scale_shift);
  EXPECT_FALSE(info.window->dynamic);
}

TEST(ModelInfo, ReadsTheOtherKinds) {
  json track = VideoMetadata();
  track["kind"] = "track";
  track["pixel_center"] = 0;
  track["inputs"].push_back({{"name", "queries"}});
  track["outputs"] = json::parse(R"([{"name": "tracks", "quantity": "position", "unit": "px"},
    {"name": "visible", "quantity": "probability"}, {"name": "sure", "quantity": "probability"}])");
  ModelInfo info = Parse(track);
  EXPECT_EQ(info.inputs[1].layout.dims, "1N3");
  EXPECT_EQ(info.outputs[0].layout.dims, "1TN2");
  EXPECT_EQ(info.outputs[0].unit, OutputUnit::kPixel);
  EXPECT_EQ(info.outputs[2].layout.dims, "1TN");
  EXPECT_EQ(info.pixel_center, 0);

  json flow = DepthMetadata();
  flow["kind"] = "flow";
  flow["inputs"].push_back({{"name", "b"}});
  flow["outputs"] = json::parse(
      R"([{"name": "flow", "quantity": "flow"}, {"name": "l", "quantity": "log_scale"}])");
  info = Parse(flow);
  EXPECT_EQ(info.inputs[1].size.multiple, 2) << "that of the first picture";
  EXPECT_EQ(info.outputs[0].layout.channels, 2);
  EXPECT_EQ(info.outputs[1].layout.channels, 1);

  json segment = DepthMetadata();
  segment["kind"] = "segment";
  segment["classes"] = {"sky", "water", "other"};
  segment["outputs"] = json::parse(
      R"([{"name": "masks", "quantity": "probability", "stretch": "minmax", "resample": "bilinear"}])");
  info = Parse(segment);
  EXPECT_EQ(info.outputs[0].layout.channels, 3);
  EXPECT_TRUE(info.outputs[0].stretch_minmax);

  json part = DepthMetadata();
  part["kind"] = "infill_part";
  part["group"] = "svd";
  part["role"] = "vae_encoder";
  part["scheduler"] = {{"steps", 8}, {"sigma_min", 0.002}};
  part["inputs"][0]["range"] = {-1, 1};
  part["outputs"] = json::parse(
      R"([{"name": "latent", "layout": "NCHW", "quantity": "latent", "channels": 4, "downscale": 8}])");
  info = Parse(part);
  EXPECT_EQ(info.role, "vae_encoder");
  EXPECT_EQ(info.inputs[0].range, InputRange::kMinusOneToOne);
  EXPECT_EQ(info.outputs[0].layout.downscale, 8);
  ASSERT_EQ(info.scheduler.size(), 2u);
  EXPECT_EQ(info.scheduler[0].second, "0.002");
  EXPECT_STREQ(ToString(info.kind), "infill_part");
  part["kind"] = "stabilizer_part";
  part.erase("scheduler");
  info = Parse(part);
  EXPECT_EQ(info.role, "vae_encoder");
  EXPECT_STREQ(ToString(info.kind), "stabilizer_part");
}

TEST(ModelInfo, ReadsTheCheck) {
  json value = DepthMetadata();
  value["check"] =
      json::parse(R"({"seed": 0, "shape": [1, 3, 8, 12], "mean": 0.5, "std": 0.25, "tol": 1e-3})");
  ModelInfo info = Parse(value);
  ASSERT_TRUE(info.check);
  EXPECT_EQ(info.check->shapes, (std::vector<Shape>{{1, 3, 8, 12}}));
  EXPECT_EQ(info.check->mean, (std::vector<double>{0.5}));
  EXPECT_EQ(info.check->tolerance, 1e-3);

  value["kind"] = "flow";
  value["inputs"].push_back({{"name", "b"}});
  value["check"]["mean"] = {0.5};
  value["check"]["std"] = {0.25};
  info = Parse(value);
  EXPECT_EQ(info.check->shapes[1], (Shape{1, 3, 8, 12})) << "follows from the first";

  value["check"]["shape"] = {1, 4, 8, 12};
  ExpectError(Code::kCorrupt, "check.shape", [&] { Parse(value); });
  value["check"]["shape"] = {1, 3, 8, 12};
  value["check"]["std"] = {0.25, 1};
  ExpectError(Code::kCorrupt, "check.std", [&] { Parse(value); });
  value["check"]["std"] = {-1};
  ExpectError(Code::kCorrupt, "check.std", [&] { Parse(value); });
}

TEST(ModelInfo, NamesKeysThatItDoesNotKnow) {
  json value = DepthMetadata();
  value["colour"] = 1;
  value["inputs"][0]["size"]["multipel"] = 14;
  value["outputs"][0]["non_negativ"] = true;
  EXPECT_EQ(
      Parse(value).unknown_keys,
      (std::vector<std::string>{"inputs[0].size.multipel", "outputs[0].non_negativ", "colour"}));
}

TEST(ModelInfo, NamesTheKeyOfEveryWrongValue) {
  const json original = DepthMetadata();
  struct Row {
    const char* pointer;
    const char* value;  // JSON; nullptr: the key is taken away
    const char* part;
    Code code = Code::kCorrupt;
  };
  const Row rows[] = {
      {"/format", nullptr, "format is missing"},
      {"/format", "\"1\"", "format = \"1\""},
      {"/format", "2", "this mdvt reads 1", Code::kUnsupported},
      {"/kind", "\"deep\"", "this mdvt knows depth, depth_video", Code::kUnsupported},
      {"/kind", "7", "kind = 7"},
      {"/name", "\"\"", "name = \"\""},
      {"/source", "[]", "source = a list"},
      {"/source/license", "1", "source.license"},
      {"/torch/min", "\"new\"", "torch.min"},
      {"/inputs", nullptr, "inputs is missing"},
      {"/inputs", "[]", "inputs = a list"},
      {"/inputs/0", "1", "inputs[0] is 1"},
      {"/inputs/0/name", nullptr, "inputs[0].name is missing"},
      {"/inputs/0/layout", "\"NCHH\"", "inputs[0].layout"},
      {"/inputs/0/layout", "\"NCH\"", "inputs[0].layout"},
      {"/inputs/0/layout", "\"nchw\"", "inputs[0].layout"},
      {"/inputs/0/layout", "\"0\"", "inputs[0].layout"},
      {"/inputs/0/range", "[0, 255]", "[-1, 1] or"},
      {"/inputs/0/range", "\"0..1\"", "inputs[0].range"},
      {"/inputs/0/color", "\"bgr\"", "one of rgb, gray"},
      {"/inputs/0/normalize", "\"imagenet\"", "one of in_module"},
      {"/inputs/0/normalize", "{\"mean\": [0, 0, 0]}", "inputs[0].normalize.std is missing"},
      {"/inputs/0/normalize", "{\"mean\": [0, 0], \"std\": [1, 1, 1]}", "inputs[0].normalize.mean"},
      {"/inputs/0/normalize", "{\"mean\": [0, 0, 0], \"std\": [1, 0, 1]}",
       "inputs[0].normalize.std has 0"},
      {"/inputs/0/resample", "\"sharp\"", "inputs[0].resample"},
      {"/inputs/0/size", nullptr, "inputs[0].size is missing"},
      {"/inputs/0/size/rule", "\"big\"", "one of cover, fit, minimal, area, fixed, native"},
      {"/inputs/0/size/target", "[16]", "inputs[0].size.target"},
      {"/inputs/0/size/target", "[16, 0]", "inputs[0].size.target has 0"},
      {"/inputs/0/size/target", nullptr, "inputs[0].size.target is missing"},
      {"/inputs/0/size/multiple", "0", "inputs[0].size.multiple"},
      {"/inputs/0/size/multiple", "2.5", "inputs[0].size.multiple"},
      {"/inputs/0/size/round", "\"up\"", "one of nearest_even, ceil, floor"},
      {"/inputs/0/size/keep_aspect", "1", "true or false"},
      {"/inputs/0/size/min", "[65, 65]", "inputs[0].size.rule and its numbers"},
      {"/inputs/0/size/pad", "{\"mode\": \"edge_frame\"}", "one of zero_normalized, replicate"},
      {"/inputs/0/size/pad", "{\"mode\": \"replicate\", \"aspect\": [2, 1]}", "pad.aspect"},
      {"/outputs/0/quantity", "\"near\"", "one of disparity, depth"},
      {"/outputs/0/quantity", "\"rays\"", "outputs[0].scale"},
      {"/outputs/0/scale", nullptr, "outputs[0].scale is missing"},
      {"/outputs/0/scale", "\"metric_times_focal\"", "outputs[0].focal_ref"},
      {"/outputs/0/focal_ref", "300", "outputs[0].focal_ref"},
      {"/outputs/0/unit", "\"mm\"", "one of m, px"},
      {"/outputs/0/non_negative", "\"yes\"", "outputs[0].non_negative"},
      {"/outputs/0/max_depth", "-1", "outputs[0].max_depth"},
      {"/outputs/0/channels", "0", "outputs[0].channels"},
      {"/outputs/0/downscale", "0", "outputs[0].downscale"},
      {"/outputs/0/stretch", "\"mean\"", "one of minmax, none"},
      {"/batch/max", "0", "batch.max"},
      {"/batch/dynamic", "2", "batch.dynamic"},
      {"/precision", "[]", "precision"},
      {"/precision", "[\"int8\"]", "precision"},
      {"/precision", "\"fp32\"", "a list of texts"},
      {"/pixel_center", "2", "pixel_center"},
      {"/window", "{}", "left out for this kind"},
      {"/fixed", "[]", "fixed"},
      {"/check", "{}", "check.shape"},
      {"/classes", "[1]", "classes"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.pointer) + " " + (row.value ? row.value : "taken away"));
    json value = original;
    const json::json_pointer pointer(row.pointer);
    if (row.value != nullptr) {
      value[pointer] = json::parse(row.value);
    } else {
      value[pointer.parent_pointer()].erase(pointer.back());
    }
    ExpectError(row.code, row.part, [&] { Parse(value); });
  }
}

TEST(ModelInfo, NetworksThatPaintOverMayHaveAWindow) {
  json value = VideoMetadata();
  value["kind"] = "inpaint";
  value["outputs"][0] = {{"name", "frames"}, {"layout", "1TCHW"}, {"quantity", "image"}};
  ASSERT_TRUE(Parse(value).window);
  EXPECT_EQ(Parse(value).window->overlap, 10);
  value["window"]["length"] = 0;
  ExpectError(Code::kCorrupt, "window.length", [&] { Parse(value); });
  value.erase("window");
  EXPECT_FALSE(Parse(value).window);
}

TEST(ModelInfo, NamesTheKeyOfAWrongWindow) {
  const std::pair<const char*, const char*> rows[] = {
      {"length", "0"},      {"length", "5000"},    {"stride", "33"},
      {"overlap", "32"},    {"carry", "[1, 2]"},   {"carry", "[0,12,24,25,26,27,28,29,30,32]"},
      {"blend", "11"},      {"align", "\"mean\""}, {"align_refs", "[-1]"},
      {"min_length", "33"}, {"pad", "\"mirror\""}, {"multiple", "5"}};
  for (const auto& [key, wrong] : rows) {
    json value = VideoMetadata();
    value["window"][key] = json::parse(wrong);
    ExpectError(Code::kCorrupt, std::string("window.") + key, [&] { Parse(value); });
  }
  json value = VideoMetadata();
  value.erase("window");
  ExpectError(Code::kCorrupt, "window is missing", [&] { Parse(value); });
}

TEST(ModelInfo, RefusesTextThatIsNoMetadata) {
  const auto parse = [](const std::string& text, const Limits& limits = {}) {
    return ModelInfo::Parse(text.data(), text.size(), limits);
  };
  ExpectError(Code::kCorrupt, "the text is empty", [&] { parse(""); });
  ExpectError(Code::kCorrupt, "expected a key in double quotes (line 1, column 14)",
              [&] { parse("{\"format\": 1,}"); });
  ExpectError(Code::kCorrupt, "a number does not fit", [&] { parse("{\"format\": 1e999}"); });
  ExpectError(Code::kCorrupt, "not valid UTF-8", [&] { parse("{\"name\": \"\xff\"}"); });
  ExpectError(Code::kCorrupt, "must be an object", [&] { parse("[]"); });
  ExpectError(Code::kCorrupt, "stands twice", [&] { parse("{\"format\": 1, \"format\": 1}"); });
  ExpectError(Code::kLimit, "nested deeper than the limit of 64",
              [&] { parse(std::string(100000, '[') + std::string(100000, ']')); });
  Limits limits;
  limits.max_text_bytes = 10;
  ExpectError(Code::kLimit, "the limit is 10", [&] { parse(DepthMetadata().dump(), limits); });
}

}  // namespace
}  // namespace mdvt
