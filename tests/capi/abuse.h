// SPDX-License-Identifier: Apache-2.0
//
// Generates wrong arguments: a value is put in place of a right one, the call has to answer
// MDVT_INVALID_ARGUMENT with a text that names the argument, and the right value is put back.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "mdvt.h"

namespace mdvt::test {

class Abuse {
 public:
  // `call` makes the call with the arguments as they stand. It has to succeed before it is abused.
  Abuse(std::string function, std::function<mdvt_status()> call, mdvt_status success = MDVT_OK)
      : function_(std::move(function)), call_(std::move(call)) {
    EXPECT_EQ(success, call_()) << function_ << " with right arguments: " << mdvt_last_error();
  }

  // Each of `wrong` in place of `argument`; `name` is how the text has to name it.
  template <typename T>
  void Values(T& argument, const std::string& name, const std::vector<T>& wrong) {
    const T right = argument;
    for (const T& value : wrong) {
      argument = value;
      Try(name, Show(value));
    }
    argument = right;
  }

  void Null(const void*& argument, const std::string& name) { Values(argument, name, {nullptr}); }
  template <typename T>
  void Pointer(T*& argument, const std::string& name) {
    Values<T*>(argument, name, {nullptr});
  }
  void Text(const char*& argument, const std::string& name) {
    Values<const char*>(argument, name, {nullptr, ""});
  }

  // An enumeration with the values 1 to `last`, and 0 too if it has a meaning.
  template <typename T>
  void Enum(T& argument, const std::string& name, T last, bool zero_is_right = false) {
    std::vector<T> wrong = {static_cast<T>(last + 1), std::numeric_limits<T>::max()};
    if (!zero_is_right) wrong.push_back(0);
    if (std::numeric_limits<T>::is_signed) {
      wrong.push_back(static_cast<T>(-1));
      wrong.push_back(std::numeric_limits<T>::min());
    }
    Values(argument, name, wrong);
  }
  void Flag(int32_t& argument, const std::string& name) {
    Values(argument, name, {-1, 2, 256, INT32_MAX, INT32_MIN});
  }
  void Reserved(int32_t& argument, const std::string& name) {
    Values(argument, name, {1, -1, INT32_MAX});
  }
  // Integers outside [low, high].
  template <typename T>
  void Range(T& argument, const std::string& name, int64_t low, int64_t high) {
    std::vector<T> wrong;
    if (low > std::numeric_limits<T>::min()) {
      wrong.push_back(static_cast<T>(low - 1));
      wrong.push_back(std::numeric_limits<T>::min());
    }
    if (high < std::numeric_limits<T>::max()) {
      wrong.push_back(static_cast<T>(high + 1));
      wrong.push_back(std::numeric_limits<T>::max());
    }
    Values(argument, name, wrong);
  }
  void Threads(int32_t& argument, const std::string& name) { Range(argument, name, 0, 1024); }
  void Real(double& argument, const std::string& name, std::vector<double> also = {}) {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    also.insert(also.end(), {std::nan(""), -std::nan(""), kInf, -kInf, -1.0, -1e-300, -1e300});
    Values(argument, name, also);
  }
  void StructSize(uint32_t& size, const std::string& name) {
    Values(size, name + ".struct_size", {0u, 1u, size - 1, 4097u, UINT32_MAX});
  }

