// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/track_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/naming.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/byte_source.h"
#include "mdvt/io/pickle_file.h"

namespace mdvt {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr size_t kLongestNumber = 64;  // characters; 17 digits say all that a double can
constexpr double kFarthest = 1e6;      // pixels; beyond any picture
constexpr double kSubpixelSteps = 256;
constexpr double kConfidenceSteps = 1000;
constexpr int kMostNumbers = 6;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The characters of a JSON text of any length, a megabyte at a time.
class JsonCharacters {
 public:
  explicit JsonCharacters(ByteSource* source) : source_(source), buffer_(kBufferBytes) {
    Refill();
    if (end_ - at_ >= 3 && std::memcmp(at_, "\xEF\xBB\xBF", 3) == 0) at_ += 3;
  }

  // The next character that is no white space, '\0' at the end; it stays the next.
  char Peek() {
    for (;;) {
      if (at_ == end_ && !Refill()) return '\0';
      if (*at_ == '\n') {
        ++line_;
        line_begin_ = Offset() + 1;
      } else if (*at_ != ' ' && *at_ != '\r' && *at_ != '\t') {
        return *at_;
      }
      ++at_;
    }
  }
  void Skip() { ++at_; }
  bool Take(char c) {
    if (Peek() != c) return false;
    Skip();
    return true;
  }

  // A number, as JSON has it; false if something else is next. The end of the text is no problem:
  // behind a number something has to close.
  bool TakeNumber(double* value) {
    Peek();
    if (static_cast<size_t>(end_ - at_) < kLongestNumber) Refill();
    const char* p = at_;
    const bool negative = p < end_ && *p == '-';
    if (negative) ++p;
    const char* const digits = p;
    int64_t whole = 0;
    while (p < end_ && IsDigit(*p) && p - digits < 16) whole = 10 * whole + (*p++ - '0');
    if (p == digits || (*digits == '0' && p - digits > 1)) return false;
    if (p < end_ && !IsDigit(*p) && *p != '.' && *p != 'e' && *p != 'E') {
      *value = static_cast<double>(negative ? -whole : whole);
      at_ = p;
      return true;
    }
    return TakeFraction(p, value);
  }

  bool TakeWord(const char* word) {
    Peek();
    const size_t length = std::strlen(word);
    if (static_cast<size_t>(end_ - at_) < length) Refill();
    if (static_cast<size_t>(end_ - at_) < length || std::memcmp(at_, word, length) != 0)
      return false;
    at_ += length;
    return true;
  }

  [[noreturn]] void Fail(const std::string& text, Code code = Code::kCorrupt) {
    throw Error(code, text + " (line " + std::to_string(line_) + ", column " +
                          std::to_string(Offset() - line_begin_ + 1) + ")");
  }

 private:
  bool TakeFraction(const char* p, double* value) {
    const auto digits = [&] {
      const char* const first = p;
      while (p < end_ && IsDigit(*p)) ++p;
      return p > first;
    };
    digits();
    if (p < end_ && *p == '.') {
      ++p;
      if (!digits()) return false;
    }
    if (p < end_ && (*p == 'e' || *p == 'E')) {
      ++p;
      if (p < end_ && (*p == '+' || *p == '-')) ++p;
      if (!digits()) return false;
    }
    const auto result = std::from_chars(at_, p, *value);
    if (result.ec != std::errc() || result.ptr != p) return false;
    if (p == end_ || p - at_ >= static_cast<ptrdiff_t>(kLongestNumber)) return false;
    at_ = p;
    return true;
  }

  int64_t Offset() const { return read_ - (end_ - at_); }

  // What is left moves to the front, and more follows. False if nothing did.
  bool Refill() {
    const auto left = static_cast<size_t>(end_ - at_);
    if (left > 0) std::memmove(buffer_.data(), at_, left);
    at_ = buffer_.data();
    size_t used = left;
    while (used < buffer_.size()) {
      const size_t got = source_->ReadAt(read_, buffer_.data() + used, buffer_.size() - used);
      if (got == 0) break;
      read_ += static_cast<int64_t>(got);
      used += got;
    }
    end_ = at_ + used;
    return used > left;
  }

  ByteSource* source_;
  std::vector<char> buffer_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  int64_t read_ = 0;  // bytes taken from the source
  int64_t line_ = 1;
  int64_t line_begin_ = 0;
};

class TrackParser {
 public:
  TrackParser(ByteSource* source, const Limits& limits) : limits_(limits), text_(source) {}

