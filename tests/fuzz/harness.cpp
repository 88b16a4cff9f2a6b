// SPDX-License-Identifier: Apache-2.0
#include "fuzz/harness.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/container_check.h"
#include "io/transport_stream.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/io/byte_source.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/ffmpeg_log.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/model/model_info.h"
#include "mdvt/model/model_manifest.h"

namespace mdvt::fuzz {
namespace {

[[noreturn]] void Broken(const std::string& promise) {
  std::fprintf(stderr, "broken promise: %s\n", promise.c_str());
  std::abort();
}
void Promise(bool kept, const char* promise) {
  if (!kept) Broken(promise);
}

Limits SmallLimits() {
  Limits limits;
  limits.max_text_bytes = 1 << 20;
  limits.max_frames = 1000;
  return limits;
}

// Runs `body`; false if it threw an error that input may cause. Videos may also have no picture, or
// pictures that are no depth.
template <typename Body>
bool Accepted(const Body& body, bool is_video = false) {
  static const bool quiet = [] {
    SetLogSink([](LogLevel, const std::string&) {});
    SilenceFfmpegLog();
    return true;
  }();
  Promise(quiet, "the log is silent");
  try {
    body();
    return true;
  } catch (const Error& error) {
    const std::string_view text = error.what();
    const bool expected = error.code() == Code::kCorrupt || error.code() == Code::kLimit ||
                          error.code() == Code::kUnsupported;
    const bool of_video = error.code() == Code::kNotFound || error.code() == Code::kRefused;
    if (!expected && !(is_video && of_video)) {
      Broken(std::string("input causes ") + CodeName(error.code()) + ": " + error.what());
    }
    Promise(!text.empty() && text.size() < 500, "an error says something, shortly");
    return false;
  }
}

template <typename Parse>
auto Reparse(const std::string& text, const Parse& parse) {
  return parse(text.data(), text.size(), SmallLimits());
}

bool SameNumbers(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
  }
  return true;
}

bool SamePoses(const std::vector<Pose>& a, const std::vector<Pose>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].matrix() != b[i].matrix()) return false;
  }
  return true;
}

void CheckTags(const DepthTags& tags) {
  const auto written = tags.ToTags();
  Promise(DepthTags::FromTags(written).ToTags() == written, "tags read back the same");
  const std::string json = tags.ToJson();
  Promise(Reparse(json, DepthTags::FromJson).ToTags() == written, "a sidecar reads back the same");
}

}  // namespace

void DepthTagsInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::map<std::string, std::string> map;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    map[std::string(line.substr(0, equals))] = std::string(line.substr(equals + 1));
  }
  DepthTags tags;
  if (!Accepted([&] { tags = DepthTags::FromTags(map); })) return;
  const auto written = tags.ToTags();
  Promise(DepthTags::FromTags(written).ToTags() == written, "tags read back the same");
}

void SidecarJsonInput(const uint8_t* data, size_t size) {
  if (size == 0) return;
  const char* text = reinterpret_cast<const char*>(data) + 1;
  --size;
  const Limits limits = SmallLimits();
  switch (data[0] % 4) {
    case 0: {
      std::vector<double> fov;
      if (!Accepted([&] { fov = ParseFov(text, size, limits); })) return;
      Promise(SameNumbers(Reparse(FormatFov(fov), ParseFov), fov), "FOV reads back the same");
      return;
    }
    case 1: {
      std::vector<double> depth;
      if (!Accepted([&] { depth = ParseConvergence(text, size, limits); })) return;
      for (const MissingValue missing : {MissingValue::kNull, MissingValue::kNan}) {
        Promise(SameNumbers(Reparse(FormatConvergence(depth, missing), ParseConvergence), depth),
                "convergence reads back the same");
      }
      return;
    }
    case 2: {
      std::vector<Pose> poses;
      if (!Accepted([&] { poses = ParseTransformations(text, size, limits); })) return;
      for (const Pose& pose : poses) {
        const Eigen::Matrix3d r = pose.linear();
        Promise(
            (r.transpose() * r - Eigen::Matrix3d::Identity()).norm() < 1e-11 && r.determinant() > 0,
            "rotations are rotations");
      }
      Promise(SamePoses(Reparse(FormatTransformations(poses), ParseTransformations), poses),
              "transformations read back the same");
      return;
    }
    default: {
      DepthTags tags;
      if (!Accepted([&] { tags = DepthTags::FromJson(text, size, limits); })) return;
      CheckTags(tags);
    }
  }
}