  // All fields of an image that has to have this very size and format.
  void Image(mdvt_image& image, const std::string& name) {
    Format(image.format, name + ".format");
    Values(image.width, name + ".width", {0, -1, (1 << 20) + 1, INT32_MAX, INT32_MIN});
    Values(image.height, name + ".height", {0, -1, (1 << 20) + 1, INT32_MAX, INT32_MIN});
    const int planes = image.format.model == MDVT_MODEL_GRAY ? 1 : 3;
    for (int plane = 0; plane < planes; ++plane) {
      const std::string index = "[" + std::to_string(plane) + "]";
      if (plane > 0 || !first_plane_optional_) Pointer(image.data[plane], name + ".data" + index);
      const int64_t stride = image.stride[plane];
      Values(image.stride[plane], name + ".stride" + index,
             {0, 1, -1, -stride, INT64_MIN, INT64_MAX});
      if (image.format.sample_type != MDVT_SAMPLE_U8) {
        void* right = image.data[plane];
        image.data[plane] = static_cast<char*>(right) + 1;
        Try(name + ".data" + index, "misaligned");
        image.data[plane] = right;
      }
    }
  }
  void OptionalImage(mdvt_image& image, const std::string& name) {
    first_plane_optional_ = true;
    Image(image, name);
    first_plane_optional_ = false;
  }
  void Format(mdvt_pixel_format& format, const std::string& name) {
    Enum<uint8_t>(format.model, name + ".model", 3);
    Enum<uint8_t>(format.sample_type, name + ".sample_type", 3);
    Values<uint8_t>(format.bits, name + ".bits", {0, 1, 7, 17, 31, 33, 255});
    Values<uint8_t>(format.chroma_shift_x, name + ".chroma_shift_x", {3, 255});
    Values<uint8_t>(format.chroma_shift_y, name + ".chroma_shift_y", {3, 255});
    for (int i = 0; i < 3; ++i)
      Values<uint8_t>(format.reserved[i], name + ".reserved[" + std::to_string(i) + "]", {1, 255});
  }
  void Rational(mdvt_rational& value, const std::string& name) {
    Values<int64_t>(value.num, name, {-1, INT64_MIN});
    Values<int64_t>(value.den, name, {0, -1, INT64_MIN});
  }
  void Color(mdvt_color& color, const std::string& name) {
    Range(color.matrix, name + ".matrix", 0, 255);
    Range(color.primaries, name + ".primaries", 0, 255);
    Range(color.transfer, name + ".transfer", 0, 255);
    Flag(color.full_range, name + ".full_range");
    Range(color.chroma_location, name + ".chroma_location", 0, 6);
    Reserved(color.reserved, name + ".reserved");
  }
  void Camera(mdvt_camera& camera, const std::string& name) {
    Values(camera.width, name + ".width", {0, -1, camera.width + 1, INT32_MAX, INT32_MIN});
    Values(camera.height, name + ".height", {0, -1, camera.height + 1, INT32_MAX, INT32_MIN});
    Real(camera.fx, name + ".fx", {0.0});
    Real(camera.fy, name + ".fy", {0.0});
    constexpr double kInf = std::numeric_limits<double>::infinity();
    Values(camera.cx, name + ".cx", {std::nan(""), kInf, -kInf});
    Values(camera.cy, name + ".cy", {std::nan(""), kInf, -kInf});
  }
  void Limits(mdvt_limits& limits, const std::string& name) {
    StructSize(limits.struct_size, name);
    Values(limits.max_side, "max_side", {-1, INT32_MIN});
    Values<int64_t>(limits.max_pixels_per_frame, "max_pixels_per_frame", {-1, INT64_MIN});
    Values<int64_t>(limits.max_frames, "max_frames", {-1, INT64_MIN});
    Values<int64_t>(limits.max_track_points, "max_track_points", {-1, INT64_MIN});
    Values<int64_t>(limits.max_text_bytes, "max_text_bytes", {-1, INT64_MIN});
    Values<int64_t>(limits.max_frame_buffer_bytes, "max_frame_buffer_bytes", {-1, INT64_MIN});
    Values(limits.max_streams, "max_streams", {-1, INT32_MIN});
    Values(limits.max_json_depth, "max_json_depth", {-1, INT32_MIN});
  }

  // After the abuse the right arguments still work.
  void Again(mdvt_status success = MDVT_OK) {
    EXPECT_EQ(success, call_()) << function_ << " after the abuse: " << mdvt_last_error();
  }

  // A call that has been made with something wrong, which the text has to name.
  static void Count(const std::string& call, const std::string& name, mdvt_status status) {
    const std::string text = mdvt_last_error();
    const bool right = status == MDVT_INVALID_ARGUMENT && text.find(name) != std::string::npos;
    EXPECT_TRUE(right) << call << ", " << name << ": status " << status << ", text: " << text;
    ++Counts().first;
    Counts().second += right;
  }

  static int64_t tried() { return Counts().first; }
  static int64_t passed() { return Counts().second; }

 private:
  static std::pair<int64_t, int64_t>& Counts() {
    static std::pair<int64_t, int64_t> counts;
    return counts;
  }

  void Try(const std::string& name, const std::string& value) {
    Count(function_ + " = " + value, name, call_());
  }

  template <typename T>
  static std::string Show(const T& value) {
    if constexpr (std::is_pointer_v<T>) {
      return value == nullptr ? "NULL" : "a pointer";
    } else {
      return std::to_string(value);
    }
  }

  std::string function_;
  std::function<mdvt_status()> call_;
  bool first_plane_optional_ = false;
};

}  // namespace mdvt::test
