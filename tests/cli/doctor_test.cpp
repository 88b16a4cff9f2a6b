// SPDX-License-Identifier: Apache-2.0
//
// mdvt_doctor on models of the example backend, so that no network is needed.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "cli/run_program.h"
#include "mdvt/io/codecs.h"
#include "mdvt/model/model_manifest.h"
#include "model/metadata.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {
namespace {

using nlohmann::json;
using test::Outcome;
using test::RunProgram;

TEST(Doctor, TellsWhatIsThere) {
  const Outcome outcome = RunProgram("mdvt_doctor", {"--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_GE(report["threads"], 1);
  EXPECT_EQ(report["codecs"]["encoders"]["ffv1"], true);
  EXPECT_EQ(report["codecs"]["decoders"]["h264"], true);
  EXPECT_EQ(report["healthy"], true);
  bool luma = false;
  for (const json& backend : report["backends"]) luma |= backend["name"] == "luma";
  EXPECT_TRUE(luma);

  // Every encoder of a device that this FFmpeg has, and what of it opens here.
  std::string devices;
  for (const VideoEncoderInfo& entry : VideoEncoders()) {
    if (!entry.hardware()) continue;
    const json& hardware = report["codecs"]["hardware"];
    const bool listed = hardware.contains(entry.ffmpeg);
    EXPECT_TRUE(listed || !VideoEncoderOpens(entry.codec)) << entry.name;
    if (!listed) continue;
    devices += std::string(" ") + entry.name;
    if (VideoEncoderOpens(entry.codec))
      EXPECT_EQ(hardware[entry.ffmpeg], "opens");
    else
      EXPECT_EQ(hardware[entry.ffmpeg], std::string("needs ") + DeviceText(entry.device));
  }

  const Outcome text = RunProgram("mdvt_doctor", {});
  EXPECT_EQ(text.status, 0);
  EXPECT_EQ(text.out.find("\ndevices    ") != std::string::npos, !devices.empty()) << text.out;
  for (const char* part :
       {"mdvt       ", "FFmpeg     libavformat", "backend    luma", "advice     "}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << text.out;
  }
}

TEST(Doctor, LooksAtModels) {
  const test::TempDir folder;
  json metadata = test::DepthMetadata();
  // All weights are 0: the output is the offset, 0.1.
  metadata["check"] = {{"shape", {1, 3, 4, 4}}, {"mean", 0.1}, {"std", 0}};
  const std::string good = "luma 0 0 0 0 100\n" + metadata.dump();
  const std::string wrong = "luma 0 0 0 0 200\n" + metadata.dump();
  test::WriteText(folder / "a_good.luma", good);
  test::WriteText(folder / "b_fails.luma", wrong);
  test::WriteText(folder / "c_damaged.luma", good);
  test::WriteText(folder / "d_unlisted.luma", good + " ");
  test::WriteText(folder / "e_bare.luma", "luma 0 0 0 0 100\n");
  test::WriteText(folder / "ignored.txt", "");
  const auto entry = [](const std::string& file, const std::string& contents) {
    return json{{"file", file},
                {"origin", "test"},
                {"license", "none"},
                {"sha256", Sha256(contents.data(), contents.size())}};
  };
  test::WriteText(folder / "manifest.json",
                  json{{"format", 1},
                       {"models",
                        {entry("a_good.luma", good), entry("b_fails.luma", wrong),
                         entry("c_damaged.luma", wrong)}}}
                      .dump());

  Outcome outcome = RunProgram("mdvt_doctor", {"--json", "--models", folder.path().string()});
  EXPECT_EQ(outcome.status, 1) << "something is broken";
  const json models = json::parse(outcome.out)["models"];
  ASSERT_EQ(models.size(), 5u);
  EXPECT_EQ(models[0]["hash"], "listed");
  EXPECT_EQ(models[0]["self_test"]["passed"], true);
  EXPECT_EQ(models[0]["sha256"], Sha256(good.data(), good.size()));
  EXPECT_EQ(models[1]["self_test"]["passed"], false);
  EXPECT_EQ(models[2]["hash"], "wrong");
  EXPECT_FALSE(models[2].contains("kind"));
  EXPECT_EQ(models[3]["hash"], "not listed");
  EXPECT_FALSE(models[3].contains("self_test"));
  EXPECT_FALSE(models[3].contains("kind")) << "what is not listed is not looked into";
  EXPECT_FALSE(models[4].contains("kind"));

  outcome = RunProgram("mdvt_doctor", {"--models", folder / "d_unlisted.luma", "--allow_unlisted"});
  EXPECT_EQ(outcome.status, 0) << outcome.out;
  EXPECT_NE(outcome.out.find("self-test passed"), std::string::npos) << outcome.out;
  EXPECT_EQ(RunProgram("mdvt_doctor", {"--models", folder / "a_good.luma"}).status, 0);
}

TEST(Doctor, FailsForFilesThatAreNoNetworks) {
  const test::TempDir folder;
  const auto expect = [&](const std::string& file, const std::string& contents,
                          const std::string& phrase) {
    test::WriteText(folder / file, contents);
    const Outcome outcome = RunProgram("mdvt_doctor", {"--models", folder / file});
    EXPECT_EQ(outcome.status, 1) << outcome.out;
    EXPECT_NE(outcome.out.find(file + ": cannot be used"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find(file + "': " + phrase), std::string::npos) << outcome.out;
  };
  const std::string noise = "\x8f\x01random bytes\xff";
  expect("notes.txt", "a text", "a network is wanted, in a .pt or .onnx file");
  expect("empty.luma", "", "an empty file");
#ifdef MDVT_TOY_MODELS
  expect("noise.pt", noise, "not a TorchScript file");
#endif
}

// A name inside a file could otherwise write the lines of a good one below its own.
TEST(Doctor, PrintsNothingThatAFileMakesItPrint) {
  const test::TempDir folder;
  json metadata = test::DepthMetadata();
  metadata["name"] = "net\n           SHA-256 0123, listed\n           self-test passed\x1b[8m";
  metadata["source"]["license"] = "free\r\xE2\x80\xAE";
  const std::string path = folder / "net\nmodel.luma";
  test::WriteText(path, "luma 0 0 0 0 100\n" + metadata.dump());
  for (const bool damaged : {false, true}) {
    if (damaged) test::WriteText(path, "no model\x1b[2J");
    const Outcome outcome = RunProgram("mdvt_doctor", {"--models", path, "--allow_unlisted"});
    EXPECT_EQ(outcome.out.find_first_of("\r\x1b\t"), std::string::npos) << outcome.out;
    EXPECT_EQ(outcome.out.find("\xE2\x80\xAE"), std::string::npos);
    EXPECT_EQ(outcome.out.find("\n           self-test passed"), std::string::npos);
    EXPECT_NE(outcome.out.find("net\\nmodel.luma"), std::string::npos) << outcome.out;
  }
}

// What takes its time is in libraries that cannot be told to stop, and there is nothing to clean
// up.
TEST(Doctor, EndsAtOnceWhenInterrupted) {
  test::RunningProgram run("mdvt_doctor", {});
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  kill(run.pid(), SIGINT);
  const double sent = test::Now();
  const Outcome outcome = run.Wait();
  EXPECT_LT(test::Now() - sent, 1);
  if (outcome.by_signal || outcome.status <= 1) return;  // before it had begun, or had ended
  EXPECT_EQ(outcome.status, 130);
  EXPECT_EQ(outcome.err, "mdvt_doctor: error: interrupted\n");
}

TEST(Doctor, IsQuietWhenAsked) {
  const Outcome outcome = RunProgram("mdvt_doctor", {"--quiet"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out + outcome.err, "");
}

TEST(Doctor, TellsWhatIsWrongWithItsOptions) {
  const test::TempDir folder;
  test::ExpectOneClearLine("mdvt_doctor", RunProgram("mdvt_doctor", {"--models", folder / "gone"}),
                           3, {"gone", "no such file or folder"});
  test::ExpectOneClearLine("mdvt_doctor", RunProgram("mdvt_doctor", {"--modles", "x"}), 2,
                           {"modles"});
}

}  // namespace
}  // namespace mdvt
