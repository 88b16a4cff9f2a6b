// SPDX-License-Identifier: Apache-2.0
//
// Forward passes alone, one after another: what a whole program with this model could reach at
// best. Prints one JSON object.
//
//   model_loop MODEL WIDTH HEIGHT THREADS PASSES [INPUT_SIZE [DEVICE]]
//
// Size of the video, of which the network's follows; INPUT_SIZE is the programs' --input_size, 0
// for the model's own, DEVICE their --device. Inputs come from the host and outputs go there. A
// network that sees windows of frames is given whole ones: "frames" are those that a pass moves on.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/model.h"

namespace mdvt {
namespace {

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int Number(const char* text, int least = 1) {
  const std::optional<int64_t> value = ParseInt(text);
  Require(value && *value >= least && *value <= 100000, Code::kInvalidArgument,
          "'" + std::string(text) + "' must be in [" + std::to_string(least) + ", 100000]");
  return static_cast<int>(*value);
}

void Run(int argc, char** argv) {
  const PixelSize video{Number(argv[2]), Number(argv[3])};
  ModelOptions options;
  options.trust = ModelTrust::kUnlisted;
  options.num_threads = Number(argv[4]);
  const int passes = Number(argv[5]);
  const int input_size = argc > 6 ? Number(argv[6], 0) : 0;
  if (argc > 7) options.device = argv[7];
  const Model model = Model::Open(argv[1], options);
  SizeRule rule = model.info().inputs.at(0).size;
  if (input_size > 0) rule.target = {input_size, input_size};
  const PixelSize size = PlanSize(video, rule).network;
  const std::optional<ModelWindow>& window = model.info().window;
  const int length = window ? window->length : 1, stride = window ? window->stride : 1;
  const Tensor input = Model::CheckInput(window ? Shape{1, length, 3, size.height, size.width}
                                                : Shape{1, 3, size.height, size.width});
  std::vector<Tensor> outputs;
  model.Run({input}, &outputs);  // warms up
  const double start = Seconds(), cpu = CpuSeconds();
  for (int i = 0; i < passes; ++i) model.Run({input}, &outputs);
  std::printf(
      "{\"seconds\":%.4f,\"cpu_seconds\":%.4f,\"frames\":%d,\"length\":%d,\"stride\":%d,"
      "\"network\":\"%dx%d\"}\n",
      Seconds() - start, CpuSeconds() - cpu, passes * stride, length, stride, size.width,
      size.height);
}

}  // namespace
}  // namespace mdvt

int main(int argc, char** argv) {
  if (argc < 6 || argc > 8) {
    std::fprintf(stderr,
                 "usage: model_loop MODEL WIDTH HEIGHT THREADS PASSES [INPUT_SIZE [DEVICE]]\n");
    return 2;
  }
  try {
    mdvt::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "model_loop: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
