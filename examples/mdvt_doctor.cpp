// SPDX-License-Identifier: Apache-2.0
//
// Tells what this installation of mdvt can do, how fast its matrix products are, what is missing,
// and whether model files are what they should be.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/program.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/codecs.h"
#include "mdvt/model/backend.h"
#include "mdvt/model/model.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kMatrix = 1024;
// With a good BLAS a core of the last ten years does three to six times as much.
constexpr double kSlowGflopsPerThread = 20;

// What the user should know; `serious` ones make the exit status 1.
struct Findings {
  json advice = json::array();
  bool serious = false;

  void Add(const std::string& text, bool is_serious = false) {
    advice.push_back(text);
    serious |= is_serious;
  }
};

json Codecs(Findings* findings) {
  json report = {{"encoders", json::object()}, {"decoders", json::object()}};
  for (const mdvt::CodecSupport& codec : mdvt::CodecsInUse()) {
    report[codec.is_encoder ? "encoders" : "decoders"][codec.name] = codec.is_present;
    if (codec.is_present || codec.purpose.empty()) continue;
    findings->Add("FFmpeg has no " + std::string(codec.is_encoder ? "encoder " : "decoder ") +
                      codec.name + " (" + codec.purpose +
                      "): install a complete build, Debian's libavcodec59 for example",
                  true);
  }
  return report;
}

// The speed of each device's matrix products.
json Speeds(const std::string& name, const json& described, int threads, Findings* findings) {
  json speeds = json::object();
  for (const json& device : described.value("devices", json::array())) {
    const std::string where = device.get<std::string>();
    const double seconds = mdvt::TimeMatrixProduct(name, where, threads, kMatrix);
    if (seconds <= 0) continue;
    const double gflops = 2.0 * kMatrix * kMatrix * kMatrix / seconds / 1e9;
    speeds[where] = gflops;
    if (where == "cpu" && gflops < kSlowGflopsPerThread * threads) {
      findings->Add("matrix products of backend " + name + " are slow (" +
                    mdvt::FormatFixed(gflops, 0) + " GFLOP/s with " + std::to_string(threads) +
                    " threads): install libopenblas0-openmp, or other work keeps the cores busy");
    }
  }
  return speeds;
}

