// SPDX-License-Identifier: Apache-2.0
#include "pipeline/http_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "io/expect_error.h"
#include "support/http_client.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::Exchange;
using test::Get;
using test::ParseReply;
using test::Reply;

constexpr const char* kText = "0123456789";

// Of a folder, such as /proc/self/fd.
int CountEntries(const char* folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

HttpResponse Answer(const HttpRequest& request) {
  HttpResponse response;
  if (request.path == "missing") throw Error(Code::kNotFound, "nothing of that name");
  if (request.path == "damaged") throw Error(Code::kCorrupt, "frame 3 is damaged");
  if (request.path == "empty") return response;
  response.type = "text/plain";
  response.body = request.path.empty() ? "page" : kText;
  return response;
}

class HttpServerTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return "/" + server.token() + "/" + name; }
  std::string Host() const { return "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"; }
  Reply Send(const std::string& bytes) const { return ParseReply(Exchange(server.port(), bytes)); }

  HttpServer server{HttpServerOptions(), Answer};
};

TEST_F(HttpServerTest, GivesPagesBelowItsTokenOnly) {
  EXPECT_EQ(server.token().size(), 32u);
  EXPECT_EQ(server.url(),
            "http://127.0.0.1:" + std::to_string(server.port()) + "/" + server.token() + "/");
  EXPECT_EQ(Get(server.port(), Path("")).body, "page");
  EXPECT_EQ(Get(server.port(), Path("x?y=1")).body, kText);
  std::string other = server.token();
  other[31] = other[31] == '0' ? '1' : '0';
  for (const std::string& target :
       {std::string("/"), "/" + server.token(), "/" + other + "/", std::string("/x"),
        std::string("//"), "/" + server.token().substr(1) + "/", "/" + server.token() + "0/",
        "/%2e/" + server.token() + "/", std::string("/../../etc/passwd")})
    EXPECT_EQ(Get(server.port(), target).status, 404) << target;
  EXPECT_NE(HttpServer(HttpServerOptions(), Answer).token(), server.token());
}

