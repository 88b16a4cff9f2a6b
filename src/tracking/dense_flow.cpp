// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/dense_flow.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>

#include "mdvt/core/error.h"
#include "tracking/opencv_threads.h"

namespace mdvt {
namespace {

constexpr int kLeastSide = 16;

cv::Mat Wrap(PlaneView<const uint8_t> plane) {
  // OpenCV has no constant views; the algorithms called here only read.
  return {plane.height, plane.width, CV_8UC1, const_cast<uint8_t*>(plane.data),
          static_cast<size_t>(plane.stride)};
}

}  // namespace

void FlowField::Resize(int new_width, int new_height) {
  width = new_width;
  height = new_height;
  vectors.assign(static_cast<size_t>(width) * static_cast<size_t>(height), Eigen::Vector2f::Zero());
}

struct DenseFlow::Impl {
  explicit Impl(FlowEffort wanted) : effort(wanted) { Create(); }

  void Create() {
    dis =
        cv::DISOpticalFlow::create(effort == FlowEffort::kFast ? cv::DISOpticalFlow::PRESET_FAST
                                                               : cv::DISOpticalFlow::PRESET_MEDIUM);
    // Left to right and back within fixed stripes: does not depend on the number of threads.
    dis->setUseSpatialPropagation(true);
  }

