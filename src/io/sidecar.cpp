// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/sidecar.h"

#include <Eigen/LU>
#include <cmath>
#include <limits>
#include <string_view>

#include "core/json_reader.h"
#include "core/text_file.h"
#include "core/utf8.h"
#include "io/output_file.h"
#include "io/rotation_repair.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

using Token = JsonReader::Token;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMaxBatchEntries = 1000000;
constexpr double kRotationWarning = 1e-5;  // what six digits in a file leave

// "entry 17": where in a list, counted as frames are.
std::string EntryName(size_t index) { return "frame " + std::to_string(index); }

void CheckEntryCount(const JsonReader& json, size_t count, const Limits& limits) {
  if (static_cast<int64_t>(count) >= limits.max_frames) {
    json.Fail("more entries than the limit of " + std::to_string(limits.max_frames) + " frames",
              Code::kLimit);
  }
}

// A flat array; `convert` turns a token into a value or fails.
template <typename Convert>
std::vector<double> ParseList(const char* data, size_t size, const char* what, const Limits& limits,
                              const Convert& convert) {
  JsonReader json(data, size, what, limits);
  json.Expect(Token::kBeginArray, "a list of numbers, one per frame");
  std::vector<double> values;
  for (Token token = json.Next(); token != Token::kEndArray; token = json.Next()) {
    CheckEntryCount(json, values.size(), limits);
    values.push_back(convert(json, token, values.size()));
  }
  json.Next();
  return values;
}

double FovOf(const JsonReader& json, Token token, size_t index) {
  if (token != Token::kNumber) json.Fail(EntryName(index) + " is not a number of degrees");
  const double fov = json.number();
  if (!(fov > 0 && fov < 180)) {
    json.Fail(EntryName(index) + " has a field of view of " + FormatDouble(fov) +
              " degrees, must be in (0, 180)");
  }
  return fov;
}

double ConvergenceOf(const JsonReader& json, Token token, size_t index) {
  if (token == Token::kNull) return kNan;
  if (token != Token::kNumber) {
    json.Fail(EntryName(index) + " is neither a distance in metres nor NaN nor null");
  }
  const double depth = json.number();
  if (depth < 0) {
    json.Fail(EntryName(index) + " has a convergence distance of " + FormatDouble(depth) +
              " m, must be 0 (parallel) or more");
  }
  return std::isinf(depth) ? 0 : depth;
}

Eigen::Matrix4d ParseMatrix(JsonReader& json, const std::string& name) {
  Eigen::Matrix4d matrix;
  for (int row = 0; row < 4; ++row) {
    if (json.Next() != Token::kBeginArray) json.Fail(name + " must have four rows");
    for (int column = 0; column < 4; ++column) {
      if (json.Next() != Token::kNumber) {
        json.Fail(name + ", row " + std::to_string(row) + " must be four numbers");
      }
      if (!std::isfinite(json.number())) {
        json.Fail(name + ", row " + std::to_string(row) + " has an entry that is not finite");
      }
      matrix(row, column) = json.number();
    }
    if (json.Next() != Token::kEndArray) {
      json.Fail(name + ", row " + std::to_string(row) + " has more than four numbers");
    }
  }
  if (json.Next() != Token::kEndArray) json.Fail(name + " has more than four rows");
  return matrix;
}

}  // namespace

std::vector<double> ParseFov(const char* data, size_t size, const Limits& limits) {
  return ParseList(data, size, "FOV list", limits, FovOf);
}

std::vector<double> ReadFovFile(const std::string& path, const Limits& limits) {
  return ReadAndParse(path, "FOV file", limits, ParseFov);
}

std::vector<double> ParseConvergence(const char* data, size_t size, const Limits& limits) {
  return ParseList(data, size, "convergence list", limits, ConvergenceOf);
}

std::vector<double> ReadConvergenceFile(const std::string& path, const Limits& limits) {
  return ReadAndParse(path, "convergence file", limits, ParseConvergence);
}

std::vector<Pose> ParseTransformations(const char* data, size_t size, const Limits& limits) {
  JsonReader json(data, size, "transformations", limits);
  json.Expect(Token::kBeginArray, "a list of 4x4 matrices, one per frame");
  std::vector<Pose> poses;
  double worst = 0;
  size_t worst_frame = 0;
  for (Token token = json.Next(); token != Token::kEndArray; token = json.Next()) {
    const std::string name = EntryName(poses.size());
    CheckEntryCount(json, poses.size(), limits);
    if (token != Token::kBeginArray) json.Fail(name + " is not a 4x4 matrix");
    const Eigen::Matrix4d matrix = ParseMatrix(json, name);
    const Eigen::RowVector4d last_row(0, 0, 0, 1);
    if (!((matrix.row(3) - last_row).cwiseAbs().maxCoeff() <= 1e-6)) {
      json.Fail(name + ": the last row must be 0, 0, 0, 1");
    }
    const Eigen::Matrix3d r = matrix.topLeftCorner<3, 3>();
    const double deviation = RotationDeviation(r);
    if (!(deviation < kRotationTolerance)) {
      json.Fail(name + ": the 3x3 part is not a rotation, R^T R is off by " +
                FormatDouble(deviation) + ", at most 0.001 is repaired");
    }
    if (r.determinant() < 0) json.Fail(name + ": the 3x3 part mirrors, its determinant is -1");
    if (deviation > worst) {
      worst = deviation;
      worst_frame = poses.size();
    }
    Pose pose = Pose::Identity();
    pose.linear() = NearestRotation(r, deviation);
    pose.translation() = matrix.topRightCorner<3, 1>();
    poses.push_back(pose);
  }
  json.Next();
  if (worst > kRotationWarning) {
    LogWarning("transformations: rotations were made orthonormal; " + EntryName(worst_frame) +
               " was off by " + FormatDouble(worst));
  }
  return poses;
}

