// SPDX-License-Identifier: Apache-2.0
//
// Measures tracks against known ones.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("eval_tracks", argc, argv); }
