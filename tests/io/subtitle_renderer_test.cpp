// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/subtitle_renderer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

std::vector<SubtitleCue> Cues(const std::string& text) {
  return ParseSubtitleCues(text.data(), text.size());
}

std::string Write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(SubtitleCues, AreReadFromSubRip) {
  const auto cues = Cues(
      "\xEF\xBB\xBF"
      "2\r\n00:00:03,000 --> 00:00:04,250\r\n<i>two</i>\r\nlines\r\n\r\n"
      "1\n00:00:01,000 --> 00:00:02,500\none\n\n\n3\n01:02:03,004 --> 01:02:05,000\nthree");
  ASSERT_EQ(cues.size(), 3u);
  EXPECT_EQ(cues[0].text, "one");
  EXPECT_EQ(cues[0].begin_ms, 1000);
  EXPECT_EQ(cues[0].end_ms, 2500);
  EXPECT_EQ(cues[1].text, "<i>two</i>\nlines");
  EXPECT_EQ(cues[1].end_ms, 4250);
  EXPECT_EQ(cues[2].begin_ms, 3723004);
}

TEST(SubtitleCues, AreReadFromWebVtt) {
  const auto cues = Cues(
      "WEBVTT - a title\n\nNOTE nothing\n\nSTYLE\n::cue {color: red}\n\nid\n"
      "00:01.000 --> 00:02.000 position:10% line:0\nfirst\n\n100:00:00.000 --> "
      "100:00:01.000\nlast\n");
  ASSERT_EQ(cues.size(), 2u);
  EXPECT_EQ(cues[0].begin_ms, 1000);
  EXPECT_EQ(cues[0].end_ms, 2000);
  EXPECT_EQ(cues[0].text, "first");
  EXPECT_EQ(cues[1].begin_ms, 360000000);
}

TEST(SubtitleCues, OthersAreRefused) {
  const auto fails = [](const std::string& text, const std::string& part) {
    ExpectError(Code::kCorrupt, part, [&] { Cues(text); });
  };
  fails("", "no subtitles");
  fails("just a text\n", "no subtitles");
  fails("00:00:01,000 --> 00:00:00,500\nbackwards\n", "no subtitles");
  fails("00:00:01,000 --> 00:00:02,500\n\n", "no subtitles");
  fails("00:-1:01,000 --> 00:00:02,500\nx\n", "no subtitles");
  fails("99999999999999999999:00:01,000 --> 00:00:02,500\nx\n", "no subtitles");
  fails("00:00:01,000 --> 00:00:02,500\nna\xEFve\n", "not UTF-8");
}

class Subtitles : public ::testing::Test {
 protected:
  Subtitles() {
    options_.width = 320;
    options_.height = 180;
  }
  const TempDir dir_;
  SubtitleRendererOptions options_;
};

TEST_F(Subtitles, AreDrawnWhileTheyLast) {
  const std::string path = Write(dir_ / "a.srt",
                                 "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n"
                                 "2\n00:00:03,000 --> 00:00:04,000\nA longer line of text\n");
  SubtitleRenderer subtitles = SubtitleRenderer::OfFile(path, options_);
  EXPECT_TRUE(subtitles.At(0.999).bitmaps.empty());
  const SubtitlePicture first = subtitles.At(1);
  ASSERT_FALSE(first.bitmaps.empty());
  EXPECT_EQ(first.lines, (std::vector<int64_t>{0}));
  EXPECT_GT(first.y, 100) << "below";
  EXPECT_NEAR(first.x + first.width / 2.0, 160, 3) << "in the middle";
  int most = 0;
  for (const SubtitleBitmap& bitmap : first.bitmaps) {
    for (int y = 0; y < bitmap.coverage.height(); ++y)
      for (int x = 0; x < bitmap.coverage.width(); ++x)
        if (bitmap.rgb == std::array<uint8_t, 3>{255, 255, 255})
          most = std::max<int>(most, bitmap.coverage.Plane<uint8_t>().At(x, y));
  }
  EXPECT_GT(most, 200) << "white letters";
  EXPECT_FALSE(subtitles.At(1.999).bitmaps.empty());
  EXPECT_TRUE(subtitles.At(2.001).bitmaps.empty());
  EXPECT_TRUE(subtitles.At(2.5).lines.empty());
  const SubtitlePicture second = subtitles.At(3.5);
  EXPECT_EQ(second.lines, (std::vector<int64_t>{1}));
  EXPECT_GT(second.width, first.width);
}

TEST_F(Subtitles, PixelsMayBeWide) {
  const std::string path = Write(dir_ / "a.vtt", "WEBVTT\n\n00:00.000 --> 00:02.000\nHello\n");
  const SubtitlePicture square = SubtitleRenderer::OfFile(path, options_).At(1);
  options_.width = 160;
  options_.pixel_aspect = 2;
  const SubtitlePicture half = SubtitleRenderer::OfFile(path, options_).At(1);
  EXPECT_NEAR(half.width, square.width / 2.0, 3);
  EXPECT_NEAR(half.height, square.height, 2);
}

TEST_F(Subtitles, StylesOfAssAreUsed) {
  const std::string path =
      Write(dir_ / "a.ass",
            "[Script Info]\nScriptType: v4.00+\nPlayResX: 320\nPlayResY: 180\n\n[V4+ Styles]\n"
            "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, "
            "BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, "
            "BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n"
            "Style: Top,Sans,20,&H000000FF,&H00000000,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,"
            "0,0,8,0,0,0,1\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, "
            "MarginV, Effect, Text\nDialogue: 0,0:00:00.00,0:00:05.00,Top,,0,0,0,,Red\n");
  const SubtitlePicture picture = SubtitleRenderer::OfFile(path, options_).At(1);
  ASSERT_FALSE(picture.bitmaps.empty());
  EXPECT_LT(picture.y, 40) << "at the top";
  EXPECT_EQ(picture.bitmaps.front().rgb, (std::array<uint8_t, 3>{255, 0, 0}));
}

