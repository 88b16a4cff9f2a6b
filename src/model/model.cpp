// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/model.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include "core/naming.h"
#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/model/backend.h"
#include "mdvt/model/model_manifest.h"
#include "mdvt_backend.h"
#include "model/backend_calls.h"
#include "model/layout.h"
#include "model/model_file.h"
#include "model/model_impl.h"

namespace mdvt {

namespace {

namespace fs = std::filesystem;

bool IsDevice(const std::string& text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string kind = text.substr(0, colon);
  const std::string number = colon < text.size() ? text.substr(colon + 1) : "0";
  return !kind.empty() && kind.size() <= 16 &&
         kind.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos &&
         !number.empty() && number.size() <= 3 &&
         number.find_first_not_of("0123456789") == std::string::npos;
}

struct Verdict {
  enum { kListed, kUnlisted, kWrong, kNoModel } hash = kUnlisted;
  std::string reason;  // why it is not listed, or wrong
  Code code = Code::kRefused;
};

// What options and manifest say about a file of this hash.
Verdict JudgeHash(const std::string& path, const SealedModel& file, const ModelOptions& options) {
  const std::string name = fs::path(path).filename().string();
  const std::string& hash = file.sha256();
  if (file.size() == 0) return {Verdict::kNoModel, "an empty file", Code::kCorrupt};
  if (const std::string why = file.WhyNoNetwork(); !why.empty()) return {Verdict::kNoModel, why};
  const std::string wrong_file = ": the file is damaged or another one";
  const std::string wanted = NormalizedSha256(options.sha256);
  if (!wanted.empty() && hash != wanted) {
    return {Verdict::kWrong,
            "its SHA-256 is " + hash + ", " + wanted + " was asked for" + wrong_file};
  }

  std::string manifest_path = options.manifest;
  if (manifest_path.empty()) {
    const fs::path beside = fs::path(path).parent_path() / "manifest.json";
    std::error_code ignored;
    if (fs::exists(beside, ignored)) manifest_path = beside.string();
  }
  ModelManifest manifest;
  if (!manifest_path.empty()) manifest = ModelManifest::Read(manifest_path, options.limits);
  const std::string lists = "'" + manifest_path + "' lists ";
  const ManifestEntry* entry = manifest.FindFile(name);
  if (entry != nullptr && entry->size && file.size() != *entry->size) {
    return {Verdict::kWrong, "has " + std::to_string(file.size()) + " bytes, " + lists +
                                 std::to_string(*entry->size) + wrong_file};
  }
  if (entry != nullptr && !entry->sha256.empty() && hash != entry->sha256) {
    return {Verdict::kWrong, "its SHA-256 is " + hash + ", " + lists + entry->sha256 + wrong_file};
  }
  if (const std::string why = file.WhyUnreadable(); options.backend.empty() && !why.empty())
    return {Verdict::kNoModel, why, Code::kCorrupt};
  if (!wanted.empty() || (entry != nullptr && !entry->sha256.empty()))
    return {Verdict::kListed, {}};

  const ManifestEntry* other = manifest.FindHash(hash);
  return {
      Verdict::kUnlisted,
      "not listed with a hash in " +
          (manifest_path.empty() ? "a manifest" : "'" + manifest_path + "'") + "; " +
          (other != nullptr
               ? "it is the file that is listed as '" + other->file + "': give it that name again"
               : "a model is a program; if you trust this one, list its SHA-256 " + hash +
                     " in a manifest.json beside it or open it with its hash or as unlisted")};
}

bool MayBeOpened(const Verdict& verdict, const ModelOptions& options) {
  return verdict.hash == Verdict::kListed ||
         (verdict.hash == Verdict::kUnlisted && options.trust == ModelTrust::kUnlisted);
}

const mdvt_backend* BackendOf(const std::string& path, const ModelOptions& options) {
  return Naming("'" + path + "'", [&] {
    return options.backend.empty() ? FindBackendFor(fs::path(path).extension().string())
                                   : FindBackend(options.backend);
  });
}

// The numbers in "LibTorch 2.1.0+cu118", at most three of them.
std::array<int, 3> VersionOf(const std::string& text) {
  std::array<int, 3> version = {};
  size_t at = text.find_first_of("0123456789");
  for (int& number : version) {
    if (at == std::string::npos || at >= text.size() || text[at] < '0' || text[at] > '9') break;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      number = std::min(number * 10 + (text[at] - '0'), 1000000);
    }
    if (at >= text.size() || text[at] != '.') break;
    ++at;
  }
  return version;
}

// Calls of the backend on the sealed copy; its texts name the file that the user knows.
void CheckCall(const mdvt_backend* table, mdvt_backend_status status, const std::string& path,
               const SealedModel& file) {
  if (status == MDVT_BACKEND_OK) return;
  std::string text = LastBackendError(table);
  for (size_t at = 0; (at = text.find(file.name(), at)) != std::string::npos; at += path.size())
    text.replace(at, file.name().size(), path);
  throw Error(ToCode(status), "'" + path + "': " + text);
}

ModelInfo ReadInfo(const mdvt_backend* table, const std::string& path, const SealedModel& file,
                   const Limits& limits) {
  const std::string sidecar = path + ".json";
  std::error_code ignored;
  if (fs::exists(sidecar, ignored)) {
    return ReadAndParse(sidecar, "model metadata", limits, ModelInfo::Parse);
  }
  BackendText text(table);
  CheckCall(table, table->read_metadata(file.name().c_str(), text.Receive()), path, file);
  Require(!text.empty(), Code::kRefused,
          "'" + path + "': not an mdvt model, it has no metadata: export it with one of " +
              "models/export, or describe it in '" + sidecar + "'");
  const std::string json = text.ToString();
  return Naming("'" + path + "'",
                [&] { return ModelInfo::Parse(json.data(), json.size(), limits); });
}

void CheckPrecision(const ModelInfo& info, const ModelOptions& options) {
  const bool on_cuda = options.device.rfind("cuda", 0) == 0;
  const bool offered = options.precision == ModelPrecision::kFp32   ? info.fp32
                       : options.precision == ModelPrecision::kFp16 ? info.fp16_cuda
                                                                    : info.bf16_cpu_encoder;
  std::string names;
  for (const auto& [has, name] : {std::pair<bool, const char*>{info.fp32, "fp32"},
                                  {info.fp16_cuda, "fp16 (CUDA)"},
                                  {info.bf16_cpu_encoder, "bf16_cpu_encoder (CPU)"}}) {
    if (has) names += (names.empty() ? "" : ", ") + std::string(name);
  }
  const bool wrong_device =
      (options.precision == ModelPrecision::kFp16 && !on_cuda) ||
      (options.precision == ModelPrecision::kBf16CpuEncoder && options.device.rfind("cpu", 0) != 0);
  Require(offered && !wrong_device, Code::kInvalidArgument,
          std::string("precision ") + ToString(options.precision) + " on " + options.device +
              ": this model offers " + names);
}

std::string DeclaredSizes(const SizeRule& rule) {
  if (!rule.dynamic || rule.mode == SizeMode::kFixed) return mdvt::ToString(rule.target) + " only";
  return "sides that are multiples of " + std::to_string(rule.multiple) + " from " +
         mdvt::ToString(rule.min) + " to " + mdvt::ToString(rule.max);
}

// (value - mean) / deviation of each channel.
void Normalize(const ModelInputInfo& input, const Shape& shape, const float* from, Tensor* to) {
  to->Resize(shape);
  const size_t channel_at = input.layout.dims.find('C');
  int64_t plane = 1;
  for (size_t i = channel_at + 1; i < shape.size(); ++i) plane *= shape[i];
  const auto channels = static_cast<int64_t>(input.mean.size());
  for (int64_t i = 0; i < to->size(); i += plane) {
    const auto channel = static_cast<size_t>(i / plane % channels);
    const auto mean = static_cast<float>(input.mean[channel]);
    const auto scale = static_cast<float>(1 / input.deviation[channel]);
    for (int64_t k = i; k < i + plane; ++k) (*to)[k] = (from[k] - mean) * scale;
  }
}

// Throws for the first value that a network must not return.
void CheckValues(const Tensor& values, const std::string& where, bool non_negative,
                 bool reduced_precision) {
  const auto bad = [&](float value) {
    return !(std::abs(value) <= std::numeric_limits<float>::max()) || (non_negative && value < 0);
  };
  const float* const data = values.data();
  constexpr int64_t kBlock = 4096;
  for (int64_t begin = 0; begin < values.size(); begin += kBlock) {
    const int64_t end = std::min(values.size(), begin + kBlock);
    bool any = false;
    for (int64_t i = begin; i < end; ++i) any |= bad(data[i]);
    if (!any) continue;
    const int64_t at = std::find_if(data + begin, data + end, bad) - data;
    const int64_t count = std::count_if(data + begin, data + values.size(), bad);
    const float value = data[at];
    std::string text = where + " has " + std::to_string(count) + " bad values of " +
                       std::to_string(values.size()) + ", the first is " + FormatFloat(value) +
                       " at " + std::to_string(at);
    if (std::isfinite(value)) {
      text += ", the metadata declares it non_negative";
    } else if (reduced_precision) {
      text += "; run the model in fp32";
    } else {
      text +=
          "; finite numbers are needed: the file is damaged or its input is not what it expects";
    }
    throw Error(Code::kCorrupt, text);
  }
}

}  // namespace

