// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_reader.h"
#include "structs.h"

using namespace mdvt::capi;

// One of `video` and `depth`.
struct mdvt_reader {
  std::optional<mdvt::VideoReader> video;
  std::optional<mdvt::DepthVideoReader> depth;
  std::optional<mdvt::ThreadPool> pool;  // unpacks depth
  mdvt::Image current;                   // pixels of the last frame given out
  std::vector<mdvt_tag> tags;            // point into the reader's info

  const mdvt::VideoInfo& info() const { return video ? video->info() : depth->info(); }
};

namespace {

std::unique_ptr<mdvt_reader> WithTags(std::unique_ptr<mdvt_reader> reader) {
  for (const auto& [key, value] : reader->info().tags)
    reader->tags.push_back({key.c_str(), value.c_str()});
  return reader;
}

std::unique_ptr<mdvt_reader> OpenVideo(const std::string& path,
                                       const mdvt_video_reader_options* options) {
  const mdvt_video_reader_options from = ReadOptions(options, "options");
  mdvt::VideoReaderOptions to;
  to.limits = ToLimits(from.limits, "options.limits");
  to.num_threads = Threads(from.num_threads, "options.num_threads");
  to.apply_rotation = Flag(from.apply_rotation, "options.apply_rotation");
  RequireZero(from.reserved, "options.reserved");
  const mdvt_pixel_format none = {};
  if (std::memcmp(&from.format, &none, sizeof(none)) != 0)
    to.format = ToFormat(from.format, "options.format");
  auto reader = std::make_unique<mdvt_reader>();
  reader->video.emplace(path, to);
  return WithTags(std::move(reader));
}

std::unique_ptr<mdvt_reader> OpenDepth(const std::string& path,
                                       const mdvt_depth_reader_options* options) {
  const mdvt_depth_reader_options from = ReadOptions(options, "options");
  mdvt::DepthVideoReaderOptions to;
  to.video.limits = ToLimits(from.limits, "options.limits");
  to.video.num_threads = Threads(from.num_threads, "options.num_threads");
  to.max_depth = OptionalMaxDepth(from.max_depth, "options.max_depth");
  if (from.encoding != 0) to.encoding = ToEncoding(from.encoding, "options.encoding");
  to.allow_damaged = Flag(from.allow_damaged, "options.allow_damaged");
  to.allow_range = Flag(from.allow_range, "options.allow_range");
  RequireZero(from.reserved, "options.reserved");
  auto reader = std::make_unique<mdvt_reader>();
  reader->depth.emplace(path, to);
  reader->pool.emplace(from.num_threads);
  return WithTags(std::move(reader));
}

mdvt_video_info Describe(const mdvt_reader& reader) {
  const mdvt::VideoInfo& from = reader.info();
  auto to = Defaults<mdvt_video_info>();
  to.width = from.width;
  to.height = from.height;
  to.rotation_deg = from.rotation_deg;
  to.format = FromFormat(reader.depth ? mdvt::PixelFormat::GrayF32() : from.format);
  to.color = FromColor(from.color);
  to.sample_aspect = FromRational(from.sample_aspect);
  to.time_base = FromRational(from.time_base);
  to.frame_rate = FromRational(from.frame_rate);
  to.start_pts = from.start_pts;
  to.estimated_frames = from.estimated_frames;
  to.container = from.container.c_str();
  to.codec = from.codec.c_str();
  to.codec_format = from.codec_format.c_str();
  to.tags = reader.tags.data();
  to.num_tags = static_cast<int32_t>(reader.tags.size());
  to.lossless = from.lossless;
  to.has_audio = from.has_audio;
  to.mirrored = from.mirrored;
  if (reader.depth) {
    to.depth_encoding = FromEncoding(reader.depth->codec().encoding);
    to.depth_max = reader.depth->codec().max_depth;
    to.depth_log_offset = reader.depth->codec().log_offset;
    to.xfov_deg = reader.depth->tags().xfov_deg.value_or(0);
    to.yfov_deg = reader.depth->tags().yfov_deg.value_or(0);
  }
  return to;
}

template <typename Frame>
void Give(const Frame& from, mdvt::Image pixels, mdvt_reader& reader, mdvt_frame* frame) {
  reader.current = std::move(pixels);
  auto to = Defaults<mdvt_frame>();
  to.image = FromView(reader.current.view());
  to.index = from.index;
  to.pts = from.pts;
  to.duration = from.duration;
  WriteStruct(to, frame, "frame");
}

}  // namespace

mdvt_status mdvt_video_reader_open(const char* path, const mdvt_video_reader_options* options,
                                   mdvt_reader** reader) {
  return Guarded([&] {
    RequireSet(reader, "reader");
    *reader = nullptr;
    *reader = OpenVideo(Path(path, "path"), options).release();
  });
}

mdvt_status mdvt_depth_reader_open(const char* path, const mdvt_depth_reader_options* options,
                                   mdvt_reader** reader) {
  return Guarded([&] {
    RequireSet(reader, "reader");
    *reader = nullptr;
    *reader = OpenDepth(Path(path, "path"), options).release();
  });
}

mdvt_status mdvt_reader_info(const mdvt_reader* reader, mdvt_video_info* info) {
  return Guarded([&] {
    RequireSet(reader, "reader");
    WriteStruct(Describe(*reader), info, "info");
  });
}

mdvt_status mdvt_reader_read(mdvt_reader* reader, mdvt_frame* frame) {
  return Guarded([&]() -> mdvt_status {
    RequireSet(reader, "reader");
    CheckedSize(frame, "frame");
    // The decoder may have this buffer back before it needs another.
    reader->current = mdvt::Image();
    if (reader->video) {
      const auto next = reader->video->Read();
      if (!next) return MDVT_END;
      Give(*next, next->image, *reader, frame);
    } else {
      const auto next = reader->depth->Read(&*reader->pool);
      if (!next) return MDVT_END;
      Give(*next, next->depth, *reader, frame);
    }
    return MDVT_OK;
  });
}

void mdvt_reader_close(mdvt_reader* reader) {
  Guarded([&] { delete reader; });
}
