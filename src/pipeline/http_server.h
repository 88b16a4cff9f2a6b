// SPDX-License-Identifier: Apache-2.0
//
// A small HTTP/1.1 server for pages that a program shows to the person in front of it.
//
// It listens on 127.0.0.1 alone, and what it serves lies below a path that begins with a random
// token of 128 bits: other users of the machine and pages from elsewhere cannot guess it. Requests
// whose Host is not this machine are refused, so that no foreign name that was pointed at 127.0.0.1
// (DNS rebinding) makes a browser treat the answers as its own. It opens no files: a function makes
// every answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mdvt {

struct HttpRequest {
  std::string path;               // below the token: "" for the page itself, "frames/12.bin"
  std::function<bool()> is_gone;  // nobody waits for the answer any more; cheap
};

struct HttpResponse {
  int status = 200;  // 200 or 404
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

struct HttpServerOptions {
  int port = 0;                 // 0: any that is free
  int max_connections = 32;     // more are told to come later (503)
  double request_seconds = 10;  // for all of a request, from its first byte
  double idle_seconds = 75;     // between two requests
  double stall_seconds = 30;    // without a byte taken of an answer
};

// GET and HEAD, one range per request (206, 416), connections that stay open. A request is at most
// 16 KiB and has no body. Each connection has a thread.
class HttpServer {
 public:
  // Called by several threads at once. An Error(kNotFound) becomes status 404, Error(kCancelled)
  // ends the connection, all else becomes status 500 with its text.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Throws Error(kIo) if the port cannot be had, naming it.
  HttpServer(const HttpServerOptions& options, Handler handler);
  // Ends all connections; waits for handlers that still work.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  const std::string& token() const;  // 32 hexadecimal digits
  std::string url() const;           // "http://127.0.0.1:PORT/TOKEN/"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