const char* ToString(ModelPrecision precision) {
  switch (precision) {
    case ModelPrecision::kFp16:
      return "fp16";
    case ModelPrecision::kBf16CpuEncoder:
      return "bf16_cpu_encoder";
    default:
      return "fp32";
  }
}

void ModelOptions::Check() const {
  Require(IsDevice(device), Code::kInvalidArgument,
          "ModelOptions.device = '" + device + "', must be cpu, cuda or cuda:N");
  Require(num_threads >= 0 && num_threads <= 1024, Code::kInvalidArgument,
          "ModelOptions.num_threads = " + std::to_string(num_threads) + ", must be in [0, 1024]");
  Require(max_run_seconds > 0, Code::kInvalidArgument,
          "ModelOptions.max_run_seconds = " + FormatDouble(max_run_seconds) + ", must be positive");
  Require(sha256.empty() || !NormalizedSha256(sha256).empty(), Code::kInvalidArgument,
          "ModelOptions.sha256 must be 64 hexadecimal digits or empty");
  limits.Check();
}

const Shape& ModelTensor::shape() const {
  static const Shape kNone;
  return impl_ ? impl_->shape : kNone;
}

void ModelTensor::CopyTo(Tensor* values) const {
  Require(impl_ != nullptr, Code::kInvalidArgument, "ModelTensor::CopyTo: there is no tensor");
  values->Resize(impl_->shape);
  const size_t count = static_cast<size_t>(values->size());
  if (impl_->tensor.data != nullptr) {
    std::memcpy(values->data(), impl_->tensor.data, count * sizeof(float));
  } else {
    CheckBackend(impl_->table,
                 impl_->table->copy_to_host(impl_->tensor.buffer, values->data(), count),
                 impl_->where);
  }
  CheckValues(*values, impl_->where, impl_->non_negative, impl_->reduced_precision);
}

