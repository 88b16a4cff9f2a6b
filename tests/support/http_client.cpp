// SPDX-License-Identifier: Apache-2.0
#include "support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace mdvt::test {

int ConnectTo(int port) {
  const int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (connect(number, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return number;
  close(number);
  return -1;
}

std::string Exchange(int port, const std::string& bytes, bool half_close) {
  const int number = ConnectTo(port);
  if (number < 0) return "";
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = send(number, &bytes[sent], bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) break;
    sent += static_cast<size_t>(count);
  }
  if (half_close) shutdown(number, SHUT_WR);
  std::string answer;
  char buffer[65536];
  for (;;) {
    const ssize_t count = recv(number, buffer, sizeof(buffer), 0);
    if (count <= 0) break;
    answer.append(buffer, static_cast<size_t>(count));
  }
  close(number);
  return answer;
}

std::string Reply::Header(const std::string& name) const {
  const size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

Reply ParseReply(const std::string& bytes) {
  Reply reply;
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos || bytes.compare(0, 9, "HTTP/1.1 ") != 0) return reply;
  reply.status = std::atoi(bytes.c_str() + 9);
  reply.head = bytes.substr(0, end + 2);
  reply.body = bytes.substr(end + 4);
  return reply;
}

Reply Get(int port, const std::string& target, const std::string& headers) {
  return ParseReply(Exchange(port,
                             "GET " + target +
                                 " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                                 "\r\nConnection: close\r\n" + headers + "\r\n",
                             false));
}

}  // namespace mdvt::test
