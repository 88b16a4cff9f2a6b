// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "io/expect_error.h"
#include "mdvt/io/depth_video.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;

DepthTags Json(const std::string& text) { return DepthTags::FromJson(text.data(), text.size()); }

DepthTags Full() {
  DepthTags tags;
  tags.kind = "sbs_depth";
  tags.encoding = DepthEncoding::kRgb24Log;
  tags.max_depth = 1.0 / 3;
  tags.log_offset = 0.1;
  tags.geometry = DepthGeometry::kRange;
  tags.xfov_deg = 48.25;
  tags.yfov_deg = 30.000000000000004;
  tags.k = {1000.5, 999.25, -3, 1e-9};
  tags.source = "clip \"one\" \\ \x01\n\xC3\xA9.mp4";
  tags.source_frames = 1497;
  tags.frame_rate = Rational{30000, 1001};
  tags.sample_aspect = Rational{4, 3};
  return tags;
}

void ExpectSame(const DepthTags& a, const DepthTags& b) {
  EXPECT_EQ(a.ToTags(), b.ToTags());
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.encoding, b.encoding);
  EXPECT_EQ(a.max_depth, b.max_depth);
  EXPECT_EQ(a.log_offset, b.log_offset);
  EXPECT_EQ(a.geometry, b.geometry);
  EXPECT_EQ(a.xfov_deg, b.xfov_deg);
  EXPECT_EQ(a.yfov_deg, b.yfov_deg);
  EXPECT_EQ(a.k, b.k);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.source_frames, b.source_frames);
  EXPECT_EQ(a.frame_rate, b.frame_rate);
  EXPECT_EQ(a.sample_aspect, b.sample_aspect);
}

TEST(DepthTags, AreWrittenAsDocumented) {
  const std::map<std::string, std::string> expected = {
      {"MDVT_VERSION", "1"},
      {"MDVT_ZERO", "invalid"},
      {"MDVT_KIND", "sbs_depth"},
      {"MDVT_ENCODING", "rgb24-log"},
      {"MDVT_LOG_OFFSET", "0.1"},
      {"MDVT_MAX_DEPTH", "0.3333333333333333"},
      {"MDVT_XFOV", "48.25"},
      {"MDVT_YFOV", "30.000000000000004"},
      {"MDVT_K", "1000.5 999.25 -3 1e-09"},
      {"MDVT_SOURCE", "clip \"one\" \\ \x01\n\xC3\xA9.mp4"},
      {"MDVT_SOURCE_FRAMES", "1497"},
      {"MDVT_FPS", "30000/1001"},
      {"MDVT_SAR", "4:3"},
      {"MDVT_DEPTH_GEOMETRY", "range"}};
  EXPECT_EQ(Full().ToTags(), expected);
  EXPECT_EQ(DepthTags().ToTags(),
            (std::map<std::string, std::string>{{"MDVT_VERSION", "1"}, {"MDVT_ZERO", "invalid"}}));
}

TEST(DepthTags, RoundTrip) {
  ExpectSame(DepthTags::FromTags(Full().ToTags()), Full());
  ExpectSame(Json(Full().ToJson()), Full());
  ExpectSame(Json("{}"), DepthTags());
}

TEST(DepthTags, SidecarTakesNumbersAndText) {
  const DepthTags tags = Json(
      "{\"MDVT_MAX_DEPTH\": 20, \"MDVT_XFOV\": \"48.5\", \"MDVT_SOURCE_FRAMES\": 7,"
      " \"note\": \"mine\", \"MDVT_FUTURE\": 1}");
  EXPECT_EQ(tags.max_depth, 20);
  EXPECT_EQ(tags.xfov_deg, 48.5);
  EXPECT_EQ(tags.source_frames, 7);
  EXPECT_FALSE(tags.encoding);
}

