// SPDX-License-Identifier: Apache-2.0
//
// Ordinary views of both eyes of a VR180 video.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("rectify", argc, argv); }
