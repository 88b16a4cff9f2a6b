// SPDX-License-Identifier: Apache-2.0
//
// Makes a metric depth video with Depth Pro.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("depthpro_video", argc, argv); }
