// SPDX-License-Identifier: Apache-2.0
//
// The parts of the Python module, each in its own file.
#pragma once

#include <pybind11/pybind11.h>

namespace mdvt::python {

void AddCore(pybind11::module_& module);    // errors, log, limits, camera
void AddVideo(pybind11::module_& module);   // video reader and writer
void AddDepth(pybind11::module_& module);   // depth codec, depth video, metrics
void AddFiles(pybind11::module_& module);   // pictures, sidecars, geometry
void AddStereo(pybind11::module_& module);  // renderer, holes
void AddModels(pybind11::module_& module);  // networks, their sizes, their calibration
void AddMotion(pybind11::module_& module);  // depth from motion and from models
void AddTools(pybind11::module_& module);   // whole jobs

}  // namespace mdvt::python
