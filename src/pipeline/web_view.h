// SPDX-License-Identifier: Apache-2.0
//
// The interactive viewer: a page for web browsers, served on this machine or written as files.
#pragma once

#include <string_view>
#include <vector>

#include "mdvt/core/run.h"
#include "mdvt/pipeline/depth_view.h"

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

}  // namespace mdvt