void ModelJsonInput(const uint8_t* data, size_t size) {
  if (size == 0) return;
  const char* text = reinterpret_cast<const char*>(data) + 1;
  --size;
  if (data[0] % 2 == 1) {
    ModelManifest list;
    if (!Accepted([&] { list = ModelManifest::Parse(text, size, SmallLimits()); })) return;
    for (const ManifestEntry& entry : list.models) {
      Promise(!entry.file.empty() && entry.file.find('/') == std::string::npos, "no folders");
      Promise(entry.sha256.empty() || entry.sha256.size() == 64, "a hash is whole");
      Promise(list.FindFile(entry.file) == &entry, "names are there once");
    }
    return;
  }
  ModelInfo info;
  if (!Accepted([&] { info = ModelInfo::Parse(text, size, SmallLimits()); })) return;
  Promise(!info.inputs.empty() && !info.outputs.empty(), "something goes in and comes out");
  for (const ModelInputInfo& input : info.inputs) {
    Promise(!input.layout.dims.empty() && input.layout.dims.size() <= 8, "layouts are short");
    if (input.layout.IsPicture()) input.size.Check();
  }
  for (const ModelOutputInfo& output : info.outputs) {
    Promise(output.layout.downscale >= 1 && output.layout.channels >= 0, "numbers are in range");
    Promise((output.scale == OutputScale::kMetricTimesFocal) == (output.focal_ref > 0),
            "a focal length where it is needed");
  }
  Promise(info.batch_max >= 1, "a batch has something in it");
  Promise(info.fp32 || info.fp16_cuda || info.bf16_cpu_encoder, "there is a precision");
  if (info.window) {
    const ModelWindow& window = *info.window;
    Promise(window.stride >= 1 && window.stride <= window.length && window.overlap < window.length,
            "windows move on");
    for (const int slot : window.carry) Promise(slot < window.length, "slots are in the window");
  }
  if (info.check) {
    Promise(info.check->shapes.size() == info.inputs.size(), "the check has every input");
    Promise(info.check->mean.size() == info.check->deviation.size() &&
                info.check->mean.size() <= info.outputs.size(),
            "the check has figures of outputs");
  }
}

void BatchListInput(const uint8_t* data, size_t size) {
  const char* text = reinterpret_cast<const char*>(data);
  std::vector<std::string> paths;
  if (!Accepted([&] { paths = ParseBatchList(text, size, SmallLimits()); })) return;
  std::string written;
  for (const std::string& path : paths) {
    Promise(!path.empty(), "no path is empty");
    Promise(path.find('\n') == std::string::npos && path.find('\0') == std::string::npos,
            "a path is one line");
    written += '"' + path + "\"\r\n";
  }
  Promise(Reparse(written, ParseBatchList) == paths, "a list reads back the same");
  IsBatchList(std::string(text, size));
}

