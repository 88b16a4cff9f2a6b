// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/point_array_file.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "io/npy_header.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/io/byte_source.h"

namespace mdvt {
namespace {

constexpr int64_t kPointsPerPiece = 4096;

struct Layout {
  int64_t begin = 0;  // of the data, in bytes
  int64_t count = 0;  // points
  int64_t bytes = 8;  // of a number
};

[[noreturn]] void Refuse(const std::string& path, const std::string& what) {
  throw Error(Code::kCorrupt,
              path + ": " + what + ", must be a .npy array of float64 of the shape (2, points, 3)");
}

std::string ReadText(ByteSource* source, int64_t offset, size_t size) {
  std::string text(size, '\0');
  size_t done = 0;
  while (done < size) {
    const size_t count =
        source->ReadAt(offset + static_cast<int64_t>(done), text.data() + done, size - done);
    if (count == 0) break;
    done += count;
  }
  text.resize(done);
  return text;
}

Layout ReadLayout(ByteSource* source, const std::string& path) {
  const NpyInfo info = ReadNpyHeader(
      [source](int64_t offset, size_t size) { return ReadText(source, offset, size); },
      [&path](const std::string& what) { Refuse(path, what); });
  Layout layout;
  if (info.type == "<f4")
    layout.bytes = 4;
  else if (info.type != "<f8")
    Refuse(path, "holds numbers of another type");
  if (info.by_columns) Refuse(path, "is stored by columns");
  const std::vector<int64_t>& sizes = info.shape;
  if (sizes.size() != 3 || sizes[0] != 2 || sizes[2] != 3) Refuse(path, "has another shape");
  layout.begin = info.begin;
  layout.count = sizes[1];
  const int64_t room = (source->size() - layout.begin) / (6 * layout.bytes);
  if (layout.count > room)
    Refuse(path, "ends before its last point (" + std::to_string(layout.count) +
                     " points, there is room for " + std::to_string(room) + ")");
  return layout;
}

double NumberAt(const std::string& bytes, int64_t index, int64_t size) {
  const char* at = bytes.data() + index * size;
  if (size == 4) {
    float value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  double value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

}  // namespace

int64_t ReadPointArray(const std::string& path, const PointTaker& take) {
  const std::unique_ptr<ByteSource> source = OpenFileSource(path);
  const Layout layout = ReadLayout(source.get(), path);
  int64_t taken = 0;
  for (int64_t first = 0; first < layout.count; first += kPointsPerPiece) {
    const int64_t count = std::min(kPointsPerPiece, layout.count - first);
    const auto read = [&](int64_t half) {
      const std::string bytes =
          ReadText(source.get(), layout.begin + (half * layout.count + first) * 3 * layout.bytes,
                   static_cast<size_t>(count * 3 * layout.bytes));
      if (static_cast<int64_t>(bytes.size()) < count * 3 * layout.bytes)
        Refuse(path, "ends before its last point");
      return bytes;
    };
    const std::string positions = read(0), colors = read(1);
    for (int64_t i = 0; i < count; ++i) {
      Eigen::Vector3d position, color;
      for (int k = 0; k < 3; ++k) {
        position[k] = NumberAt(positions, 3 * i + k, layout.bytes);
        color[k] = NumberAt(colors, 3 * i + k, layout.bytes);
      }
      if (!position.allFinite() || !color.allFinite()) continue;
      take(position, color);
      ++taken;
    }
  }
  return taken;
}

void WritePointArray(const OutputTarget& target, int64_t count,
                     const std::function<void(const PointTaker&)>& for_each) {
  OutputFile file(target);
  file.Write(NpyHeader({2, count, 3}, "<f8"));
  for (const bool colors : {false, true}) {
    int64_t written = 0;
    for_each([&](const Eigen::Vector3d& position, const Eigen::Vector3d& color) {
      const Eigen::Vector3d& values = colors ? color : position;
      file.Write(values.data(), 3 * sizeof(double));
      ++written;
    });
    Require(written == count, Code::kInvalidArgument,
            target.path() + ": " + std::to_string(written) + " points were given, " +
                std::to_string(count) + " announced");
  }
  file.Finish();
}

}  // namespace mdvt
