// SPDX-License-Identifier: Apache-2.0
//
// Makes a metric depth video with UniK3D.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("unik3d_video", argc, argv); }
