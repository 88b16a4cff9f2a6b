// SPDX-License-Identifier: Apache-2.0
//
// Speed of what surrounds every run of a depth network on 1920x1080: an 8-bit RGB picture to a
// 924x518 float tensor, and the map back. As ratios to cv::resize doing the same work, one thread,
// in the same run, and to a memcpy that reads and writes as many bytes. Also a clip's pictures at
// half and double their size. Ends with one line of JSON.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <string>
#include <vector>

#include "mdvt/core/image_resize.h"
#include "mdvt/model/resample.h"
#include "timing.h"

namespace mdvt {
namespace {

constexpr PixelSize kPicture = {1920, 1080}, kNetwork = {924, 518};

SizeRule Rule() {
  SizeRule rule;
  rule.mode = SizeMode::kCover;
  rule.multiple = 14;
  return rule;
}

Image MakePicture() {
  std::mt19937 rng(1);
  Image picture(PixelFormat::Rgb(8), kPicture.width, kPicture.height);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < kPicture.height; ++y) {
      for (int x = 0; x < kPicture.width; ++x) {
        picture.MutablePlane<uint8_t>(c).At(x, y) = static_cast<uint8_t>(rng());
      }
    }
  }
  return picture;
}

size_t Pixels(PixelSize size) {
  return static_cast<size_t>(size.width) * static_cast<size_t>(size.height);
}

void BM_Memcpy(benchmark::State& state) {
  const size_t bytes = (3 * Pixels(kPicture) + 12 * Pixels(kNetwork)) / 2;
  std::vector<char> from(bytes, 1), to(bytes);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::ClobberMemory();
  }
}

void BM_In(benchmark::State& state, ResampleKind kind, int threads) {
  const Image picture = MakePicture();
  const PictureToTensor convert(kind, kPicture, Rule());
  std::vector<float> tensor(3 * Pixels(kNetwork));
  ThreadPool pool(threads);
  for (auto _ : state) {
    convert.Run(picture.view(), tensor.data(), &pool);
    benchmark::ClobberMemory();
  }
}

// The way of the networks' own tools: to float, resize, to planes.
void BM_InOpenCv(benchmark::State& state, int flag) {
  const Image picture = MakePicture();
  std::vector<float> tensor(3 * Pixels(kNetwork));
  cv::setNumThreads(1);
  cv::Mat wide;
  for (auto _ : state) {
    for (int c = 0; c < 3; ++c) {
      const auto plane = picture.Plane<uint8_t>(c);
      const cv::Mat bytes(plane.height, plane.width, CV_8U, const_cast<uint8_t*>(plane.data),
                          static_cast<size_t>(plane.stride));
      cv::Mat to(kNetwork.height, kNetwork.width, CV_32F,
                 tensor.data() + static_cast<size_t>(c) * Pixels(kNetwork));
      bytes.convertTo(wide, CV_32F, 1 / 255.0);
      cv::resize(wide, to, to.size(), 0, 0, flag);
    }
    benchmark::ClobberMemory();
  }
}

void BM_Back(benchmark::State& state, ResampleKind kind, int threads) {
  const TensorToPicture convert(kind, PlanSize(kPicture, Rule()));
  std::vector<float> tensor(Pixels(kNetwork), 1.5f);
  Image depth(PixelFormat::GrayF32(), kPicture.width, kPicture.height);
  ThreadPool pool(threads);
  for (auto _ : state) {
    convert.Run(tensor.data(), depth.MutablePlane<float>(), &pool);
    benchmark::ClobberMemory();
  }
}

void BM_BackOpenCv(benchmark::State& state) {
  std::vector<float> tensor(Pixels(kNetwork), 1.5f);
  const cv::Mat from(kNetwork.height, kNetwork.width, CV_32F, tensor.data());
  cv::Mat to(kPicture.height, kPicture.width, CV_32F);
  cv::setNumThreads(1);
  for (auto _ : state) {
    cv::resize(from, to, to.size(), 0, 0, cv::INTER_LINEAR);
    benchmark::ClobberMemory();
  }
}

// A clip's pictures at another size.
void BM_Resize(benchmark::State& state, PixelSize size, ResizeFilter filter) {
  Image picture(PixelFormat::Yuv(420), kPicture.width, kPicture.height);
  for (int plane = 0; plane < 3; ++plane) {
    const auto view = picture.MutablePlane<uint8_t>(plane);
    for (int y = 0; y < view.height; ++y) {
      for (int x = 0; x < view.width; ++x) view.At(x, y) = static_cast<uint8_t>(x * 7 + y * 13);
    }
  }
  Image to(picture.format(), size.width, size.height);
  const ImageResizer resizer(picture.format(), kPicture.width, kPicture.height,
                             {0, 0, kPicture.width, kPicture.height}, size.width, size.height,
                             {filter, 0});
  for (auto _ : state) {
    resizer.Resize(picture.view(), to.mutable_view());
    benchmark::ClobberMemory();
  }
}

}  // namespace
}  // namespace mdvt

int main(int argc, char** argv) {
  using namespace mdvt;
  AddBenchmark("memcpy", BM_Memcpy);
  AddBenchmark("in_opencv_cubic/1", [](benchmark::State& s) { BM_InOpenCv(s, cv::INTER_CUBIC); });
  AddBenchmark("in_opencv_area/1", [](benchmark::State& s) { BM_InOpenCv(s, cv::INTER_AREA); });
  AddBenchmark("back_opencv/1", BM_BackOpenCv);
  for (const int threads : {1, 2}) {
    for (const ResampleKind kind : {ResampleKind::kCubicOpenCv, ResampleKind::kArea,
                                    ResampleKind::kBilinear, ResampleKind::kLanczos3Antialias}) {
      AddBenchmark(std::string("in_") + ResampleName(kind) + "/" + std::to_string(threads),
                   [=](benchmark::State& s) { BM_In(s, kind, threads); });
    }
    for (const ResampleKind kind : {ResampleKind::kBilinearAlignCorners, ResampleKind::kBicubic}) {
      AddBenchmark(std::string("back_") + ResampleName(kind) + "/" + std::to_string(threads),
                   [=](benchmark::State& s) { BM_Back(s, kind, threads); });
    }
  }
  AddBenchmark("yuv_half_lanczos/1", [](benchmark::State& s) {
    BM_Resize(s, {960, 540}, ResizeFilter::kLanczos);
  });
  AddBenchmark("yuv_double_bicubic/1", [](benchmark::State& s) {
    BM_Resize(s, {3840, 2160}, ResizeFilter::kBicubic);
  });
  return RunBenchmarks(argc, argv, "resample", [](const std::string& name) {
    const auto begins = [&](const char* with) { return name.rfind(with, 0) == 0; };
    Ratios ratios = {{"per_memcpy", "memcpy"}};
    if (begins("back_")) ratios.emplace_back("per_opencv", "back_opencv/1");
    if (begins("in_")) {
      ratios.emplace_back("per_opencv",
                          begins("in_area") ? "in_opencv_area/1" : "in_opencv_cubic/1");
    }
    return ratios;
  });
}
