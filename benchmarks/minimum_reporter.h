// SPDX-License-Identifier: Apache-2.0
//
// Keeps the fastest repetition of every benchmark, in milliseconds.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mdvt {

class MinimumReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const double ms = 1e3 * run.real_accumulated_time /
                        static_cast<double>(std::max<int64_t>(1, run.iterations));
      const std::string name = run.run_name.function_name;
      const auto found = best_.find(name);
      best_[name] = found == best_.end() ? ms : std::min(found->second, ms);
    }
  }

 protected:
  const std::map<std::string, double>& best() const { return best_; }

 private:
  std::map<std::string, double> best_;
};

}  // namespace mdvt
