// SPDX-License-Identifier: Apache-2.0
#include "pipeline/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <list>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/file_descriptor.h"
#include "core/lower_case.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxRequestBytes = 16384;

Clock::time_point After(double seconds) {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

std::string NewToken() {
  uint8_t bytes[16];
  for (size_t have = 0; have < sizeof(bytes);) {
    const ssize_t count = getrandom(bytes + have, sizeof(bytes) - have, 0);
    Require(count > 0 || errno == EINTR, Code::kIo,
            "the system gives no random numbers: " + SystemErrorText(errno));
    if (count > 0) have += static_cast<size_t>(count);
  }
  std::string token;
  for (const uint8_t byte : bytes) {
    token += "0123456789abcdef"[byte >> 4];
    token += "0123456789abcdef"[byte & 15];
  }
  return token;
}

// Takes the same time wherever the two differ.
bool SameSecret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned different = 0;
  for (size_t i = 0; i < a.size(); ++i)
    different |= static_cast<unsigned>(static_cast<uint8_t>(a[i] ^ b[i]));
  return different == 0;
}

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

struct ParsedRequest {
  int status = 0;  // 0, or the status of the refusal
  bool is_head = false;
  bool keep_alive = true;
  std::string target;
  std::string host;
  std::string range;
};

bool IsTokenCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

// RFC 9112, the strict half of it: what a browser sends passes, all that is doubtful is refused.
class RequestParser {
 public:
  explicit RequestParser(std::string_view text) : rest_(text) {}

  ParsedRequest Parse() {
    const std::optional<std::string_view> first = Line();
    if (!first || !RequestLine(*first)) return Refused(400);
    while (const std::optional<std::string_view> line = Line()) {
      if (line->empty()) return Checked();
      if (!HeaderLine(*line)) return Refused(400);
    }
    return Refused(400);
  }

 private:
  std::optional<std::string_view> Line() {
    const size_t end = rest_.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return line;
  }

  bool RequestLine(std::string_view line) {
    const size_t a = line.find(' ');
    const size_t b = line.rfind(' ');
    if (a == std::string_view::npos || a == b || a == 0) return false;
    method_ = line.substr(0, a);
    const std::string_view target = line.substr(a + 1, b - a - 1);
    const std::string_view version = line.substr(b + 1);
    if (!std::all_of(method_.begin(), method_.end(), IsTokenCharacter)) return false;
    const auto is_visible = [](char c) { return c > 0x20 && c < 0x7F; };
    if (!std::all_of(target.begin(), target.end(), is_visible)) return false;
    if (target.empty() || target.front() != '/') return false;
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
    request_.target = target.substr(0, target.find_first_of("?#"));
    request_.keep_alive = version == "HTTP/1.1";
    return true;
  }

  bool HeaderLine(std::string_view line) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    const std::string_view raw_name = line.substr(0, colon);
    if (!std::all_of(raw_name.begin(), raw_name.end(), IsTokenCharacter)) return false;
    const std::string name = Lower(raw_name);
    const std::string_view value = TrimBlanks(line.substr(colon + 1));
    for (const char c : value)
      if ((static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7F) return false;
    if (name == "host") {
      if (has_host_) return false;
      has_host_ = true;
      request_.host = Lower(value);
    } else if (name == "range") {
      request_.range = value;
    } else if (name == "connection") {
      const std::string wish = Lower(value);
      if (wish.find("close") != std::string::npos) request_.keep_alive = false;
    } else if (name == "transfer-encoding") {
      has_body_ = true;
    } else if (name == "content-length") {
      has_body_ = has_body_ || value != "0";
    }
    return true;
  }

  ParsedRequest Checked() {
    if (!has_host_) return Refused(400);
    if (method_ != "GET" && method_ != "HEAD") return Refused(405);
    if (has_body_) return Refused(413);
    request_.is_head = method_ == "HEAD";
    return request_;
  }

  ParsedRequest Refused(int status) {
    request_.status = status;
    request_.keep_alive = false;  // where the next request begins is not known
    request_.is_head = method_ == "HEAD";
    return request_;
  }

