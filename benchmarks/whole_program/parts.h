// SPDX-License-Identifier: Apache-2.0
//
// What the benchmarks of whole programs share: clocks, and jobs with their computing left out.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "core/object_pool.h"
#include "pipeline/stage_threads.h"

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

// A stereo job without its computing: each picture that `next` gives is encoded twice, side by
// side, with the overlap of a job. `start` starts the decoding stages, whose queues are `queues`.
inline void CopyBothEyes(const VideoInfo& source, std::vector<AbortableQueue*> queues,
                         const std::function<void(StageThreads*)>& start,
                         const std::function<std::optional<Frame>()>& next, VideoWriter* writer) {
  ImagePool images(source.format, 2 * source.width, source.height);
  BoundedQueue<std::pair<Image, int64_t>> copied(0);
  queues.push_back(&copied);
  const RunControl control;
  ProgressMeter meter(control);
  const std::atomic<int64_t> none{0};
  StageThreads threads(queues);
  start(&threads);
  threads.Start([&] {
    while (const std::optional<Frame> frame = next()) {
      Image both = images.Get();
      for (int half = 0; half < 2; ++half)
        CopyPixels(frame->image.view(),
                   both.mutable_view().Crop(half * source.width, 0, source.width, source.height));
      copied.Push({std::move(both), frame->pts});
    }
    copied.Close();
  });
  threads.Start([&] {
    while (const auto frame = copied.Pop()) writer->Write(frame->first, frame->second);
  });
  threads.Run(&meter, none, none);
  writer->Finish();
}

}  // namespace mdvt
