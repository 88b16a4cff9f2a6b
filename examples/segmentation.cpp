// SPDX-License-Identifier: Apache-2.0
//
// Leaves out tracks of a stereo clip that drift.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("segmentation", argc, argv); }
