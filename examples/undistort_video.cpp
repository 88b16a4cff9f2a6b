// SPDX-License-Identifier: Apache-2.0
//
// Makes the video of a real lens that of a pinhole camera.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("undistort_video", argc, argv); }
