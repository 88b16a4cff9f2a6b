// SPDX-License-Identifier: Apache-2.0
//
// Runs the view synthesis over raw frames, for stereo_accuracy.py:
//
//   warp_raw <color.yuv> <depth.gray16le> <width> <height> <xfov_deg> <out folder>
//            [edges=tear|stretch] [fill=none|directional|observed|telea|ns] [poses=FILE]
//            [window=8] [views=6] [threads=1] [baseline=0.063] [tear_disparity=..]
//            [tear_depth=..] [clean_rim=..] [rim=..]
//
// color.yuv is yuv420p, 8 bits, limited range; depth is in millimetres; poses are 16 numbers for
// each frame, camera-to-world by rows, for fill=observed. telea and ns are OpenCV's inpainting.
// Writes left.yuv, right.yuv, and left_holes.gray, right_holes.gray (255 = hole) into the folder.
// Prints what the filling took, in milliseconds per frame with both eyes (of the clock, and of the
// processors that worked), and the share of the hole pixels that other frames have shown.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/photo.hpp>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/infill/observed_fill.h"
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

struct Settings {
  StereoOptions stereo;
  DirectionalFillOptions directional;
  std::string fill = "none";
  std::string poses;
  int window = 8;
  size_t views = 6;
  int threads = 1;
};

Settings Parse(int argc, char** argv) {
  Settings settings;
  settings.stereo.color.chroma_location = 1;
  for (int i = 7; i < argc; ++i) {
    const std::string text = argv[i];
    const size_t split = text.find('=');
    const std::string key = text.substr(0, split), value = text.substr(split + 1);
    if (key == "edges") {
      settings.stereo.edges = value == "stretch" ? EdgeMode::kStretch : EdgeMode::kTear;
    } else if (key == "fill") {
      settings.fill = value;
    } else if (key == "poses") {
      settings.poses = value;
    } else if (key == "window") {
      settings.window = std::atoi(value.c_str());
    } else if (key == "views") {
      settings.views = static_cast<size_t>(std::atoi(value.c_str()));
    } else if (key == "threads") {
      settings.threads = std::atoi(value.c_str());
    } else if (key == "clean_rim") {
      settings.stereo.clean_rim = std::atoi(value.c_str());
    } else if (key == "rim") {
      settings.directional.rim = std::atoi(value.c_str());
    } else if (key == "baseline") {
      settings.stereo.baseline = std::atof(value.c_str());
    } else if (key == "tear_disparity") {
      settings.stereo.tear.disparity = std::atof(value.c_str());
    } else if (key == "tear_depth") {
      settings.stereo.tear.depth = std::atof(value.c_str());
    } else {
      throw Error(Code::kInvalidArgument, "unknown key " + key);
    }
  }
  return settings;
}

struct Clip {
  Camera camera;
  std::vector<Image> colors, depths;
  std::vector<Pose> poses;
};

Clip ReadClip(char** argv, const Settings& settings) {
  Clip clip;
  const int width = std::atoi(argv[3]), height = std::atoi(argv[4]);
  clip.camera = Camera::FromFov(width, height, std::atof(argv[5]), std::nullopt);
  File color_file(argv[1], "rb"), depth_file(argv[2], "rb");
  std::vector<uint16_t> code(static_cast<size_t>(width) * static_cast<size_t>(height));
  for (;;) {
    Image color(PixelFormat::Yuv(420, 8), width, height);
    if (!ReadImage(color_file, color) || !Read(depth_file, code.data(), code.size() * 2)) break;
    Image depth(PixelFormat::GrayF32(), width, height);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        depth.MutablePlane<float>().At(x, y) =
            static_cast<float>(code[static_cast<size_t>(y * width + x)]) * 0.001f;
    clip.colors.push_back(std::move(color));
    clip.depths.push_back(std::move(depth));
  }
  std::ifstream poses(settings.poses);
  for (size_t f = 0; f < clip.colors.size() && !settings.poses.empty(); ++f) {
    Eigen::Matrix4d matrix;
    for (int i = 0; i < 16; ++i) poses >> matrix(i / 4, i % 4);
    Require(poses.good(), Code::kCorrupt, settings.poses + " has too few poses");
    clip.poses.emplace_back(matrix);
  }
  return clip;
}

// OpenCV's inpainting of each plane, radius 3.
void FillByOpenCv(const HoleMap& holes, int flags, Image* image) {
  for (int plane = 0; plane < 3; ++plane) {
    const auto view = image->MutablePlane<uint8_t>(plane);
    const int shift = plane > 0 ? 1 : 0;
    cv::Mat mask(view.height, view.width, CV_8U, cv::Scalar(0));
    for (int y = 0; y < holes.height; ++y)
      for (const HoleSpan& span : holes.rows[static_cast<size_t>(y)])
        for (int x = span.begin; x < span.end; ++x) mask.at<uint8_t>(y >> shift, x >> shift) = 255;
    const cv::Mat pixels(view.height, view.width, CV_8U, view.data,
                         static_cast<size_t>(view.stride));
    cv::Mat filled;
    cv::inpaint(pixels, mask, filled, 3, flags);
    filled.copyTo(pixels);
  }
}

