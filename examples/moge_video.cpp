// SPDX-License-Identifier: Apache-2.0
//
// Makes a metric depth video with MoGe-2.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("moge_video", argc, argv); }