std::string Model::Impl::GivenText(const std::vector<ModelInput>& inputs) const {
  std::string text;
  bool dynamic = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    text += (i == 0 ? "; it was given '" : ", '") + info.inputs[i].name + "' of shape " +
            mdvt::ToString(inputs[i].shape());
    dynamic |= info.inputs[i].layout.IsPicture() && info.inputs[i].size.dynamic;
  }
  return text + (dynamic ? ": if it was made for one size only, its metadata must say so "
                           "(\"dynamic\": false)"
                         : "");
}

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const ModelInfo& Model::info() const { return impl_->info; }
const std::string& Model::path() const { return impl_->path; }
const std::string& Model::sha256() const { return impl_->sha256; }
std::string Model::backend() const { return impl_->table->name; }
bool Model::deterministic() const { return impl_->options.deterministic; }
bool Model::processes_on_device() const {
  const ModelOptions& options = impl_->options;
  return options.processing == ModelProcessing::kDevice ||
         (options.processing == ModelProcessing::kAuto && options.device != "cpu" &&
          CalculatesOnDevice(impl_->table));
}

Model Model::Open(const std::string& path, const ModelOptions& options) {
  options.Check();
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->options = options;

  const SealedModel file(path);
  impl->table = BackendOf(path, options);
  const mdvt_backend* const table = impl->table;
  const Verdict verdict = JudgeHash(path, file, options);
  if (!MayBeOpened(verdict, options)) impl->Fail(verdict.code, verdict.reason);
  impl->sha256 = file.sha256();
  impl->info = ReadInfo(table, path, file, options.limits);
  const ModelInfo& info = impl->info;
  for (const std::string& key : info.unknown_keys) {
    LogWarning("'" + path + "': the metadata has a key that this mdvt does not know: " + key);
  }
  const bool too_old = std::strcmp(table->name, "torch") == 0 && !info.torch_min.empty() &&
                       VersionOf(table->version) < VersionOf(info.torch_min);
  if (too_old) {
    impl->Fail(Code::kUnsupported, "needs LibTorch " + info.torch_min + " or newer, this is " +
                                       table->version +
                                       ": export it with an older PyTorch, or "
                                       "build the backend against a newer LibTorch");
  }
  Naming("'" + path + "'", [&] { CheckPrecision(info, options); });
  if (options.processing == ModelProcessing::kDevice && !CalculatesOnDevice(table)) {
    impl->Fail(Code::kUnsupported, std::string("processing device: the backend '") + table->name +
                                       "' runs networks only; take processing host");
  }

  mdvt_backend_options wanted = {};
  wanted.struct_size = sizeof wanted;
  if (options.deterministic) wanted.flags |= MDVT_BACKEND_DETERMINISTIC;
  if (options.channels_last || info.channels_last) wanted.flags |= MDVT_BACKEND_CHANNELS_LAST;
  if (options.profiling_executor) wanted.flags |= MDVT_BACKEND_PROFILING_EXECUTOR;
  if (options.optimize) wanted.flags |= MDVT_BACKEND_OPTIMIZE;
  wanted.device = options.device.c_str();
  wanted.num_threads = ResolveThreads(options.num_threads);
  wanted.precision = options.precision == ModelPrecision::kFp16   ? MDVT_BACKEND_FP16
                     : options.precision == ModelPrecision::kFp32 ? MDVT_BACKEND_FP32
                                                                  : MDVT_BACKEND_BF16_CPU_ENCODER;
  std::vector<const char*> outputs;
  for (const ModelOutputInfo& output : info.outputs) outputs.push_back(output.name.c_str());
  wanted.outputs = outputs.data();
  wanted.num_outputs = outputs.size();
  std::vector<mdvt_backend_file> files;
  for (const SealedModel::Outside& outside : file.outside())
    files.push_back({outside.name.c_str(), outside.file->name().c_str()});
  wanted.files = files.data();
  wanted.num_files = files.size();
  CheckCall(table, table->open(file.name().c_str(), &wanted, &impl->model), path, file);

  Model model(std::move(impl));
  if (options.self_test) {
    for (const ModelCheckResult& result : model.SelfTest()) {
      if (result.passed) continue;
      model.impl_->Fail(Code::kCorrupt, "the self-test fails: output '" + result.output +
                                            "' has mean " + FormatDouble(result.mean) +
                                            " and deviation " + FormatDouble(result.deviation) +
                                            ", must have " + FormatDouble(result.expected_mean) +
                                            " and " + FormatDouble(result.expected_deviation));
    }
  }
  return model;
}

