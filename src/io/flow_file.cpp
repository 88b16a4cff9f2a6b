// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/flow_file.h"

#include <cstring>
#include <vector>

#include "core/little_endian.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"

namespace mdvt {

void WriteFlo(const OutputTarget& target, PlaneView<const Eigen::Vector2f> flow) {
  OutputFile file(target);
  Require(flow.width > 0 && flow.height > 0, Code::kInvalidArgument,
          file.path() + ": no flow to write");
  char header[12];
  std::memcpy(header, "PIEH", 4);
  PutLittle(static_cast<int32_t>(flow.width), header + 4);
  PutLittle(static_cast<int32_t>(flow.height), header + 8);
  file.Write(header, sizeof(header));
  std::vector<char> row(static_cast<size_t>(flow.width) * 8);
  for (int y = 0; y < flow.height; ++y) {
    for (int x = 0; x < flow.width; ++x) {
      PutLittle(flow.At(x, y).x(), &row[static_cast<size_t>(x) * 8]);
      PutLittle(flow.At(x, y).y(), &row[static_cast<size_t>(x) * 8 + 4]);
    }
    file.Write(row.data(), row.size());
  }
  file.Finish();
}

}  // namespace mdvt
