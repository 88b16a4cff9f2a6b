// SPDX-License-Identifier: Apache-2.0
//
// Puts frames of a color video, its depth, its stereo video and the hole mask side by side into one
// PNG.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/program.h"
#include "mdvt/core/error.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/image_file.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/job_options.h"

namespace {

using mdvt::Image;
using mdvt::PixelFormat;

constexpr int kGap = 4;  // pixels between pictures

// The mean of the source pixels under each pixel of the smaller picture.
Image Shrink(const mdvt::ImageView& from, int width, int height) {
  Image to(PixelFormat::Rgb(8), width, height);
  for (int plane = 0; plane < 3; ++plane) {
    const auto source = from.Plane<uint8_t>(plane);
    const auto target = to.MutablePlane<uint8_t>(plane);
    for (int y = 0; y < height; ++y) {
      const int y0 = y * from.height / height;
      const int y1 = std::max(y0 + 1, (y + 1) * from.height / height);
      for (int x = 0; x < width; ++x) {
        const int x0 = x * from.width / width;
        const int x1 = std::max(x0 + 1, (x + 1) * from.width / width);
        int sum = 0;
        for (int v = y0; v < y1; ++v)
          for (int u = x0; u < x1; ++u) sum += source.At(u, v);
        const int count = (y1 - y0) * (x1 - x0);
        target.At(x, y) = static_cast<uint8_t>((sum + count / 2) / count);
      }
    }
  }
  return to;
}

// Near is warm, far is blue, no data is black; linear in 1 / depth between the clip's 2nd and 98th
// percentile.
void PaintDepth(const std::vector<float>& depth, float low, float high,
                const mdvt::MutableImageView& to) {
  static constexpr float kStops[6][3] = {{40, 30, 90},   {45, 100, 200}, {50, 180, 180},
                                         {130, 210, 90}, {245, 190, 60}, {220, 50, 40}};
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      const float z =
          depth[static_cast<size_t>(y) * static_cast<size_t>(to.width) + static_cast<size_t>(x)];
      const float place = std::clamp((1 / z - low) / std::max(1e-9f, high - low), 0.0f, 1.0f) * 5;
      const int stop = std::min(4, static_cast<int>(place));
      const float part = place - static_cast<float>(stop);
      for (int plane = 0; plane < 3; ++plane) {
        const float value = kStops[stop][plane] * (1 - part) + kStops[stop + 1][plane] * part;
        to.Plane<uint8_t>(plane).At(x, y) = z > 0 ? static_cast<uint8_t>(value + 0.5f) : uint8_t{0};
      }
    }
  }
}

// Calls `take(k, frame)` for the k-th of `wanted` frames spread over the clip (all of them if there
// are fewer); returns how many there were.
template <typename Reader, typename Take>
int ReadSpread(const mdvt::example::Program& program, Reader* reader, int wanted, int64_t total,
               Take take) {
  int taken = 0;
  for (int64_t index = 0; taken < wanted; ++index) {
    program.CheckInterrupted();
    auto frame = reader->Read();
    if (!frame) break;
    if (index == std::max<int64_t>(taken, (2 * taken + 1) * total / (2 * wanted)))
      take(taken++, *frame);
  }
  return taken;
}

bool EndsInPng(const std::string& path) {
  std::string ending = path.size() < 4 ? "" : path.substr(path.size() - 4);
  for (char& letter : ending)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return ending == ".png";
}

struct Sheet {
  int tile_width;
  int tile_height;
  int frames;
  Image image;
  // Rows of pictures in the block of each frame: color and depth side by side, then as wide as both
  // the stereo picture, then the mask.
  mdvt::MutableImageView Tile(int frame, int column, int row, bool wide) {
    const int rows = (image.height() / frames_down() - kGap) / (tile_height + kGap);
    const int x = (frame % 2) * 2 * (tile_width + kGap) + column * (tile_width + kGap);
    const int y = (frame / 2) * (rows * (tile_height + kGap) + kGap) + row * (tile_height + kGap);
    return image.mutable_view().Crop(x, y, wide ? 2 * tile_width + kGap : tile_width, tile_height);
  }
  int frames_down() const { return (frames + 1) / 2; }
};

}  // namespace

