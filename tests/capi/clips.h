// SPDX-License-Identifier: Apache-2.0
//
// Small clips, written through the C interface itself: a colour video of a moving pattern and the
// depth video that goes with it (a near square before a far wall).
#pragma once

#include <string>

#include "capi/picture.h"

namespace mdvt::test {

inline constexpr int kClipWidth = 64;
inline constexpr int kClipHeight = 48;
inline constexpr int kClipFrames = 6;
inline constexpr int kClipTimeBase = 25;  // pts count frames of 1/25 s
inline constexpr double kClipFov = 60;

inline int ClipSample(int frame, int plane, int x, int y) {
  return plane == 0 ? 16 + (x * 5 + y * 3 + frame * 7) % 200 : 100 + plane * 10 + (x + y) % 20;
}
inline float ClipDepth(int frame, int x, int y) {
  const int left = 20 + frame;
  return x >= left && x < left + 20 && y >= 12 && y < 36 ? 2.0f : 6.0f;
}

inline void WriteColorClip(const std::string& path, int frames = kClipFrames) {
  mdvt_video_writer_options options;
  mdvt_video_writer_options_init(&options);
  options.time_base = {1, kClipTimeBase};
  options.frame_rate = {kClipTimeBase, 1};
  const mdvt_pixel_format format = Yuv420();
  mdvt_writer* opened = nullptr;
  MDVT_ASSERT_OK(
      mdvt_video_writer_open(path.c_str(), &format, kClipWidth, kClipHeight, &options, &opened));
  const Owned<mdvt_writer> writer(opened);
  for (int i = 0; i < frames; ++i) {
    Picture picture(format, kClipWidth, kClipHeight);
    picture.Fill<uint8_t>([i](int plane, int x, int y) { return ClipSample(i, plane, x, y); });
    const mdvt_frame frame = FrameOf(picture, i, 1);
    MDVT_ASSERT_OK(mdvt_writer_write(writer.get(), &frame));
  }
  MDVT_ASSERT_OK(mdvt_writer_finish(writer.get()));
}

inline void WriteDepthClip(const std::string& path, int frames = kClipFrames) {
  mdvt_video_writer_options video;
  mdvt_video_writer_options_init(&video);
  video.time_base = {1, kClipTimeBase};
  video.frame_rate = {kClipTimeBase, 1};
  mdvt_depth_writer_options options;
  mdvt_depth_writer_options_init(&options);
  options.video = &video;
  options.xfov_deg = kClipFov;
  mdvt_writer* opened = nullptr;
  MDVT_ASSERT_OK(mdvt_depth_writer_open(path.c_str(), kClipWidth, kClipHeight, &options, &opened));
  const Owned<mdvt_writer> writer(opened);
  for (int i = 0; i < frames; ++i) {
    Picture picture(DepthFormat(), kClipWidth, kClipHeight);
    picture.Fill<float>([i](int, int x, int y) { return ClipDepth(i, x, y); });
    const mdvt_frame frame = FrameOf(picture, i, 1);
    MDVT_ASSERT_OK(mdvt_writer_write(writer.get(), &frame));
  }
  MDVT_ASSERT_OK(mdvt_writer_finish(writer.get()));
}

}  // namespace mdvt::test
