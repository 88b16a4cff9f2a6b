// SPDX-License-Identifier: Apache-2.0
//
// Clips as they come out of an editing room, with their cuts known: scenes that move at speeds of
// their own, joined by hard cuts, by fades through black and by dissolves, with flashes of one or
// two frames, light that changes, and noise.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstdint>
#include <random>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt::test {

struct EditedClip {
  std::vector<Image> frames;  // Rgb(8)
  std::vector<int> cuts;      // first frames of scenes behind hard cuts

  EditedClip(uint32_t seed, int width, int height, int scenes)
      : width_(width), height_(height), random_(seed) {
    for (int i = 0; i < scenes; ++i) AddScene(i > 0);
  }

 private:
  // A picture three times as large as the clip's, of waves of all directions from 6 pixels to half
  // the clip's width long, about a colour.
  struct Look {
    std::array<double, 3> color{};
    std::array<double, 3> weight{};  // of the waves in each channel
    int width = 0, height = 0;
    std::vector<float> waves;

    // Position (0, 0) is the picture's middle part.
    double Waves(double x, double y) const {
      const double left = std::clamp(x + width / 3.0, 0.0, width - 1.001);
      const double top = std::clamp(y + height / 3.0, 0.0, height - 1.001);
      const auto u = static_cast<size_t>(left), v = static_cast<size_t>(top);
      const auto ax = static_cast<float>(left) - static_cast<float>(u);
      const auto ay = static_cast<float>(top) - static_cast<float>(v);
      const float* row = &waves[v * static_cast<size_t>(width) + u];
      const float* next = row + width;
      return static_cast<double>((1 - ay) * ((1 - ax) * row[0] + ax * row[1]) +
                                 ay * ((1 - ax) * next[0] + ax * next[1]));
    }
  };

  double Between(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 5) * 0x1p-27;
  }
  bool OneIn(uint32_t n) { return random_() % n == 0; }

  Look MakeLook() {
    Look look;
    for (double& channel : look.color) channel = Between(60, 190);
    for (double& channel : look.weight) channel = Between(0.7, 1.3);
    look.width = 3 * width_;
    look.height = 3 * height_;
    look.waves.assign(static_cast<size_t>(look.width) * static_cast<size_t>(look.height), 0.f);
    for (int i = 0; i < 14; ++i) {
      const double length = 6 * std::pow(width_ / 12.0, Between(0, 1)), way = Between(0, 2 * M_PI);
      const double step = 2 * M_PI / length, phase = Between(0, 2 * M_PI), height = Between(4, 14);
      const std::complex<float> turn = std::polar(1.f, static_cast<float>(step * std::cos(way)));
      size_t at = 0;
      for (int y = 0; y < look.height; ++y) {
        std::complex<float> wave = std::polar(static_cast<float>(height),
                                              static_cast<float>(step * std::sin(way) * y + phase));
        for (int x = 0; x < look.width; ++x, ++at, wave *= turn) look.waves[at] += wave.imag();
      }
    }
    return look;
  }

  // `light` multiplies, `flash` is the share of white, `dissolve` that of the scene to come.
  void AddFrame(const Look& look, double x, double y, double light, double flash,
                const Look* next = nullptr, double dissolve = 0) {
    Image image(PixelFormat::Rgb(8), width_, height_);
    for (int v = 0; v < height_; ++v)
      for (int u = 0; u < width_; ++u) {
        const double here = look.Waves(u + x, v + y);
        const double there = next == nullptr ? 0 : next->Waves(u, v);
        for (size_t channel = 0; channel < 3; ++channel) {
          double value = look.color[channel] + look.weight[channel] * here;
          if (next != nullptr)
            value += dissolve * (next->color[channel] + next->weight[channel] * there - value);
          value = (1 - flash) * light * value + flash * 250 + Between(-3, 3) * std::min(1.0, light);
          image.MutablePlane<uint8_t>(static_cast<int>(channel)).At(u, v) =
              static_cast<uint8_t>(std::clamp(value, 0.0, 255.0));
        }
      }
    frames.push_back(std::move(image));
  }

  void AddScene(bool joined) {
    const Look before = look_;
    look_ = MakeLook();
    const int kind = joined ? static_cast<int>(random_() % 4) : 2;  // 0 fade, 1 dissolve, 2, 3 cut
    if (kind == 0)
      for (int i = 1; i <= 10; ++i) AddFrame(before, x_, y_, light_ * (1 - 0.1 * i), 0);
    if (kind == 1)
      for (int i = 1; i <= 12; ++i)
        AddFrame(before, x_, y_, light_ + (1 - light_) * i / 13, 0, &look_, i / 13.0);
    if (joined && kind > 1) cuts.push_back(static_cast<int>(frames.size()));
    const double right = Between(-0.02, 0.02) * width_, down = Between(-0.01, 0.01) * height_;
    const double dimmer = Between(0, 0.3);
    const int length = 24 + static_cast<int>(random_() % 24);
    const int flash_at = OneIn(2) ? 8 + static_cast<int>(random_() % 8) : -9;
    const int flash_frames = OneIn(2) ? 1 : 2;
    for (int i = 0; i < length; ++i) {
      x_ = right * i;
      y_ = down * i;
      const bool flash = i >= flash_at && i < flash_at + flash_frames;
      light_ = kind == 0 ? std::min(1.0, 0.1 * i) : 1 - dimmer * i / length;
      AddFrame(look_, x_, y_, light_, flash ? 0.8 : 0);
    }
  }

  int width_, height_;
  std::mt19937 random_;
  Look look_;
  double x_ = 0, y_ = 0, light_ = 1;
};

// How well cuts were found, over several clips.
struct CutScore {
  int hits = 0, found = 0, there = 0;

  void Add(const std::vector<int>& cuts, const std::vector<int>& truth) {
    found += static_cast<int>(cuts.size());
    there += static_cast<int>(truth.size());
    for (const int cut : cuts)
      hits += static_cast<int>(std::count(truth.begin(), truth.end(), cut));
  }
  double precision() const { return found == 0 ? 1 : static_cast<double>(hits) / found; }
  double recall() const { return there == 0 ? 1 : static_cast<double>(hits) / there; }
  double f1() const { return found + there == 0 ? 1 : 2.0 * hits / (found + there); }
};

}  // namespace mdvt::test
