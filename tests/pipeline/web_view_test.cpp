// SPDX-License-Identifier: Apache-2.0
#include "pipeline/web_view.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/core/json.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/io/sidecar.h"
#include "support/http_client.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;
using test::Get;
using test::Reply;

// Every file below a folder with its content, hidden ones too.
std::map<std::string, std::string> FilesIn(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    files[fs::relative(entry.path(), folder).string()] = content.str();
  }
  return files;
}

uint32_t U32(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return value;
}

std::vector<std::string> RecordsOf(const std::string& pack) {
  std::vector<std::string> records;
  for (size_t i = 0; i < U32(pack, 0); ++i)
    records.push_back(
        pack.substr(U32(pack, 4 + 4 * i), U32(pack, 8 + 4 * i) - U32(pack, 4 + 4 * i)));
  return records;
}

class WebViewTest : public testing::Test {
 protected:
  WebViewTest() {
    shape.frames = 21;
    test::MakeDepth(folder / "d.mkv", shape, test::BoxOnWall(shape, 2, 8));
    // Long groups of pictures: jumping into the middle of them must give the same frame.
    test::MakeColor(folder / "c.mkv", shape, PixelFormat::Yuv(420), VideoCodec::kH264);
    options.scene.depth_video = folder / "d.mkv";
    options.scene.color_video = folder / "c.mkv";
    options.scene.fov.xfov_deg = 60;
    options.job.num_threads = 2;
  }

  test::TempDir folder;
  test::ClipShape shape;
  DepthViewJobOptions options;
};

// The viewer at work, in a thread of its own.
class Serving {
 public:
  explicit Serving(DepthViewJobOptions options) {
    std::promise<std::string> ready;
    options.on_ready = [&](const std::string& url) { ready.set_value(url); };
    control_.cancelled = &cancelled_;
    result_ = std::async(std::launch::async,
                         [this, options] { return ServeDepthView(options, control_); });
    std::future<std::string> url = ready.get_future();
    while (url.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
      if (result_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) result_.get();
    const std::string text = url.get();
    const size_t begin = std::string("http://127.0.0.1:").size();
    port_ = std::stoi(text.substr(begin));
    path_ = text.substr(text.find('/', begin));
  }
  ~Serving() {
    if (result_.valid()) Stop();
  }
  DepthViewReport Stop() {
    cancelled_ = true;
    return result_.get();
  }
  Reply Fetch(const std::string& name, const std::string& headers = "") const {
    return Get(port_, path_ + name, headers);
  }

 private:
  std::atomic<bool> cancelled_{false};
  RunControl control_;
  std::future<DepthViewReport> result_;
  int port_ = 0;
  std::string path_;
};

TEST_F(WebViewTest, ServesThePageAndTheClip) {
  Serving view(options);
  const Reply page = view.Fetch("");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.Header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(view.Fetch("viewer.js").Header("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(view.Fetch("style.css").status, 200);
  const Reply clip = view.Fetch("clip.json");
  ASSERT_EQ(clip.status, 200);
  const json::Value value = json::Parse(clip.body, {}, "clip");
  EXPECT_EQ(value.At("frames").AsInt(), 21);
  EXPECT_EQ(value.At("frames_per_file").AsInt(), 1);
  EXPECT_EQ(value.At("rate").AsDouble(), 24);
  EXPECT_EQ(value.At("width").AsInt(), shape.width);
  for (const char* name : {"frames/000021.bin", "frames/-00001.bin", "frames/0.bin", "frames/",
                           "frames/000000.bin.", "../d.mkv", "d.mkv", "cloud.bin",
                           "frames/../clip.json", "frames/999999999999999999999.bin"})
    EXPECT_EQ(view.Fetch(name).status, 404) << name;
  EXPECT_EQ(view.Fetch("frames/000003.bin", "Range: bytes=0-3\r\n").body.size(), 4u);
  EXPECT_EQ(view.Stop().frames, 1);
}

TEST_F(WebViewTest, GivesTheSameFramesInAnyOrderAndAsFiles) {
  options.export_html = folder / "page";
  const DepthViewReport report = ExportDepthView(options, {});
  EXPECT_EQ(report.frames, 21);
  const auto files = FilesIn(folder.path() / "page");
  std::set<std::string> names;
  for (const auto& [name, content] : files) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"camera.js", "clip.json", "frames.js",
                                          "frames/000000.bin", "frames/000001.bin", "index.html",
                                          "renderer.js", "style.css", "viewer.js"}));
  std::vector<std::string> records = RecordsOf(files.at("frames/000000.bin"));
  EXPECT_EQ(records.size(), 16u);
  for (const std::string& record : RecordsOf(files.at("frames/000001.bin")))
    records.push_back(record);
  ASSERT_EQ(records.size(), 21u);

