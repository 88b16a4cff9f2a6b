// SPDX-License-Identifier: Apache-2.0
//
// Finds where every pixel of a video moves.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("optical_flow", argc, argv); }
