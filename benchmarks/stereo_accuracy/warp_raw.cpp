// SPDX-License-Identifier: Apache-2.0
//
// Runs the view synthesis over raw frames, for stereo_accuracy.py:
//
//   warp_raw <color.yuv> <depth.gray16le> <width> <height> <xfov_deg> <out folder>
//            [edges=tear|stretch] [fill=0|1] [baseline=0.063] [tear_disparity=..]
//            [tear_depth=..] [clean_rim=..] [rim=..]
//
// color.yuv is yuv420p, 8 bits, limited range; depth is in millimetres. Writes left.yuv, right.yuv,
// and left_holes.gray, right_holes.gray (255 = hole) into the folder.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/stereo/renderer.h"

namespace {

using namespace mdvt;

struct File {
  std::FILE* handle;
  File(const std::string& path, const char* mode) : handle(std::fopen(path.c_str(), mode)) {
    Require(handle != nullptr, Code::kIo, "cannot open " + path);
  }
  ~File() { std::fclose(handle); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

bool Read(File& file, void* data, size_t bytes) {
  return std::fread(data, 1, bytes, file.handle) == bytes;
}

bool ReadImage(File& file, Image& image) {
  for (int plane = 0; plane < 3; ++plane) {
    const auto view = image.MutablePlane<uint8_t>(plane);
    for (int y = 0; y < view.height; ++y) {
      if (!Read(file, view.Row(y), static_cast<size_t>(view.width))) return false;
    }
  }
  return true;
}

void Write(File& file, const void* data, size_t bytes) {
  Require(std::fwrite(data, 1, bytes, file.handle) == bytes, Code::kIo, "cannot write");
}

void WriteImage(File& file, const Image& image) {
  for (int plane = 0; plane < 3; ++plane) {
    const auto view = image.Plane<uint8_t>(plane);
    for (int y = 0; y < view.height; ++y) {
      Write(file, view.Row(y), static_cast<size_t>(view.width));
    }
  }
}

void WriteHoles(File& file, const HoleMap& holes) {
  std::vector<uint8_t> row(static_cast<size_t>(holes.width));
  for (const auto& spans : holes.rows) {
    std::fill(row.begin(), row.end(), uint8_t{0});
    for (const HoleSpan& span : spans) {
      std::fill(row.begin() + span.begin, row.begin() + span.end, uint8_t{255});
    }
    Write(file, row.data(), row.size());
  }
}

int Run(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(stderr, "usage: warp_raw color depth width height xfov out [key=value ...]\n");
    return 2;
  }
  const int width = std::atoi(argv[3]), height = std::atoi(argv[4]);
  const std::string out = argv[6];
  StereoOptions options;
  options.color.chroma_location = 1;
  DirectionalFillOptions fill_options;
  bool fill = false;
  for (int i = 7; i < argc; ++i) {
    const std::string text = argv[i];
    const size_t split = text.find('=');
    const std::string key = text.substr(0, split), value = text.substr(split + 1);
    if (key == "edges") {
      options.edges = value == "stretch" ? EdgeMode::kStretch : EdgeMode::kTear;
    } else if (key == "fill") {
      fill = value == "1";
    } else if (key == "clean_rim") {
      options.clean_rim = std::atoi(value.c_str());
    } else if (key == "rim") {
      fill_options.rim = std::atoi(value.c_str());
    } else if (key == "baseline") {
      options.baseline = std::atof(value.c_str());
    } else if (key == "tear_disparity") {
      options.tear.disparity = std::atof(value.c_str());
    } else if (key == "tear_depth") {
      options.tear.depth = std::atof(value.c_str());
    } else {
      throw Error(Code::kInvalidArgument, "unknown key " + key);
    }
  }
  const PixelFormat format = PixelFormat::Yuv(420, 8);
  const Camera camera = Camera::FromFov(width, height, std::atof(argv[5]), std::nullopt);
  Image color(format, width, height), left(format, width, height), right(format, width, height);
  Image depth(PixelFormat::GrayF32(), width, height);
  std::vector<uint16_t> code(static_cast<size_t>(width) * static_cast<size_t>(height));
  HoleMap left_holes, right_holes;
  File color_file(argv[1], "rb"), depth_file(argv[2], "rb");
  File left_file(out + "/left.yuv", "wb"), right_file(out + "/right.yuv", "wb");
  File left_mask(out + "/left_holes.gray", "wb"), right_mask(out + "/right_holes.gray", "wb");
  StereoRenderer renderer(options);
  while (ReadImage(color_file, color) && Read(depth_file, code.data(), code.size() * 2)) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        depth.MutablePlane<float>().At(x, y) =
            static_cast<float>(code[static_cast<size_t>(y * width + x)]) * 0.001f;
      }
    }
    renderer.Render(color.view(), depth.Plane<float>(), camera, 0,
                    {left.mutable_view(), {}, &left_holes},
                    {right.mutable_view(), {}, &right_holes});
    WriteHoles(left_mask, left_holes);
    WriteHoles(right_mask, right_holes);
    if (fill) {
      FillHoles(left_holes, fill_options, left.mutable_view());
      FillHoles(right_holes, fill_options, right.mutable_view());
    }
    WriteImage(left_file, left);
    WriteImage(right_file, right);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const mdvt::Error& e) {
    std::fprintf(stderr, "warp_raw: %s\n", e.what());
    return mdvt::ExitStatus(e.code());
  }
}
