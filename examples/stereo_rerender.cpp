// SPDX-License-Identifier: Apache-2.0
//
// Renders the two eyes of a stereo video from a color video and its depth video.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("stereo_rerender", argc, argv); }
