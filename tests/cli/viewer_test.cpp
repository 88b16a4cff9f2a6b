// SPDX-License-Identifier: Apache-2.0
//
// 3d_view_depthfile as a server; tests/browser looks at its page.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <string>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "pipeline/http_server.h"
#include "support/http_client.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::RunningProgram;

class ViewerProgramTest : public testing::Test {
 protected:
  ViewerProgramTest() {
    test::ClipShape shape;
    test::MakeDepth(folder / "d.mkv", shape, test::BoxOnWall(shape, 2, 8));
    // A port that was free a moment ago.
    port =
        HttpServer(HttpServerOptions(), [](const HttpRequest&) { return HttpResponse(); }).port();
    arguments = {"--depth_video", folder / "d.mkv", "--xfov", "60", "--port", std::to_string(port)};
  }

  test::TempDir folder;
  int port = 0;
  RunningProgram::Arguments arguments;
};

TEST_F(ViewerProgramTest, ServesUntilInterruptedWhichIsNoFailure) {
  const auto before = test::Snapshot(folder.path());
  RunningProgram program("3d_view_depthfile", arguments);
  int connection = -1;
  while ((connection = test::ConnectTo(port)) < 0) usleep(20000);
  close(connection);
  EXPECT_EQ(test::Get(port, "/").status, 404);  // the token is missing
  ASSERT_EQ(kill(program.pid(), SIGINT), 0);
  const test::Outcome outcome = program.Wait();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const std::string url = "viewer: http://127.0.0.1:" + std::to_string(port) + "/";
  EXPECT_NE(outcome.out.find(url), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("ended: 0 frames"), std::string::npos) << outcome.out;
  EXPECT_EQ(test::Snapshot(folder.path()), before);
}

TEST_F(ViewerProgramTest, NamesAPortThatIsTaken) {
  const HttpServer server(HttpServerOptions(), [](const HttpRequest&) { return HttpResponse(); });
  arguments.back() = std::to_string(server.port());
  test::ExpectOneClearLine("3d_view_depthfile", test::RunProgram("3d_view_depthfile", arguments), 1,
                           {"port " + arguments.back(), "give another one"});
}

}  // namespace
}  // namespace mdvt