void DepthPixelsInput(const uint8_t* data, size_t size) {
  if (size < 4) return;
  constexpr DepthEncoding kEncodings[] = {DepthEncoding::kRgb16, DepthEncoding::kGray16,
                                          DepthEncoding::kRgb24Log, DepthEncoding::kGray16Legacy,
                                          DepthEncoding::kGray8};
  DepthCodecOptions options;
  options.encoding = kEncodings[data[0] % 5];
  options.max_depth = std::ldexp(1.0 + data[1] / 256.0, data[2] % 38 - 19);
  options.log_offset = options.max_depth * std::ldexp(1.0, data[2] % 29 - 19);
  const int width = data[3] % 80 + 1;
  data += 4;
  size -= 4;
  const auto row = static_cast<size_t>(width);
  const int floats_high = static_cast<int>(std::min<size_t>(size / (4 * row), 64));
  if (floats_high > 0) {  // any floats to codes and back
    Image depth(PixelFormat::GrayF32(), width, floats_high);
    for (int y = 0; y < floats_high; ++y) {
      std::memcpy(depth.MutablePlane<float>().Row(y), data + 4 * row * static_cast<size_t>(y),
                  4 * row);
    }
    Image encoded(EncodedFormat(options.encoding), width, floats_high);
    PackDepth(depth.Plane<float>(), options, encoded.mutable_view());
    Image back(PixelFormat::GrayF32(), width, floats_high);
    UnpackDepth(encoded.view(), options, back.MutablePlane<float>());
    for (int y = 0; y < floats_high; ++y) {
      for (int x = 0; x < width; ++x) {
        const float in = depth.Plane<float>().At(x, y), out = back.Plane<float>().At(x, y);
        Promise(out == DecodeDepth(EncodeDepth(in, options), options), "arrays equal values");
        Promise((in > 0) == (out > 0), "depth stays depth, no data stays no data");
        Promise(out <= SaturatedDepth(options), "nothing lies beyond the top code");
      }
    }
  }
  const int high = static_cast<int>(std::min<size_t>(size / (3 * row), 64));
  if (high > 0) {  // any bytes as an infill mask
    Image mask(PixelFormat::Rgb(8), width, high), repainted(PixelFormat::Rgb(8), width, high);
    for (int plane = 0; plane < 3; ++plane) {
      for (int y = 0; y < high; ++y) {
        std::memcpy(mask.MutablePlane<uint8_t>(plane).Row(y),
                    data + row * static_cast<size_t>(3 * y + plane), row);
      }
    }
    Rgb16DamagedShare(mask.view());
    const HoleMap holes = ReadInfillMask(mask.view());
    for (const auto& spans : holes.rows) {
      int end = 0;
      for (const HoleSpan& span : spans) {
        Promise(span.begin >= end && span.end > span.begin && span.end <= width,
                "spans ascend within their row");
        end = span.end;
      }
    }
    PaintInfillMask(holes, InfillMaskStyle::kDirections, repainted.mutable_view());
    const HoleMap again = ReadInfillMask(repainted.view());
    for (int y = 0; y < high; ++y) {
      for (int x = 0; x < width; ++x) {
        const auto is_hole = [&](const Image& image) {
          return (image.Plane<uint8_t>(0).At(x, y) | image.Plane<uint8_t>(1).At(x, y) |
                  image.Plane<uint8_t>(2).At(x, y)) != 0;
        };
        Promise(is_hole(mask) == is_hole(repainted), "holes stay where they were");
      }
    }
    Promise(again.rows.size() == holes.rows.size(), "rows stay");
  }
}

void ContainerInput(const uint8_t* data, size_t size) {
  const auto source = OpenMemorySource(data, size);
  ff::ContainerKind kind = ff::ContainerKind::kMatroska;
  if (!Accepted([&] { kind = ff::SniffContainer(*source, "input"); }, true)) return;
  ff::ContainerCheck check;
  if (!Accepted([&] { check = ff::CheckContainer(*source, kind); }, true)) return;
  if (kind == ff::ContainerKind::kTransportStream) {
    ff::TransportCheck packets(*source, size % 2 == 0 ? 188 : 192, 0x100);
    for (int64_t at = 0; at < static_cast<int64_t>(size); at += 97) {
      const bool whole = packets.IsWhole(at);
      Promise(whole == packets.IsWhole(at), "what is said once stays");
    }
  }
  Promise(check.detail.size() < 500, "a finding is told shortly");
  Promise(!check.index_decides || check.truncated, "an index decides about missing bytes only");
}

void DepthVideoInput(const uint8_t* data, size_t size) {
  DepthVideoReaderOptions options;
  options.video.limits.max_pixels_per_frame = 1 << 16;
  options.video.limits.max_side = 1024;
  options.video.limits.max_frames = 64;
  options.video.limits.max_streams = 4;
  options.video.num_threads = 1;
  options.allow_damaged = size % 2 == 1;
  Accepted(
      [&] {
        DepthVideoReader reader(OpenMemorySource(data, size), "input", options);
        int64_t frames = 0;
        while (const auto frame = reader.Read()) {
          Promise(frame->index == frames++, "frames are counted");
          Promise(frame->depth.width() == reader.info().width &&
                      frame->depth.height() == reader.info().height,
                  "frames have the size that was promised");
          for (int y = 0; y < frame->depth.height(); ++y) {
            const float* row = frame->depth.Plane<float>().Row(y);
            for (int x = 0; x < frame->depth.width(); ++x) {
              Promise(row[x] >= 0 && row[x] < 1.1e6f, "depth is finite and not negative");
            }
          }
        }
        Promise(frames <= 64, "the limit of frames holds");
      },
      true);
}

}  // namespace mdvt::fuzz