  std::string_view rest_;
  std::string_view method_;
  ParsedRequest request_;
  bool has_host_ = false;
  bool has_body_ = false;
};

// Bytes [begin, end) of a body.
struct ByteRange {
  size_t begin = 0;
  size_t end = 0;
};

enum class RangeKind { kWhole, kPart, kUnsatisfiable };

// RFC 9110, 14: a range that is no range, or several, may be passed over.
RangeKind ParseRange(std::string_view text, size_t size, ByteRange* range) {
  if (text.substr(0, 6) != "bytes=") return RangeKind::kWhole;
  text = TrimBlanks(text.substr(6));
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos)
    return RangeKind::kWhole;
  const auto number = [](std::string_view digits) -> std::optional<size_t> {
    if (digits.empty() || digits.size() > 18 ||
        digits.find_first_not_of("0123456789") != std::string_view::npos)
      return std::nullopt;
    return static_cast<size_t>(*ParseInt(digits));
  };
  const std::optional<size_t> first = number(text.substr(0, dash));
  const std::optional<size_t> last = number(text.substr(dash + 1));
  if (dash == 0) {  // the last so many bytes
    if (!last) return RangeKind::kWhole;
    if (*last == 0 || size == 0) return RangeKind::kUnsatisfiable;
    *range = {size - std::min(size, *last), size};
    return RangeKind::kPart;
  }
  if (!first || (!last && dash + 1 != text.size())) return RangeKind::kWhole;
  if (last && *last < *first) return RangeKind::kWhole;
  if (*first >= size) return RangeKind::kUnsatisfiable;
  *range = {*first, last ? std::min(size, *last + 1) : size};
  return RangeKind::kPart;
}

const char* ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 206:
      return "Partial Content";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

// What keeps a page that went astray from doing harm: it loads from here alone.
constexpr const char* kSecurityHeaders =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n";

}  // namespace

struct HttpServer::Impl {
  Impl(const HttpServerOptions& server_options, Handler request_handler)
      : options(server_options), handler(std::move(request_handler)), token(NewToken()) {
    Listen();
    int ends[2];
    Require(pipe2(ends, O_CLOEXEC) == 0, Code::kIo,
            "no pipe for the viewer: " + SystemErrorText(errno));
    wake_read = FileDescriptor(ends[0]);
    wake_write = FileDescriptor(ends[1]);
    acceptor = std::thread([this] { Accept(); });
  }

  ~Impl() {
    stopping = true;
    wake_write.Close();  // every poll() sees the other end hang up
    acceptor.join();
    for (Connection& connection : connections) connection.thread.join();
  }

