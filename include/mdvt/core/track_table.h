// SPDX-License-Identifier: Apache-2.0
//
// Points followed through a clip, as many as a long clip has: 16 bytes for each time one is seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mdvt {

// A track seen in a frame.
struct TrackSighting {
  int32_t track = 0;     // index into TrackTable::ids()
  float x = 0;           // pixels, edge coordinates: the centre of the first pixel is (0.5, 0.5)
  float y = 0;           // pixels
  float confidence = 1;  // [0, 1]
};

// A few sightings in a row.
struct TrackSightings {
  const TrackSighting* first = nullptr;
  size_t count = 0;
  const TrackSighting* begin() const { return first; }
  const TrackSighting* end() const { return first + count; }
  size_t size() const { return count; }
  bool empty() const { return count == 0; }
  const TrackSighting& operator[](size_t i) const { return first[i]; }
};

// All sightings, frame by frame and within a frame by track. Filled by a TrackTableBuilder; the
// order of tracks is that of their ids.
class TrackTable {
 public:
  int64_t num_frames() const { return static_cast<int64_t>(starts_.size()) - 1; }
  size_t num_tracks() const { return ids_.size(); }
  size_t num_sightings() const { return sightings_.size(); }
  // Of each track, ascending.
  const std::vector<int32_t>& ids() const { return ids_; }

  // In ascending order of tracks; none for frames after the last one. frame >= 0.
  TrackSightings Frame(int64_t frame) const;
  // The track in that frame; nullptr if it was not seen there. Cost: O(log of the frame's points).
  const TrackSighting* Find(int64_t frame, int32_t track) const;

  // Frames without points are added, or taken away with their points, up to this number.
  void ResizeFrames(int64_t frames);

  // For a picture of this size: sightings up to a pixel outside of it, which rounding makes, are
  // dropped. Throws Error(kInvalidArgument) that names the frame and the track of one farther
  // outside: the tracks are those of a picture of another size.
  void FitPicture(int width, int height);

 private:
  friend class TrackTableBuilder;
  std::vector<TrackSighting> sightings_;
  std::vector<size_t> starts_{0};  // of each frame in sightings_, and the end
  std::vector<int32_t> ids_;
};

// The same sightings track by track: 12 bytes more for each.
class TrackOrder {
 public:
  // The table must outlive it unchanged. Tables of 2^32 sightings and more are Error(kLimit).
  explicit TrackOrder(const TrackTable& table);

  size_t count(int32_t track) const { return starts_[Index(track) + 1] - starts_[Index(track)]; }
  // The i-th time that the track was seen, in the order of frames.
  const TrackSighting& At(int32_t track, size_t i) const;
  int64_t FrameOf(int32_t track, size_t i) const { return frames_[starts_[Index(track)] + i]; }

 private:
  static size_t Index(int32_t track) { return static_cast<size_t>(track); }
  const TrackTable* table_;
  std::vector<size_t> starts_;       // of each track, and the end
  std::vector<uint32_t> sightings_;  // indices into the table's
  std::vector<int32_t> frames_;
};

// Makes a table from frames one after the other.
class TrackTableBuilder {
 public:
  // The frame that follows begins.
  void BeginFrame();
  // A point of it, in any order. x, y, confidence as in TrackSighting. id >= 0.
  void Add(int32_t id, float x, float y, float confidence);
  size_t num_sightings() const { return table_.sightings_.size(); }

  // Ends the last frame. Throws Error(kCorrupt) "frame F: track I stands there twice".
  TrackTable Finish();

 private:
  void EndFrame();
  void NumberTracks();

  TrackTable table_;  // sightings have the id in place of the track until Finish()
  bool is_open_ = false;
};

}  // namespace mdvt
