// SPDX-License-Identifier: Apache-2.0
//
// Matrices in JSON: lists of rows.
#pragma once

#include <Eigen/Core>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/json.h"

namespace mdvt::json {

// Throws Error(kCorrupt) that begins with `what` for anything else than so many rows of numbers.
template <int kRows, int kColumns>
Eigen::Matrix<double, kRows, kColumns> ReadMatrix(const Value& value, const std::string& what) {
  Eigen::Matrix<double, kRows, kColumns> matrix;
  const auto require = [&what](bool good) {
    Require(good, Code::kCorrupt,
            what + " must be a matrix of " + std::to_string(kRows) + " rows and " +
                std::to_string(kColumns) + " columns");
  };
  require(value.is_array() && value.size() == kRows);
  for (int row = 0; row < kRows; ++row) {
    const Value& numbers = value.AsArray()[static_cast<size_t>(row)];
    require(numbers.is_array() && numbers.size() == kColumns);
    for (int column = 0; column < kColumns; ++column) {
      const Value& number = numbers.AsArray()[static_cast<size_t>(column)];
      require(number.is_number());
      matrix(row, column) = number.AsDouble();
    }
  }
  return matrix;
}

template <typename Derived>
Value MatrixRows(const Eigen::MatrixBase<Derived>& matrix) {
  Value rows = Value::Array{};
  for (Eigen::Index row = 0; row < matrix.rows(); ++row) {
    Value numbers = Value::Array{};
    for (Eigen::Index column = 0; column < matrix.cols(); ++column)
      numbers.Add(matrix(row, column));
    rows.Add(std::move(numbers));
  }
  return rows;
}

}  // namespace mdvt::json
