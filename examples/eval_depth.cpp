// SPDX-License-Identifier: Apache-2.0
//
// Scores a depth video against the truth and for flicker.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("eval_depth", argc, argv); }
