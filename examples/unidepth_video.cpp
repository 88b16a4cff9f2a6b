// SPDX-License-Identifier: Apache-2.0
//
// Metric depth with a field of view that is given.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("unidepth_video", argc, argv); }
