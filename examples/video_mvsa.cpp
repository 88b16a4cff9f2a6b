// SPDX-License-Identifier: Apache-2.0
//
// MVSAnywhere is not run here: says what to take instead.
#include "common/refused_tool.h"

int main(int argc, char** argv) {
  return mdvt::example::RefuseTool(
      "video_mvsa",
      "MVSAnywhere is a network that mdvt does not run; video_metric_convert without "
      "--model finds depth by the camera's path, with no network",
      argc, argv);
}