TEST_F(HttpServerTest, TellsBrowsersToTrustNothingElse) {
  const Reply reply = Get(server.port(), Path("x"));
  EXPECT_NE(reply.Header("Content-Security-Policy").find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(reply.Header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(reply.Header("Referrer-Policy"), "no-referrer");
  EXPECT_EQ(reply.Header("Cache-Control"), "no-store");
  EXPECT_EQ(reply.Header("Access-Control-Allow-Origin"), "");
}

TEST_F(HttpServerTest, RefusesForeignHosts) {
  const std::string port = ":" + std::to_string(server.port());
  const auto with_host = [&](const std::string& host) {
    return Send("GET " + Path("x") + " HTTP/1.1\r\nConnection: close\r\n" + host + "\r\n").status;
  };
  EXPECT_EQ(with_host("Host: localhost" + port + "\r\n"), 200);
  EXPECT_EQ(with_host("HOST:  LocalHost" + port + " \r\n"), 200);
  for (const std::string& host :
       {"evil.example" + port, std::string("127.0.0.1"), std::string("127.0.0.1:1"),
        "127.0.0.1.evil.example" + port, "[::1]" + port, std::string()})
    EXPECT_EQ(with_host("Host: " + host + "\r\n"), 403) << host;
  EXPECT_EQ(with_host(""), 400);
  EXPECT_EQ(with_host(Host() + Host()), 400);
}

TEST_F(HttpServerTest, GivesRanges) {
  struct Case {
    const char* range;
    int status;
    const char* body;
    const char* content_range;
  };
  const Case cases[] = {{"bytes=0-0", 206, "0", "bytes 0-0/10"},
                        {"bytes=2-4", 206, "234", "bytes 2-4/10"},
                        {"bytes=7-", 206, "789", "bytes 7-9/10"},
                        {"bytes=-3", 206, "789", "bytes 7-9/10"},
                        {"bytes=-99", 206, kText, "bytes 0-9/10"},
                        {"bytes=8-99", 206, "89", "bytes 8-9/10"},
                        {"bytes=10-", 416, "", "bytes */10"},
                        {"bytes=-0", 416, "", "bytes */10"},
                        {"bytes=999999999999999999-", 416, "", "bytes */10"},
                        {"bytes=4-2", 200, kText, ""},
                        {"bytes=1-2,4-5", 200, kText, ""},
                        {"bytes=a-b", 200, kText, ""},
                        {"bytes=99999999999999999999-", 200, kText, ""},
                        {"bytes=-", 200, kText, ""},
                        {"lines=1-2", 200, kText, ""}};
  for (const Case& c : cases) {
    const Reply reply = Get(server.port(), Path("x"), "Range: " + std::string(c.range) + "\r\n");
    EXPECT_EQ(reply.status, c.status) << c.range;
    EXPECT_EQ(reply.body, c.body) << c.range;
    EXPECT_EQ(reply.Header("Content-Range"), c.content_range) << c.range;
    EXPECT_EQ(reply.Header("Accept-Ranges"), "bytes");
    EXPECT_EQ(reply.Header("Content-Length"), std::to_string(reply.body.size()));
  }
  EXPECT_EQ(Get(server.port(), Path("empty"), "Range: bytes=0-\r\n").status, 416);
}

TEST_F(HttpServerTest, AnswersHeadWithoutBody) {
  const Reply reply =
      Send("HEAD " + Path("x") + " HTTP/1.1\r\n" + Host() + "Connection: close\r\n\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("Content-Length"), "10");
  EXPECT_EQ(reply.body, "");
}

TEST_F(HttpServerTest, KeepsConnectionsOpenAndOrdersAnswers) {
  const std::string one = "GET " + Path("x") + " HTTP/1.1\r\n" + Host() + "\r\n";
  const std::string answer = Exchange(server.port(), one + one + one);
  size_t count = 0;
  for (size_t at = answer.find("HTTP/1.1 200"); at != std::string::npos;
       at = answer.find("HTTP/1.1 200", at + 1))
    ++count;
  EXPECT_EQ(count, 3u);
}

TEST_F(HttpServerTest, TellsErrorsOfTheHandler) {
  EXPECT_EQ(Get(server.port(), Path("missing")).status, 404);
  const Reply reply = Get(server.port(), Path("damaged"));
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body, "frame 3 is damaged\n");
}

TEST_F(HttpServerTest, RefusesWhatIsNoSmallGet) {
  const std::string get = "GET " + Path("x") + " HTTP/1.1\r\n" + Host();
  EXPECT_EQ(Send("POST " + Path("x") + " HTTP/1.1\r\n" + Host() + "\r\n").status, 405);
  EXPECT_EQ(Send("OPTIONS " + Path("x") + " HTTP/1.1\r\n" + Host() + "\r\n").status, 405);
  EXPECT_EQ(Send(get + "Content-Length: 5\r\n\r\nhello").status, 413);
  EXPECT_EQ(Send(get + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").status, 413);
  EXPECT_EQ(Send(get + "X: " + std::string(20000, 'a') + "\r\n\r\n").status, 431);
  EXPECT_EQ(Send(std::string(100000, 'a')).status, 431);
  for (const std::string& bad :
       {std::string("GET\r\n\r\n"), std::string("GET  \r\n\r\n"), std::string("\r\n\r\n"),
        "GET " + Path("x") + "\r\n" + Host() + "\r\n", get + "no colon\r\n\r\n",
        get + ": no name\r\n\r\n", get + "a b: c\r\n\r\n", get + " folded: c\r\n\r\n",
        "GET " + Path("x") + " HTTP/2.0\r\n" + Host() + "\r\n",
        "GET http://127.0.0.1/ HTTP/1.1\r\n" + Host() + "\r\n",
        "GET " + Path("\x01") + " HTTP/1.1\r\n" + Host() + "\r\n",
        get + "A: b" + std::string(1, '\0') + "\r\n\r\n"})
    EXPECT_EQ(Send(bad).status, 400) << bad;
}

TEST_F(HttpServerTest, SurvivesWhateverIsSent) {
  auto rng = test::Rng();
  const std::string good = "GET " + Path("x") + " HTTP/1.1\r\n" + Host() +
                           "Range: bytes=2-5\r\nConnection: close\r\n\r\n";
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good;
    for (uint64_t change = rng() % 8; change > 0; --change) {
      const size_t at = rng() % (bytes.size() + 1);
      switch (rng() % 4) {
        case 0:
          bytes.insert(at, 1, static_cast<char>(rng()));
          break;
        case 1:
          bytes.erase(at, rng() % 9);
          break;
        case 2:
          bytes.insert(at, bytes.substr(rng() % bytes.size(), rng() % 60));
          break;
        default:
          if (at < bytes.size()) bytes[at] = static_cast<char>(rng());
      }
      if (bytes.empty()) break;
    }
    const std::string answer = Exchange(server.port(), bytes);
    // A whole answer or none: never half a head, never another protocol.
    if (!answer.empty()) {
      EXPECT_NE(ParseReply(answer).status, 0) << bytes;
    }
  }
  EXPECT_EQ(Get(server.port(), Path("x")).body, kText);
}

TEST_F(HttpServerTest, AnswersManyAtOnce) {
  std::atomic<int> right{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 24; ++i)
    clients.emplace_back([&] {
      for (int k = 0; k < 20; ++k)
        if (Get(server.port(), Path("x")).body == kText) ++right;
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, 24 * 20);
}

TEST(HttpServer, BoundsConnectionsAndTimes) {
  const int descriptors = CountEntries("/proc/self/fd");
  const int threads = CountEntries("/proc/self/task");
  {
    HttpServerOptions options;
    options.max_connections = 4;  // which may be idle as long as this test takes
    const HttpServer server(options, Answer);
    const std::string path = "/" + server.token() + "/x";
    std::vector<int> idle;
    for (int i = 0; i < 4; ++i) idle.push_back(test::ConnectTo(server.port()));
    // The last of them is certainly taken once one more is refused.
    Reply refused;
    do refused = Get(server.port(), path);  // the system may reset what is closed before it is read
    while (refused.status == 0);
    EXPECT_EQ(refused.status, 503);
    for (const int number : idle) close(number);
    Reply reply;
    while ((reply = Get(server.port(), path)).status != 200)
      ASSERT_TRUE(reply.status == 503 || reply.status == 0);

    // Whoever begins a request and does not end it is told so.
    options.request_seconds = 0.2;
    const HttpServer hasty(options, Answer);
    const std::string slow = Exchange(hasty.port(), "GET / HTTP/1.1\r\n", false);
    EXPECT_EQ(ParseReply(slow).status, 408);
  }
  // A thread that has been joined may still be listed for a moment.
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (CountEntries("/proc/self/task") != threads && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(CountEntries("/proc/self/task"), threads);
  EXPECT_EQ(CountEntries("/proc/self/fd"), descriptors);
}

TEST(HttpServer, EndsWhileClientsWait) {
  std::atomic<bool> called{false};
  auto server = std::make_unique<HttpServer>(HttpServerOptions(),
                                             [&](const HttpRequest& request) -> HttpResponse {
                                               called = true;
                                               while (!request.is_gone()) std::this_thread::yield();
                                               throw Error(Code::kCancelled, "cancelled");
                                             });
  const std::string path = "/" + server->token() + "/x";
  const int port = server->port();
  std::thread client([&] { EXPECT_EQ(Get(port, path).status, 0); });
  while (!called) std::this_thread::yield();
  server.reset();
  client.join();
  EXPECT_NE(Get(port, path).status, 200);  // by now the port may be that of another program
}

TEST(HttpServer, NoticesThatNobodyWaitsAnyMore) {
  std::atomic<bool> called{false}, gone{false};
  const HttpServer server(HttpServerOptions(), [&](const HttpRequest& request) -> HttpResponse {
    called = true;
    while (!request.is_gone()) std::this_thread::yield();
    gone = true;
    throw Error(Code::kCancelled, "cancelled");
  });
  const int number = test::ConnectTo(server.port());
  const std::string request = "GET /" + server.token() +
                              "/x HTTP/1.1\r\nHost: localhost:" + std::to_string(server.port()) +
                              "\r\n\r\n";
  ASSERT_EQ(send(number, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  while (!called) std::this_thread::yield();
  close(number);
  while (!gone) std::this_thread::yield();
}

TEST(HttpServer, NamesAPortThatIsTaken) {
  const HttpServer server(HttpServerOptions(), Answer);
  HttpServerOptions options;
  options.port = server.port();
  test::ExpectError(Code::kIo, "port " + std::to_string(server.port()),
                    [&] { HttpServer(options, Answer); });
}

}  // namespace
}  // namespace mdvt