TEST_F(Subtitles, OfAVideoAreReadAsItAdvances) {
  ClipSpec spec;
  spec.frames = 50;
  spec.subtitles = {"First", "Second"};  // half a second apart
  for (const char* container : {"matroska", "mp4"}) {
    spec.container = container;
    spec.encoder = container == std::string("mp4") ? "libx264" : "ffv1";
    if (container == std::string("mp4")) spec.subtitles.clear();
    MakeClip(dir_ / "clip", spec);
    if (spec.subtitles.empty()) {
      ExpectError(Code::kNotFound, "no text subtitles",
                  [&] { SubtitleRenderer::OfVideo(dir_ / "clip", options_); });
      continue;
    }
    SubtitleRenderer subtitles = SubtitleRenderer::OfVideo(dir_ / "clip", options_);
    EXPECT_EQ(subtitles.At(0.1).lines, (std::vector<int64_t>{0}));
    EXPECT_FALSE(subtitles.At(0.2).bitmaps.empty());
    EXPECT_EQ(subtitles.At(0.6).lines, (std::vector<int64_t>{1}));
    EXPECT_TRUE(subtitles.At(30).bitmaps.empty());
  }
}

TEST_F(Subtitles, OfAVideoAreChosenByNumberOrLanguage) {
  ClipSpec spec;
  spec.frames = 50;
  spec.subtitles = {"First"};  // French
  // The same three times, half a second apart, in no language.
  spec.others = {{AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_SUBRIP, "Other", "", "", ""}};
  MakeClip(dir_ / "clip", spec);
  const auto lines = [&](const std::string& stream) {
    options_.stream = stream;
    SubtitleRenderer subtitles = SubtitleRenderer::OfVideo(dir_ / "clip", options_);
    return std::pair(subtitles.At(0.1).lines.size(), subtitles.At(1.1).lines.size());
  };
  for (const char* first : {"", "1", "fra"})
    EXPECT_EQ(lines(first), (std::pair<size_t, size_t>{1, 0})) << first;
  EXPECT_EQ(lines("2"), (std::pair<size_t, size_t>{1, 1}));
  for (const char* missing : {"3", "0", "eng", "-1"})
    ExpectError(Code::kNotFound,
                std::string("no text subtitles '") + missing + "', there are: 1 (fra), 2",
                [&] { lines(missing); });
}

// A broadcast's subtitles are pictures of text, or pages of teletext.
TEST_F(Subtitles, OfABroadcastAreRefusedByName) {
  const test::OtherStream pictures = {AVMEDIA_TYPE_SUBTITLE,
                                      AV_CODEC_ID_DVB_SUBTITLE,
                                      std::string("\x0f\x10\0\1\0\2\x1e\0", 8),
                                      "",
                                      "",
                                      std::string("\0\1\0\1\0", 5),
                                      "deu"};
  const test::OtherStream pages = {AVMEDIA_TYPE_SUBTITLE,
                                   AV_CODEC_ID_DVB_TELETEXT,
                                   std::string("\x10", 1) + std::string(45, 0),
                                   "",
                                   "",
                                   "",
                                   "eng"};
  ClipSpec spec;
  spec.container = "mpegts";
  spec.encoder = "libx264";
  spec.frames = 50;
  spec.others = {pictures, pages};
  MakeClip(dir_ / "clip.ts", spec);
  for (const char* stream : {"", "1", "deu"}) {
    options_.stream = stream;
    ExpectError(Code::kNotFound,
                "has no text subtitles, only others, which cannot be drawn: dvb_subtitle (deu), "
                "dvb_teletext (eng) (give a file of text",
                [&] { SubtitleRenderer::OfVideo(dir_ / "clip.ts", options_); });
  }
  // Recorded into Matroska beside text.
  spec.container = "matroska";
  spec.others = {pictures};
  spec.subtitles = {"First"};
  MakeClip(dir_ / "clip.mkv", spec);
  options_.stream = "deu";
  ExpectError(Code::kNotFound,
              "no text subtitles 'deu', there are: 1 (fra); these are no text and cannot be "
              "drawn: dvb_subtitle (deu)",
              [&] { SubtitleRenderer::OfVideo(dir_ / "clip.mkv", options_); });
  options_.stream = "1";
  SubtitleRenderer subtitles = SubtitleRenderer::OfVideo(dir_ / "clip.mkv", options_);
  EXPECT_EQ(subtitles.At(0.1).lines.size(), 1u);
}

TEST_F(Subtitles, OtherFilesAreRefused) {
  const auto fails = [&](Code code, const std::string& name, const std::string& text,
                         const std::string& part) {
    if (!text.empty()) Write(dir_ / name, text);
    ExpectError(code, part, [&] { SubtitleRenderer::OfFile(dir_ / name, options_); });
  };
  fails(Code::kInvalidArgument, "a.txt", "x", "must end in .srt");
  fails(Code::kNotFound, "missing.srt", "", "missing.srt");
  fails(Code::kCorrupt, "bad.srt", "nothing", "bad.srt");
  fails(Code::kCorrupt, "bad.ass", "nothing", "no subtitles");
  fails(Code::kCorrupt, "latin.ass", "na\xEFve", "not UTF-8");
  options_.width = 0;
  fails(Code::kInvalidArgument, "a.srt", "00:00:01,000 --> 00:00:02,500\nx\n", "out of range");
}

}  // namespace
}  // namespace mdvt::test
