// SPDX-License-Identifier: Apache-2.0
//
// Tells what this installation of mdvt can do, how fast its matrix products are, what is missing,
// and whether model files are what they should be.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/program.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/printable.h"
#include "mdvt/io/codecs.h"
#include "mdvt/model/backend.h"
#include "mdvt/model/model.h"

namespace {

namespace fs = std::filesystem;
using mdvt::json::Value;

constexpr int kMatrix = 1024;
// With a good BLAS a core of the last ten years does three to six times as much.
constexpr double kSlowGflopsPerThread = 20;

// What the user should know; `serious` ones make the exit status 1.
struct Findings {
  Value advice = Value::Array{};
  bool serious = false;

  void Add(const std::string& text, bool is_serious = false) {
    advice.Add(text);
    serious |= is_serious;
  }
};

Value Codecs(Findings* findings) {
  Value report;
  for (const mdvt::CodecSupport& codec : mdvt::CodecsInUse()) {
    if (!codec.device.empty()) {
      report["hardware"][codec.name] = codec.is_present ? "opens" : "needs " + codec.device;
      continue;
    }
    report[codec.is_encoder ? "encoders" : "decoders"][codec.name] = codec.is_present;
    if (codec.is_present || codec.purpose.empty()) continue;
    findings->Add("FFmpeg has no " + std::string(codec.is_encoder ? "encoder " : "decoder ") +
                      codec.name + " (" + codec.purpose +
                      "): install a complete build, Debian's libavcodec59 for example",
                  true);
  }
  return report;
}

// The speed of the matrix products of each device that the backend describes.
Value Speeds(const std::string& name, const Value& described, int threads, Findings* findings) {
  Value speeds = Value::Members{};
  const Value* devices = described.Find("devices");
  if (devices == nullptr || !devices->is_array()) return speeds;
  for (const Value& device : devices->AsArray()) {
    if (!device.is_string()) continue;
    const std::string& where = device.AsString();
    const double seconds = mdvt::TimeMatrixProduct(name, where, threads, kMatrix);
    if (seconds <= 0) continue;
    const double gflops = 2.0 * kMatrix * kMatrix * kMatrix / seconds / 1e9;
    speeds[where] = gflops;
    if (where == "cpu" && gflops < kSlowGflopsPerThread * threads) {
      findings->Add("matrix products of backend " + name + " are slow (" +
                    mdvt::FormatFixed(gflops, 0) + " GFLOP/s with " +
                    mdvt::CountOf(threads, "thread") +
                    "): install libopenblas0-openmp, or other work keeps the cores busy");
    }
  }
  return speeds;
}

Value Backends(int threads, Findings* findings) {
  Value report = Value::Array{};
  bool torch = false;
  std::vector<mdvt::BackendFailure> failures;
  for (const mdvt::BackendInfo& backend : mdvt::AvailableBackends(&failures)) {
    Value described;
    try {
      described =
          mdvt::json::Parse(mdvt::DescribeBackend(backend.name), {}, "backend " + backend.name);
    } catch (const mdvt::Error& error) {
      findings->Add(std::string("a backend does not describe itself: ") + error.what(), true);
    }
    report.Add(Value::Members{{"name", backend.name},
                              {"version", backend.version},
                              {"path", backend.path},
                              {"extensions", backend.extensions},
                              {"describes", described},
                              {"gflops", Speeds(backend.name, described, threads, findings)}});
    torch |= backend.name == "torch";
  }
  for (const mdvt::BackendFailure& failure : failures) {
    findings->Add("a backend cannot be used: " + failure.path + ": " + failure.reason, true);
  }
  if (!torch) {
    findings->Add(
        "no LibTorch backend: install libtorch-dev and build mdvt again, or build "
        "backends/torch alone; all that needs no model works without it");
  }
  return report;
}

// The options with a precision that the file offers on the processor; none if there is none.
std::optional<mdvt::ModelOptions> ForProcessor(mdvt::ModelOptions options,
                                               const mdvt::ModelInfo& info) {
  if (!info.fp32 && !info.bf16_cpu_encoder) return {};
  options.precision =
      info.fp32 ? mdvt::ModelPrecision::kFp32 : mdvt::ModelPrecision::kBf16CpuEncoder;
  return options;
}

Value SelfTest(const std::string& path, const mdvt::ModelOptions& options) {
  bool passed = true;
  Value outputs = Value::Array{};
  for (const mdvt::ModelCheckResult& result : mdvt::Model::Open(path, options).SelfTest()) {
    passed = passed && result.passed;
    outputs.Add(Value::Members{{"name", result.output},
                               {"mean", Value::Array{result.mean, result.expected_mean}},
                               {"std", Value::Array{result.deviation, result.expected_deviation}}});
  }
  return Value::Members{{"passed", passed}, {"outputs", outputs}};
}

// Throws for a file that no backend takes: it is no model.
void CheckEnding(const std::string& path) {
  try {
    mdvt::FindBackendFor(fs::path(path).extension().string());
  } catch (const mdvt::Error& error) {
    throw mdvt::Error(error.code(), "'" + path + "': " + error.what());
  }
}

Value LookAt(const std::string& path, const mdvt::ModelOptions& options, Findings* findings) {
  Value report = Value::Members{{"file", path}};
  try {
    const mdvt::ModelFileReport file = mdvt::Model::Inspect(path, options);
    report["sha256"] = file.sha256;
    report["size"] = file.size;
    report["hash"] = file.is_listed ? "listed" : file.is_another ? "wrong" : "not listed";
    CheckEnding(path);
    if (!file.may_be_opened) {
      const bool only_unlisted = file.holds_network && !file.is_another;
      findings->Add(file.refusal, !only_unlisted);
      if (only_unlisted) report["untested"] = "its hash is not listed, see --allow_unlisted";
      return report;
    }
    if (!file.info) {
      findings->Add(file.info_error, true);
      return report;
    }
    report["kind"] = mdvt::ToString(file.info->kind);
    report["name"] = file.info->name;
    report["license"] = file.info->source.license;
    if (file.info->fp32) report["precision"].Add("fp32");
    if (file.info->fp16_cuda) report["precision"].Add("fp16");
    if (file.info->bf16_cpu_encoder) report["precision"].Add("bf16_cpu_encoder");
    for (const auto& [key, value] : file.info->fixed) report["fixed"][key] = value;
    const std::optional<mdvt::ModelOptions> run = ForProcessor(options, *file.info);
    if (!run) {
      report["untested"] = "it runs on CUDA only";
    } else if (!file.info->check) {
      mdvt::Model::Open(path, *run);  // throws where it cannot be
      report["untested"] = "its metadata has no \"check\"";
    } else {
      report["self_test"] = SelfTest(path, *run);
      if (!report["self_test"].At("passed").AsBool()) {
        findings->Add("'" + path + "': its self-test fails, export it again", true);
      }
    }
  } catch (const mdvt::Error& error) {
    report["error"] = error.what();
    findings->Add(error.what(), true);
  }
  return report;
}

// Every file below `place` (or itself) that one of the backends takes.
std::vector<std::string> ModelFiles(const std::string& place, const Value& backends) {
  std::error_code error;
  if (fs::is_regular_file(place, error)) return {place};
  mdvt::Require(fs::is_directory(place, error), mdvt::Code::kNotFound,
                "'" + place + "': no such file or folder");
  std::vector<std::string> files;
  for (fs::directory_iterator it(place, error), end; !error && it != end; it.increment(error)) {
    for (const Value& backend : backends.AsArray()) {
      const Value::Array& extensions = backend.At("extensions").AsArray();
      const Value extension = it->path().extension().string();
      if (std::find(extensions.begin(), extensions.end(), extension) != extensions.end()) {
        files.push_back(it->path().string());
      }
    }
  }
  mdvt::Require(!error, mdvt::Code::kIo, "'" + place + "': " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::string Joined(const Value& list) {
  std::string text;
  for (const Value& one : list.AsArray()) text += (text.empty() ? "" : ", ") + one.AsString();
  return text;
}

std::string MissingOf(const Value& codecs) {
  std::string text;
  for (const auto& [name, is_present] : codecs.AsMembers()) {
    if (!is_present.AsBool()) text += " " + name;
  }
  return std::to_string(codecs.size()) + (text.empty() ? ", all present" : ", missing:" + text);
}

// Encoders of devices: "h264_vaapi open; no device for h264_qsv, hevc_qsv".
std::string DevicesOf(const Value& hardware) {
  std::string open, closed;
  for (const auto& [name, state] : hardware.AsMembers()) {
    std::string& list = state.AsString() == "opens" ? open : closed;
    list += (list.empty() ? "" : ", ") + name;
  }
  if (open.empty()) return "none opens of " + closed;
  return open + " open" + (closed.empty() ? "" : "; no device for " + closed);
}

void Print(const Value& report) {
  const auto line = [](const char* what, const std::string& text) {
    std::printf("%-10s %s\n", what, mdvt::Printable(text).c_str());
  };
  line("mdvt", report.At("mdvt").AsString());
  line("threads", std::to_string(report.At("threads").AsInt()));
  line("FFmpeg", Joined(report.At("ffmpeg")));
  line("encoders", MissingOf(report.At("codecs").At("encoders")));
  line("decoders", MissingOf(report.At("codecs").At("decoders")));
  if (const Value* hardware = report.At("codecs").Find("hardware"))
    line("devices", DevicesOf(*hardware));
  for (const Value& backend : report.At("backends").AsArray()) {
    line("backend", backend.At("name").AsString() + ": " + backend.At("version").AsString() + ", " +
                        Joined(backend.At("extensions")) + ", " + backend.At("path").AsString());
    for (const auto& [device, gflops] : backend.At("gflops").AsMembers()) {
      line("", device + ": " + mdvt::FormatFixed(gflops.AsDouble(), 0) +
                   " GFLOP/s in a product of 1024 x 1024 matrices");
    }
  }
  if (report.At("backends").size() == 0) line("backend", "none");
  for (const Value& model : report.At("models").AsArray()) {
    std::string text = model.At("file").AsString() + ": ";
    text += model.Find("kind") != nullptr
                ? model.At("kind").AsString() + ", " + model.At("name").AsString() + ", licence " +
                      model.At("license").AsString()
            : model.Find("untested") != nullptr ? "not looked into"
                                                : "cannot be used";
    line("model", text);
    if (const Value* sha256 = model.Find("sha256")) {
      line("", "SHA-256 " + sha256->AsString() + ", " + model.At("hash").AsString());
    }
    if (const Value* test = model.Find("self_test")) {
      line("", test->At("passed").AsBool() ? "self-test passed" : "self-test FAILED");
    } else if (const Value* reason = model.Find("untested")) {
      line("", "self-test not run: " + reason->AsString());
    }
  }
  const Value& advice = report.At("advice");
  for (const Value& text : advice.AsArray()) line("advice", text.AsString());
  if (advice.size() == 0) line("advice", "none, everything is there");
}

}  // namespace

int main(int argc, char** argv) {
  mdvt::example::Program program(
      "mdvt_doctor",
      "Tells what this mdvt can do: libraries, codecs, backends for networks and their speed, the\n"
      "state of model files, and what to install. Exit status 1 if something is broken.",
      "mdvt_doctor --models ~/models");
  std::string models;
  std::string manifest;
  bool allow_unlisted = false;
  bool as_json = false;
  mdvt::OptionList& list = program.options();
  list.Field("models", &models, "FOLDER", "folder of model files, or one file, to look at").Input();
  list.Field("manifest", &manifest, "FILE", "list of the hashes of model files")
      .Input()
      .Default("manifest.json beside each model");
  list.Field("allow_unlisted", &allow_unlisted,
             "also run the self-test of models whose hash no manifest lists (a model is a program: "
             "only files that you trust)");
  list.Field("json", &as_json, "print one JSON object");

  return program.Main(argc, argv, [&] {
    program.EndAtOnceWhenInterrupted();
    Findings findings;
    const int threads = mdvt::ResolveThreads(0);
    Value report = Value::Members{{"mdvt", MDVT_VERSION_TEXT},
                                  {"threads", threads},
                                  {"ffmpeg", mdvt::FfmpegVersions()},
                                  {"codecs", Codecs(&findings)},
                                  {"backends", Backends(threads, &findings)},
                                  {"backend_folders", mdvt::BackendFolders()},
                                  {"models", Value::Array{}}};
    if (!models.empty()) {
      mdvt::ModelOptions options;
      options.manifest = manifest;
      if (allow_unlisted) options.trust = mdvt::ModelTrust::kUnlisted;
      const std::vector<std::string> files = ModelFiles(models, report["backends"]);
      for (const std::string& file : files) {
        report["models"].Add(LookAt(file, options, &findings));
      }
      if (files.empty()) findings.Add("no model files in '" + models + "'");
    }
    report["advice"] = findings.advice;
    report["healthy"] = !findings.serious;
    if (as_json) {
      std::puts(mdvt::json::Write(report, mdvt::json::Layout::kPretty).c_str());
    } else if (!program.quiet()) {
      Print(report);
    }
    return std::fflush(stdout) == 0 && !findings.serious ? 0 : 1;
  });
}
