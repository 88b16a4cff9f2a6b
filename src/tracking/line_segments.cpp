// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/line_segments.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "opencv_threads.h"

namespace mdvt {

std::vector<LineSegment> FindLineSegments(PlaneView<const uint8_t> picture, double min_length,
                                          int most) {
  if (picture.width < 16 || picture.height < 16) return {};
  // OpenCV puts the centre of the first pixel at (0, 0).
  const cv::Mat image(picture.height, picture.width, CV_8UC1, const_cast<uint8_t*>(picture.Row(0)),
                      static_cast<size_t>(picture.stride));
  std::vector<cv::Vec4f> found;
  cv::createLineSegmentDetector()->detect(image, found);
  std::vector<LineSegment> segments;
  for (const cv::Vec4f& line : found) {
    const LineSegment segment{{line[0] + 0.5, line[1] + 0.5}, {line[2] + 0.5, line[3] + 0.5}};
    if (segment.length() >= min_length) segments.push_back(segment);
  }
  std::stable_sort(
      segments.begin(), segments.end(),
      [](const LineSegment& a, const LineSegment& b) { return a.length() > b.length(); });
  if (segments.size() > static_cast<size_t>(most)) segments.resize(static_cast<size_t>(most));
  return segments;
}

}  // namespace mdvt
