// SPDX-License-Identifier: Apache-2.0
//
// The tracking file, <color_video>_tracking.json: a JSON array with one element per frame, each an
// array of rows [id, x, y] in whole numbers. x and y are the column and row of a pixel of the
// full-size picture. An id belongs to one track of the whole file. After the last frame with a
// point the array may end.
//
// Rows may go on with finer numbers, [id, x, y, xq, yq, c]: xq and yq are the position from the
// centre of the first pixel on in 256ths of a pixel, c is the confidence in thousandths. Readers
// that know nothing of them pass over them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/core/track_table.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

// Reads a pickle of Stereo4D's programs (tapir_2d.pkl; see io/pickle_file.h), else a JSON file with
// either kind of row, also fractions in place of whole numbers. Numbers after the third count
// where they fit the position (within a pixel); other ones, from other programs, are passed over.
// Memory: 16 bytes for each row, and for the reading a megabyte; files may be larger than
// limits.max_text_bytes.
// Throws Error: kCorrupt with frame, line and column (no such array, a row without id, x and y, an
// id that is no whole number in [0, 2^31), a position that is no number of a picture, a track twice
// in one frame); kLimit past limits.max_frames, limits.max_track_points and limits.max_json_depth;
// kNotFound, kIo.
TrackTable ReadTrackFile(const std::string& path, const Limits& limits = {});
// The same from memory.
TrackTable ParseTracks(const char* data, size_t size, const Limits& limits = {});

// A point to write.
struct TrackRow {
  int32_t id = 0;         // 0 or more
  double x = 0;           // pixels, edge coordinates, in [0, width)
  double y = 0;           // pixels, in [0, height)
  double confidence = 1;  // [0, 1]
};

struct TrackFileFormat {
  int width = 0;  // of the picture
  int height = 0;
  bool subpixel = true;  // rows of six numbers
};

// Writes frame by frame. Without Finish() nothing appears.
class TrackFileWriter {
 public:
  // Throws what OutputSet::AddFile() throws, and Error(kInvalidArgument) for a size that is not
  // positive.
  TrackFileWriter(const OutputTarget& target, const TrackFileFormat& format);
  ~TrackFileWriter();

  // The next frame; rows in any order, written by id. Throws Error(kInvalidArgument) that names
  // frame and track: a point outside the picture, an id below 0 or twice, a confidence out of
  // range. Error(kIo).
  void AddFrame(std::vector<TrackRow> rows);
  void Finish();
  int64_t num_frames() const { return num_frames_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  int64_t num_frames_ = 0;
};

// A whole table.
void WriteTrackFile(const OutputTarget& target, const TrackTable& tracks,
                    const TrackFileFormat& format);

// The same as Stereo4D's programs keep tracks: a pickle of a dict of the arrays tracks (N, T, 2) of
// x and y, float32, pixels from the picture's corner on, held where the point is not seen; visibles
// (N, T), bool; query_points (N, 3), int32, frame, y and x of the first sight.
void WritePickledTracks(const OutputTarget& target, const TrackTable& tracks);

}  // namespace mdvt
