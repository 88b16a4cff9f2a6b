// SPDX-License-Identifier: Apache-2.0
//
// Makes a stereo film of a film, scene by scene.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("movie_2_3D", argc, argv); }
