// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/printable.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/utf8.h"
#include "mdvt/core/log.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

TEST(Printable, LeavesWhatCanBeSeenAlone) {
  for (const char* text : {"", "clip 1.mp4", "C:\\clips\\a", "übergroß", "日本語", "🎬"})
    EXPECT_EQ(Printable(text), text);
}

TEST(Printable, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(Printable("a\nmodel b\r\tc"), "a\\nmodel b\\r\\tc");
  EXPECT_EQ(Printable("\x1b[2Jgone\x7f"), "\\x1b[2Jgone\\x7f");
  EXPECT_EQ(Printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m"),
            "\\u{9b}31m")
      << "the control sequence introducer of eight bits";
  EXPECT_EQ(Printable("fdp\xE2\x80\xAE"
                      "exe"),
            "fdp\\u{202e}exe");
  EXPECT_EQ(Printable("a\xE2\x80\xA8"
                      "b"),
            "a\\u{2028}b");
}

TEST(Printable, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(Printable("caf\xE9"), "caf\\xe9");
  EXPECT_EQ(Printable("\xED\xA0\x80"), "\\xed\\xa0\\x80") << "half of a surrogate pair";
  EXPECT_EQ(Printable("\xC0\xAF"), "\\xc0\\xaf") << "an overlong slash";
}

TEST(Printable, IsOneLineOfUtf8WhateverItIsGiven) {
  std::mt19937_64 random = test::Rng();
  for (int i = 0; i < 2000; ++i) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random() % 3 == 0 ? random() % 0x20 : random());
    const std::string line = Printable(text);
    EXPECT_TRUE(IsUtf8(line));
    for (const char c : line) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    EXPECT_EQ(Printable(line), line);
    char copy[24];
    const size_t length = CopyPrintable(text, copy, sizeof(copy));
    ASSERT_LT(length, sizeof(copy));
    EXPECT_EQ(std::string(copy), line.substr(0, length));
    EXPECT_TRUE(IsUtf8(copy));
    if (line.size() < sizeof(copy)) {
      EXPECT_EQ(length, line.size());
    }
  }
}

TEST(Printable, IsWhatEverySinkGets) {
  test::LogCatcher log;
  LogWarning("model 'a\n\x1b[1A'");
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_EQ(log.lines[0], "model 'a\\n\\x1b[1A'");
}

}  // namespace
}  // namespace mdvt
