// SPDX-License-Identifier: Apache-2.0
//
// Makes a depth video steady over time.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("stabilize_depth", argc, argv); }