ModelFileReport Model::Inspect(const std::string& path, const ModelOptions& options) {
  options.Check();
  const SealedModel file(path);
  const Verdict verdict = JudgeHash(path, file, options);
  ModelFileReport report;
  report.sha256 = file.sha256();
  report.size = file.size();
  report.is_listed = verdict.hash == Verdict::kListed;
  report.holds_network = verdict.hash != Verdict::kNoModel;
  report.is_another = verdict.hash == Verdict::kWrong;
  report.may_be_opened = MayBeOpened(verdict, options);
  if (!report.may_be_opened) report.refusal = "'" + path + "': " + verdict.reason;
  try {
    // What is not trusted is not even looked into: reading an archive is work of the backend.
    Require(report.may_be_opened, Code::kRefused, report.refusal);
    report.info = ReadInfo(BackendOf(path, options), path, file, options.limits);
  } catch (const Error& error) {
    report.info_error = error.what();
  }
  return report;
}

void Model::Impl::CheckInput(const ModelInputInfo& input, size_t index, const Shape& shape,
                             LayoutDims* dims) const {
  const std::string what = "input '" + input.name + "' of shape " + mdvt::ToString(shape);
  if (!dims->Bind(input.layout, shape)) {
    Fail(Code::kInvalidArgument, what + ", must be " + dims->Describe(input.layout));
  }
  if (index == 0 && input.layout.dims[0] == 'N') {
    const int64_t batch = shape[0];
    const bool valid =
        info.batch_dynamic ? batch <= info.batch_max : batch == int64_t{info.batch_max};
    if (!valid) {
      Fail(Code::kInvalidArgument, what + ": batch of " + std::to_string(batch) + ", must be " +
                                       (info.batch_dynamic ? "at most " : "") +
                                       std::to_string(info.batch_max));
    }
  }
  const int64_t frames = dims->Get('T');
  if (info.window && input.layout.dims.find('T') != std::string::npos) {
    const ModelWindow& window = *info.window;
    const bool valid = window.dynamic ? frames <= window.length && frames % window.multiple == 0
                                      : frames == window.length;
    if (!valid) {
      Fail(Code::kInvalidArgument,
           what + ": " + std::to_string(frames) + " frames, must be " +
               (window.dynamic ? "a multiple of " + std::to_string(window.multiple) + " up to "
                               : "") +
               std::to_string(window.length));
    }
  }
  if (input.layout.IsPicture()) {
    constexpr int64_t kMaxSide = 1 << 20;
    const PixelSize size = {static_cast<int>(std::min(dims->Get('W'), kMaxSide)),
                            static_cast<int>(std::min(dims->Get('H'), kMaxSide))};
    if (!IsDeclaredSize(size, input.size)) {
      Fail(Code::kInvalidArgument,
           what + ": " + mdvt::ToString(size) + ", the network takes " + DeclaredSizes(input.size));
    }
  }
}

