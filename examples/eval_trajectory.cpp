// SPDX-License-Identifier: Apache-2.0
//
// Tells how far a camera path is from the true one.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("eval_trajectory", argc, argv); }
