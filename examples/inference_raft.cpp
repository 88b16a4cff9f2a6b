// SPDX-License-Identifier: Apache-2.0
//
// Metric depth of a stereo pair.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("inference_raft", argc, argv); }