void Model::Impl::CheckBytes(const Shape& shape, const std::string& what, int64_t* bytes) const {
  *bytes += NumElements(shape) * static_cast<int64_t>(sizeof(float));
  if (*bytes > options.limits.max_frame_buffer_bytes) {
    Fail(Code::kLimit, what + " of shape " + mdvt::ToString(shape) + " leads past " +
                           std::to_string(options.limits.max_frame_buffer_bytes) +
                           " bytes of tensors in one run");
  }
}

std::vector<mdvt_backend_tensor> Model::Impl::Prepare(const std::vector<ModelInput>& inputs,
                                                      LayoutDims* dims,
                                                      std::vector<Tensor>* normalized,
                                                      int64_t* bytes) const {
  if (inputs.size() != info.inputs.size()) {
    Fail(Code::kInvalidArgument,
         std::to_string(inputs.size()) + " inputs, must be " + std::to_string(info.inputs.size()));
  }
  std::vector<mdvt_backend_tensor> given(inputs.size());
  normalized->resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ModelInput& input = inputs[i];
    const std::string what = "input '" + info.inputs[i].name + "'";
    LayoutDims own;
    CheckInput(info.inputs[i], i, input.shape(), info.IsState(info.inputs[i].name) ? &own : dims);
    CheckBytes(input.shape(), what, bytes);
    mdvt_backend_tensor& tensor = given[i];
    tensor.name = info.inputs[i].name.c_str();
    tensor.rank = static_cast<int32_t>(input.shape().size());
    std::copy(input.shape().begin(), input.shape().end(), tensor.shape);
    const bool normalize = !info.inputs[i].mean.empty();
    if (input.kept_ != nullptr) {
      const ModelTensor::Impl& kept = *input.kept_->impl_;  // not empty: its shape was right
      if (normalize && !kept.prepared)
        Fail(Code::kInvalidArgument,
             what + " is to be normalized, which outputs of networks are not");
      if (kept.table != table || kept.device != options.device) {
        Fail(Code::kInvalidArgument, what + " was left on " + kept.device + " of backend '" +
                                         kept.table->name + "', this model runs on " +
                                         options.device + " of '" + table->name + "'");
      }
      tensor.buffer = kept.tensor.buffer;
    } else {
      if (input.view_.data == nullptr) Fail(Code::kInvalidArgument, what + " has no values");
      tensor.data = input.view_.data;
      if (normalize) {
        Normalize(info.inputs[i], input.shape(), input.view_.data, &(*normalized)[i]);
        tensor.data = (*normalized)[i].data();
      }
    }
  }
  return given;
}