  TrackTable Parse() {
    if (!text_.Take('[')) text_.Fail("expected a list with one entry per frame");
    for (bool more = !text_.Take(']'); more; more = Goes("the list of frames")) {
      if (frame_ >= limits_.max_frames)
        text_.Fail(
            "more entries than the limit of " + std::to_string(limits_.max_frames) + " frames",
            Code::kLimit);
      ParseFrame();
      ++frame_;
    }
    if (text_.Peek() != '\0') text_.Fail("more text after the end of the list");
    return builder_.Finish();
  }

 private:
  std::string FrameName() const { return "frame " + std::to_string(frame_); }

  // After an entry of a list: whether another one follows.
  bool Goes(const char* what) {
    if (text_.Take(',')) return true;
    if (text_.Take(']')) return false;
    text_.Fail(FrameName() + ": expected ',' or ']' in " + what);
  }

  void ParseFrame() {
    if (!text_.Take('[')) text_.Fail(FrameName() + " is not a list of points");
    builder_.BeginFrame();
    for (bool more = !text_.Take(']'); more; more = Goes("the list of points")) {
      if (static_cast<int64_t>(builder_.num_sightings()) >= limits_.max_track_points)
        text_.Fail("more points than the limit of " + std::to_string(limits_.max_track_points),
                   Code::kLimit);
      ParseRow();
    }
  }

  void ParseRow() {
    if (!text_.Take('[')) FailRow("is not a list [id, x, y]");
    double numbers[kMostNumbers] = {};
    int count = 0;
    bool all_numbers = true;
    for (bool more = true; more; more = Goes("a point"), ++count) {
      double value = 0;
      if (!text_.TakeNumber(&value)) {
        if (count < 3) FailRow("must begin with three numbers: id, x, y");
        all_numbers = false;
        if (!text_.TakeWord("true") && !text_.TakeWord("false") && !text_.TakeWord("null"))
          FailRow("has an entry that is no number");
      }
      if (count < kMostNumbers) numbers[count] = value;
    }
    if (count < 3) FailRow("must have three numbers: id, x, y");
    AddRow(numbers, all_numbers && count >= kMostNumbers);
  }

  void AddRow(const double* numbers, bool may_be_fine) {
    const double id = numbers[0];
    if (!(id >= 0 && id < 2147483648.0) || id != std::floor(id))
      FailRow("has the id " + FormatDouble(id) + ", must be a whole number in [0, 2^31)");
    double x = numbers[1], y = numbers[2], confidence = 1;
    if (!(std::abs(x) <= kFarthest && std::abs(y) <= kFarthest))
      FailRow("is at (" + FormatDouble(x) + ", " + FormatDouble(y) + "), which no picture has");
    const double fine_x = numbers[3] / kSubpixelSteps, fine_y = numbers[4] / kSubpixelSteps;
    const double fine_confidence = numbers[5] / kConfidenceSteps;
    if (may_be_fine && std::abs(fine_x - x) <= 1 && std::abs(fine_y - y) <= 1 &&
        fine_confidence >= 0 && fine_confidence <= 1) {
      x = fine_x;
      y = fine_y;
      confidence = fine_confidence;
    }
    builder_.Add(static_cast<int32_t>(id), static_cast<float>(x + 0.5), static_cast<float>(y + 0.5),
                 static_cast<float>(confidence));
  }

  [[noreturn]] void FailRow(const std::string& text) {
    text_.Fail(FrameName() + ": a point " + text);
  }

