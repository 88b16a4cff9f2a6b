// SPDX-License-Identifier: Apache-2.0
//
// Structs that know their size: how those of older and newer programs are read and filled in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "mdvt.h"
#include "mdvt/core/error.h"

namespace mdvt::capi {

// No struct grows beyond this: a larger struct_size was never set.
inline constexpr uint32_t kLargestStruct = 4096;

// The size of a struct when it was first released. Specialise it for one that grows after that.
template <typename T>
inline constexpr uint32_t kFirstSize = sizeof(T);

// Structs have no padding, so that zeros are every byte.
template <typename T>
T Zeros() {
  static_assert(sizeof(T) <= kLargestStruct);
  T value;
  std::memset(static_cast<void*>(&value), 0, sizeof(value));
  value.struct_size = sizeof(T);
  return value;
}

// What a struct holds at first: zeros, but for those below.
template <typename T>
T Defaults() {
  return Zeros<T>();
}
template <>
mdvt_limits Defaults();
template <>
mdvt_video_reader_options Defaults();
template <>
mdvt_depth_reader_options Defaults();
template <>
mdvt_video_writer_options Defaults();
template <>
mdvt_depth_writer_options Defaults();
template <>
mdvt_depth_codec Defaults();
template <>
mdvt_stereo_options Defaults();
template <>
mdvt_fill_options Defaults();
template <>
mdvt_renderer_options Defaults();
template <>
mdvt_motion_options Defaults();
template <>
mdvt_model_options Defaults();
template <>
mdvt_model_depth_options Defaults();

// The struct_size at the head of `user`, checked. `name` is what error texts call the struct.
template <typename T>
uint32_t CheckedSize(const T* user, const char* name) {
  Require(user != nullptr, Code::kInvalidArgument, std::string(name) + " is NULL");
  uint32_t size = 0;
  std::memcpy(&size, user, sizeof(size));
  Require(size >= kFirstSize<T> && size <= kLargestStruct, Code::kInvalidArgument,
          std::string(name) + ".struct_size = " + std::to_string(size) +
              ", must be the size of the struct: fill it in with its _init function");
  return size;
}

// The defaults overlaid by what the caller's struct holds, of whatever version that is.
template <typename T>
T ReadStruct(const T* user, const char* name) {
  const uint32_t size = CheckedSize(user, name);
  const auto* bytes = reinterpret_cast<const unsigned char*>(user);
  for (uint32_t i = sizeof(T); i < size; ++i) {
    Require(bytes[i] == 0, Code::kUnsupported,
            std::string(name) + " sets an option that this version of the library (" +
                mdvt_version() + ") does not know");
  }
  T value = Defaults<T>();
  std::memcpy(&value, user, std::min<size_t>(size, sizeof(T)));
  value.struct_size = sizeof(T);
  return value;
}

// The same, or the defaults for NULL.
template <typename T>
T ReadOptions(const T* user, const char* name) {
  return user == nullptr ? Defaults<T>() : ReadStruct(user, name);
}

// Copies as much of `value` as the caller's struct has room for; what only a newer program knows
// becomes zero.
template <typename T>
void WriteStruct(const T& value, T* user, const char* name) {
  const uint32_t size = CheckedSize(user, name);
  std::memset(static_cast<void*>(user), 0, size);
  std::memcpy(static_cast<void*>(user), &value, std::min<size_t>(size, sizeof(T)));
  std::memcpy(static_cast<void*>(user), &size, sizeof(size));
}

// The work of mdvt_struct_init.
void InitStruct(int32_t struct_id, void* value, uint32_t struct_size);

}  // namespace mdvt::capi
