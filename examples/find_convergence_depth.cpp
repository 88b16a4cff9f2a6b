// SPDX-License-Identifier: Apache-2.0
//
// Finds the distance at which the eyes should converge.
#include "common/program.h"

int main(int argc, char** argv) {
  return mdvt::example::RunTool("find_convergence_depth", argc, argv);
}