  const Limits& limits_;
  JsonCharacters text_;
  TrackTableBuilder builder_;
  int64_t frame_ = 0;
};

TrackTable Parse(ByteSource* source, const Limits& limits) {
  limits.Check();
  return TrackParser(source, limits).Parse();
}

std::string Place(const OutputFile& file, int64_t frame, const TrackRow& row) {
  return file.path() + ": frame " + std::to_string(frame) + ", track " + std::to_string(row.id);
}

// Dense tracks, as Stereo4D's programs keep them: tracks (N, T, 2) with x and y from the corner of
// the picture on, visibles (N, T).
TrackTable ReadPickledTracks(const std::string& path, const Limits& limits) {
  constexpr int64_t kTracksAtOnce = 256;
  const Pickle file(path, limits);
  const PickleValue tracks = file.root().At("tracks"), visibles = file.root().At("visibles");
  const std::vector<int64_t>& shape = tracks.shape();
  Require(shape.size() == 3 && shape[2] == 2 &&
              visibles.shape() == std::vector<int64_t>({shape[0], shape[1]}),
          Code::kCorrupt,
          path + ": 'tracks' and 'visibles' must be of the shapes (N, T, 2), (N, T)");
  const int64_t count = shape[0], frames = shape[1];
  Require(frames <= limits.max_frames && count <= limits.max_track_points, Code::kLimit,
          path + ": has too many tracks or frames");
  struct Seen {
    int32_t id;
    float x, y;
  };
  std::vector<std::vector<Seen>> by_frame(static_cast<size_t>(frames));
  int64_t all = 0;
  for (int64_t first = 0; first < count; first += kTracksAtOnce) {
    const int64_t some = std::min(kTracksAtOnce, count - first);
    const std::vector<double> xy = tracks.Numbers(2 * frames * first, 2 * frames * some);
    const std::vector<double> seen = visibles.Numbers(frames * first, frames * some);
    for (size_t i = 0; i < seen.size(); ++i) {
      if (seen[i] == 0) continue;
      const auto frame = static_cast<int64_t>(i) % frames;
      const auto id = static_cast<int32_t>(first + static_cast<int64_t>(i) / frames);
      Require(std::abs(xy[2 * i]) <= kFarthest && std::abs(xy[2 * i + 1]) <= kFarthest,
              Code::kCorrupt,
              path + ": frame " + std::to_string(frame) + ": track " + std::to_string(id) +
                  " is where no picture is");
      Require(++all <= limits.max_track_points, Code::kLimit,
              path + ": more points than the limit of " + std::to_string(limits.max_track_points));
      by_frame[static_cast<size_t>(frame)].push_back(
          {id, static_cast<float>(xy[2 * i]), static_cast<float>(xy[2 * i + 1])});
    }
  }
  TrackTableBuilder builder;
  for (std::vector<Seen>& frame : by_frame) {
    builder.BeginFrame();
    for (const Seen& one : frame) builder.Add(one.id, one.x, one.y, 1);
    frame = {};
  }
  return builder.Finish();
}

}  // namespace

TrackTable ReadTrackFile(const std::string& path, const Limits& limits) {
  if (Pickle::IsOne(path)) {
    limits.Check();
    return Naming("tracking file", [&] { return ReadPickledTracks(path, limits); });
  }
  const auto source = OpenFileSource(path);
  return Naming("tracking file " + path, [&] { return Parse(source.get(), limits); });
}

TrackTable ParseTracks(const char* data, size_t size, const Limits& limits) {
  const auto source = OpenMemorySource(data, size);
  return Naming("tracks", [&] { return Parse(source.get(), limits); });
}

struct TrackFileWriter::Impl {
  Impl(const OutputTarget& target, const TrackFileFormat& wanted) : format(wanted), file(target) {}

  void Check(const TrackRow& row, int64_t frame) const {
    Require(row.id >= 0, Code::kInvalidArgument,
            Place(file, frame, row) + ": ids must be 0 or more");
    Require(row.x >= 0 && row.y >= 0 && row.x < format.width && row.y < format.height,
            Code::kInvalidArgument,
            Place(file, frame, row) + ": (" + FormatDouble(row.x) + ", " + FormatDouble(row.y) +
                ") lies outside the picture of " + FormatSize(format.width, format.height));
    Require(row.confidence >= 0 && row.confidence <= 1, Code::kInvalidArgument,
            Place(file, frame, row) + ": confidence " + FormatDouble(row.confidence) +
                ", must be in [0, 1]");
  }

  void Put(const TrackRow& row, bool is_first) {
    char* const begin = file.Room(128);
    char* end = begin;
    const auto number = [&](int64_t value) { end = std::to_chars(end, begin + 128, value).ptr; };
    const auto next = [&] {
      *end++ = ',';
      *end++ = ' ';
    };
    if (!is_first) next();
    *end++ = '[';
    number(row.id);
    next();
    number(static_cast<int64_t>(row.x));
    next();
    number(static_cast<int64_t>(row.y));
    if (format.subpixel) {
      next();
      number(std::llround(kSubpixelSteps * (row.x - 0.5)));
      next();
      number(std::llround(kSubpixelSteps * (row.y - 0.5)));
      next();
      number(std::llround(kConfidenceSteps * row.confidence));
    }
    *end++ = ']';
    file.Add(static_cast<size_t>(end - begin));
  }

