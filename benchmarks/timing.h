// SPDX-License-Identifier: Apache-2.0
//
// What the benchmarks of Google Benchmark share: three repetitions of each, of which the fastest
// counts, and one line of JSON at the end with times and ratios of times.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mdvt {

template <typename Run>
void AddBenchmark(const std::string& name, Run&& run) {
  benchmark::RegisterBenchmark(name.c_str(), std::forward<Run>(run))
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->MinTime(0.2)
      ->Repetitions(3);
}

// The ratios to be told for a benchmark: {"per_memcpy", "memcpy"}.
using Ratios = std::vector<std::pair<std::string, std::string>>;

class MinimumReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const double scale = 1e3 / static_cast<double>(std::max<int64_t>(1, run.iterations));
      Best& best = best_[run.run_name.function_name];
      best.ms = std::min(best.ms, scale * run.real_accumulated_time);
      best.cpu_ms = std::min(best.cpu_ms, scale * run.cpu_accumulated_time);
    }
  }

  void PrintJson(const std::string& title,
                 const std::function<Ratios(const std::string& name)>& ratios) const {
    std::printf("{\"benchmark\":\"%s\"", title.c_str());
    for (const auto& [name, best] : best_) {
      std::printf(",\"%s\":{\"ms\":%.3f,\"cpu_ms\":%.3f", name.c_str(), best.ms, best.cpu_ms);
      for (const auto& [label, reference] : ratios(name)) {
        const auto found = best_.find(reference);
        if (found != best_.end()) {
          std::printf(",\"%s\":%.4f", label.c_str(), best.ms / found->second.ms);
        }
      }
      std::printf("}");
    }
    std::printf("}\n");
  }

 private:
  // cpu_ms is that of the calling thread: with one thread, the figure that other programs on the
  // machine disturb least.
  struct Best {
    double ms = std::numeric_limits<double>::infinity();
    double cpu_ms = std::numeric_limits<double>::infinity();
  };
  std::map<std::string, Best> best_;
};

// Runs what was added; the exit status of the program.
inline int RunBenchmarks(int argc, char** argv, const std::string& title,
                         const std::function<Ratios(const std::string& name)>& ratios) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  MinimumReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.PrintJson(title, ratios);
  return 0;
}

}  // namespace mdvt
