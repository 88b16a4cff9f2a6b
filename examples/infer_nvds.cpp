// SPDX-License-Identifier: Apache-2.0
//
// Makes relative depth steady with the Neural Video Depth Stabilizer.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("infer_nvds", argc, argv); }
