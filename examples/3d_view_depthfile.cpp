// SPDX-License-Identifier: Apache-2.0
//
// Shows a depth video in 3D or renders it from another place.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("3d_view_depthfile", argc, argv); }
