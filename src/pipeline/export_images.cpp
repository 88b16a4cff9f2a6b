// SPDX-License-Identifier: Apache-2.0
//
// The depth of each frame as a picture or as arrays.
#include <algorithm>
#include <cmath>
#include <vector>

#include "mdvt/io/image_file.h"
#include "mdvt/io/npz_file.h"
#include "pipeline/export_format.h"
#include "pipeline/export_images.h"

namespace mdvt {

Image MillimetresOf(const DepthView& depth) {
  Image picture(PixelFormat::Gray(16), depth.width, depth.height);
  for (int y = 0; y < depth.height; ++y) {
    const float* z = depth.Row(y);
    uint16_t* to = picture.MutablePlane<uint16_t>().Row(y);
    for (int x = 0; x < depth.width; ++x) {
      // 0 is no data: what is nearer than half a millimetre is one.
      const float mm = std::min(z[x] * 1000.0f + 0.5f, 65535.0f);
      to[x] = z[x] > 0 ? std::max<uint16_t>(1, static_cast<uint16_t>(mm)) : 0;
    }
  }
  return picture;
}

namespace {

class PngExporter : public Exporter {
 public:
  explicit PngExporter(OutputFolder folder) : folder_(std::move(folder)) {}
  int64_t Write(const ExportFrame& frame) override {
    WritePng(folder_.AddFile(ExportFrameName(frame.number, "png")),
             MillimetresOf(frame.depth).view());
    return 1;
  }

 private:
  OutputFolder folder_;
};

class ExrExporter : public Exporter {
 public:
  explicit ExrExporter(OutputFolder folder) : folder_(std::move(folder)) {}
  int64_t Write(const ExportFrame& frame) override {
    WriteExr(folder_.AddFile(ExportFrameName(frame.number, "exr")), frame.depth);
    return 1;
  }

 private:
  OutputFolder folder_;
};

class NpzExporter : public Exporter {
 public:
  NpzExporter(OutputFolder folder, bool has_color)
      : folder_(std::move(folder)), has_color_(has_color) {}
  int64_t Write(const ExportFrame& frame) override {
    const int width = frame.depth.width;
    const int height = frame.depth.height;
    NpzWriter file(folder_.AddFile(ExportFrameName(frame.number, "npz")));
    std::vector<float> depth;
    depth.reserve(static_cast<size_t>(width) * static_cast<size_t>(height));
    for (int y = 0; y < height; ++y)
      depth.insert(depth.end(), frame.depth.Row(y), frame.depth.Row(y) + width);
    file.Add("depth", {height, width}, depth.data());
    const Camera& c = frame.camera;
    const double intrinsics[] = {c.fx, 0, c.cx, 0, c.fy, c.cy, 0, 0, 1};
    file.Add("intrinsics", {3, 3}, intrinsics);
    const Eigen::Matrix<double, 4, 4, Eigen::RowMajor> pose = frame.world_from_cam.matrix();
    file.Add("world_from_cam", {4, 4}, pose.data());
    if (has_color_) {
      std::vector<uint8_t> rgb(depth.size() * 3);
      for (int i = 0; i < 3; ++i) {
        uint8_t* to = rgb.data() + i;
        for (int y = 0; y < height; ++y) {
          const uint8_t* from = frame.color.Plane<uint8_t>(i).Row(y);
          for (int x = 0; x < width; ++x, to += 3) *to = from[x];
        }
      }
      file.Add("rgb", {height, width, 3}, rgb.data());
    }
    file.Finish();
    return 1;
  }

 private:
  OutputFolder folder_;
  bool has_color_;
};

}  // namespace

std::unique_ptr<Exporter> NewPngExporter(const ExportSetup&, const std::string& path,
                                         OutputSet* outputs) {
  return std::make_unique<PngExporter>(outputs->AddFolder(path));
}
std::unique_ptr<Exporter> NewExrExporter(const ExportSetup&, const std::string& path,
                                         OutputSet* outputs) {
  return std::make_unique<ExrExporter>(outputs->AddFolder(path));
}
std::unique_ptr<Exporter> NewNpzExporter(const ExportSetup& setup, const std::string& path,
                                         OutputSet* outputs) {
  return std::make_unique<NpzExporter>(outputs->AddFolder(path), setup.has_color);
}

}  // namespace mdvt
