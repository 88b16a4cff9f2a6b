// SPDX-License-Identifier: Apache-2.0
#include "pipeline/job_common.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/sidecar.h"

namespace mdvt {

namespace fs = std::filesystem;

std::string FileName(const std::string& path) { return fs::path(path).filename().string(); }

std::string OutputName(const std::string& output, const std::string& input,
                       const std::string& suffix) {
  if (output.empty()) return input + suffix;
  std::error_code ignored;
  if (!fs::is_directory(output, ignored)) {
    Require(output.back() != '/', Code::kIo,
            output + ": there is no such folder; make it first, or give the name of a file");
    return output;
  }
  return (fs::path(output) / (FileName(input) + suffix)).string();
}

ClipCamera::ClipCamera(const FovOptions& fov, const DepthTags& tags, int width, int height,
                       Rational sample_aspect, const Limits& limits)
    : width_(width),
      height_(height),
      sample_aspect_(sample_aspect.IsPositive() ? sample_aspect : Rational{1, 1}) {
  if (!fov.xfov_file.empty()) {
    xfovs_deg_ = {ReadFovFile(fov.xfov_file, limits), fov.xfov_file, "field of view"};
  } else if (fov.xfov_deg || fov.yfov_deg) {
    fixed_ = Make(fov.xfov_deg, fov.yfov_deg);
  } else {
    const std::optional<Camera> tagged = tags.CameraFor(width, height);
    Require(tagged.has_value(), Code::kInvalidArgument,
            "the field of view is not known: give --xfov, --yfov or --xfov_file (the depth file "
            "does not tell it)");
    const bool complete = tags.k || (tags.xfov_deg && tags.yfov_deg);
    fixed_ = complete ? *tagged : Make(tags.xfov_deg, tags.yfov_deg);
  }
}

Camera ClipCamera::Make(std::optional<double> xfov_deg, std::optional<double> yfov_deg) const {
  Camera camera = Camera::FromFov(width_, height_, xfov_deg, yfov_deg);
  // A stored pixel is `aspect` times as wide as it is high, so that a focal length is fewer of
  // them.
  const double aspect = sample_aspect_.ToDouble();
  if (!yfov_deg) camera.fy = camera.fx * aspect;
  if (!xfov_deg) camera.fx = camera.fy / aspect;
  return camera;
}

Camera ClipCamera::At(int64_t frame) const {
  return xfovs_deg_.fixed() ? fixed_ : Make(xfovs_deg_.At(frame), std::nullopt);
}

double ClipCamera::typical_xfov_deg() const {
  if (xfovs_deg_.fixed()) return fixed_.xfov_deg();
  std::vector<double> sorted = xfovs_deg_.values();
  const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

FovOptions FovOrUsual(const FovOptions& fov, bool needed) {
  if (!fov.empty()) return fov;
  if (needed)
    LogWarning("no field of view was given (--xfov, --yfov or --xfov_file): " +
               FormatDouble(kDefaultXfovDeg) +
               " degrees across are taken; a wrong one stretches the scene in depth");
  FovOptions assumed;
  assumed.xfov_deg = kDefaultXfovDeg;
  return assumed;
}

std::string CountOf(int64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Rational ToRational(double value) {
  return Rational{std::llround(value * 1000000), 1000000}.Reduced();
}

int64_t ExpectedFrames(int64_t estimated, int64_t first, int64_t max_frames) {
  if (estimated <= 0) return std::max<int64_t>(0, max_frames);
  const int64_t left = std::max<int64_t>(0, estimated - first);
  return max_frames < 0 ? left : std::min(left, max_frames);
}

}  // namespace mdvt
