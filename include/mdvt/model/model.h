// SPDX-License-Identifier: Apache-2.0
//
// A network in a file: opened after its hash is checked, run with every tensor checked against what
// the file's metadata declares.
//
// A TorchScript file is a program. What is opened is decided by its SHA-256, formed before any
// other code sees the file: see ModelTrust and model_manifest.h.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/model/model_info.h"
#include "mdvt/model/tensor.h"

namespace mdvt {

enum class ModelPrecision {
  kFp32,            // every model
  kFp16,            // CUDA; metadata "fp16_cuda"
  kBf16CpuEncoder,  // CPU with AVX512_BF16 or AMX; the file places the casts itself
};

// "fp32", "fp16", "bf16_cpu_encoder".
const char* ToString(ModelPrecision precision);

// Where pictures are made ready for a network and its maps are aligned, resized and turned into
// depth.
enum class ModelProcessing {
  kAuto,    // on the device if that is not the CPU and the backend can, else on the host
  kHost,    // by mdvt: the same bits for every number of threads
  kDevice,  // by the backend on the network's device, in float32: equal but for rounding
};

enum class ModelTrust {
  kListed,    // opened only if its hash is given in ModelOptions.sha256 or listed in the manifest
  kUnlisted,  // opened too if no manifest gives a hash for its name: the caller vouches for it
};

struct ModelOptions {
  // "torch", ...; empty means the one that takes the file's ending.
  std::string backend;
  // "cpu", "cuda" or "cuda:N". A device that is not there is an error, never replaced by another.
  std::string device = "cpu";
  // Threads of one forward pass; 0 means one per core. Valid: [0, 1024]. Without `deterministic`,
  // results may differ by about 1e-6 of their range between thread counts.
  int num_threads = 0;
  // Must be one that the metadata names.
  ModelPrecision precision = ModelPrecision::kFp32;
  // Equal bits for equal input at any num_threads: one thread per forward pass. Run several at once
  // (Model::Run may be called from several threads) to use the cores.
  bool deterministic = false;
  // Convolutional networks run up to a fifth faster. Also on where the metadata asks for it.
  bool channels_last = false;
  // Of networks for depth. kDevice fails at opening where the backend cannot.
  ModelProcessing processing = ModelProcessing::kAuto;
  // LibTorch on the CPU: keep the profiling executor, at two to three times the memory.
  bool profiling_executor = false;
  // Optimise for inference while opening: 250 to 400 MB, rounding differs.
  bool optimize = false;
  // Longest time that one forward pass may take, in seconds; a network cannot be interrupted, so
  // that this is found out once it has ended. Valid: (0, infinity].
  double max_run_seconds = std::numeric_limits<double>::infinity();
  // Run SelfTest() after loading and fail unless it passes.
  bool self_test = false;

  ModelTrust trust = ModelTrust::kListed;
  // The manifest that lists hashes; empty means manifest.json beside the model, if it is there.
  std::string manifest;
  // The hash that the file must have (64 hexadecimal digits), whatever a manifest says.
  std::string sha256;

  // Of the metadata, the manifest and the sidecar (text), and of tensors (max_frame_buffer_bytes).
  Limits limits;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// A tensor that the backend keeps, perhaps on a device: returned by a run, or made there for one.
// Cheap to copy; lives longer than its model if need be.
class ModelTensor {
 public:
  ModelTensor() = default;  // none

  const Shape& shape() const;
  bool empty() const { return impl_ == nullptr; }
  // Copies the values. Throws Error(kCorrupt) if one is NaN or infinite, as Model::Run.
  void CopyTo(Tensor* values) const;

 private:
  friend class DeviceArrays;
  friend class Model;
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

// One input of a run: values on the host, or what an earlier run left on the device. Refers to
// them, so that both must live until the run has ended.
class ModelInput {
 public:
  ModelInput(TensorView values) : view_(std::move(values)) {}  // NOLINT: implicit
  ModelInput(const Tensor& values) : view_(values.view()) {}   // NOLINT: implicit
  ModelInput(const ModelTensor& kept) : kept_(&kept) {}        // NOLINT: implicit
  const Shape& shape() const { return kept_ ? kept_->shape() : view_.shape; }

