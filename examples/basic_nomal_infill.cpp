// SPDX-License-Identifier: Apache-2.0
//
// Fills the holes of a side-by-side video.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("basic_nomal_infill", argc, argv); }
