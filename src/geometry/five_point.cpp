// SPDX-License-Identifier: Apache-2.0
#include "five_point.h"

#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <cmath>

namespace mdvt {
namespace {

// Polynomials in x, y, z by the coefficients of their monomials, those of the highest degree first.
using Linear = Eigen::Vector4d;  // x, y, z, 1
using Quadratic = Eigen::Matrix<double, 10, 1>;
using Cubic = Eigen::Matrix<double, 20, 1>;
using Square = Eigen::Matrix<double, 10, 10>;

// Exponents of x, y and z in each monomial of a cubic; a quadratic has the last ten.
constexpr int kExponents[20][3] = {{3, 0, 0}, {2, 1, 0}, {1, 2, 0}, {0, 3, 0}, {2, 0, 1},
                                   {1, 1, 1}, {0, 2, 1}, {1, 0, 2}, {0, 1, 2}, {0, 0, 3},
                                   {2, 0, 0}, {1, 1, 0}, {0, 2, 0}, {1, 0, 1}, {0, 1, 1},
                                   {0, 0, 2}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, 0}};
constexpr int kX2 = 10, kXY = 11, kXZ = 13, kX = 16;

struct Products {
  int quadratic[4][4];  // of two monomials of a linear polynomial
  int cubic[10][4];     // of one of a quadratic and one of a linear polynomial

  Products() {
    const auto find = [](const int* a, const int* b) {
      for (int i = 0; i < 20; ++i) {
        bool same = true;
        for (int k = 0; k < 3; ++k) same = same && kExponents[i][k] == a[k] + b[k];
        if (same) return i;
      }
      return -1;
    };
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j)
        quadratic[i][j] = find(kExponents[kX + i], kExponents[kX + j]) - 10;
    for (int i = 0; i < 10; ++i)
      for (int j = 0; j < 4; ++j) cubic[i][j] = find(kExponents[10 + i], kExponents[kX + j]);
  }
};

const Products& Table() {
  static const Products products;
  return products;
}

void AddProduct(const Linear& a, const Linear& b, double factor, Quadratic* sum) {
  const Products& table = Table();
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) (*sum)[table.quadratic[i][j]] += factor * a[i] * b[j];
}

void AddProduct(const Quadratic& a, const Linear& b, Cubic* sum) {
  const Products& table = Table();
  for (int i = 0; i < 10; ++i)
    for (int j = 0; j < 4; ++j) (*sum)[table.cubic[i][j]] += a[i] * b[j];
}

// What an essential matrix x X + y Y + z Z + W, whose entries are given, must be: det E = 0 and
// (E E^T - trace(E E^T) / 2) E = 0. One row for each equation.
Eigen::Matrix<double, 10, 20> Constraints(const Linear (&e)[3][3]) {
  Eigen::Matrix<double, 10, 20> rows;
  Quadratic squares[3][3];  // E E^T
  Quadratic half_trace = Quadratic::Zero();
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      squares[i][j].setZero();
      for (int k = 0; k < 3; ++k) AddProduct(e[i][k], e[j][k], 1, &squares[i][j]);
    }
    half_trace += 0.5 * squares[i][i];
  }
  for (int i = 0; i < 3; ++i) squares[i][i] -= half_trace;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      Cubic row = Cubic::Zero();
      for (int k = 0; k < 3; ++k) AddProduct(squares[i][k], e[k][j], &row);
      rows.row(3 * i + j) = row.transpose();
    }
  }
  Cubic determinant = Cubic::Zero();
  for (int k = 0; k < 3; ++k) {
    const int k1 = (k + 1) % 3, k2 = (k + 2) % 3;
    Quadratic minor = Quadratic::Zero();
    AddProduct(e[1][k1], e[2][k2], 1, &minor);
    AddProduct(e[1][k2], e[2][k1], -1, &minor);
    AddProduct(minor, e[0][k], &determinant);
  }
  rows.row(9) = determinant.transpose();
  return rows;
}

}  // namespace

std::vector<Eigen::Matrix3d> EssentialFromFivePairs(const std::array<Eigen::Vector2d, 5>& points1,
                                                    const std::array<Eigen::Vector2d, 5>& points2) {
  // The four matrices that all five pairs allow: what is orthogonal to their equations.
  Eigen::Matrix<double, 9, 5> equations;
  for (int i = 0; i < 5; ++i) {
    const Eigen::Vector3d q1 = points1[static_cast<size_t>(i)].homogeneous();
    const Eigen::Vector3d q2 = points2[static_cast<size_t>(i)].homogeneous();
    for (int k = 0; k < 9; ++k) equations(k, i) = q2[k / 3] * q1[k % 3];
  }
  const Eigen::HouseholderQR<Eigen::Matrix<double, 9, 5>> qr(equations);
  const Eigen::Matrix<double, 9, 9> q = qr.householderQ();
  Linear e[3][3];
  for (int k = 0; k < 9; ++k) e[k / 3][k % 3] = q.block<1, 4>(k, 5).transpose();

  const Eigen::Matrix<double, 10, 20> rows = Constraints(e);
  const Square left = rows.leftCols<10>(), right = rows.rightCols<10>();
  const Square reduced = left.partialPivLu().solve(right);
  if (!reduced.allFinite()) return {};
  // Multiplication by x, of the ten monomials below the third degree. Six of the products are of
  // the third degree and replaced by what the equations say, four are among the ten.
  Square action = Square::Zero();
  const int replaced[6] = {0, 1, 2, 4, 5, 7};
  for (int i = 0; i < 6; ++i) action.row(i) = -reduced.row(replaced[i]);
  action(6, kX2 - 10) = action(7, kXY - 10) = action(8, kXZ - 10) = action(9, kX - 10) = 1;

  std::vector<Eigen::Matrix3d> matrices;
  const Eigen::EigenSolver<Square> solver(action);
  if (solver.info() != Eigen::Success) return {};
  for (int i = 0; i < 10; ++i) {
    const std::complex<double> value = solver.eigenvalues()[i];
    if (value.imag() != 0) continue;
    const Eigen::Matrix<double, 10, 1> v = solver.eigenvectors().col(i).real();
    const Linear at(v[6] / v[9], v[7] / v[9], v[8] / v[9], 1);
    Eigen::Matrix3d one;
    for (int k = 0; k < 9; ++k) one(k / 3, k % 3) = e[k / 3][k % 3].dot(at);
    const double length = one.norm();
    if (length > 0 && std::isfinite(length)) matrices.push_back(one / length);
  }
  return matrices;
}

std::array<Pose, 4> MotionsOfEssential(const Eigen::Matrix3d& essential) {
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(essential, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Eigen::Matrix3d u = svd.matrixU(), v = svd.matrixV();
  if (u.determinant() < 0) u = -u;
  if (v.determinant() < 0) v = -v;
  Eigen::Matrix3d quarter;
  quarter << 0, 1, 0, -1, 0, 0, 0, 0, 1;
  std::array<Pose, 4> poses;
  for (size_t k = 0; k < 4; ++k) {
    poses[k] = Pose::Identity();
    poses[k].linear() =
        u * (k < 2 ? quarter : Eigen::Matrix3d(quarter.transpose())) * v.transpose();
    poses[k].translation() = (k % 2 == 0 ? 1 : -1) * u.col(2);
  }
  return poses;
}

}  // namespace mdvt
