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

// Name, MDVT_STRUCT_* and size of every struct when it first appeared: that never changes again.
#define MDVT_CAPI_STRUCTS(X)                         \
  X(limits, LIMITS, 56)                              \
  X(frame, FRAME, 336)                               \
  X(video_info, VIDEO_INFO, 200)                     \
  X(video_reader_options, VIDEO_READER_OPTIONS, 32)  \
  X(depth_reader_options, DEPTH_READER_OPTIONS, 40)  \
  X(video_writer_options, VIDEO_WRITER_OPTIONS, 128) \
  X(depth_writer_options, DEPTH_WRITER_OPTIONS, 72)  \
  X(depth_codec, DEPTH_CODEC, 32)                    \
  X(stereo_options, STEREO_OPTIONS, 32)              \
  X(fill_options, FILL_OPTIONS, 8)                   \
  X(renderer_options, RENDERER_OPTIONS, 56)          \
  X(eye, EYE, 248)                                   \
  X(motion_options, MOTION_OPTIONS, 80)              \
  X(depth_job_options, DEPTH_JOB_OPTIONS, 112)       \
  X(stereo_job_options, STEREO_JOB_OPTIONS, 152)     \
  X(export_job_options, EXPORT_JOB_OPTIONS, 160)     \
  X(job_report, JOB_REPORT, 72)                      \
  X(model_options, MODEL_OPTIONS, 88)                \
  X(model_info, MODEL_INFO, 80)                      \
  X(model_depth_options, MODEL_DEPTH_OPTIONS, 88)    \
  X(mono_to_sbs_job_options, MONO_TO_SBS_JOB_OPTIONS, 360)

// Size at first and defaults of a struct.
template <typename T>
struct StructTraits;

#define MDVT_CAPI_TRAITS(NAME, ID, FIRST_SIZE)                                                 \
  template <>                                                                                  \
  struct StructTraits<mdvt_##NAME> {                                                           \
    static constexpr uint32_t kFirstSize = FIRST_SIZE;                                         \
    static mdvt_##NAME Defaults();                                                             \
    static_assert(sizeof(mdvt_##NAME) >= kFirstSize && sizeof(mdvt_##NAME) <= kLargestStruct); \
  };
MDVT_CAPI_STRUCTS(MDVT_CAPI_TRAITS)
#undef MDVT_CAPI_TRAITS

// The struct_size at the head of `value`, checked. `name` is what error texts call the struct.
inline uint32_t CheckedSize(const void* value, uint32_t first_size, const char* name) {
  Require(value != nullptr, Code::kInvalidArgument, std::string(name) + " is NULL");
  uint32_t size = 0;
  std::memcpy(&size, value, sizeof(size));
  Require(size >= first_size && size <= kLargestStruct, Code::kInvalidArgument,
          std::string(name) + ".struct_size = " + std::to_string(size) +
              ", must be the size of the struct: fill it in with its _init function");
  return size;
}

// `defaults` overlaid by what the caller's struct holds, of whatever version that is.
template <typename T>
T ReadStruct(const T* user, const T& defaults, uint32_t first_size, const char* name) {
  const uint32_t size = CheckedSize(user, first_size, name);
  const auto* bytes = reinterpret_cast<const unsigned char*>(user);
  for (uint32_t i = sizeof(T); i < size; ++i) {
    Require(bytes[i] == 0, Code::kUnsupported,
            std::string(name) + " sets an option that this version of the library (" +
                mdvt_version() + ") does not know");
  }
  T value = defaults;
  std::memcpy(&value, user, std::min<size_t>(size, sizeof(T)));
  value.struct_size = sizeof(T);
  return value;
}

// The caller's options, or the defaults for NULL.
template <typename T>
T ReadOptions(const T* user, const char* name) {
  const T defaults = StructTraits<T>::Defaults();
  return user == nullptr ? defaults : ReadStruct(user, defaults, StructTraits<T>::kFirstSize, name);
}

// Copies as much of `value` as the caller's struct has room for; what only a newer program knows
// becomes zero.
template <typename T>
void WriteStruct(const T& value, uint32_t first_size, T* user, const char* name) {
  const uint32_t size = CheckedSize(user, first_size, name);
  std::memset(static_cast<void*>(user), 0, size);
  std::memcpy(static_cast<void*>(user), &value, std::min<size_t>(size, sizeof(T)));
  std::memcpy(static_cast<void*>(user), &size, sizeof(size));
}

template <typename T>
void WriteResult(const T& value, T* user, const char* name) {
  WriteStruct(value, StructTraits<T>::kFirstSize, user, name);
}

// The work of mdvt_struct_init.
void InitStruct(int32_t struct_id, void* value, uint32_t struct_size);

}  // namespace mdvt::capi
