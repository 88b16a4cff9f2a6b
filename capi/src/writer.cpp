// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_writer.h"
#include "structs.h"

using namespace mdvt::capi;

// One of `video` and `depth`.
struct mdvt_writer {
  std::optional<mdvt::VideoWriter> video;
  std::optional<mdvt::DepthVideoWriter> depth;
  std::optional<mdvt::ThreadPool> pool;  // packs depth
};

namespace {

void CheckSize(int32_t width, int32_t height) {
  const mdvt::Limits largest;
  mdvt::Require(width >= 1 && width <= largest.max_side, mdvt::Code::kInvalidArgument,
                "width = " + std::to_string(width) + ", must be in [1, " +
                    std::to_string(largest.max_side) + "]");
  mdvt::Require(height >= 1 && height <= largest.max_side, mdvt::Code::kInvalidArgument,
                "height = " + std::to_string(height) + ", must be in [1, " +
                    std::to_string(largest.max_side) + "]");
}

std::unique_ptr<mdvt_writer> OpenVideo(const std::string& path, const mdvt_pixel_format* format,
                                       int32_t width, int32_t height,
                                       const mdvt_video_writer_options* options) {
  RequireSet(format, "format");
  CheckSize(width, height);
  auto writer = std::make_unique<mdvt_writer>();
  writer->video.emplace(path, ToFormat(*format, "format"), width, height,
                        ToWriterOptions(options, "options"));
  return writer;
}

std::unique_ptr<mdvt_writer> OpenDepth(const std::string& path, int32_t width, int32_t height,
                                       const mdvt_depth_writer_options* options) {
  CheckSize(width, height);
  const mdvt_depth_writer_options from = ReadOptions(options, "options");
  mdvt::DepthVideoWriterOptions to;
  to.codec = ToCodec(from.codec, "options.codec");
  to.video = ToWriterOptions(from.video, "options.video");
  to.tags.xfov_deg = OptionalFov(from.xfov_deg, "options.xfov_deg");
  to.tags.yfov_deg = OptionalFov(from.yfov_deg, "options.yfov_deg");
  if (from.camera != nullptr) {
    const mdvt::Camera camera = ToCamera(*from.camera, "options.camera");
    mdvt::Require(camera.width == width && camera.height == height, mdvt::Code::kInvalidArgument,
                  "options.camera.width x options.camera.height = " + std::to_string(camera.width) +
                      "x" + std::to_string(camera.height) + ", must be the size of the video");
    to.tags.k = {camera.fx, camera.fy, camera.cx, camera.cy};
  }
  to.write_sidecar = Flag(from.write_sidecar, "options.write_sidecar");
  RequireZero(from.reserved, "options.reserved");
  if (from.source != nullptr) to.tags.source = from.source;
  mdvt::Require(from.source_frames >= 0, mdvt::Code::kInvalidArgument,
                "options.source_frames = " + std::to_string(from.source_frames) +
                    ", must be positive, or 0 where it is not known");
  if (from.source_frames > 0) to.tags.source_frames = from.source_frames;
  auto writer = std::make_unique<mdvt_writer>();
  writer->pool.emplace(Threads(from.num_threads, "options.num_threads"));
  writer->depth.emplace(path, width, height, to);
  return writer;
}

}  // namespace

mdvt_status mdvt_video_writer_open(const char* path, const mdvt_pixel_format* format, int32_t width,
                                   int32_t height, const mdvt_video_writer_options* options,
                                   mdvt_writer** writer) {
  return Guarded([&] {
    RequireSet(writer, "writer");
    *writer = nullptr;
    *writer = OpenVideo(Path(path, "path"), format, width, height, options).release();
  });
}

mdvt_status mdvt_depth_writer_open(const char* path, int32_t width, int32_t height,
                                   const mdvt_depth_writer_options* options, mdvt_writer** writer) {
  return Guarded([&] {
    RequireSet(writer, "writer");
    *writer = nullptr;
    *writer = OpenDepth(Path(path, "path"), width, height, options).release();
  });
}

mdvt_status mdvt_writer_write(mdvt_writer* writer, const mdvt_frame* frame) {
  return Guarded([&] {
    RequireSet(writer, "writer");
    const mdvt_frame from = ReadStruct(frame, "frame");
    const mdvt::MutableImageView image = ToView(&from.image, "frame.image");
    mdvt::Require(from.duration >= 0, mdvt::Code::kInvalidArgument,
                  "frame.duration = " + std::to_string(from.duration) + ", must not be negative");
    if (writer->video) {
      writer->video->Write(mdvt::ImageView(image), from.pts, from.duration);
    } else {
      RequireFormat(image, mdvt::PixelFormat::GrayF32(), "frame.image");
      writer->depth->Write(image.Plane<float>(0), from.pts, from.duration, &*writer->pool);
    }
  });
}

mdvt_status mdvt_writer_finish(mdvt_writer* writer) {
  return Guarded([&] {
    RequireSet(writer, "writer");
    if (writer->video) {
      writer->video->Finish();
    } else {
      writer->depth->Finish();
    }
  });
}

void mdvt_writer_close(mdvt_writer* writer) {
  Guarded([&] { delete writer; });
}
