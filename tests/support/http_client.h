// SPDX-License-Identifier: Apache-2.0
//
// A client of HTTP that can also say what no client should.
#pragma once

#include <string>

namespace mdvt::test {

// Sends these bytes to 127.0.0.1:port and returns all that comes until the other side closes, "" if
// the connection is refused or reset before anything came. With `half_close` nothing more is sent.
std::string Exchange(int port, const std::string& bytes, bool half_close = true);

// A connected socket, -1 if there is none; the caller closes it.
int ConnectTo(int port);

struct Reply {
  int status = 0;  // 0: there was none
  std::string head;
  std::string body;
  // Of a header, "" without.
  std::string Header(const std::string& name) const;
};
Reply ParseReply(const std::string& bytes);

// GET with these further header lines, each ended by "\r\n".
Reply Get(int port, const std::string& target, const std::string& headers = "");

}  // namespace mdvt::test
