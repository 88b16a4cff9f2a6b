// SPDX-License-Identifier: Apache-2.0
//
// The interactive viewer: a page for web browsers, served on this machine or written as files.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/depth_view.h"
#include "pipeline/http_server.h"

namespace mdvt {

// Serves the viewer on 127.0.0.1 until it is cancelled, and returns then: that is how a viewer
// ends. Calls options.on_ready with the page's address, or logs it. Frames are read as the page
// asks for them. Throws what WebClip and HttpServer throw; a frame that cannot be read later on is
// told on the page. The report counts the frames that were sent.
DepthViewReport ServeDepthView(const DepthViewJobOptions& options, const RunControl& control);

// Writes the page and all frames into the folder options.export_html. Nothing appears unless all of
// it does. Throws also Error(kCancelled), and Error(kIo) as OutputSet does.
DepthViewReport ExportDepthView(const DepthViewJobOptions& options, const RunControl& control);

// A file of the page, as it was built in.
struct WebFile {
  std::string_view name;
  std::string_view content;
};
const std::vector<WebFile>& WebFiles();

// Told the address of a page once it can be opened; empty: the address is logged.
using OnReady = std::function<void(const std::string& url)>;

// The type of a file of the page, by the ending of its name.
const char* TypeOfWebFile(std::string_view name);
// The answer where a file of WebFiles() is asked for; the page itself has the name "".
std::optional<HttpResponse> AnswerWithPage(const HttpRequest& request);
// Serves answers on 127.0.0.1 until it is cancelled, and returns then. `served` is the progress
// that is shown. Throws Error(kIo) if the port cannot be had.
void ServeUntilCancelled(int port, const OnReady& on_ready, HttpServer::Handler answer,
                         const std::function<int64_t()>& served, const RunControl& control);

}  // namespace mdvt
