// SPDX-License-Identifier: Apache-2.0
//
// The clocks of the benchmarks of whole programs.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace mdvt {

struct Cost {
  double seconds = 1e9;
  // Of the whole process, all threads: what others on the machine do shows less in it.
  double cpu_seconds = 1e9;

  void KeepLess(const Cost& other) {
    seconds = std::min(seconds, other.seconds);
    cpu_seconds = std::min(cpu_seconds, other.cpu_seconds);
  }
};

template <typename Work>
Cost Measure(const Work& work) {
  const auto now = [] {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    const auto clock = std::chrono::steady_clock::now().time_since_epoch();
    return std::pair(std::chrono::duration<double>(clock).count(),
                     seconds(usage.ru_utime) + seconds(usage.ru_stime));
  };
  const auto start = now();
  work();
  const auto end = now();
  return {end.first - start.first, end.second - start.second};
}

}  // namespace mdvt