  options.export_html.clear();
  Serving view(options);
  for (const int number : {20, 0, 7, 6, 8, 19, 1, 1, 2, 15}) {
    char name[40];
    std::snprintf(name, sizeof(name), "frames/%06d.bin", number);
    const std::vector<std::string> served = RecordsOf(view.Fetch(name).body);
    ASSERT_EQ(served.size(), 1u);
    EXPECT_TRUE(served[0] == records[static_cast<size_t>(number)]) << number;
  }
  // Many at once, as a page asks.
  std::vector<std::future<std::string>> replies;
  for (int number = 0; number < 21; ++number)
    replies.push_back(std::async(std::launch::async, [&view, number] {
      char name[40];
      std::snprintf(name, sizeof(name), "frames/%06d.bin", number);
      return view.Fetch(name).body;
    }));
  for (size_t number = 0; number < 21; ++number)
    EXPECT_TRUE(RecordsOf(replies[number].get()).at(0) == records[number]) << number;
}

TEST_F(WebViewTest, WritesTheSameBytesForEveryNumberOfThreads) {
  options.export_html = folder / "one";
  options.job.num_threads = 1;
  ExportDepthView(options, {});
  options.export_html = folder / "seven";
  options.job.num_threads = 7;
  ExportDepthView(options, {});
  EXPECT_TRUE(FilesIn(folder.path() / "one") == FilesIn(folder.path() / "seven"));
}

TEST_F(WebViewTest, LeavesNothingOfAnExportThatWasCancelled) {
  options.export_html = folder / "page";
  const auto before = FilesIn(folder.path());
  int calls = 0;
  RunControl control;
  control.on_progress = [&](const Progress&) { return ++calls < 1; };
  test::ExpectError(Code::kCancelled, "", [&] { ExportDepthView(options, control); });
  EXPECT_TRUE(FilesIn(folder.path()) == before);
  EXPECT_FALSE(fs::exists(folder / "page"));
}

TEST_F(WebViewTest, LeavesNothingOfAnExportThatFindsNoRoom) {
  options.export_html = folder / "page";
  const auto before = FilesIn(folder.path());
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit little = {20000, limit.rlim_max};
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
  test::ExpectError(Code::kIo, "frames/000000.bin", [&] { ExportDepthView(options, {}); });
  setrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGXFSZ, handler);
  EXPECT_TRUE(FilesIn(folder.path()) == before);
  EXPECT_FALSE(fs::exists(folder / "page"));
}

TEST_F(WebViewTest, KeepsAPageThatMayNotBeOverwritten) {
  options.export_html = folder / "page";
  ExportDepthView(options, {});
  const auto before = FilesIn(folder.path());
  options.job.overwrite = false;
  options.job.max_frames = 3;
  test::ExpectError(Code::kIo, "exists", [&] { ExportDepthView(options, {}); });
  EXPECT_TRUE(FilesIn(folder.path()) == before);
}

TEST_F(WebViewTest, TellsOptionsToThePage) {
  options.scene.remove_edges = true;
  options.scene.tear.depth = 0.5;
  options.scene.show_axes = true;
  options.width = 320;
  options.background_color = "102030";
  options.viewpoint.position = {1, -2, -3};
  options.viewpoint.target = {0, 0, 5};
  options.job.max_frames = 4;
  WriteTransformationsFile(folder / "t.json", std::vector<Pose>(21, Pose::Identity()));
  options.scene.transformation_file = folder / "t.json";
  PointCloud cloud;
  cloud.points = {{1, 2, 3}, {4, 5, 6}};
  cloud.colors = {{10, 20, 30}, {40, 50, 60}};
  WritePly(folder / "b.ply", cloud);
  options.scene.background_ply = folder / "b.ply";
  Serving view(options);
  const json::Value clip = json::Parse(view.Fetch("clip.json").body, {}, "clip");
  EXPECT_EQ(clip.At("frames").AsInt(), 4);
  EXPECT_TRUE(clip.At("show").At("tear").AsBool());
  EXPECT_FALSE(clip.At("show").At("camera").AsBool());
  EXPECT_EQ(clip.At("tear").AsArray().at(0).AsDouble(), 0.5);
  EXPECT_EQ(clip.At("canvas").AsArray().at(0).AsInt(), 320);
  EXPECT_EQ(clip.At("canvas").AsArray().at(1).AsInt(), 213);
  EXPECT_EQ(clip.At("background").AsString(), "102030");
  EXPECT_EQ(clip.At("position").AsArray().at(1).AsDouble(), -2);
  EXPECT_EQ(clip.At("path").size(), 21u);
  EXPECT_EQ(clip.At("clouds").AsArray().at(0).At("points").AsInt(), 2);
  const std::string bytes = view.Fetch("cloud.bin").body;
  ASSERT_EQ(bytes.size(), 24u + 8);
  EXPECT_EQ(U32(bytes, 4), 0x40000000u);  // 2.0
  EXPECT_EQ(bytes.substr(24, 6), std::string("\x0a\x14\x1e\x28\x32\x3c"));
}

