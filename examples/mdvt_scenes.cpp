// SPDX-License-Identifier: Apache-2.0
//
// Writes the list of a film's scenes.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("mdvt_scenes", argc, argv); }