  void Put(std::string_view text) {
    std::memcpy(file.Room(text.size()), text.data(), text.size());
    file.Add(text.size());
  }

  TrackFileFormat format;
  OutputFile file;
};

TrackFileWriter::TrackFileWriter(const OutputTarget& target, const TrackFileFormat& format) {
  Require(format.width > 0 && format.height > 0, Code::kInvalidArgument,
          "TrackFileFormat: width and height must be above 0");
  impl_ = std::make_unique<Impl>(target, format);
}
TrackFileWriter::~TrackFileWriter() = default;

void TrackFileWriter::AddFrame(std::vector<TrackRow> rows) {
  Impl& impl = *impl_;
  for (const TrackRow& row : rows) impl.Check(row, num_frames_);
  std::sort(rows.begin(), rows.end(),
            [](const TrackRow& a, const TrackRow& b) { return a.id < b.id; });
  for (size_t i = 1; i < rows.size(); ++i)
    Require(rows[i - 1].id != rows[i].id, Code::kInvalidArgument,
            Place(impl.file, num_frames_, rows[i]) + ": stands there twice");
  impl.Put(num_frames_ == 0 ? "[[" : ",\n [");
  for (size_t i = 0; i < rows.size(); ++i) impl.Put(rows[i], i == 0);
  impl.Put("]");
  ++num_frames_;
}

void TrackFileWriter::Finish() {
  impl_->Put(num_frames_ == 0 ? "[]" : "]");
  impl_->file.Finish();
}

void WriteTrackFile(const OutputTarget& target, const TrackTable& tracks,
                    const TrackFileFormat& format) {
  TrackFileWriter writer(target, format);
  for (int64_t frame = 0; frame < tracks.num_frames(); ++frame) {
    std::vector<TrackRow> rows;
    rows.reserve(tracks.Frame(frame).size());
    for (const TrackSighting& s : tracks.Frame(frame))
      rows.push_back({tracks.ids()[static_cast<size_t>(s.track)], s.x, s.y, s.confidence});
    writer.AddFrame(std::move(rows));
  }
  writer.Finish();
}

void WritePickledTracks(const OutputTarget& target, const TrackTable& tracks) {
  const TrackOrder order(tracks);
  const auto count = static_cast<int64_t>(tracks.num_tracks());
  const auto frames = static_cast<size_t>(tracks.num_frames());
  const auto sides = [&](std::vector<int64_t> more) {
    std::vector<int64_t> shape = {count};
    shape.insert(shape.end(), more.begin(), more.end());
    return shape;
  };
  PickleWriter file(target);
  file.BeginDict();
  file.Key("tracks");
  file.BeginArray("<f4", sides({tracks.num_frames(), 2}));
  std::vector<float> row(2 * frames);
  for (int32_t track = 0; track < count; ++track) {
    // Where it is not seen it stays where it was seen last, or is seen first.
    size_t next = 0;
    for (size_t t = 0; t < frames; ++t) {
      if (next + 1 < order.count(track) &&
          order.FrameOf(track, next + 1) <= static_cast<int64_t>(t))
        ++next;
      row[2 * t] = order.At(track, next).x;
      row[2 * t + 1] = order.At(track, next).y;
    }
    file.AddNumbers(row.data(), row.size() * sizeof(float));
  }
  file.EndArray();
  file.Key("visibles");
  file.BeginArray("|b1", sides({tracks.num_frames()}));
  for (int32_t track = 0; track < count; ++track) {
    std::string seen(frames, '\0');
    for (size_t i = 0; i < order.count(track); ++i)
      seen[static_cast<size_t>(order.FrameOf(track, i))] = 1;
    file.AddNumbers(seen.data(), seen.size());
  }
  file.EndArray();
  file.Key("query_points");
  file.BeginArray("<i4", sides({3}));
  for (int32_t track = 0; track < count; ++track) {
    const TrackSighting& first = order.At(track, 0);
    const int32_t query[] = {static_cast<int32_t>(order.FrameOf(track, 0)),
                             static_cast<int32_t>(first.y), static_cast<int32_t>(first.x)};
    file.AddNumbers(query, sizeof(query));
  }
  file.EndArray();
  file.End();
  file.Finish();
}

}  // namespace mdvt
