// SPDX-License-Identifier: Apache-2.0
//
// Measures a depth video against the true one, after one scale for the whole clip.
#include <cstdio>
#include <optional>
#include <string>

#include "common/program.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/depth/metrics.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/pipeline/job_options.h"

namespace {

using mdvt::DepthVideoReader;
using mdvt::DepthVideoReaderOptions;

struct Input {
  std::string path;
  mdvt::DepthReadingOptions reading;
  std::string max_depth_name = "--max_depth";

  DepthVideoReader Open() const {
    DepthVideoReaderOptions options;
    options.max_depth = reading.max_depth;
    options.encoding = reading.encoding;
    options.max_depth_name = max_depth_name;
    return DepthVideoReader(path, options);
  }
};

template <typename Visit>
int64_t ForEachPair(const mdvt::example::Program& program, const Input& estimate,
                    const Input& truth, int64_t max_frames, Visit visit) {
  DepthVideoReader a = estimate.Open();
  DepthVideoReader b = truth.Open();
  mdvt::Require(a.info().width == b.info().width && a.info().height == b.info().height,
                mdvt::Code::kCorrupt,
                "'" + estimate.path + "' and '" + truth.path + "' differ in size");
  int64_t frames = 0;
  for (; frames != max_frames; ++frames) {
    program.CheckInterrupted();
    const std::optional<mdvt::DepthFrame> one = a.Read();
    const std::optional<mdvt::DepthFrame> other = b.Read();
    mdvt::Require(one.has_value() == other.has_value(), mdvt::Code::kCorrupt,
                  "'" + (one ? truth : estimate).path + "' ends after " +
                      mdvt::CountOf(frames, "frame") + ", '" + (one ? estimate : truth).path +
                      "' goes on");
    if (!one) break;
    visit(one->depth.Plane<float>(), other->depth.Plane<float>());
  }
  return frames;
}

}  // namespace

int main(int argc, char** argv) {
  mdvt::example::Program program(
      "mdvt_depth_error",
      "Compares a depth video with the true one: AbsRel, RMSE and delta1 (share of pixels within\n"
      "25 %) over the pixels where both have depth, after one median scale for the clip.",
      "mdvt_depth_error --depth_video clip_depth.mkv --truth_video truth.mkv");
  Input estimate;
  Input truth;
  truth.max_depth_name = "--truth_max_depth";
  int64_t max_frames = -1;
  bool json = false;
  bool no_scale = false;
  mdvt::OptionList& options = program.options();
  options.Field("depth_video", &estimate.path, "FILE", "depth video to measure").Input().Required();
  options.Field("truth_video", &truth.path, "FILE", "true depth video").Input().Required();
  Describe(&options, &estimate.reading);
  Describe(&options, &truth.reading, "truth_", "the true depth video");
  options.Field("max_frames", &max_frames, {1, 1e15}, "N", "stop after this many frames")
      .Or(-1, "all");
  options.Field("no_scale", &no_scale, "compare metres as they are");
  options.Field("json", &json, "print one JSON object");

  return program.Main(argc, argv, [&] {
    mdvt::DepthMetricsAccumulator metrics;
    if (!no_scale)
      ForEachPair(
          program, estimate, truth, max_frames,
          [&](const mdvt::DepthView& e, const mdvt::DepthView& t) { metrics.AddForScale(e, t); });
    const double scale = no_scale ? 1 : metrics.MedianScale();
    const int64_t frames = ForEachPair(
        program, estimate, truth, max_frames,
        [&](const mdvt::DepthView& e, const mdvt::DepthView& t) { metrics.Add(e, t, scale); });
    const mdvt::DepthMetrics result = metrics.Result();
    mdvt::Require(result.pixels > 0, mdvt::Code::kCorrupt,
                  "no pixel has depth in both videos, there is nothing to compare");
    const auto number = [](double value) { return mdvt::FormatFixed(value, 5); };
    if (program.quiet() && !json) return 0;
    std::printf(json ? "{\"abs_rel\":%s,\"rmse\":%s,\"delta1\":%s,\"scale\":%s,\"frames\":%lld,"
                       "\"pixels\":%lld}\n"
                     : "AbsRel %s, RMSE %s m, delta1 %s after the scale %s (%lld frames, %lld "
                       "pixels)\n",
                number(result.abs_rel).c_str(), number(result.rmse).c_str(),
                number(result.delta1).c_str(), number(scale).c_str(),
                static_cast<long long>(frames), static_cast<long long>(result.pixels));
    return std::fflush(stdout) == 0 ? 0 : 1;
  });
}