std::vector<ModelTensor> Model::RunKept(const std::vector<ModelInput>& inputs) const {
  const Impl& m = *impl_;
  const ModelInfo& info = m.info;
  LayoutDims dims;
  int64_t bytes = 0;
  std::vector<Tensor> normalized;
  const std::vector<mdvt_backend_tensor> given = m.Prepare(inputs, &dims, &normalized, &bytes);

  mdvt_backend_tensor results[MDVT_BACKEND_MAX_TENSORS] = {};
  size_t count = 0;
  const GangScope threads(m.ThreadsOfARun());
  const auto start = std::chrono::steady_clock::now();
  try {
    CheckBackend(m.table,
                 m.table->run(m.model, given.data(), given.size(), results,
                              MDVT_BACKEND_MAX_TENSORS, &count),
                 "'" + m.path + "'");
  } catch (const Error& error) {
    if (error.code() != Code::kCorrupt) throw;
    throw Error(error.code(), error.what() + m.GivenText(inputs));
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  // Owners first: from here on nothing that came out can be lost.
  std::vector<std::shared_ptr<ModelTensor::Impl>> owners;
  owners.reserve(count);
  size_t owned = 0;
  try {
    for (; owned < count; ++owned) {
      owners.push_back(std::make_shared<ModelTensor::Impl>());
      owners.back()->table = m.table;
      owners.back()->tensor = results[owned];
    }
  } catch (...) {
    for (; owned < count; ++owned) m.table->free_buffer(results[owned].buffer);
    throw;
  }
  if (count != info.outputs.size()) {
    m.Fail(Code::kCorrupt, "returns " + std::to_string(count) + " outputs, its metadata declares " +
                               std::to_string(info.outputs.size()));
  }
  std::vector<ModelTensor> outputs(count);
  for (size_t i = 0; i < count; ++i) {
    const ModelOutputInfo& declared = info.outputs[i];
    const mdvt_backend_tensor& tensor = results[i];
    ModelTensor::Impl& owner = *owners[i];
    const std::string what = "output '" + declared.name + "'";
    if (tensor.rank < 0 || tensor.rank > MDVT_BACKEND_MAX_RANK || tensor.buffer == nullptr) {
      m.Fail(Code::kCorrupt, what + " is not a tensor of up to 8 dimensions");
    }
    owner.shape.assign(tensor.shape, tensor.shape + tensor.rank);
    LayoutDims own;
    LayoutDims& letters = info.IsState(declared.name) ? own : dims;
    if (!letters.Bind(declared.layout, owner.shape)) {
      m.Fail(Code::kCorrupt, what + " has shape " + mdvt::ToString(owner.shape) +
                                 ", its metadata declares " + letters.Describe(declared.layout));
    }
    m.CheckBytes(owner.shape, what, &bytes);
    owner.device = m.options.device;
    owner.where = "'" + m.path + "': " + what;
    owner.non_negative = declared.non_negative;
    owner.reduced_precision = m.options.precision != ModelPrecision::kFp32;
    outputs[i].impl_ = owners[i];
  }
  if (elapsed.count() > m.options.max_run_seconds) {
    m.Fail(Code::kLimit, "one run took " + FormatFixed(elapsed.count(), 2) + " s, at most " +
                             FormatDouble(m.options.max_run_seconds) + " s are allowed");
  }
  return outputs;
}

void Model::Run(const std::vector<ModelInput>& inputs, std::vector<Tensor>* outputs) const {
  const std::vector<ModelTensor> kept = RunKept(inputs);
  outputs->resize(kept.size());
  for (size_t i = 0; i < kept.size(); ++i) kept[i].CopyTo(&(*outputs)[i]);
}

std::vector<int64_t> Model::TraceMemory(const std::vector<ModelInput>& inputs) const {
  constexpr size_t kMostEvents = size_t{1} << 18;
  const Impl& m = *impl_;
  LayoutDims dims;
  int64_t bytes = 0;
  std::vector<Tensor> normalized;
  const std::vector<mdvt_backend_tensor> given = m.Prepare(inputs, &dims, &normalized, &bytes);
  const auto trace = CanPlanRuns(m.table)    ? m.table->plan_run
                     : CanTraceRuns(m.table) ? m.table->trace_run
                                             : nullptr;
  if (trace == nullptr) return {};
  std::vector<int64_t> events(kMostEvents);
  size_t count = 0;
  const GangScope threads(m.ThreadsOfARun());
  const mdvt_backend_status status =
      trace(m.model, given.data(), given.size(), events.data(), events.size(), &count);
  if (status == MDVT_BACKEND_UNSUPPORTED) return {};
  CheckBackend(m.table, status, "'" + m.path + "'");
  events.resize(count);
  return events;
}

Tensor Model::CheckInput(const Shape& shape) {
  Tensor tensor(shape);
  const auto side = [&](size_t from_end) {
    return shape.size() >= from_end ? shape[shape.size() - from_end] : 1;
  };
  const int64_t width = side(1), height = side(2), channels = side(3);
  const double pi = 3.14159265358979323846;
  int64_t i = 0;
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x, ++i) {
        const double u = (static_cast<double>(x) + 0.5) / static_cast<double>(width);
        const double v = (static_cast<double>(y) + 0.5) / static_cast<double>(height);
        const double channel = static_cast<double>(c);
        tensor[i] =
            static_cast<float>(0.5 + 0.25 * (u - 0.5) * (1 - 0.25 * channel) +
                               0.25 * std::sin(0.37 * (channel + 1) + 2 * pi * (3 * u + 2 * v)));
      }
    }
  }
  for (const int64_t picture = i; i < tensor.size(); i += picture) {
    std::copy_n(tensor.data(), picture, tensor.data() + i);
  }
  return tensor;
}

