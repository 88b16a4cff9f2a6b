// SPDX-License-Identifier: Apache-2.0
#include "pipeline/web_view.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/output_set.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/depth_view_settings.h"
#include "pipeline/view_record.h"
#include "pipeline/web_clip.h"

namespace mdvt {
namespace {

using std::chrono::milliseconds;

// A request of an exported page brings so many frames: small enough to jump to, large enough that a
// film of hours is no folder of a hundred thousand files.
constexpr int kFramesPerFile = 16;

std::string FileOfFrames(int64_t number) {
  char name[40];
  std::snprintf(name, sizeof(name), "%06lld.bin", static_cast<long long>(number));
  return name;
}

// Lets one thread at a time read frames. Of those that wait the one with the next frame comes
// first, then the one after it and so on: so a clip is read on and on, however requests arrive.
class ReadingOrder {
 public:
  // Throws Error(kCancelled) if nobody waits for the frame any more.
  void Begin(int64_t number, const std::function<bool()>& is_gone) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto place = waiting_.insert(number);
    while (busy_ || Chosen() != number) {
      if (is_gone()) {
        waiting_.erase(place);
        changed_.notify_all();
        throw Error(Code::kCancelled, "cancelled");
      }
      changed_.wait_for(lock, milliseconds(50));
    }
    waiting_.erase(place);
    busy_ = true;
    next_ = number + 1;
  }
  void End() {
    const std::lock_guard<std::mutex> lock(mutex_);
    busy_ = false;
    changed_.notify_all();
  }

 private:
  int64_t Chosen() const {
    const auto next = waiting_.lower_bound(next_);
    return next != waiting_.end() ? *next : *waiting_.begin();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multiset<int64_t> waiting_;
  bool busy_ = false;
  int64_t next_ = 0;
};

// The answers to what the page asks for.
class LiveView {
 public:
  LiveView(const DepthViewJobOptions& options, ThreadPool* pool)
      : pool_(pool), clip_(options, pool) {
    clip_.Measure();
    description_ = json::Write(clip_.Describe(1)) + "\n";
  }

  int64_t frames_served() const { return frames_served_; }

  HttpResponse Answer(const HttpRequest& request) {
    if (std::optional<HttpResponse> page = AnswerWithPage(request)) return *page;
    HttpResponse response;
    const std::string& name = request.path;
    response.type = TypeOfWebFile(name);
    if (name == "clip.json") {
      response.body = description_;
    } else if (clip_.cloud() && name == clip_.cloud()->file) {
      response.body = clip_.cloud()->bytes;
    } else if (const std::optional<int64_t> number = NumberOf(name)) {
      response.body = PackViewRecords({Record(*number, request.is_gone)});
    } else {
      throw Error(Code::kNotFound, "Not Found");
    }
    return response;
  }

 private:
  // Of "frames/000012.bin".
  std::optional<int64_t> NumberOf(const std::string& name) const {
    constexpr std::string_view kFolder = "frames/";
    if (name.compare(0, kFolder.size(), kFolder) != 0) return std::nullopt;
    const auto number = ParseInt(name.substr(kFolder.size(), name.find('.') - kFolder.size()));
    if (!number || *number < 0 || *number >= clip_.frames()) return std::nullopt;
    if (name != std::string(kFolder) + FileOfFrames(*number)) return std::nullopt;
    return *number;
  }

  // Frames are read one after another and encoded side by side.
  std::string Record(int64_t number, const std::function<bool()>& is_gone) {
    WebFrame frame;
    order_.Begin(number, is_gone);
    try {
      const ComputeScope scope(pool_);
      frame = clip_.Read(number);
    } catch (...) {
      order_.End();
      throw;
    }
    order_.End();
    Require(!is_gone(), Code::kCancelled, "cancelled");
    const ComputeScope scope(pool_);
    std::string record = clip_.Encode(frame);
    ++frames_served_;
    return record;
  }

