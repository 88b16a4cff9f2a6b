// SPDX-License-Identifier: Apache-2.0
//
// Removes a logo, a caption or another thing from a video.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("apply_inpainting", argc, argv); }
