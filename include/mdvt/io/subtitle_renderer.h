// SPDX-License-Identifier: Apache-2.0
//
// Text subtitles as pictures.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/limits.h"

namespace mdvt {

// A part of the picture in one colour.
struct SubtitleBitmap {
  int x = 0;  // of its top left pixel
  int y = 0;
  Image coverage;  // Gray(8), 255 = all of the pixel
  std::array<uint8_t, 3> rgb = {};
};

// What is shown at one time. Nothing: `bitmaps` is empty.
struct SubtitlePicture {
  std::vector<SubtitleBitmap> bitmaps;  // to be drawn in this order
  std::vector<int64_t> lines;           // which lines of the file these are, ascending
  // Around all bitmaps, in pixels.
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

struct SubtitleRendererOptions {
  int width = 0;  // of the pictures to be drawn into. Valid: [1, 2^14].
  int height = 0;
  double pixel_aspect = 1;  // width of a pixel over its height. Valid: (0, 100].
  // Which text subtitles of a video: the n-th, "1" and on, or the first in a language as the file
  // names it, "eng". Empty: the stream that is marked as the default one, else the first.
  std::string stream;
  Limits limits;
};

// Draws subtitles with libass, which is opened when it is first needed: linked, it would bring
// fontconfig, HarfBuzz and their like into every program. Styles and fonts that a Matroska file
// carries are used; what has no style gets white letters with a black rim.
class SubtitleRenderer {
 public:
  // The text subtitles of a video. They are read as At() advances.
  // Throws what the reader of videos throws, and Error: kNotFound without text subtitles, or
  // without those asked for, naming what there is; kUnsupported without libass.
  static SubtitleRenderer OfVideo(const std::string& path, const SubtitleRendererOptions& options);
  // Those of a file: SubRip (.srt), WebVTT (.vtt; where lines stand is not looked at), ASS (.ass,
  // .ssa). UTF-8. Throws Error: kNotFound, kIo, kLimit, kCorrupt (no such text), kInvalidArgument
  // (another ending), kUnsupported.
  static SubtitleRenderer OfFile(const std::string& path, const SubtitleRendererOptions& options);
  ~SubtitleRenderer();
  SubtitleRenderer(SubtitleRenderer&&) noexcept;
  SubtitleRenderer& operator=(SubtitleRenderer&&) noexcept;

  // What is shown at this time of the video (or of the file), which must not be before that of the
  // last call. Stays valid until the next call. Throws Error(kCorrupt), Error(kIo).
  const SubtitlePicture& At(double seconds);

 private:
  struct Impl;
  explicit SubtitleRenderer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The lines of SubRip and WebVTT.
struct SubtitleCue {
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
  std::string text;  // with its tags, lines parted by \n
};
// Cues without text are left out. Throws Error(kCorrupt) for a text that is not UTF-8, or without
// any cue, kLimit.
std::vector<SubtitleCue> ParseSubtitleCues(const char* data, size_t size,
                                           const Limits& limits = {});

}  // namespace mdvt