 private:
  friend class Model;
  TensorView view_;
  const ModelTensor* kept_ = nullptr;
};

// What the self-test found, for one output.
struct ModelCheckResult {
  std::string output;
  double mean = 0, expected_mean = 0;
  double deviation = 0, expected_deviation = 0;  // population standard deviation
  double tolerance = 0;
  bool passed = false;
};

// What can be told about a file without running any of its code.
struct ModelFileReport {
  std::string sha256;
  int64_t size = 0;            // bytes
  bool may_be_opened = false;  // by Model::Open with these options, as far as its hash decides
  bool is_listed = false;      // with this hash, in a manifest or in the options
  bool holds_network = false;  // not empty, no checkpoint of weights alone, what its ending says
  bool is_another = false;     // listed or asked for with another hash or size
  std::string refusal;         // why it may not be opened
  std::optional<ModelInfo> info;
  std::string info_error;  // why there is no info
};

class Model {
 public:
  // Copies the file into sealed memory, checks the hash of that, and hands no other bytes to the
  // backend, whatever happens to the file meanwhile. Reads the metadata (the sidecar `path`.json,
  // "net.pt.json" for "net.pt", where it exists, else what is embedded), checks it and the options,
  // then loads the network. Throws Error
  //   kInvalidArgument  an option outside its range, a precision that the metadata does not name
  //   kNotFound         no file; no backend for it (tells the folders looked at)
  //   kRefused          a hash that differs or is not listed; no metadata, or weights without a
  //                     network: not an mdvt model
  //   kCorrupt          a damaged file, wrong metadata, or a self-test that does not pass
  //   kUnsupported      a device, an operator or a place of processing that the backend lacks; a
  //                     newer format; a backend older than the metadata's torch.min
  //   kLimit            metadata or manifest past ModelOptions.limits
  //   kIo, kOutOfMemory
  static Model Open(const std::string& path, const ModelOptions& options = {});

  // Hashes the file, compares, and reads the metadata if it may be opened: nothing else is handed
  // to a backend. What is wrong is told in the report. Throws Error(kNotFound), Error(kIo),
  // Error(kInvalidArgument) for the options, and as ModelManifest::Read.
  static ModelFileReport Inspect(const std::string& path, const ModelOptions& options = {});

  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const ModelInfo& info() const;
  const std::string& path() const;
  const std::string& sha256() const;  // 64 hexadecimal digits in lower case
  std::string backend() const;
  bool deterministic() const;  // as ModelOptions
  // Whether pictures and maps are worked on by the backend, see ModelProcessing.
  bool processes_on_device() const;

  // One forward pass. `inputs` in the order of info().inputs, `outputs` in that of info().outputs;
  // the tensors that `outputs` already has are reused. May be called from several threads.
  // Throws Error
  //   kInvalidArgument  count, rank, channels, batch or size of an input that the metadata does not
  //                     declare (a traced network can be silently wrong at other sizes), or
  //                     an input tensor that was left on another device
  //   kCorrupt          outputs that are not as declared in count, rank or shape; NaN, infinity, or
  //                     a negative value where non_negative is declared; a network that fails
  //   kLimit            tensors past limits.max_frame_buffer_bytes, more time than max_run_seconds
  //   kUnsupported, kOutOfMemory
  void Run(const std::vector<ModelInput>& inputs, std::vector<Tensor>* outputs) const;
  // The same, with the outputs left where they are. Their values are checked when they are copied.
  std::vector<ModelTensor> RunKept(const std::vector<ModelInput>& inputs) const;

  // What the tensors of one forward pass take on the host, in order: a positive event is the bytes
  // of a new tensor, -1 - n the end of tensor number n, counted from 0. Nothing is run where the
  // backend knows without that (PlansMemory()), else a pass of which nothing is kept. Nothing where
  // the backend or the device does not tell. Throws as Run, for inputs and a network that fails.
  std::vector<int64_t> TraceMemory(const std::vector<ModelInput>& inputs) const;

  // Runs the network on the input of the metadata's "check" and compares mean and standard
  // deviation of its outputs. The input is a ramp plus a sine, other in each channel; for column x
  // of W, row y of H and channel c, all counted from 0,
  //
  //   0.5 + 0.25 ((x + 0.5) / W - 0.5) (1 - 0.25 c)
  //       + 0.25 sin(0.37 (c + 1) + 2 pi (3 (x + 0.5) / W + 2 (y + 0.5) / H))
  //
  // in double, rounded to float32 once; every picture of a batch or clip is the same. Tensors with
  // fewer than three dimensions have c = 0, and y = 0 if they have one. An output passes if both
  // figures are within check.tol * max(1, |expected mean|, expected deviation).
  // Throws Error(kRefused) if the metadata has no check, and as Run.
  std::vector<ModelCheckResult> SelfTest() const;

  // The input of SelfTest() for a shape.
  static Tensor CheckInput(const Shape& shape);

 private:
  friend class DeviceArrays;
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
