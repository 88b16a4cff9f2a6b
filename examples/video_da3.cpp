// SPDX-License-Identifier: Apache-2.0
//
// Makes a metric depth video with Depth-Anything-3.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("video_da3", argc, argv); }
