// SPDX-License-Identifier: Apache-2.0
//
// Follows points all over a stereo clip.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("tracking", argc, argv); }
