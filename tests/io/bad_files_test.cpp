// SPDX-License-Identifier: Apache-2.0
//
// Files that must fail, each with the code and the text that a person will see. Row A4 of the
// scorecard.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/sidecar.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using namespace std::string_literals;

void Fov(const std::string& path) { ReadFovFile(path); }
void Convergence(const std::string& path) { ReadConvergenceFile(path); }
void Transformations(const std::string& path) { ReadTransformationsFile(path); }
void Batch(const std::string& path) { ReadBatchList(path); }
void Depth(const std::string& path) {
  DepthVideoReader reader(path);
  while (reader.Read()) {
  }
}

struct BadFile {
  const char* name;
  std::function<void(const std::string&)> read;
  std::string content;
  Code code;
  const char* text;
};

const std::string kIdentity = "[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]";

std::vector<BadFile> TextFiles() {
  return {
      {"empty.json", Fov, "", Code::kCorrupt, "FOV list: the text is empty (line 1, column 1)"},
      {"blank.json", Fov, " \n\t", Code::kCorrupt, "ends where a value is due (line 2, column 2)"},
      {"object.json", Fov, "{\"fov\": 60}", Code::kCorrupt, "expected a list of numbers"},
      {"cut.json", Fov, "[60.0, 61", Code::kCorrupt, "the text ends inside an array or object"},
      {"comma.json", Fov, "[60, ]", Code::kCorrupt, "not a JSON value (line 1, column 6)"},
      {"semicolon.json", Fov, "[60; 61]", Code::kCorrupt, "expected ',' or ']'"},
      {"german.json", Fov, "[48,25]x", Code::kCorrupt, "more text after the end of the value"},
      {"utf16.json", Fov, "\xFF\xFE[\0"s, Code::kCorrupt, "not a JSON value"},
      {"binary.json", Fov, "\x1A\x45\xDF\xA3", Code::kCorrupt, "not a JSON value"},
      {"wide.json", Fov, "[60, 180]", Code::kCorrupt, "frame 1 has a field of view of 180"},
      {"zero.json", Fov, "[0]", Code::kCorrupt, "must be in (0, 180)"},
      {"nan.json", Fov, "[NaN]", Code::kCorrupt, "frame 0 has a field of view of nan"},
      {"null.json", Fov, "[60, null]", Code::kCorrupt, "frame 1 is not a number of degrees"},
      {"huge.json", Fov, "[1e999]", Code::kCorrupt, "does not fit a 64-bit floating-point value"},
      {"deep.json", Fov, std::string(100, '['), Code::kCorrupt, "frame 0 is not a number"},
      {"deep2.json", Transformations, std::string(100, '['), Code::kCorrupt,
       "row 0 must be four numbers"},
      {"negative.json", Convergence, "[2.5, -0.1]", Code::kCorrupt,
       "frame 1 has a convergence distance of -0.1 m"},
      {"word.json", Convergence, "[\"near\"]", Code::kCorrupt, "neither a distance in metres"},
      {"minus_infinity.json", Convergence, "[-Infinity]", Code::kCorrupt, "must be 0 (parallel)"},
      {"minus_nan.json", Convergence, "[-NaN]", Code::kCorrupt, "not a JSON number"},
      {"scaled.json", Transformations, "[[[2,0,0,0],[0,2,0,0],[0,0,2,0],[0,0,0,1]]]",
       Code::kCorrupt, "frame 0: the 3x3 part is not a rotation, R^T R is off by 3"},
      {"mirror.json", Transformations,
       "[" + kIdentity + ", [[1,0,0,0],[0,-1,0,0],[0,0,1,0],[0,0,0,1]]]", Code::kCorrupt,
       "frame 1: the 3x3 part mirrors"},
      {"transposed.json", Transformations, "[[[1,0,0,0],[0,1,0,0],[0,0,1,0],[3,2,1,1]]]",
       Code::kCorrupt, "frame 0: the last row must be 0, 0, 0, 1"},
      {"three_by_four.json", Transformations, "[[[1,0,0,0],[0,1,0,0],[0,0,1,0]]]", Code::kCorrupt,
       "frame 0 must have four rows"},
      {"three_columns.json", Transformations, "[[[1,0,0],[0,1,0],[0,0,1]]]", Code::kCorrupt,
       "frame 0, row 0 must be four numbers"},
      {"one_matrix.json", Transformations, kIdentity, Code::kCorrupt,
       "frame 0 must have four rows"},
      {"lost.json", Transformations, "[[[1,0,0,NaN],[0,1,0,0],[0,0,1,0],[0,0,0,1]]]",
       Code::kCorrupt, "frame 0, row 0 has an entry that is not finite"},
      {"zeros.txt", Batch, "a.mp4\nb\0.mp4\n"s, Code::kCorrupt, "line 2 contains a zero byte"},
      {"latin1.txt", Batch, "caf\xE9.mp4\n", Code::kCorrupt, "line 1 is not valid UTF-8"},
      {"quotes.txt", Batch, "a.mp4\n\n\"\"\n", Code::kCorrupt, "line 3 is an empty path in quotes"},
      {"list.mp4", Depth, "a.mp4\nb.mp4\n", Code::kCorrupt, "list.mp4"},
      {"empty.mkv", Depth, "", Code::kCorrupt, "empty.mkv"},
  };
}

// A colour-like clip of 16x16 with these tags; sidecar text goes beside it.
struct BadVideo {
  const char* name;
  std::map<std::string, std::string> tags;
  const char* sidecar;  // null: none
  PixelFormat format;
  int green_error;  // added to G of every second pixel
  Code code;
  const char* text;
};

