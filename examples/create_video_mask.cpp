// SPDX-License-Identifier: Apache-2.0
//
// Masks of what moves in a video, or of its main subject.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("create_video_mask", argc, argv); }