class Filler {
 public:
  Filler(const Clip& clip, const Settings& settings, ThreadPool* pool)
      : clip_(clip),
        settings_(settings),
        directional_(settings.directional, pool),
        observed_(ObservedFillOptions(), pool) {}

  FillCounts Fill(size_t frame, double side, const HoleMap& holes, Image* eye) {
    const std::string& how = settings_.fill;
    if (how == "directional" || how == "1") {
      directional_.Fill(holes, eye->mutable_view());
    } else if (how == "telea" || how == "ns") {
      FillByOpenCv(holes, how == "ns" ? cv::INPAINT_NS : cv::INPAINT_TELEA, eye);
    } else if (how == "observed") {
      return FillObserved(frame, side, holes, eye);
    } else {
      Require(how == "none" || how == "0", Code::kInvalidArgument, "unknown fill " + how);
    }
    return MarkExtended(holes, {});
  }

 private:
  ObservedView ViewOf(size_t frame) const {
    ObservedView view;
    view.color = clip_.colors[frame].view();
    view.depth = clip_.depths[frame].Plane<float>();
    view.camera = clip_.camera;
    view.world_from_cam = clip_.poses[frame];
    view.index = static_cast<int64_t>(frame);
    return view;
  }

  FillCounts FillObserved(size_t frame, double side, const HoleMap& holes, Image* eye) {
    const auto window = static_cast<size_t>(settings_.window);
    Pose pose = clip_.poses[frame];
    pose.translate(Eigen::Vector3d(side * settings_.stereo.baseline / 2, 0, 0));
    std::vector<ObservedView> around;
    const size_t end = std::min(clip_.colors.size(), frame + window + 1);
    for (size_t i = frame > window ? frame - window : 0; i < end; ++i)
      if (i != frame) around.push_back(ViewOf(i));
    std::vector<ObservedView> views = ChooseViews(around, ViewOf(frame), pose, settings_.views);
    views.push_back(ViewOf(frame));
    const size_t own = views.size() - 1;
    return observed_.Fill(holes, clip_.camera, pose, views, own, eye->mutable_view(), {});
  }

  const Clip& clip_;
  const Settings& settings_;
  DirectionalFill directional_;
  ObservedFill observed_;
};

int Run(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(stderr, "usage: warp_raw color depth width height xfov out [key=value ...]\n");
    return 2;
  }
  const std::string out = argv[6];
  const Settings settings = Parse(argc, argv);
  const Clip clip = ReadClip(argv, settings);
  Require(settings.fill != "observed" || !clip.poses.empty(), Code::kInvalidArgument,
          "fill=observed needs poses=FILE");
  const PixelFormat format = PixelFormat::Yuv(420, 8);
  Image left(format, clip.camera.width, clip.camera.height);
  Image right(format, clip.camera.width, clip.camera.height);
  HoleMap left_holes, right_holes;
  File left_file(out + "/left.yuv", "wb"), right_file(out + "/right.yuv", "wb");
  File left_mask(out + "/left_holes.gray", "wb"), right_mask(out + "/right_holes.gray", "wb");
  ThreadPool pool(settings.threads);
  StereoRenderer renderer(settings.stereo, &pool);
  Filler filler(clip, settings, &pool);
  double seconds = 0;
  std::clock_t ticks = 0;  // of all threads
  FillCounts counts;
  for (size_t f = 0; f < clip.colors.size(); ++f) {
    renderer.Render(clip.colors[f].view(), clip.depths[f].Plane<float>(), clip.camera, 0,
                    {left.mutable_view(), {}, &left_holes},
                    {right.mutable_view(), {}, &right_holes});
    WriteHoles(left_mask, left_holes);
    WriteHoles(right_mask, right_holes);
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t begin = std::clock();
    for (const FillCounts& eye :
         {filler.Fill(f, -1, left_holes, &left), filler.Fill(f, 1, right_holes, &right)}) {
      counts.holes += eye.holes;
      counts.observed += eye.observed;
    }
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    ticks += std::clock() - begin;
    WriteImage(left_file, left);
    WriteImage(right_file, right);
  }
  const auto frames = static_cast<double>(std::max<size_t>(1, clip.colors.size()));
  std::printf("{\"fill_ms\": %.3f, \"fill_cpu_ms\": %.3f, \"observed_share\": %.4f}\n",
              1e3 * seconds / frames,
              1e3 * static_cast<double>(ticks) / static_cast<double>(CLOCKS_PER_SEC) / frames,
              counts.holes > 0
                  ? static_cast<double>(counts.observed) / static_cast<double>(counts.holes)
                  : 0.0);
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
