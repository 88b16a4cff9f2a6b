// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/track_table.h"

#include <algorithm>
#include <limits>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

bool IsBefore(const TrackSighting& a, const TrackSighting& b) { return a.track < b.track; }

}  // namespace

TrackSightings TrackTable::Frame(int64_t frame) const {
  if (frame >= num_frames()) return {};
  const size_t begin = starts_[static_cast<size_t>(frame)];
  return {sightings_.data() + begin, starts_[static_cast<size_t>(frame) + 1] - begin};
}

const TrackSighting* TrackTable::Find(int64_t frame, int32_t track) const {
  const TrackSightings all = Frame(frame);
  TrackSighting wanted;
  wanted.track = track;
  const TrackSighting* const at = std::lower_bound(all.begin(), all.end(), wanted, IsBefore);
  return at != all.end() && at->track == track ? at : nullptr;
}

void TrackTable::ResizeFrames(int64_t frames) {
  Require(frames >= 0, Code::kInvalidArgument, "TrackTable: frames must be 0 or more");
  starts_.resize(static_cast<size_t>(frames) + 1, starts_.back());
  sightings_.resize(starts_.back());
}

void TrackTable::FitPicture(int width, int height) {
  const auto w = static_cast<float>(width), h = static_cast<float>(height);
  size_t kept = 0;
  for (int64_t frame = 0; frame < num_frames(); ++frame) {
    const auto f = static_cast<size_t>(frame);
    const size_t begin = starts_[f];
    starts_[f] = kept;
    for (size_t i = begin; i < starts_[f + 1]; ++i) {
      const TrackSighting s = sightings_[i];
      if (s.x >= 0 && s.y >= 0 && s.x < w && s.y < h) {
        sightings_[kept++] = s;
        continue;
      }
      Require(s.x >= -1 && s.y >= -1 && s.x < w + 1 && s.y < h + 1, Code::kInvalidArgument,
              "frame " + std::to_string(frame) + ": track " +
                  std::to_string(ids_[static_cast<size_t>(s.track)]) + " is at (" +
                  FormatFixed(s.x - 0.5, 1) + ", " + FormatFixed(s.y - 0.5, 1) +
                  "), outside the picture of " + std::to_string(width) + "x" +
                  std::to_string(height) + ": the tracks are those of another video");
    }
  }
  starts_.back() = kept;
  sightings_.resize(kept);
}

TrackOrder::TrackOrder(const TrackTable& table) : table_(&table) {
  const size_t count = table.num_sightings();
  Require(count < std::numeric_limits<uint32_t>::max() &&
              table.num_frames() <= std::numeric_limits<int32_t>::max(),
          Code::kLimit, "TrackOrder: too many sightings");
  starts_.assign(table.num_tracks() + 2, 0);
  sightings_.resize(count);
  frames_.resize(count);
  // Counted two places on, so that after the second pass each start is where it belongs.
  const TrackSighting* const all = table.Frame(0).begin();
  for (size_t i = 0; i < count; ++i) ++starts_[Index(all[i].track) + 2];
  for (size_t t = 2; t < starts_.size(); ++t) starts_[t] += starts_[t - 1];
  for (int64_t frame = 0; frame < table.num_frames(); ++frame) {
    for (const TrackSighting& s : table.Frame(frame)) {
      const size_t to = starts_[Index(s.track) + 1]++;
      sightings_[to] = static_cast<uint32_t>(&s - all);
      frames_[to] = static_cast<int32_t>(frame);
    }
  }
  starts_.pop_back();
}

const TrackSighting& TrackOrder::At(int32_t track, size_t i) const {
  return table_->Frame(0).begin()[sightings_[starts_[Index(track)] + i]];
}

void TrackTableBuilder::EndFrame() {
  if (!is_open_) return;
  std::vector<TrackSighting>& all = table_.sightings_;
  const auto begin = all.begin() + static_cast<ptrdiff_t>(table_.starts_.back());
  if (!std::is_sorted(begin, all.end(), IsBefore)) std::sort(begin, all.end(), IsBefore);
  const auto twice = std::adjacent_find(
      begin, all.end(),
      [](const TrackSighting& a, const TrackSighting& b) { return a.track == b.track; });
  if (twice != all.end())
    throw Error(Code::kCorrupt, "frame " + std::to_string(table_.num_frames()) + ": track " +
                                    std::to_string(twice->track) + " stands there twice");
  table_.starts_.push_back(all.size());
}

void TrackTableBuilder::BeginFrame() {
  EndFrame();
  is_open_ = true;
}

void TrackTableBuilder::Add(int32_t id, float x, float y, float confidence) {
  table_.sightings_.push_back({id, x, y, confidence});
}

void TrackTableBuilder::NumberTracks() {
  std::vector<TrackSighting>& all = table_.sightings_;
  int32_t largest = -1;
  for (const TrackSighting& s : all) largest = std::max(largest, s.track);
  const size_t span = static_cast<size_t>(static_cast<int64_t>(largest) + 1);
  if (span <= 4 * all.size() + 1024) {
    std::vector<int32_t> track_of(span, -1);
    for (const TrackSighting& s : all) track_of[static_cast<size_t>(s.track)] = 0;
    for (size_t id = 0; id < span; ++id) {
      if (track_of[id] < 0) continue;
      track_of[id] = static_cast<int32_t>(table_.ids_.size());
      table_.ids_.push_back(static_cast<int32_t>(id));
    }
    for (TrackSighting& s : all) s.track = track_of[static_cast<size_t>(s.track)];
    return;
  }
  // Few tracks with large numbers.
  std::vector<int32_t>& ids = table_.ids_;
  ids.reserve(all.size());
  for (const TrackSighting& s : all) ids.push_back(s.track);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  ids.shrink_to_fit();
  for (TrackSighting& s : all) {
    const auto at = std::lower_bound(ids.begin(), ids.end(), s.track);
    s.track = static_cast<int32_t>(at - ids.begin());
  }
}

TrackTable TrackTableBuilder::Finish() {
  EndFrame();
  is_open_ = false;
  NumberTracks();
  return std::move(table_);
}

}  // namespace mdvt