std::vector<ModelCheckResult> Model::SelfTest() const {
  const Impl& m = *impl_;
  if (!m.info.check) m.Fail(Code::kRefused, "its metadata has no \"check\", export it again");
  const ModelCheck& check = *m.info.check;
  std::vector<Tensor> tensors;
  for (const Shape& shape : check.shapes) tensors.push_back(CheckInput(shape));
  std::vector<Tensor> outputs;
  Run(std::vector<ModelInput>(tensors.begin(), tensors.end()), &outputs);

  std::vector<ModelCheckResult> results;
  for (size_t i = 0; i < check.mean.size(); ++i) {
    const Tensor& output = outputs[i];
    const double count = static_cast<double>(output.size());
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < output.size(); ++k) sum += output[k];
    const double mean = sum / count;
    for (int64_t k = 0; k < output.size(); ++k) squares += (output[k] - mean) * (output[k] - mean);
    ModelCheckResult result;
    result.output = m.info.outputs[i].name;
    result.mean = mean;
    result.deviation = std::sqrt(squares / count);
    result.expected_mean = check.mean[i];
    result.expected_deviation = check.deviation[i];
    result.tolerance = check.tolerance *
                       std::max({1.0, std::abs(result.expected_mean), result.expected_deviation});
    result.passed = std::abs(result.mean - result.expected_mean) <= result.tolerance &&
                    std::abs(result.deviation - result.expected_deviation) <= result.tolerance;
    results.push_back(result);
  }
  return results;
}

}  // namespace mdvt
