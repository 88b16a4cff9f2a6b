// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/model_info.h"

#include <algorithm>
#include <set>

#include "core/json.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "model/layout.h"

namespace mdvt {
namespace {

using json::Object;

constexpr char kWhat[] = "model metadata";
constexpr int kMaxSide = 16384;
constexpr int kMaxChannels = 65536;
constexpr size_t kMaxTensors = 64;
constexpr double kHuge = 1e30;

constexpr std::initializer_list<std::pair<const char*, ModelKind>> kKinds = {
    {"depth", ModelKind::kDepth},
    {"depth_video", ModelKind::kDepthVideo},
    {"depth_stream", ModelKind::kDepthStream},
    {"track", ModelKind::kTrack},
    {"flow", ModelKind::kFlow},
    {"segment", ModelKind::kSegment},
    {"inpaint", ModelKind::kInpaint},
    {"infill_part", ModelKind::kInfillPart},
    {"stabilizer_part", ModelKind::kStabilizerPart}};

constexpr std::initializer_list<std::pair<const char*, Quantity>> kQuantities = {
    {"disparity", Quantity::kDisparity},
    {"depth", Quantity::kDepth},
    {"distance", Quantity::kDistance},
    {"flow", Quantity::kFlow},
    {"probability", Quantity::kProbability},
    {"logit", Quantity::kLogit},
    {"intrinsics", Quantity::kIntrinsics},
    {"rays", Quantity::kRays},
    {"position", Quantity::kPosition},
    {"log_scale", Quantity::kLogScale},
    {"image", Quantity::kImage},
    {"latent", Quantity::kLatent}};

constexpr std::initializer_list<std::pair<const char*, OutputScale>> kScales = {
    {"affine", OutputScale::kAffine},
    {"scale_only", OutputScale::kScaleOnly},
    {"metric", OutputScale::kMetric},
    {"metric_times_focal", OutputScale::kMetricTimesFocal}};

template <typename Enum>
const char* NameOf(std::initializer_list<std::pair<const char*, Enum>> names, Enum value) {
  for (const auto& [name, one] : names) {
    if (one == value) return name;
  }
  return "none";
}

// "1.13.1": numbers with points between.
bool IsVersion(const std::string& text) {
  return !text.empty() && text.size() < 32 && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string::npos &&
         text.find_first_not_of("0123456789.") == std::string::npos;
}

TensorLayout ReadLayout(const Object& object, const std::string& otherwise, int channels) {
  TensorLayout layout;
  layout.dims = otherwise.empty() ? object.Text("layout") : object.Text("layout", otherwise);
  std::set<char> once;
  bool valid = !layout.dims.empty() && layout.dims.size() <= kMaxTensorRank;
  for (const char letter : layout.dims) {
    const bool digit = letter >= '1' && letter <= '9';
    valid = valid && (digit || (letter >= 'A' && letter <= 'Z' && once.insert(letter).second));
  }
  if (!valid || once.count('H') != once.count('W')) {
    object.Fail("layout",
                "1 to 8 letters A to Z, each once, and digits, with H and W or neither: "
                "NCHW, 1TCHW, 1N3");
  }
  layout.channels = once.count('C') == 0
                        ? 0
                        : static_cast<int>(object.Integer("channels", 1, kMaxChannels, channels));
  layout.downscale = static_cast<int>(object.Integer("downscale", 1, 256, 1));
  return layout;
}

// [height, width]
PixelSize ReadSides(const Object& object, const char* key) {
  const std::vector<int64_t> sides = object.Integers(key, 1, kMaxSide, 2);
  return {static_cast<int>(sides[1]), static_cast<int>(sides[0])};
}

SizePad ReadPad(const Object& object, std::vector<std::string>* unknown) {
  SizePad pad;
  pad.mode = object.Choice<PadMode>(
      "mode", {{"zero_normalized", PadMode::kZeroNormalized}, {"replicate", PadMode::kReplicate}});
  if (object.Has("value")) {
    const std::vector<double> value = object.Numbers("value", -1000, 1000, 3);
    for (size_t i = 0; i < 3; ++i) pad.value[i] = static_cast<float>(value[i]);
  }
  if (object.Has("aspect")) {
    const std::vector<double> aspect = object.Numbers("aspect", 1e-3, 1e3, 2);
    if (aspect[0] > aspect[1]) object.Fail("aspect", "[least, largest]");
    pad.min_aspect = aspect[0];
    pad.max_aspect = aspect[1];
  }
  object.AddUnknown(unknown);
  return pad;
}

SizeRule ReadSize(const Object& object, std::vector<std::string>* unknown) {
  SizeRule rule;
  rule.mode = object.Choice<SizeMode>("rule", {{"cover", SizeMode::kCover},
                                               {"fit", SizeMode::kFit},
                                               {"minimal", SizeMode::kMinimal},
                                               {"area", SizeMode::kArea},
                                               {"fixed", SizeMode::kFixed},
                                               {"native", SizeMode::kNative}});
  rule.multiple = static_cast<int>(object.Integer("multiple", 1, 1024, 1));
  rule.rounding = object.Choice<SizeRounding>("round",
                                              {{"nearest_even", SizeRounding::kNearestEven},
                                               {"ceil", SizeRounding::kCeil},
                                               {"floor", SizeRounding::kFloor}},
                                              SizeRounding::kNearestEven);
  rule.keep_aspect = object.Flag("keep_aspect", true);
  rule.dynamic = object.Flag("dynamic", rule.mode != SizeMode::kFixed);
  const bool aims = rule.mode != SizeMode::kArea && rule.mode != SizeMode::kNative;
  if (aims || !rule.dynamic || object.Has("target")) rule.target = ReadSides(object, "target");
  if (object.Has("min")) rule.min = ReadSides(object, "min");
  if (object.Has("max")) rule.max = ReadSides(object, "max");
  const double most = static_cast<double>(kMaxSide) * kMaxSide;
  if (rule.mode == SizeMode::kArea) {
    rule.min_pixels = object.Number("min_pixels", 1, most);
    rule.max_pixels = object.Number("max_pixels", 1, most);
  }
  if (object.Has("wide")) {
    const std::vector<double> wide = object.Numbers("wide", 1, 100, 2);
    rule.wide_above = wide[0];
    rule.wide_as = wide[1];
  }
  if (object.Has("pad")) rule.pad = ReadPad(object.Child("pad"), unknown);
  try {
    rule.Check();
  } catch (const Error& error) {
    throw Error(Code::kCorrupt, object.Name("rule") + " and its numbers: " + error.what());
  }
  object.AddUnknown(unknown);
  return rule;
}

ResampleKind ReadResample(const Object& object) {
  const std::string name = object.Text("resample", "bilinear");
  try {
    return ResampleByName(name);
  } catch (const Error& error) {
    throw Error(Code::kCorrupt, object.Name("resample") + ": " + error.what());
  }
}

InputRange ReadRange(const Object& object) {
  const json::Value* value = object.Raw("range");
  if (value == nullptr) return InputRange::kZeroToOne;
  if (value->is_string() && value->AsString() == "image_max") return InputRange::kImageMax;
  const auto is_from = [&](double low) {
    if (!value->is_array() || value->size() != 2) return false;
    const json::Value& first = value->AsArray()[0];
    const json::Value& last = value->AsArray()[1];
    return first.is_number() && first.AsDouble() == low && last.is_number() && last.AsDouble() == 1;
  };
  if (is_from(0)) return InputRange::kZeroToOne;
  if (is_from(-1)) return InputRange::kMinusOneToOne;
  object.Fail("range", "[0, 1], [-1, 1] or \"image_max\"");
}

// "in_module", or {"mean": [...], "std": [...]} where the network expects such values.
void ReadNormalize(const Object& object, ModelInputInfo* input, std::vector<std::string>* unknown) {
  const json::Value* value = object.Raw("normalize");
  if (value == nullptr || !value->is_object()) {
    object.Choice<bool>("normalize", {{"in_module", true}}, true);
    return;
  }
  if (input->layout.channels == 0)
    object.Fail("normalize", "\"in_module\", the layout has no channels");
  const Object numbers = object.Child("normalize");
  const auto channels = static_cast<size_t>(input->layout.channels);
  input->mean = numbers.Numbers("mean", -1000, 1000, channels);
  input->deviation = numbers.Numbers("std", 1e-6, 1000, channels);
  numbers.AddUnknown(unknown);
}

std::string DefaultInputLayout(ModelKind kind, size_t index) {
  switch (kind) {
    case ModelKind::kDepthVideo:
      return "1TCHW";
    case ModelKind::kTrack:
      return index == 0 ? "1TCHW" : index == 1 ? "1N3" : "";
    case ModelKind::kInfillPart:
    case ModelKind::kStabilizerPart:
      return "";
    default:
      return "NCHW";
  }
}

std::string DefaultOutputLayout(ModelKind kind, Quantity quantity) {
  switch (kind) {
    case ModelKind::kDepthVideo:
      return quantity == Quantity::kIntrinsics ? "1T33" : "1TCHW";
    case ModelKind::kTrack:
      return quantity == Quantity::kPosition ? "1TN2" : "1TN";
    case ModelKind::kInfillPart:
    case ModelKind::kStabilizerPart:
      return "";
    default:
      return quantity == Quantity::kIntrinsics ? "N33" : "NCHW";
  }
}

int DefaultChannels(const ModelInfo& info, Quantity quantity) {
  switch (quantity) {
    case Quantity::kProbability:
    case Quantity::kLogit:
      return info.kind == ModelKind::kSegment && !info.classes.empty()
                 ? static_cast<int>(info.classes.size())
                 : 1;
    case Quantity::kFlow:
    case Quantity::kPosition:
      return 2;
    case Quantity::kRays:
    case Quantity::kImage:
      return 3;
    case Quantity::kLatent:
      return 0;
    default:
      return 1;
  }
}

ModelInputInfo ReadInput(const Object& object, const ModelInfo& info,
                         std::vector<std::string>* unknown) {
  ModelInputInfo input;
  input.name = object.Text("name");
  const bool gray = object.Choice<bool>("color", {{"rgb", false}, {"gray", true}}, false);
  input.layout =
      ReadLayout(object, DefaultInputLayout(info.kind, info.inputs.size()), gray ? 1 : 3);
  input.range = ReadRange(object);
  ReadNormalize(object, &input, unknown);
  input.resample = ReadResample(object);
  if (input.layout.IsPicture()) {
    // Where pictures share their letters, the first one's rule is that of all.
    const auto first = std::find_if(info.inputs.begin(), info.inputs.end(),
                                    [](const auto& other) { return other.layout.IsPicture(); });
    input.size = object.Has("size") || first == info.inputs.end()
                     ? ReadSize(object.Child("size"), unknown)
                     : first->size;
  } else if (object.Has("size")) {
    object.Fail("size", "left out, the layout has no H and W");
  }
  return input;
}

ModelOutputInfo ReadOutput(const Object& object, const ModelInfo& info) {
  ModelOutputInfo output;
  output.name = object.Text("name");
  output.quantity = object.Choice<Quantity>("quantity", kQuantities);
  output.layout = ReadLayout(object, DefaultOutputLayout(info.kind, output.quantity),
                             DefaultChannels(info, output.quantity));
  const bool has_scale = output.quantity == Quantity::kDisparity ||
                         output.quantity == Quantity::kDepth ||
                         output.quantity == Quantity::kDistance;
  if (has_scale) {
    output.scale = object.Choice<OutputScale>("scale", kScales);
  } else if (object.Has("scale")) {
    object.Fail("scale", "null, a quantity of this kind has none");
  }
  const bool metric =
      output.scale == OutputScale::kMetric || output.scale == OutputScale::kMetricTimesFocal;
  output.unit =
      object.Choice<OutputUnit>("unit", {{"m", OutputUnit::kMetre}, {"px", OutputUnit::kPixel}},
                                metric ? OutputUnit::kMetre : OutputUnit::kNone);
  if (metric && output.unit != OutputUnit::kMetre) object.Fail("unit", "\"m\" for a metric scale");
  output.resample = ReadResample(object);
  if (output.scale == OutputScale::kMetricTimesFocal) {
    output.focal_ref = object.Number("focal_ref", 1e-3, 1e6);
  } else if (object.Has("focal_ref")) {
    object.Fail("focal_ref", "left out unless the scale is \"metric_times_focal\"");
  }
  output.non_negative = object.Flag("non_negative", false);
  output.max_depth = object.Number("max_depth", 1e-3, 1e6, 0);
  output.stretch_minmax =
      object.Choice<bool>("stretch", {{"minmax", true}, {"none", false}}, false);
  return output;
}

std::vector<int> ReadSlots(const Object& object, const char* key, int length) {
  std::vector<int> slots;
  if (!object.Has(key)) return slots;
  for (const int64_t slot : object.Integers(key, 0, length - 1, 0)) {
    slots.push_back(static_cast<int>(slot));
  }
  return slots;
}

ModelWindow ReadWindow(const Object& object) {
  ModelWindow window;
  const auto integer = [&](const char* key, int low, int high, int otherwise) {
    return static_cast<int>(object.Integer(key, low, high, otherwise));
  };
  window.length = static_cast<int>(object.Integer("length", 1, 4096));
  window.stride = integer("stride", 1, window.length, window.length);
  window.overlap = integer("overlap", 0, window.length - 1, 0);
  window.carry = ReadSlots(object, "carry", window.length);
  if (!window.carry.empty() && static_cast<int>(window.carry.size()) != window.overlap) {
    object.Fail("carry", "as many slots as overlap, " + std::to_string(window.overlap));
  }
  window.align_refs = ReadSlots(object, "align_refs", window.length);
  window.blend = integer("blend", 0, window.overlap, 0);
  window.align_scale_shift =
      object.Choice<bool>("align", {{"scale_shift", true}, {"none", false}}, false);
  if (window.align_scale_shift && window.align_refs.empty()) {
    object.Fail("align", "\"none\" where there are no align_refs");
  }
  object.Choice<bool>("pad", {{"repeat_last", true}}, true);
  window.min_length = integer("min_length", 1, window.length, 1);
  window.dynamic = object.Flag("dynamic", false);
  window.multiple = integer("multiple", 1, window.length, 1);
  if (window.length % window.multiple != 0) object.Fail("multiple", "a divisor of length");
  return window;
}

Shape ReadShape(const Object& object, const char* key, const json::Value& list,
                const std::string& valid) {
  Shape shape;
  bool good = list.is_array() && list.size() <= kMaxTensorRank;
  for (size_t i = 0; good && i < list.size(); ++i) {
    const json::Value& side = list.AsArray()[i];
    good = side.is_int() && side.AsInt() >= 1 && side.AsInt() <= 1 << 20;
    if (good) shape.push_back(side.AsInt());
  }
  if (!good || shape.empty()) object.Fail(key, valid);
  return shape;
}

// A number, or a list of them for several outputs.
std::vector<double> ReadFigures(const Object& object, const char* key, double low, size_t outputs) {
  const json::Value* value = object.Raw(key);
  if (value == nullptr || !value->is_array()) return {object.Number(key, low, kHuge)};
  std::vector<double> figures = object.Numbers(key, low, kHuge, 0);
  if (figures.size() > outputs) object.Fail(key, "at most one number for each output");
  return figures;
}

ModelCheck ReadCheck(const Object& object, const ModelInfo& info) {
  ModelCheck check;
  const std::string valid =
      "for each input a list of 1 to 8 dimensions in [1, 1048576] as its layout says";
  if (const json::Value* shapes = object.Raw("shapes")) {
    if (!shapes->is_array() || shapes->size() != info.inputs.size()) object.Fail("shapes", valid);
    for (const json::Value& one : shapes->AsArray()) {
      check.shapes.push_back(ReadShape(object, "shapes", one, valid));
    }
  } else {
    const json::Value* shape = object.Raw("shape");
    check.shapes.push_back(
        ReadShape(object, "shape", shape ? *shape : json::Value(), "a list of dimensions"));
  }
  LayoutDims shared;
  for (size_t i = 0; i < info.inputs.size(); ++i) {
    const TensorLayout& layout = info.inputs[i].layout;
    LayoutDims own;
    LayoutDims& dims = info.IsState(info.inputs[i].name) ? own : shared;
    if (i == check.shapes.size()) check.shapes.push_back(dims.Resolve(layout));
    const char* key = object.Has("shapes") ? "shapes" : "shape";
    if (check.shapes[i].empty()) {
      object.Fail("shapes", "there: the shape of input '" + json::Shorten(info.inputs[i].name) +
                                "' does not follow from the first one");
    }
    if (!dims.Bind(layout, check.shapes[i])) {
      object.Fail(
          key, dims.Describe(layout) + " for input '" + json::Shorten(info.inputs[i].name) + "'");
    }
  }
  check.mean = ReadFigures(object, "mean", -kHuge, info.outputs.size());
  check.deviation = ReadFigures(object, "std", 0, info.outputs.size());
  if (check.mean.size() != check.deviation.size()) object.Fail("std", "as many as mean");
  check.tolerance = object.Number("tol", 0, 1, 1e-4);
  if (object.Has("seed") && object.Integer("seed", 0, 0) != 0) object.Fail("seed", "0");
  return check;
}

// The picture, the number of the frame, and what is handed on from each frame to the next.
void CheckStream(const Object& root, const ModelInfo& info) {
  const bool begins = info.inputs.size() >= 3 && info.inputs[0].layout.dims == "NCHW" &&
                      info.inputs[1].layout.dims == "1";
  if (!begins || info.batch_dynamic || info.batch_max != 1)
    root.Fail("inputs", "one picture NCHW, the frame's number of layout 1, and states");
  for (size_t i = 2; i < info.inputs.size(); ++i) {
    const ModelInputInfo& input = info.inputs[i];
    const auto found = std::find_if(info.outputs.begin(), info.outputs.end(),
                                    [&](const auto& output) { return output.name == input.name; });
    const bool same = found != info.outputs.end() && found->quantity == Quantity::kLatent &&
                      found->layout.dims == input.layout.dims &&
                      found->layout.channels == input.layout.channels && !input.layout.IsPicture();
    if (!same)
      root.Fail("outputs", "one with a latent for state '" + json::Shorten(input.name) +
                               "': of the same name, layout and channels, without H and W");
  }
}

// {"name": number, text or flag, ...}, for the user's eyes.
std::vector<std::pair<std::string, std::string>> ReadNotes(const Object& object, const char* key) {
  std::vector<std::pair<std::string, std::string>> notes;
  const json::Value* value = object.Raw(key);
  if (value == nullptr) return notes;
  if (!value->is_object() || value->size() > 256) object.Fail(key, "an object {...}");
  for (const auto& [name, note] : value->AsMembers()) {
    if (note.is_object()) object.Fail(key, "an object of numbers, texts and lists");
    notes.emplace_back(name, json::ToText(note));
  }
  return notes;
}

void ReadPrecision(const Object& object, ModelInfo* info) {
  if (!object.Has("precision")) return;
  info->fp32 = false;
  for (const std::string& name : object.Texts("precision")) {
    bool* const flag = name == "fp32"               ? &info->fp32
                       : name == "fp16_cuda"        ? &info->fp16_cuda
                       : name == "bf16_cpu_encoder" ? &info->bf16_cpu_encoder
                                                    : nullptr;
    if (flag == nullptr) object.Fail("precision", "a list of fp32, fp16_cuda, bf16_cpu_encoder");
    *flag = true;
  }
  if (!info->fp32 && !info->fp16_cuda && !info->bf16_cpu_encoder) {
    object.Fail("precision", "a list of fp32, fp16_cuda, bf16_cpu_encoder, not an empty one");
  }
}

}  // namespace

const char* ToString(ModelKind kind) { return NameOf(kKinds, kind); }
const char* ToString(Quantity quantity) { return NameOf(kQuantities, quantity); }
const char* ToString(OutputScale scale) { return NameOf(kScales, scale); }

bool ModelInfo::IsState(const std::string& tensor) const {
  if (kind != ModelKind::kDepthStream) return false;
  const auto named = [&](const auto& port) { return port.name == tensor; };
  return std::any_of(inputs.begin(), inputs.end(), named) &&
         std::any_of(outputs.begin(), outputs.end(), named);
}

ModelInfo ModelInfo::Parse(const char* text, size_t size, const Limits& limits) {
  const json::Value value = json::Parse({text, size}, limits, kWhat);
  const Object root(value, kWhat);
  ModelInfo info;
  std::vector<std::string>& unknown = info.unknown_keys;

  const int64_t format = root.Integer("format", 1, 1 << 30);
  Require(format == 1, Code::kUnsupported,
          root.Name("format") + " = " + std::to_string(format) +
              ", this mdvt reads 1: take a newer mdvt or export the model again");
  const std::string kind = root.Text("kind");
  std::string kinds;
  bool known = false;
  for (const auto& [name, one] : kKinds) {
    kinds += (kinds.empty() ? "" : ", ") + std::string(name);
    if (kind == name) {
      info.kind = one;
      known = true;
    }
  }
  Require(known, Code::kUnsupported,
          root.Name("kind") + " = \"" + json::Shorten(kind) + "\", this mdvt knows " + kinds);
  info.name = root.Text("name");
  if (info.name.empty()) root.Fail("name", "a text");

  if (root.Has("source")) {
    const Object source = root.Child("source");
    info.source.upstream = source.Text("upstream", "");
    info.source.commit = source.Text("commit", "");
    info.source.checkpoint = source.Text("checkpoint", "");
    info.source.sha256 = source.Text("sha256", "");
    info.source.license = source.Text("license", "");
    source.AddUnknown(&unknown);
  }
  if (root.Has("torch")) {
    const Object torch = root.Child("torch");
    info.exported_with = torch.Text("exported_with", "");
    info.torch_min = torch.Text("min", "");
    if (!info.torch_min.empty() && !IsVersion(info.torch_min)) {
      torch.Fail("min", "a version such as \"1.13\"");
    }
    torch.AddUnknown(&unknown);
  }
  info.classes = root.Texts("classes");

  std::set<std::string> names;
  for (const Object& object : root.Children("inputs", kMaxTensors)) {
    info.inputs.push_back(ReadInput(object, info, &unknown));
    if (!names.insert(info.inputs.back().name).second) object.Fail("name", "another one");
    object.AddUnknown(&unknown);
  }
  names.clear();
  for (const Object& object : root.Children("outputs", kMaxTensors)) {
    info.outputs.push_back(ReadOutput(object, info));
    if (!names.insert(info.outputs.back().name).second) object.Fail("name", "another one");
    object.AddUnknown(&unknown);
  }

  if (root.Has("batch")) {
    const Object batch = root.Child("batch");
    info.batch_dynamic = batch.Flag("dynamic", false);
    info.batch_max = static_cast<int>(batch.Integer("max", 1, 1024, 1));
    batch.AddUnknown(&unknown);
  }
  if (info.kind == ModelKind::kDepthStream) CheckStream(root, info);
  ReadPrecision(root, &info);
  info.pixel_center = root.Number("pixel_center", 0, 1, 0.5);
  info.channels_last = root.Flag("channels_last", false);

  const bool of_clips = info.kind == ModelKind::kDepthVideo || info.kind == ModelKind::kTrack;
  // A network that paints over pictures may see several at once.
  if (of_clips || (info.kind == ModelKind::kInpaint && root.Has("window"))) {
    const Object window = root.Child("window");
    info.window = ReadWindow(window);
    window.AddUnknown(&unknown);
  } else if (root.Has("window")) {
    root.Fail("window", "left out for this kind");
  }
  info.fixed = ReadNotes(root, "fixed");
  if (root.Has("check")) {
    const Object check = root.Child("check");
    info.check = ReadCheck(check, info);
    check.AddUnknown(&unknown);
  }
  if (info.kind == ModelKind::kInfillPart || info.kind == ModelKind::kStabilizerPart) {
    info.group = root.Text("group");
    info.role = root.Text("role");
  }
  if (info.kind == ModelKind::kInfillPart) info.scheduler = ReadNotes(root, "scheduler");
  root.AddUnknown(&unknown);
  return info;
}

}  // namespace mdvt