std::vector<Pose> ReadTransformationsFile(const std::string& path, const Limits& limits) {
  return ReadAndParse(path, "transformations file", limits, ParseTransformations);
}

std::vector<std::string> ParseBatchList(const char* data, size_t size, const Limits& limits) {
  TextLines lines(CheckedText(data, size, "batch list", limits));
  std::vector<std::string> entries;
  while (const auto line = lines.Next()) {
    std::string_view entry = Trim(*line);
    if (entry.empty() || entry.front() == '#') continue;
    const auto fail = [&](const char* what) {
      throw Error(Code::kCorrupt,
                  "batch list: line " + std::to_string(lines.number()) + " " + what);
    };
    if (entry.size() >= 2 && entry.front() == '"' && entry.back() == '"') {
      entry = entry.substr(1, entry.size() - 2);
      if (entry.empty()) fail("is an empty path in quotes");
    }
    if (entry.find('\0') != std::string_view::npos) fail("contains a zero byte: not a text file");
    if (!IsUtf8(entry)) fail("is not valid UTF-8");
    Require(entries.size() < kMaxBatchEntries, Code::kLimit,
            "batch list: more than 1000000 entries");
    entries.emplace_back(entry);
  }
  return entries;
}

std::vector<std::string> ReadBatchList(const std::string& path, const Limits& limits) {
  return ReadAndParse(path, "batch list", limits, ParseBatchList);
}

bool IsBatchList(const std::string& path) {
  constexpr std::string_view kEnding = ".txt";
  if (path.size() < kEnding.size()) return false;
  const size_t offset = path.size() - kEnding.size();
  for (size_t i = 0; i < kEnding.size(); ++i) {
    const char c = path[offset + i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kEnding[i]) return false;
  }
  return true;
}

std::string FormatFov(const std::vector<double>& xfov_deg) {
  std::string text = "[";
  for (size_t i = 0; i < xfov_deg.size(); ++i) {
    Require(xfov_deg[i] > 0 && xfov_deg[i] < 180, Code::kInvalidArgument,
            "FOV list: " + EntryName(i) + " = " + FormatDouble(xfov_deg[i]) +
                " degrees, must be in (0, 180)");
    text += (i == 0 ? "" : ", ") + json::FormatNumber(xfov_deg[i]);
  }
  return text + "]";
}

std::string FormatConvergence(const std::vector<double>& depth, MissingValue missing) {
  std::string text = "[";
  for (size_t i = 0; i < depth.size(); ++i) {
    Require(std::isnan(depth[i]) || (depth[i] >= 0 && std::isfinite(depth[i])),
            Code::kInvalidArgument,
            "convergence list: " + EntryName(i) + " = " + FormatDouble(depth[i]) +
                " m, must be NaN or in [0, inf)");
    if (i > 0) text += ", ";
    if (!std::isnan(depth[i])) {
      text += json::FormatNumber(depth[i]);
    } else {
      text += missing == MissingValue::kNull ? "null" : "NaN";
    }
  }
  return text + "]";
}

std::string FormatTransformations(const std::vector<Pose>& world_from_cam) {
  std::string text = "[";
  for (size_t i = 0; i < world_from_cam.size(); ++i) {
    const Eigen::Matrix4d matrix = world_from_cam[i].matrix();
    Require(matrix.allFinite() &&
                RotationDeviation(matrix.topLeftCorner<3, 3>()) < kRotationTolerance &&
                matrix.topLeftCorner<3, 3>().determinant() > 0,
            Code::kInvalidArgument,
            "transformations: " + EntryName(i) + " is not a finite rigid motion");
    text += i == 0 ? "[" : ", [";
    for (int row = 0; row < 4; ++row) {
      text += row == 0 ? "[" : ", [";
      for (int column = 0; column < 4; ++column) {
        text += (column == 0 ? "" : ", ") +
                json::FormatNumber(row == 3 ? column == 3 : matrix(row, column));
      }
      text += "]";
    }
    text += "]";
  }
  return text + "]";
}

void WriteFovFile(const OutputTarget& target, const std::vector<double>& xfov_deg) {
  WriteFile(target, FormatFov(xfov_deg));
}

void WriteConvergenceFile(const OutputTarget& target, const std::vector<double>& depth,
                          MissingValue missing) {
  WriteFile(target, FormatConvergence(depth, missing));
}

void WriteTransformationsFile(const OutputTarget& target, const std::vector<Pose>& world_from_cam) {
  WriteFile(target, FormatTransformations(world_from_cam));
}

}  // namespace mdvt