  FlowEffort effort;
  cv::Ptr<cv::DISOpticalFlow> dis;
};

DenseFlow::DenseFlow(FlowEffort effort) : impl_(std::make_unique<Impl>(effort)) {}
DenseFlow::~DenseFlow() = default;
DenseFlow::DenseFlow(DenseFlow&&) noexcept = default;
DenseFlow& DenseFlow::operator=(DenseFlow&&) noexcept = default;

void DenseFlow::Compute(PlaneView<const uint8_t> first, PlaneView<const uint8_t> second,
                        FlowField* flow) {
  Require(first.width > 0 && first.height > 0, Code::kInvalidArgument,
          "DenseFlow: the pictures are empty");
  Require(first.width == second.width && first.height == second.height, Code::kInvalidArgument,
          "DenseFlow: the two pictures differ in size");
  Require(flow->empty() || (flow->width == first.width && flow->height == first.height),
          Code::kInvalidArgument, "DenseFlow: the start has another size than the pictures");
  const bool has_start = !flow->empty();
  if (!has_start) flow->Resize(first.width, first.height);
  if (first.width < kLeastSide || first.height < kLeastSide) return;

  const tracking::OpenCvScope threads;
  cv::Mat a = Wrap(first), b = Wrap(second);
  // DIS takes rows without padding only.
  if (!a.isContinuous()) a = a.clone();
  if (!b.isContinuous()) b = b.clone();
  cv::Mat field(first.height, first.width, CV_32FC2, flow->vectors.data());
  // The coarsest level must hold more than one patch: narrow pictures are widened by repetition.
  constexpr int kRoom = 64;
  const int right = std::max(0, kRoom - first.width), below = std::max(0, kRoom - first.height);
  if (right > 0 || below > 0) {
    cv::copyMakeBorder(a, a, 0, below, 0, right, cv::BORDER_REPLICATE);
    cv::copyMakeBorder(b, b, 0, below, 0, right, cv::BORDER_REPLICATE);
    cv::Mat wide;
    if (has_start) cv::copyMakeBorder(field, wide, 0, below, 0, right, cv::BORDER_REPLICATE);
    impl_->dis->calc(a, b, wide);
    wide(cv::Rect(0, 0, first.width, first.height)).copyTo(field);
  } else if (has_start) {
    impl_->dis->calc(a, b, field);
  } else {
    cv::Mat fresh;
    impl_->dis->calc(a, b, fresh);
    fresh.copyTo(field);
  }
  for (Eigen::Vector2f& v : flow->vectors)
    if (!v.allFinite()) v.setZero();
}

// DIS cannot be used any more after its own collectGarbage().
void DenseFlow::ReleaseMemory() { impl_->Create(); }

void InvertFlow(const FlowField& flow, FlowField* result) {
  FlowField& inverse = *result;
  inverse.Resize(flow.width, flow.height);
  std::vector<uint8_t> known(flow.vectors.size(), 0);
  for (int y = 0; y < flow.height; ++y) {
    for (int x = 0; x < flow.width; ++x) {
      const size_t from = static_cast<size_t>(y) * flow.width + x;
      const Eigen::Vector2f v = flow.vectors[from];
      const float fx = static_cast<float>(x) + v.x(), fy = static_cast<float>(y) + v.y();
      if (!(fx > -0.5f && fy > -0.5f && fx < static_cast<float>(flow.width) - 0.5f &&
            fy < static_cast<float>(flow.height) - 0.5f))
        continue;
      const int tx = static_cast<int>(std::lround(fx)), ty = static_cast<int>(std::lround(fy));
      const size_t to = static_cast<size_t>(ty) * flow.width + tx;
      // Of two that land on one pixel the larger motion is more likely the nearer surface.
      if (known[to] && inverse.vectors[to].squaredNorm() >= v.squaredNorm()) continue;
      inverse.vectors[to] = -v;
      known[to] = 1;
    }
  }
  std::vector<uint8_t> row_known(static_cast<size_t>(flow.height), 0);
  for (int y = 0; y < flow.height; ++y) {
    Eigen::Vector2f* row = &inverse.vectors[static_cast<size_t>(y) * flow.width];
    const uint8_t* have = &known[static_cast<size_t>(y) * flow.width];
    int last = -1;
    for (int x = 0; x < flow.width; ++x) {
      if (!have[x]) continue;
      for (int k = last + 1; k < x; ++k) {
        const bool left = last >= 0 && k - last <= x - k;
        row[k] = left ? row[last] : row[x];
      }
      last = x;
    }
    if (last < 0) continue;
    for (int k = last + 1; k < flow.width; ++k) row[k] = row[last];
    row_known[static_cast<size_t>(y)] = 1;
  }
  int last = -1;
  for (int y = 0; y <= flow.height; ++y) {
    if (y < flow.height && !row_known[static_cast<size_t>(y)]) continue;
    for (int k = last + 1; k < y; ++k) {
      const bool up = last >= 0 && (y == flow.height || k - last <= y - k);
      if (!up && y == flow.height) continue;
      const int source = up ? last : y;
      std::copy_n(&inverse.vectors[static_cast<size_t>(source) * flow.width], flow.width,
                  &inverse.vectors[static_cast<size_t>(k) * flow.width]);
    }
    last = y;
  }
}

void RoundTripError(const FlowField& forward, const FlowField& backward, PlaneView<float> error) {
  constexpr float kOutside = 1e4f;
  const int w = forward.width, h = forward.height;
  Require(backward.width == w && backward.height == h && error.width == w && error.height == h,
          Code::kInvalidArgument, "RoundTripError: the fields differ in size");
  for (int y = 0; y < h; ++y) {
    float* out = error.Row(y);
    const Eigen::Vector2f* there = &forward.vectors[static_cast<size_t>(y) * w];
    for (int x = 0; x < w; ++x) {
      const float fx = static_cast<float>(x) + there[x].x();
      const float fy = static_cast<float>(y) + there[x].y();
      if (!(fx >= 0 && fy >= 0 && fx <= static_cast<float>(w - 1) &&
            fy <= static_cast<float>(h - 1))) {
        out[x] = kOutside;
        continue;
      }
      const int x0 = static_cast<int>(fx), y0 = static_cast<int>(fy);
      const int x1 = std::min(x0 + 1, w - 1), y1 = std::min(y0 + 1, h - 1);
      const float ax = fx - static_cast<float>(x0), ay = fy - static_cast<float>(y0);
      const Eigen::Vector2f* r0 = &backward.vectors[static_cast<size_t>(y0) * w];
      const Eigen::Vector2f* r1 = &backward.vectors[static_cast<size_t>(y1) * w];
      const Eigen::Vector2f back =
          (1 - ay) * ((1 - ax) * r0[x0] + ax * r0[x1]) + ay * ((1 - ax) * r1[x0] + ax * r1[x1]);
      out[x] = (there[x] + back).norm();
    }
  }
}

}  // namespace mdvt