  ThreadPool* pool_;
  WebClip clip_;
  std::string description_;
  ReadingOrder order_;
  std::atomic<int64_t> frames_served_{0};
};

class WebExport {
 public:
  WebExport(const DepthViewJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        outputs_(options.job.overwrite),
        folder_(StageFolder()),
        frames_folder_(outputs_.AddFolder(options.export_html + "/frames")),
        clip_(options, graph_.pool()) {}

  DepthViewReport Run() {
    clip_.Measure();
    auto frames = graph_.From([this]() -> std::optional<WebFrame> {
      if (next_ == clip_.frames()) return std::nullopt;
      return clip_.Read(next_++);
    });
    auto records = graph_.Then(std::move(frames),
                               [this](const WebFrame& frame) { return clip_.Encode(frame); });
    graph_.Into(std::move(records), [this](std::string record) { Add(std::move(record)); });
    graph_.Run("export", clip_.frames());
    WriteFrames();
    for (const WebFile& file : WebFiles()) Write(folder_, std::string(file.name), file.content);
    Write(folder_, "clip.json",
          json::Write(clip_.Describe(kFramesPerFile), json::Layout::kPretty) + "\n");
    if (clip_.cloud()) Write(folder_, clip_.cloud()->file, clip_.cloud()->bytes);
    outputs_.CommitAll();
    DepthViewReport report;
    report.frames = graph_.frames_done();
    report.width = clip_.width();
    report.height = clip_.height();
    return report;
  }

 private:
  OutputFolder StageFolder() {
    AddInputs(&outputs_, options_);
    if (IsFile(options_.viewpoint)) outputs_.AddInput(options_.viewpoint.path);
    return outputs_.AddFolder(options_.export_html);
  }

  void Add(std::string record) {
    records_.push_back(std::move(record));
    if (records_.size() == kFramesPerFile) WriteFrames();
  }

  void WriteFrames() {
    if (records_.empty()) return;
    Write(frames_folder_, FileOfFrames(files_++), PackViewRecords(records_));
    records_.clear();
  }

  static void Write(const OutputFolder& folder, const std::string& name, std::string_view content) {
    WriteFile(folder.AddFile(name), content);
  }

  const DepthViewJobOptions& options_;
  Graph graph_;
  OutputSet outputs_;
  OutputFolder folder_;
  OutputFolder frames_folder_;
  WebClip clip_;
  int64_t next_ = 0;
  std::vector<std::string> records_;
  int64_t files_ = 0;
};

}  // namespace

const char* TypeOfWebFile(std::string_view name) {
  const std::string_view ending = name.substr(std::min(name.size(), name.rfind('.') + 1));
  if (ending == "html") return "text/html; charset=utf-8";
  if (ending == "js") return "text/javascript; charset=utf-8";
  if (ending == "css") return "text/css; charset=utf-8";
  if (ending == "json") return "application/json";
  return "application/octet-stream";
}

std::optional<HttpResponse> AnswerWithPage(const HttpRequest& request) {
  const std::string name = request.path.empty() ? "index.html" : request.path;
  for (const WebFile& file : WebFiles()) {
    if (file.name != name) continue;
    HttpResponse response;
    response.type = TypeOfWebFile(name);
    response.body = std::string(file.content);
    return response;
  }
  return std::nullopt;
}

void ServeUntilCancelled(int port, const OnReady& on_ready, HttpServer::Handler answer,
                         const std::function<int64_t()>& served, const RunControl& control) {
  HttpServerOptions options;
  options.port = port;
  const HttpServer server(options, std::move(answer));
  if (on_ready) {
    on_ready(server.url());
  } else {
    LogInfo("the viewer is at " + server.url());
  }
  ProgressMeter meter(control);
  meter.BeginPhase("viewer");
  try {
    for (;;) {
      meter.Update(served(), 0);
      std::this_thread::sleep_for(milliseconds(50));
    }
  } catch (const Error& error) {
    if (error.code() != Code::kCancelled) throw;
  }
}

DepthViewReport ServeDepthView(const DepthViewJobOptions& options, const RunControl& control) {
  ThreadPool pool(options.job.num_threads);
  LiveView view(options, &pool);
  ServeUntilCancelled(
      options.port, options.on_ready,
      [&view](const HttpRequest& request) { return view.Answer(request); },
      [&view] { return view.frames_served(); }, control);
  DepthViewReport report;
  report.frames = view.frames_served();
  return report;
}

DepthViewReport ExportDepthView(const DepthViewJobOptions& options, const RunControl& control) {
  return WebExport(options, control).Run();
}

}  // namespace mdvt
