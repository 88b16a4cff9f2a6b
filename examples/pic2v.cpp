// SPDX-License-Identifier: Apache-2.0
//
// Compares results of infer_nvds in one video.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("pic2v", argc, argv); }
