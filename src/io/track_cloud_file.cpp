// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/track_cloud_file.h"

#include <string>

#include "core/little_endian.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"

namespace mdvt {

void WriteTrackCloud(const OutputTarget& target, const std::vector<TrackCloudPoint>& points) {
  OutputFile file(target);
  file.Write(
      "ply\nformat binary_little_endian 1.0\nelement vertex " + std::to_string(points.size()) +
      "\nproperty float x\nproperty float y\nproperty float z\n"
      "property uchar red\nproperty uchar green\nproperty uchar blue\n"
      "property int ids\nproperty int nobs\n"
      "property float rms_px\nproperty float angle_deg\nproperty float sigma_z\nend_header\n");
  for (const TrackCloudPoint& point : points) {
    Require(point.position.allFinite(), Code::kInvalidArgument,
            file.path() + ": the point of track " + std::to_string(point.id) + " is not finite");
    char* const begin = file.Room(64);
    char* end = begin;
    for (const float coordinate : point.position) end = PutLittle(coordinate, end);
    for (const uint8_t channel : point.color) end = PutLittle(channel, end);
    end = PutLittle(point.id, end);
    end = PutLittle(point.observations, end);
    for (const float value : {point.rms, point.angle_deg, point.sigma}) end = PutLittle(value, end);
    file.Add(static_cast<size_t>(end - begin));
  }
  file.Finish();
}

}  // namespace mdvt