TEST_F(WebViewTest, HidesWhatTheMaskHides) {
  options.scene.mask_video = folder / "m.mkv";
  const auto centre_of = [&] {
    Serving view(options);
    return json::Parse(view.Fetch("clip.json").body, {}, "clip").At("frustum_depth").AsDouble();
  };
  // White on the right half, in the first frames only.
  VideoWriterOptions writer_options;
  writer_options.codec = VideoCodec::kFfv1;
  writer_options.frame_rate = shape.rate;
  writer_options.time_base = Rational{shape.rate.den, shape.rate.num};
  VideoWriter writer(folder / "m.mkv", PixelFormat::Gray(8), shape.width, shape.height,
                     writer_options);
  Image mask(PixelFormat::Gray(8), shape.width, shape.height);
  for (int y = 0; y < shape.height; ++y)
    for (int x = 0; x < shape.width; ++x) mask.MutablePlane<uint8_t>().At(x, y) = x < 8 ? 255 : 0;
  for (int i = 0; i < 21; ++i) writer.Write(mask, i, 1);
  writer.Finish();
  options.draw_frame = 1;
  EXPECT_NEAR(centre_of(), 8, 0.01);  // the wall alone
  options.scene.invert_mask = true;
  EXPECT_LT(centre_of(), 7);  // the box too
}

TEST_F(WebViewTest, RefusesFilesThatDoNotFit) {
  test::ClipShape other = shape;
  other.frames = 20;
  test::MakeColor(folder / "short.mkv", other);
  options.scene.color_video = folder / "short.mkv";
  test::ExpectError(Code::kCorrupt, "20 frames", [&] { Serving view(options); });
  options.job.max_frames = 20;
  EXPECT_EQ(Serving(options).Stop().frames, 0);
  options.scene.color_video = folder / "c.mkv";
  options.draw_frame = 22;
  test::ExpectError(Code::kInvalidArgument, "there is no frame 22", [&] { Serving view(options); });
  other = shape;
  other.width = 100;
  test::MakeColor(folder / "wide.mkv", other);
  options.draw_frame = -1;
  options.scene.color_video = folder / "wide.mkv";
  test::ExpectError(Code::kCorrupt, "must have the same size", [&] { Serving view(options); });
}

TEST_F(WebViewTest, MakesLargeFramesSmaller) {
  test::ClipShape large;
  large.width = 2000;
  large.height = 1000;
  large.frames = 1;
  test::MakeDepth(folder / "large.mkv", large, test::Plane(3));
  options.scene.depth_video = folder / "large.mkv";
  options.scene.color_video.clear();
  Serving view(options);
  const std::string record = RecordsOf(view.Fetch("frames/000000.bin").body).at(0);
  EXPECT_EQ(U32(record, 12), 1280u);
  EXPECT_EQ(U32(record, 16), 640u);
}

TEST_F(WebViewTest, TellsADamagedFrameAndGoesOn) {
  std::fstream file(folder / "d.mkv", std::ios::in | std::ios::out | std::ios::binary);
  // In the middle of the file, so in the middle of some frame.
  const auto size = static_cast<std::streamoff>(fs::file_size(folder / "d.mkv"));
  file.seekp(size / 2);
  file.write("\xff\x00\xff\x00", 4);
  file.close();
  options.viewpoint.target = {0, 0, 5};
  options.draw_frame = -1;
  int damaged = 0, whole = 0;
  try {
    Serving view(options);
    for (int number = 0; number < 21; ++number) {
      char name[40];
      std::snprintf(name, sizeof(name), "frames/%06d.bin", number);
      const Reply reply = view.Fetch(name);
      if (reply.status == 200) ++whole;
      if (reply.status == 500 && reply.body.find("damaged") != std::string::npos) ++damaged;
    }
  } catch (const Error& error) {
    FAIL() << error.what();
  }
  EXPECT_EQ(damaged, 1);
  EXPECT_EQ(whole, 20);
}

}  // namespace
}  // namespace mdvt