json Backends(int threads, Findings* findings) {
  json report = json::array();
  std::vector<mdvt::BackendFailure> failures;
  for (const mdvt::BackendInfo& backend : mdvt::AvailableBackends(&failures)) {
    json one = {{"name", backend.name},
                {"version", backend.version},
                {"path", backend.path},
                {"extensions", backend.extensions}};
    one["describes"] = json::parse(mdvt::DescribeBackend(backend.name), nullptr, false);
    one["gflops"] = one["describes"].is_object()
                        ? Speeds(backend.name, one["describes"], threads, findings)
                        : json::object();
    report.push_back(one);
  }
  for (const mdvt::BackendFailure& failure : failures) {
    findings->Add("a backend cannot be used: " + failure.path + ": " + failure.reason, true);
  }
  const bool torch = std::any_of(report.begin(), report.end(),
                                 [](const json& one) { return one["name"] == "torch"; });
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

json SelfTest(const std::string& path, const mdvt::ModelOptions& options) {
  json report = {{"passed", true}, {"outputs", json::array()}};
  for (const mdvt::ModelCheckResult& result : mdvt::Model::Open(path, options).SelfTest()) {
    report["passed"] = report["passed"].get<bool>() && result.passed;
    report["outputs"].push_back({{"name", result.output},
                                 {"mean", {result.mean, result.expected_mean}},
                                 {"std", {result.deviation, result.expected_deviation}}});
  }
  return report;
}

json LookAt(const std::string& path, const mdvt::ModelOptions& options, Findings* findings) {
  json report = {{"file", path}};
  try {
    const mdvt::ModelFileReport file = mdvt::Model::Inspect(path, options);
    report["sha256"] = file.sha256;
    report["size"] = file.size;
    report["hash"] = file.is_listed                                 ? "listed"
                     : file.info || file.info_error != file.refusal ? "not listed"
                                                                    : "wrong";
    if (file.info) {
      report["kind"] = mdvt::ToString(file.info->kind);
      report["name"] = file.info->name;
      report["license"] = file.info->source.license;
      report["precision"] = json::array();
      if (file.info->fp32) report["precision"].push_back("fp32");
      if (file.info->fp16_cuda) report["precision"].push_back("fp16");
      if (file.info->bf16_cpu_encoder) report["precision"].push_back("bf16_cpu_encoder");
      for (const auto& [key, value] : file.info->fixed) report["fixed"][key] = value;
    } else {
      findings->Add(file.info_error, true);
    }
    if (!file.info) return report;
    const std::optional<mdvt::ModelOptions> run = ForProcessor(options, *file.info);
    if (!file.may_be_opened) {
      findings->Add(file.refusal);
      report["untested"] = "its hash is not listed, see --allow_unlisted";
    } else if (!file.info->check) {
      report["untested"] = "its metadata has no \"check\"";
    } else if (!run) {
      report["untested"] = "it runs on CUDA only";
    } else {
      report["self_test"] = SelfTest(path, *run);
      if (!report["self_test"]["passed"].get<bool>()) {
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
std::vector<std::string> ModelFiles(const std::string& place, const json& backends) {
  std::error_code error;
  if (fs::is_regular_file(place, error)) return {place};
  mdvt::Require(fs::is_directory(place, error), mdvt::Code::kNotFound,
                "'" + place + "': no such file or folder");
  std::vector<std::string> files;
  for (fs::directory_iterator it(place, error), end; !error && it != end; it.increment(error)) {
    for (const json& backend : backends) {
      const json& extensions = backend["extensions"];
      const std::string extension = it->path().extension().string();
      if (std::find(extensions.begin(), extensions.end(), extension) != extensions.end()) {
        files.push_back(it->path().string());
      }
    }
  }
  mdvt::Require(!error, mdvt::Code::kIo, "'" + place + "': " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::string Joined(const json& list) {
  std::string text;
  for (const json& one : list) text += (text.empty() ? "" : ", ") + one.get<std::string>();
  return text;
}

std::string MissingOf(const json& codecs) {
  std::string text;
  for (const auto& item : codecs.items()) {
    if (!item.value().get<bool>()) text += " " + item.key();
  }
  return std::to_string(codecs.size()) + (text.empty() ? ", all present" : ", missing:" + text);
}

void Print(const json& report) {
  const auto line = [](const char* what, const std::string& text) {
    std::printf("%-10s %s\n", what, text.c_str());
  };
  line("mdvt", report["mdvt"]);
  line("threads", std::to_string(report["threads"].get<int>()));
  line("FFmpeg", Joined(report["ffmpeg"]));
  line("encoders", MissingOf(report["codecs"]["encoders"]));
  line("decoders", MissingOf(report["codecs"]["decoders"]));
  for (const json& backend : report["backends"]) {
    line("backend", backend["name"].get<std::string>() + ": " +
                        backend["version"].get<std::string>() + ", " +
                        Joined(backend["extensions"]) + ", " + backend["path"].get<std::string>());
    for (const auto& speed : backend["gflops"].items()) {
      line("", speed.key() + ": " + mdvt::FormatFixed(speed.value().get<double>(), 0) +
                   " GFLOP/s in a product of 1024 x 1024 matrices");
    }
  }
  if (report["backends"].empty()) line("backend", "none");
  for (const json& model : report["models"]) {
    std::string text = model["file"].get<std::string>() + ": ";
    text += model.contains("kind")
                ? model["kind"].get<std::string>() + ", " + model["name"].get<std::string>() +
                      ", licence " + model["license"].get<std::string>()
                : "cannot be used";
    line("model", text);
    if (model.contains("sha256")) {
      line("", "SHA-256 " + model["sha256"].get<std::string>() + ", " +
                   model["hash"].get<std::string>());
    }
    if (model.contains("self_test")) {
      line("", model["self_test"]["passed"].get<bool>() ? "self-test passed" : "self-test FAILED");
    } else if (model.contains("untested")) {
      line("", "self-test not run: " + model["untested"].get<std::string>());
    }
  }
  for (const json& text : report["advice"]) line("advice", text);
  if (report["advice"].empty()) line("advice", "none, everything is there");
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
  program.Text("models", "FOLDER", "folder of model files, or one file, to look at", &models);
  program.Text("manifest", "FILE", "list of the hashes of model files", &manifest,
               "manifest.json beside each model");
  program.Flag("allow_unlisted",
               "also run the self-test of models whose hash no manifest lists (a model is a "
               "program: only files that you trust)",
               &allow_unlisted);
  program.Flag("json", "print one JSON object", &as_json);

  return program.Main(argc, argv, [&] {
    Findings findings;
    const int threads = mdvt::ResolveThreads(0);
    json report = {{"mdvt", MDVT_VERSION_TEXT},
                   {"threads", threads},
                   {"ffmpeg", mdvt::FfmpegVersions()},
                   {"codecs", Codecs(&findings)},
                   {"backends", Backends(threads, &findings)},
                   {"backend_folders", mdvt::BackendFolders()},
                   {"models", json::array()}};
    if (!models.empty()) {
      mdvt::ModelOptions options;
      options.manifest = manifest;
      if (allow_unlisted) options.trust = mdvt::ModelTrust::kUnlisted;
      const std::vector<std::string> files = ModelFiles(models, report["backends"]);
      for (const std::string& file : files) {
        report["models"].push_back(LookAt(file, options, &findings));
      }
      if (files.empty()) findings.Add("no model files in '" + models + "'");
    }
    report["advice"] = findings.advice;
    report["healthy"] = !findings.serious;
    if (as_json) {
      std::printf("%s\n", report.dump(1, ' ', true, json::error_handler_t::replace).c_str());
    } else {
      Print(report);
    }
    return std::fflush(stdout) == 0 && !findings.serious ? 0 : 1;
  });
}