  void Listen() {
    listener = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    Require(listener.is_open(), Code::kIo, "no socket for the viewer: " + SystemErrorText(errno));
    const int on = 1;
    setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(options.port));
    const auto* any = reinterpret_cast<const sockaddr*>(&address);
    if (bind(listener.get(), any, sizeof(address)) != 0 || listen(listener.get(), 64) != 0)
      throw Error(Code::kIo, "port " + std::to_string(options.port) + " of this machine: " +
                                 SystemErrorText(errno) + "; give another one, or none");
    socklen_t size = sizeof(address);
    Require(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0,
            Code::kIo, "the viewer's socket has no address: " + SystemErrorText(errno));
    port = ntohs(address.sin_port);
  }

  // Waits until the socket is ready for `events`; false when the time is over or the server stops.
  bool Await(int socket, short events, Clock::time_point deadline) const {
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0 || stopping) return false;
      pollfd entries[2] = {{socket, events, 0}, {wake_read.get(), 0, 0}};
      const int timeout = static_cast<int>(std::min<int64_t>(left + 1, 60000));
      const int ready = poll(entries, 2, timeout);
      if (ready < 0 && errno != EINTR) return false;
      if (stopping || (ready > 0 && entries[1].revents != 0)) return false;
      if (ready > 0 && entries[0].revents != 0) return true;
    }
  }

  void Accept() {
    while (!stopping) {
      try {
        if (Await(listener.get(), POLLIN, After(3600))) AcceptOne();
      } catch (const std::exception& error) {
        LogDebug(std::string("viewer: a connection failed: ") + error.what());
      }
    }
  }

  void AcceptOne() {
    FileDescriptor socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    Reap();
    if (!socket.is_open()) {
      // Out of descriptors, say: the next try may do, but not at once.
      if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        Await(wake_read.get(), POLLIN, After(0.1));
      return;
    }
    const int on = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    // A client that has its answer comes back at once, before the thread that gave it has ended.
    const Clock::time_point patience = After(0.25);
    while (IsFull() && !stopping && Clock::now() < patience) {
      Await(wake_read.get(), POLLIN, After(0.002));
      Reap();
    }
    if (IsFull()) {
      Refuse(socket.get(), 503, false);
      return;
    }
    connections.emplace_back();
    Connection& connection = connections.back();
    connection.socket = std::move(socket);
    try {
      connection.thread = std::thread([this, &connection] {
        Serve(connection.socket.get());
        shutdown(connection.socket.get(), SHUT_RDWR);
        connection.done = true;
      });
    } catch (const std::exception&) {  // no more threads, or no memory
      connections.pop_back();
    }
  }

  bool IsFull() const { return static_cast<int>(connections.size()) >= options.max_connections; }

  void Reap() {
    for (auto connection = connections.begin(); connection != connections.end();) {
      if (!connection->done) {
        ++connection;
        continue;
      }
      connection->thread.join();
      connection = connections.erase(connection);
    }
  }

  void Serve(int socket) noexcept {
    try {
      std::string buffer;
      bool keep_alive = true;
      while (keep_alive && !stopping) {
        int status = 0;
        const size_t length = ReadRequest(socket, &buffer, &status);
        if (status != 0) Refuse(socket, status, false);
        if (length == 0) break;
        const ParsedRequest request =
            RequestParser(std::string_view(buffer).substr(0, length)).Parse();
        buffer.erase(0, length);
        keep_alive = Answer(socket, request) && request.keep_alive;
      }
      // Bytes that were never read would make the system reset the connection, and the other side
      // might lose the last answer.
      shutdown(socket, SHUT_WR);
      char rest[4096];
      const Clock::time_point end = After(1);
      while (Await(socket, POLLIN, end) && recv(socket, rest, sizeof(rest), 0) > 0) continue;
    } catch (const std::exception& error) {  // no memory, say: this connection ends
      LogDebug(std::string("viewer: a connection failed: ") + error.what());
    }
  }

  // The length of the request at the beginning of the buffer; 0 if there is none any more, with the
  // status to refuse it by, if any.
  size_t ReadRequest(int socket, std::string* buffer, int* status) const {
    Clock::time_point deadline =
        After(buffer->empty() ? options.idle_seconds : options.request_seconds);
    for (;;) {
      const size_t end = buffer->find("\r\n\r\n");
      if (end != std::string::npos && end + 4 <= kMaxRequestBytes) return end + 4;
      if (buffer->size() >= kMaxRequestBytes) {
        *status = 431;
        return 0;
      }
      if (!Await(socket, POLLIN, deadline)) {
        if (!buffer->empty() && !stopping) *status = 408;
        return 0;
      }
      char bytes[4096];
      const ssize_t count = recv(socket, bytes, sizeof(bytes), 0);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count <= 0) return 0;
      if (buffer->empty()) deadline = After(options.request_seconds);
      buffer->append(bytes, static_cast<size_t>(count));
    }
  }

  bool Refuse(int socket, int status, bool is_head) const {
    HttpResponse response;
    response.status = status;
    response.body = std::string(ReasonOf(status)) + "\n";
    return Send(socket, response, "", is_head, false);
  }

  bool IsOurHost(const std::string& host) const {
    const std::string own_port = ":" + std::to_string(port);
    return host == "127.0.0.1" + own_port || host == "localhost" + own_port;
  }

  // False if the connection is of no use any more.
  bool Answer(int socket, const ParsedRequest& request) const {
    if (request.status != 0) return Refuse(socket, request.status, request.is_head) && false;
    if (!IsOurHost(request.host)) return Refuse(socket, 403, request.is_head) && false;
    // "/TOKEN/path"
    const std::string_view target = request.target;
    const size_t slash = target.find('/', 1);
    HttpResponse response;
    if (slash == std::string_view::npos || !SameSecret(target.substr(1, slash - 1), token)) {
      response.status = 404;
      response.body = "Not Found\n";
    } else {
      HttpRequest call;
      call.path = std::string(target.substr(slash + 1));
      call.is_gone = [this, socket] { return stopping || HasHungUp(socket); };
      try {
        response = handler(call);
      } catch (const Error& error) {
        if (error.code() == Code::kCancelled) return false;
        response = {error.code() == Code::kNotFound ? 404 : 500, HttpResponse().type,
                    std::string(error.what()) + "\n"};
      } catch (const std::exception& error) {
        response = {500, HttpResponse().type, std::string(error.what()) + "\n"};
      }
    }
    return Send(socket, response, request.range, request.is_head, request.keep_alive);
  }

  static bool HasHungUp(int socket) {
    pollfd entry = {socket, POLLRDHUP, 0};
    return poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }

  bool Send(int socket, const HttpResponse& response, const std::string& range_text, bool is_head,
            bool keep_alive) const {
    const size_t size = response.body.size();
    ByteRange range{0, size};
    int status = response.status;
    std::string extra;
    if (status == 200 && !range_text.empty()) {
      const RangeKind kind = ParseRange(range_text, size, &range);
      if (kind == RangeKind::kPart) {
        status = 206;
        extra = "Content-Range: bytes " + std::to_string(range.begin) + "-" +
                std::to_string(range.end - 1) + "/" + std::to_string(size) + "\r\n";
      } else if (kind == RangeKind::kUnsatisfiable) {
        status = 416;
        extra = "Content-Range: bytes */" + std::to_string(size) + "\r\n";
        range = {0, 0};
      }
    }
    if (status == 405) extra += "Allow: GET, HEAD\r\n";
    if (status == 503) extra += "Retry-After: 1\r\n";
    std::string head = "HTTP/1.1 " + std::to_string(status) + " " + ReasonOf(status) + "\r\n";
    head += "Content-Type: " + response.type + "\r\n";
    head += "Content-Length: " + std::to_string(range.end - range.begin) + "\r\n";
    head += "Accept-Ranges: bytes\r\n";
    head += "Cache-Control: no-store\r\n";
    head += keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
    head += kSecurityHeaders + extra + "\r\n";
    if (!SendAll(socket, head)) return false;
    if (is_head) return true;
    return SendAll(socket,
                   std::string_view(response.body).substr(range.begin, range.end - range.begin));
  }

  bool SendAll(int socket, std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count > 0) {
        bytes.remove_prefix(static_cast<size_t>(count));
      } else if (errno == EAGAIN) {
        if (!Await(socket, POLLOUT, After(options.stall_seconds))) return false;
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  struct Connection {
    FileDescriptor socket;
    std::thread thread;
    std::atomic<bool> done{false};
  };

  HttpServerOptions options;
  Handler handler;
  std::string token;
  int port = 0;
  FileDescriptor listener;
  FileDescriptor wake_read;
  FileDescriptor wake_write;
  std::atomic<bool> stopping{false};
  std::list<Connection> connections;  // of the acceptor
  std::thread acceptor;
};

HttpServer::HttpServer(const HttpServerOptions& options, Handler handler)
    : impl_(std::make_unique<Impl>(options, std::move(handler))) {}
HttpServer::~HttpServer() = default;

int HttpServer::port() const { return impl_->port; }
const std::string& HttpServer::token() const { return impl_->token; }
std::string HttpServer::url() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port) + "/" + impl_->token + "/";
}

}  // namespace mdvt
