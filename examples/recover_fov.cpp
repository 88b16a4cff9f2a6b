// SPDX-License-Identifier: Apache-2.0
//
// Finds the field of view of a video.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("recover_fov", argc, argv); }