int main(int argc, char** argv) {
  mdvt::example::Program program(
      "mdvt_contact_sheet",
      "Puts frames of a color video, its depth (near is warm, far is blue), the stereo video and\n"
      "the hole mask into one PNG.",
      "mdvt_contact_sheet --color_video clip.mp4 --depth_video clip.mp4_depth.mkv --output "
      "sheet.png");
  std::string color_path, depth_path, stereo_path, mask_path, output;
  mdvt::DepthReadingOptions reading;
  mdvt::ReadingOptions pictures;
  int64_t wanted = 4;
  int64_t tile_width = 320;
  mdvt::OptionList& options = program.options();
  options.Field("color_video", &color_path, "FILE", "color video").Input().Required();
  options.Field("depth_video", &depth_path, "FILE", "its depth video").Input();
  Describe(&options, &reading);
  options.Field("stereo_video", &stereo_path, "FILE", "its side-by-side video").Input();
  options.Field("mask_video", &mask_path, "FILE", "the hole mask of that").Input();
  options.Field("output", &output, "FILE", "PNG file").Output().Required();
  Describe(&options, &pictures);
  options.Field("frames", &wanted, {1, 64}, "N", "number of frames, spread over the clip");
  options.Field("tile_width", &tile_width, {16, 2048}, "PIXELS", "width of one picture");

  return program.Main(argc, argv, [&] {
    mdvt::OutputSet outputs;
    for (const std::string& path : {color_path, depth_path, stereo_path, mask_path})
      outputs.AddInput(path);
    const mdvt::OutputTarget target = outputs.AddFile(output);
    mdvt::Require(EndsInPng(output), mdvt::Code::kInvalidArgument,
                  output + ": the name must end in .png");
    mdvt::VideoReaderOptions rgb;
    rgb.format = PixelFormat::Rgb(8);
    rgb.strict = pictures.strict;
    rgb.deinterlace = pictures.deinterlace;
    mdvt::VideoReader color(color_path, rgb);
    const int64_t total = std::max<int64_t>(1, color.info().estimated_frames);
    const int frames = static_cast<int>(std::min(wanted, total));
    const int width = static_cast<int>(std::min<int64_t>(tile_width, color.info().width));
    const int height = std::max(1, width * color.info().height / color.info().width);
    const int rows = 1 + (stereo_path.empty() ? 0 : 1) + (mask_path.empty() ? 0 : 1);
    const int across = std::min(frames, 2) * 2 * (width + kGap) - kGap;
    const int down = (frames + 1) / 2 * (rows * (height + kGap) + kGap);
    Sheet sheet{width, height, frames, Image(PixelFormat::Rgb(8), across, down)};
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < down; ++y)
        std::fill_n(sheet.image.MutablePlane<uint8_t>(plane).Row(y), across, uint8_t{24});

    const auto put = [&](mdvt::VideoReader* reader, int row, bool wide) {
      ReadSpread(program, reader, frames, total, [&](int k, const mdvt::Frame& frame) {
        const mdvt::MutableImageView tile = sheet.Tile(k, 0, row, wide);
        CopyPixels(Shrink(frame.image.view(), tile.width, tile.height).view(), tile);
      });
    };
    put(&color, 0, false);
    int row = 1;
    for (const std::string& path : {stereo_path, mask_path}) {
      if (path.empty()) continue;
      mdvt::VideoReader reader(path, rgb);
      put(&reader, row++, true);
    }
    if (!depth_path.empty()) {
      mdvt::DepthVideoReaderOptions depth_options;
      depth_options.max_depth = reading.max_depth;
      depth_options.encoding = reading.encoding;
      mdvt::DepthVideoReader reader(depth_path, depth_options);
      std::vector<std::vector<float>> maps(static_cast<size_t>(frames));
      std::vector<float> inverse;
      const int taken =
          ReadSpread(program, &reader, frames, total, [&](int k, const mdvt::DepthFrame& frame) {
            const mdvt::DepthView depth = frame.depth.Plane<float>();
            for (int y = 0; y < height; ++y) {
              for (int x = 0; x < width; ++x) {
                const float z = depth.At((2 * x + 1) * depth.width / (2 * width),
                                         (2 * y + 1) * depth.height / (2 * height));
                maps[static_cast<size_t>(k)].push_back(z);
                if (z > 0) inverse.push_back(1 / z);
              }
            }
          });
      std::sort(inverse.begin(), inverse.end());
      const float low = inverse.empty() ? 0 : inverse[inverse.size() / 50];
      const float high = inverse.empty() ? 1 : inverse[inverse.size() - 1 - inverse.size() / 50];
      for (int k = 0; k < taken; ++k)
        PaintDepth(maps[static_cast<size_t>(k)], low, high, sheet.Tile(k, 1, 0, false));
    }
    mdvt::WritePng(target, sheet.image.view());
    outputs.CommitAll();
    return program.Tell("wrote " + output + ": " + std::to_string(across) + "x" +
                        std::to_string(down));
  });
}