std::vector<BadVideo> Videos() {
  const PixelFormat rgb = PixelFormat::Rgb(8);
  return {
      {"range.mkv",
       {{"MDVT_MAX_DEPTH", "0"}},
       nullptr,
       rgb,
       0,
       Code::kCorrupt,
       "tag MDVT_MAX_DEPTH = \"0\", must be metres in [1e-6, 1e6]"},
      {"comma.mkv",
       {{"MDVT_MAX_DEPTH", "12,5"}},
       nullptr,
       rgb,
       0,
       Code::kCorrupt,
       "tag MDVT_MAX_DEPTH = \"12,5\""},
      {"encoding.mkv",
       {{"MDVT_ENCODING", "rgb32"}},
       nullptr,
       rgb,
       0,
       Code::kUnsupported,
       "tag MDVT_ENCODING = \"rgb32\" is not known"},
      {"version.mkv",
       {{"MDVT_VERSION", "2"}},
       nullptr,
       rgb,
       0,
       Code::kUnsupported,
       "MDVT_VERSION = 2: made by a newer mdvt"},
      {"mismatch.mkv",
       {{"MDVT_ENCODING", "gray16-linear-65535"}},
       nullptr,
       rgb,
       0,
       Code::kCorrupt,
       "tagged as gray16-linear-65535, which needs gray16 samples, the file has rgb8"},
      {"mask.mkv",
       {{"MDVT_KIND", "mask"}},
       nullptr,
       rgb,
       0,
       Code::kRefused,
       "MDVT_KIND says \"mask\""},
      {"range_geometry.mkv",
       {{"MDVT_DEPTH_GEOMETRY", "range"}},
       nullptr,
       rgb,
       0,
       Code::kRefused,
       "distances along the ray"},
      {"fov.mkv",
       {{"MDVT_XFOV", "200"}},
       nullptr,
       rgb,
       0,
       Code::kCorrupt,
       "MDVT_XFOV = \"200\", must be degrees in (0, 180)"},
      {"yuv.mkv",
       {},
       nullptr,
       PixelFormat::Yuv(420),
       0,
       Code::kRefused,
       "depth does not survive in YUV; give the lossless depth file"},
      {"rgb16bit.mkv",
       {},
       nullptr,
       PixelFormat::Rgb(16),
       0,
       Code::kRefused,
       "not a depth video, which has 8-bit RGB"},
      {"lossy.mkv", {}, nullptr, rgb, 1, Code::kRefused, "R and G differ in 50.00 %"},
      {"lossy_tagged.mkv",
       {{"MDVT_ENCODING", "rgb16-linear-255p4"}},
       nullptr,
       rgb,
       1,
       Code::kCorrupt,
       "frame 0: channels that must agree differ in 50.00 %"},
      {"sidecar.mkv",
       {},
       "[]",
       rgb,
       0,
       Code::kCorrupt,
       "sidecar.mkv.mdvt.json: depth sidecar: expected an object"},
      {"sidecar_twice.mkv",
       {},
       "{\"MDVT_XFOV\": 1, \"MDVT_XFOV\": 2}",
       rgb,
       0,
       Code::kCorrupt,
       "the key \"MDVT_XFOV\" stands twice"},
  };
}

void WriteVideo(const std::string& path, const BadVideo& bad) {
  VideoWriterOptions options;
  options.frame_rate = {25, 1};
  options.tags = bad.tags;
  VideoWriter writer(path, bad.format, 16, 16, options);
  Image image(bad.format, 16, 16);
  for (int plane = 0; plane < 3; ++plane) {
    for (int y = 0; y < bad.format.PlaneHeight(plane, 16); ++y) {
      for (int x = 0; x < bad.format.PlaneWidth(plane, 16); ++x) {
        const int value = (plane == 2 ? 16 * x : y) + (plane == 1 ? bad.green_error * (x % 2) : 0);
        if (bad.format.type == SampleType::kU16) {
          image.MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(value);
        } else {
          image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
        }
      }
    }
  }
  writer.Write(image, 0, 40);
  writer.Finish();
}

// True if reading fails as expected, and again the same way: nothing is left from the first time.
bool FailsAsExpected(const std::function<void(const std::string&)>& read, const std::string& path,
                     Code code, const std::string& part) {
  for (int round = 0; round < 2; ++round) {
    try {
      read(path);
      ADD_FAILURE() << path << " was accepted, expected: " << part;
      return false;
    } catch (const Error& error) {
      const std::string text = error.what();
      const bool good = error.code() == code && text.find(part) != std::string::npos &&
                        text.find(path) != std::string::npos &&
                        text.find('\n') == std::string::npos;
      EXPECT_TRUE(good) << CodeName(error.code()) << ": " << text << "\nexpected " << CodeName(code)
                        << ": " << part;
      if (!good) return false;
    }
  }
  return true;
}

TEST(BadFiles, FailForTheRightReason) {
  const test::LogCatcher log;
  const test::TempDir dir;
  int passed = 0, total = 0;
  for (const BadFile& bad : TextFiles()) {
    const std::string path = dir / bad.name;
    std::ofstream(path, std::ios::binary) << bad.content;
    ++total;
    passed += FailsAsExpected(bad.read, path, bad.code, bad.text);
  }
  for (const BadVideo& bad : Videos()) {
    const std::string path = dir / bad.name;
    WriteVideo(path, bad);
    if (bad.sidecar != nullptr) std::ofstream(DepthSidecarPath(path)) << bad.sidecar;
    ++total;
    passed += FailsAsExpected(Depth, path, bad.code, bad.text);
  }
  std::printf(
      "{\"id\":\"A4\",\"value\":%d,\"target\":%d,\"pass\":%s,"
      "\"measure\":\"bad text files and depth videos refused with their code and text\"}\n",
      passed, total, passed == total && total >= 40 ? "true" : "false");
  EXPECT_EQ(passed, total);
}

}  // namespace
}  // namespace mdvt