TEST(DepthTags, RefusesValuesThatCannotBe) {
  const struct {
    const char* key;
    std::vector<const char*> values;
  } cases[] = {
      {"MDVT_VERSION", {"", "one", "-1", "1.0"}},
      {"MDVT_MAX_DEPTH", {"", "0", "-1", "nan", "inf", "1e7", "1e-7", "100 m", "1,5", " 100"}},
      {"MDVT_LOG_OFFSET", {"0", "-2", "nan", "x"}},
      {"MDVT_DEPTH_GEOMETRY", {"", "Z", "planar"}},
      {"MDVT_XFOV", {"0", "180", "-1", "nan", "wide"}},
      {"MDVT_YFOV", {"0", "180", "360"}},
      {"MDVT_K",
       {"", "1", "1 2 3", "1 2 3 4 5", "0 1 2 3", "1 -1 2 3", "1 1 nan 0", "1  2 3 4", "1 2 3 4 ",
        "inf 1 0 0"}},
      {"MDVT_SOURCE_FRAMES", {"-1", "1.5", "", "99999999999999999999"}},
      {"MDVT_FPS", {"0", "-24", "24/0", "24fps", "", "1/-2"}},
      {"MDVT_SAR", {"0:1", "1:0", "-1:1", "square"}},
  };
  for (const auto& c : cases) {
    for (const char* value : c.values) {
      SCOPED_TRACE(std::string(c.key) + " = " + value);
      ExpectError(Code::kCorrupt, std::string(c.key) + " = \"" + value + "\"", [&] {
        DepthTags::FromTags({{c.key, value}});
      });
      DepthTags tags;
      tags.source = value;  // quoted as JSON wants it
      std::string json = tags.ToJson();
      json.replace(json.find("MDVT_SOURCE"), std::string("MDVT_SOURCE").size(), c.key);
      if (std::string(c.key) == "MDVT_VERSION") continue;  // stands there twice now
      ExpectError(Code::kCorrupt, std::string("depth sidecar: ") + c.key, [&] { Json(json); });
    }
  }
}

TEST(DepthTags, RefusesWhatIsNewer) {
  ExpectError(Code::kUnsupported, "MDVT_VERSION = 2", [] {
    DepthTags::FromTags({{"MDVT_VERSION", "2"}});
  });
  ExpectError(Code::kUnsupported, "MDVT_ENCODING = \"gray32f\"", [] {
    DepthTags::FromTags({{"MDVT_ENCODING", "gray32f"}});
  });
  ExpectError(Code::kUnsupported, "MDVT_ZERO = \"near\"", [] {
    DepthTags::FromTags({{"MDVT_ZERO", "near"}});
  });
}

TEST(DepthTags, LeavesTheEncodingOfOtherKindsAlone) {
  const DepthTags tags =
      DepthTags::FromTags({{"MDVT_KIND", "infillmask"}, {"MDVT_ENCODING", "normal8-v2"}});
  EXPECT_EQ(tags.kind, "infillmask");
  EXPECT_FALSE(tags.encoding);
  ExpectError(Code::kUnsupported, "MDVT_ENCODING", [] {
    DepthTags::FromTags({{"MDVT_KIND", "depth"}, {"MDVT_ENCODING", "normal8-v2"}});
  });
}

TEST(DepthTags, LongValuesAreCutInErrors) {
  const std::string large(100000, '7');
  try {
    DepthTags::FromTags({{"MDVT_SAR", large}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_LT(std::string(error.what()).size(), 200u);
  }
}

TEST(DepthTags, SidecarMustBeAFlatObject) {
  ExpectError(Code::kCorrupt, "expected an object", [] { Json("[]"); });
  ExpectError(Code::kCorrupt, "the text is empty", [] { Json(""); });
  ExpectError(Code::kCorrupt, "stands twice", [] { Json("{\"a\": 1, \"a\": 1}"); });
  for (const char* value : {"null", "true", "[1]", "{\"b\": 1}"}) {
    ExpectError(Code::kCorrupt, "neither text nor a number",
                [&] { Json(std::string("{\"a\": ") + value + "}"); });
  }
  ExpectError(Code::kCorrupt, "more text after the end", [] { Json("{} {}"); });
  ExpectError(Code::kCorrupt, "MDVT_MAX_DEPTH = \"nan\"",
              [] { Json("{\"MDVT_MAX_DEPTH\": NaN}"); });
  std::string many = "{";
  for (int i = 0; i < 1002; ++i) many += (i ? ",\"" : "\"") + std::to_string(i) + "\":1";
  ExpectError(Code::kLimit, "more than 1000 keys", [&] { Json(many + "}"); });
}

TEST(DepthTags, CameraComesFromIntrinsicsOrFields) {
  DepthTags tags;
  EXPECT_FALSE(tags.CameraFor(640, 360));
  tags.xfov_deg = 90;
  EXPECT_NEAR(tags.CameraFor(640, 360)->fx, 320, 1e-9);
  EXPECT_NEAR(tags.CameraFor(640, 360)->fy, 320, 1e-9);
  tags.k = {500, 510, 321, 179};
  EXPECT_EQ(tags.CameraFor(640, 360)->fx, 500);
  EXPECT_EQ(tags.CameraFor(640, 360)->fy, 510);
  EXPECT_EQ(tags.CameraFor(640, 360)->cx, 321);
  EXPECT_EQ(tags.CameraFor(640, 360)->cy, 179);
  EXPECT_EQ(tags.CameraFor(640, 360)->width, 640);
}

}  // namespace
}  // namespace mdvt
