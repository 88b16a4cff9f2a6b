// SPDX-License-Identifier: Apache-2.0
#include "io/mp4_index.h"

#include <cstdint>
#include <map>
#include <string_view>

#include "io/source_window.h"
#include "mdvt/core/error.h"

namespace mdvt::ff {
namespace {

using std::string_view_literals::operator""sv;

struct Box {
  std::string type;
  int64_t begin = 0;  // of the content
  int64_t end = 0;
};

class IndexCheck {
 public:
  IndexCheck(ByteSource& source, const Limits& limits, const std::string& name)
      : bytes_(source), limits_(limits), name_(name) {}

  void Run() { Children({"", 0, bytes_.size()}, 0); }

 private:
  // Deeper than any index; boxes within boxes cost nothing but our stack.
  static constexpr int kMaxDepth = 12;

  uint32_t Number(int64_t offset) {
    unsigned char p[4] = {};
    bytes_.Read(offset, p, sizeof(p));
    return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
  }

  bool ReadBox(int64_t offset, int64_t end, Box* box) {
    char head[8];
    if (end - offset < 8 || bytes_.Read(offset, head, sizeof(head)) < sizeof(head)) return false;
    int64_t size = Number(offset);
    int64_t header = 8;
    if (size == 1) {
      header = 16;
      if (Number(offset + 8) >= 0x80000000u) return false;
      size = static_cast<int64_t>(uint64_t{Number(offset + 8)} << 32 | Number(offset + 12));
    }
    // What reaches too far is cut by FFmpeg too.
    if (size == 0 || size > end - offset) size = end - offset;
    if (size < header) return false;
    box->type.assign(head + 4, 4);
    box->begin = offset + header;
    box->end = offset + size;
    return true;
  }

  static bool HasChildren(std::string_view type) {
    for (const std::string_view parent :
         {"moov"sv, "trak"sv, "mdia"sv, "minf"sv, "stbl"sv, "mvex"sv, "moof"sv, "traf"sv})
      if (type == parent) return true;
    return false;
  }

  void Children(const Box& parent, int depth) {
    Box box;
    for (int64_t at = parent.begin; ReadBox(at, parent.end, &box); at = box.end) {
      Require(box.type != "cmov", Code::kUnsupported,
              name_ +
                  ": its index is compressed ('cmov' box), which is not read (\"ffmpeg -i FILE "
                  "-c copy NEW\" writes a plain one)");
      Look(box);
      if (HasChildren(box.type) && depth < kMaxDepth) Children(box, depth + 1);
    }
  }

  void Look(const Box& box) {
    if (box.type == "trak") {
      is_picture_ = false;
      track_ = 0;
    } else if (box.type == "tkhd") {
      const bool is_long = Number(box.begin) >> 24 == 1;
      track_ = Number(box.begin + (is_long ? 20 : 12));
    } else if (box.type == "hdlr") {
      char kind[4] = {};
      bytes_.Read(box.begin + 8, kind, sizeof(kind));
      if (std::string_view(kind, 4) == "vide") is_picture_ = pictures_[track_] = true;
    } else if (box.type == "stsz" || box.type == "stz2") {
      LookAtSizes(box);
    } else if (box.type == "trex") {
      default_size_[Number(box.begin + 4)] = Number(box.begin + 16);
    } else if (box.type == "tfhd") {
      LookAtFragment(box);
    } else if (box.type == "trun") {
      LookAtRun(box);
    }
  }

  void LookAtSizes(const Box& box) {
    const uint32_t field = Number(box.begin + 4);
    const int64_t count = Number(box.begin + 8);
    const bool table = box.type == "stz2" || field == 0;
    const int64_t bits = box.type == "stsz" ? 32 : field & 0xFF;
    Require(!table || count * bits <= 8 * (box.end - box.begin - 12) + 7, Code::kCorrupt,
            name_ + ": its index states " + std::to_string(count) +
                " samples, more than it has entries for");
    if (!table) CheckBytes(count, field);
    if (is_picture_) AddPictures(count, &stated_[track_]);
  }

  void LookAtFragment(const Box& box) {
    const uint32_t flags = Number(box.begin);
    track_ = Number(box.begin + 4);
    is_picture_ = pictures_[track_];
    int64_t at = box.begin + 8;
    if ((flags & 1) != 0) at += 8;
    if ((flags & 2) != 0) at += 4;
    if ((flags & 8) != 0) at += 4;
    fragment_size_ = (flags & 0x10) != 0 ? Number(at) : default_size_[track_];
  }

  void LookAtRun(const Box& box) {
    const uint32_t flags = Number(box.begin);
    const int64_t count = Number(box.begin + 4);
    int fields = 0;
    for (const uint32_t flag : {0x100u, 0x200u, 0x400u, 0x800u}) fields += (flags & flag) != 0;
    Require(fields == 0 || count * fields * 4 <= box.end - box.begin, Code::kCorrupt,
            name_ + ": a fragment states " + std::to_string(count) +
                " samples, more than it has entries for");
    if (fields == 0 && fragment_size_ > 0) CheckBytes(count, fragment_size_);
    // Without any size there is nothing but their number that can be too large.
    if (is_picture_ || (fields == 0 && fragment_size_ == 0)) AddPictures(count, &stated_[track_]);
  }

  void CheckBytes(int64_t count, int64_t size) {
    // Old sound states the samples that it unpacks to: up to six from a byte.
    const double room = static_cast<double>(bytes_.size()) * (is_picture_ ? 1 : 8);
    stated_bytes_ += static_cast<double>(count) * static_cast<double>(size);
    Require(stated_bytes_ <= room, Code::kCorrupt,
            name_ + ": its index states " + std::to_string(count) + " samples of " +
                std::to_string(size) + " bytes, the file has " + std::to_string(bytes_.size()));
  }

  void AddPictures(int64_t count, int64_t* total) {
    *total += count;
    Require(*total <= limits_.max_frames, Code::kLimit,
            name_ + ": its index states " + std::to_string(*total) + " frames, over the limit of " +
                std::to_string(limits_.max_frames) + " frames");
  }

  SourceWindow bytes_;
  const Limits& limits_;
  const std::string& name_;
  bool is_picture_ = false;  // the track in work
  uint32_t track_ = 0;
  int64_t fragment_size_ = 0;  // of each sample, where a run does not say
  double stated_bytes_ = 0;
  std::map<uint32_t, bool> pictures_;
  std::map<uint32_t, int64_t> default_size_, stated_;
};

}  // namespace

void CheckMp4Index(ByteSource& source, const Limits& limits, const std::string& name) {
  IndexCheck(source, limits, name).Run();
}

}  // namespace mdvt::ff
