// SPDX-License-Identifier: Apache-2.0
//
// The small files that travel with a video, still pictures, geometry.
#include <pybind11/eigen.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <vector>

#include "arrays.h"
#include "mdvt/core/error.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/io/image_file.h"
#include "mdvt/io/sidecar.h"
#include "module.h"
#include "no_gil.h"
#include "options.h"

namespace mdvt::python {
namespace {

py::array_t<double> FromPoses(const std::vector<Pose>& poses) {
  py::array_t<double> out({static_cast<py::ssize_t>(poses.size()), py::ssize_t{4}, py::ssize_t{4}});
  auto to = out.mutable_unchecked<3>();
  for (size_t i = 0; i < poses.size(); ++i) {
    for (int row = 0; row < 4; ++row) {
      for (int col = 0; col < 4; ++col)
        to(static_cast<py::ssize_t>(i), row, col) = poses[i].matrix()(row, col);
    }
  }
  return out;
}

std::vector<Pose> ToPoses(const py::array_t<double, py::array::forcecast>& array) {
  Require(array.ndim() == 3 && array.shape(1) == 4 && array.shape(2) == 4, Code::kInvalidArgument,
          "world_from_cam must be an array of N x 4 x 4");
  const auto from = array.unchecked<3>();
  std::vector<Pose> poses(static_cast<size_t>(array.shape(0)));
  for (py::ssize_t i = 0; i < array.shape(0); ++i) {
    for (int row = 0; row < 4; ++row) {
      for (int col = 0; col < 4; ++col)
        poses[static_cast<size_t>(i)].matrix()(row, col) = from(i, row, col);
    }
  }
  return poses;
}

// N x 3 numbers as N vectors.
template <typename T>
std::vector<Eigen::Matrix<T, 3, 1>> ToVectors(
    const std::optional<py::array_t<T, py::array::forcecast>>& array, const char* name) {
  std::vector<Eigen::Matrix<T, 3, 1>> out;
  if (!array) return out;
  Require(array->ndim() == 2 && array->shape(1) == 3, Code::kInvalidArgument,
          std::string(name) + " must be an array of N x 3");
  const auto from = array->template unchecked<2>();
  out.resize(static_cast<size_t>(array->shape(0)));
  for (py::ssize_t i = 0; i < array->shape(0); ++i)
    out[static_cast<size_t>(i)] = {from(i, 0), from(i, 1), from(i, 2)};
  return out;
}

using Floats = py::array_t<float, py::array::forcecast>;
using Bytes = std::optional<py::array_t<uint8_t, py::array::forcecast>>;
using Integers = std::optional<py::array_t<int32_t, py::array::forcecast>>;

template <typename Read>
auto WithoutLock(Read&& read) {
  const NoGil nogil;
  return read();
}

void AddSidecars(py::module_& module) {
  module.def(
      "read_fov_file",
      [](const Path& path, const std::optional<Limits>& limits) {
        return WithoutLock([&] { return ReadFovFile(path, LimitsOrDefault(limits)); });
      },
      py::arg("path"), py::arg("limits") = std::nullopt,
      "Horizontal field of view in degrees, per frame.");
  module.def(
      "write_fov_file",
      [](const Path& path, const std::vector<double>& xfov_deg) {
        WithoutLock([&] { WriteFovFile(path.text, xfov_deg); });
      },
      py::arg("path"), py::arg("xfov_deg"));
  module.def(
      "read_convergence_file",
      [](const Path& path, const std::optional<Limits>& limits) {
        return WithoutLock([&] { return ReadConvergenceFile(path, LimitsOrDefault(limits)); });
      },
      py::arg("path"), py::arg("limits") = std::nullopt,
      "Convergence distance in metres per frame; nan is not known, 0 is parallel eyes.");
  module.def(
      "write_convergence_file",
      [](const Path& path, const std::vector<double>& depth) {
        WithoutLock([&] { WriteConvergenceFile(path.text, depth); });
      },
      py::arg("path"), py::arg("depth"));
  module.def(
      "read_transformations_file",
      [](const Path& path, const std::optional<Limits>& limits) {
        return FromPoses(
            WithoutLock([&] { return ReadTransformationsFile(path, LimitsOrDefault(limits)); }));
      },
      py::arg("path"), py::arg("limits") = std::nullopt,
      "Camera-to-world per frame, N x 4 x 4, metres.");
  module.def(
      "write_transformations_file",
      [](const Path& path, const py::array_t<double, py::array::forcecast>& poses) {
        const std::vector<Pose> to = ToPoses(poses);
        WithoutLock([&] { WriteTransformationsFile(path.text, to); });
      },
      py::arg("path"), py::arg("world_from_cam"));
  module.def(
      "read_batch_list",
      [](const Path& path, const std::optional<Limits>& limits) {
        return WithoutLock([&] { return ReadBatchList(path, LimitsOrDefault(limits)); });
      },
      py::arg("path"), py::arg("limits") = std::nullopt,
      "One path per line; blank lines and comments (#) are skipped.");
}

void AddPictures(py::module_& module) {
  module.def(
      "read_image_file",
      [](const Path& path, const std::optional<Limits>& limits) {
        return WithoutLock([&] {
          return PyImage{ReadImageFile(path, LimitsOrDefault(limits)), true};
        });
      },
      py::arg("path"), py::arg("limits") = std::nullopt, "PNG or JPEG, gray or RGB.");
  module.def(
      "write_png",
      [](const Path& path, const py::object& picture) {
        const PyImage image = ToImage(picture, std::nullopt, "picture");
        WithoutLock([&] { WritePng(path.text, image.image.view()); });
      },
      py::arg("path"), py::arg("picture"), "Gray or RGB with 8 or 16 bits.");
}

void AddGeometry(py::module_& module) {
  py::enum_<PlyScalar>(module, "PlyScalar", "Type of the coordinates in a PLY file.")
      .value("FLOAT", PlyScalar::kFloat)
      .value("DOUBLE", PlyScalar::kDouble, "as the original toolbox writes");
  module.def(
      "write_ply",
      [](const Path& path, const Floats& points, const Bytes& colors, const Integers& triangles,
         PlyScalar scalar) {
        TriangleMesh mesh;
        mesh.points = ToVectors<float>(points, "points");
        mesh.colors = ToVectors<uint8_t>(colors, "colors");
        mesh.triangles = ToVectors<int32_t>(triangles, "triangles");
        WithoutLock([&] {
          if (triangles) {
            WritePly(path.text, mesh, scalar);
          } else {
            WritePly(path.text, PointCloud{mesh.points, mesh.colors}, scalar);
          }
        });
      },
      py::arg("path"), py::arg("points"), py::arg("colors") = std::nullopt,
      py::arg("triangles") = std::nullopt, py::arg("scalar") = PlyScalar::kFloat,
      "Points N x 3 in metres, colours N x 3 uint8, triangles M x 3 as indices of points.");
  module.def(
      "write_obj",
      [](const Path& path, const Floats& points, const Bytes& colors, const Integers& triangles,
         int significant_digits) {
        TriangleMesh mesh;
        mesh.points = ToVectors<float>(points, "points");
        mesh.colors = ToVectors<uint8_t>(colors, "colors");
        mesh.triangles = ToVectors<int32_t>(triangles, "triangles");
        WithoutLock([&] { WriteObj(path.text, mesh, {significant_digits}); });
      },
      py::arg("path"), py::arg("points"), py::arg("colors") = std::nullopt,
      py::arg("triangles") = std::nullopt,
      py::arg("significant_digits") = ObjOptions().significant_digits);
}

}  // namespace

void AddFiles(py::module_& module) {
  AddSidecars(module);
  AddPictures(module);
  AddGeometry(module);
}

}  // namespace mdvt::python
