// SPDX-License-Identifier: Apache-2.0
#include "pipeline/product_manifest.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class ProductManifest : public ::testing::Test {
 protected:
  ProductManifest() {
    WriteText(product_, "pixels");
    WriteText(other_, "angles");
    facts_.step = "depth";
    facts_.options = json::Value::Members{{"max_depth", 100.0}, {"engine", "motion"}};
    facts_.inputs = {{"color_video", "k1"}};
    WriteManifest(facts_, product_, {product_, other_}, 1.5);
  }
  std::string Why() const { return WhyStale(facts_, product_, Limits()); }

  const TempDir dir_;
  const std::string product_ = dir_ / "a.mkv";
  const std::string other_ = dir_ / "a.mkv_xfovs.json";
  StepFacts facts_;
};

TEST_F(ProductManifest, AProductThatWouldBeTheSameStays) {
  EXPECT_EQ(Why(), "");
  EXPECT_EQ(ManifestPath(product_), product_ + ".mdvt.json");
  // A copy has other times.
  fs::last_write_time(product_, fs::last_write_time(product_) + std::chrono::seconds(9));
  EXPECT_EQ(Why(), "");
}

TEST_F(ProductManifest, SaysWhyItIsStale) {
  const StepFacts made = facts_;
  facts_.options["max_depth"] = 50.0;
  EXPECT_EQ(Why(), "max_depth is 50.0, it was 100.0");
  facts_ = made;
  facts_.options["encoding"] = "gray16";
  EXPECT_EQ(Why(), "encoding is gray16, it was not given");
  facts_.options = json::Value::Members{{"engine", "motion"}};
  EXPECT_EQ(Why(), "max_depth is not given, it was 100.0");
  facts_ = made;
  facts_.inputs[0].key = "k2";
  EXPECT_EQ(Why(), "color_video is another one");
  facts_ = made;
  EXPECT_EQ(Why(), "");

  WriteText(other_, "angleZ");
  EXPECT_EQ(Why(), "a.mkv_xfovs.json is not as it was left");
  fs::remove(other_);
  EXPECT_EQ(Why(), "a.mkv_xfovs.json is not as it was left");
  fs::remove(product_);
  EXPECT_EQ(Why(), "there is no a.mkv");
}

TEST_F(ProductManifest, WithoutAWholeManifestNothingIsKnown) {
  const std::string unknown = "nothing tells how a.mkv was made";
  fs::remove(ManifestPath(product_));
  EXPECT_EQ(Why(), unknown);
  for (const char* text :
       {"", "{", "[]", "{\"mdvt\": 1}",
        "{\"mdvt\": \"1\", \"step\": \"depth\", \"options\": {}, \"inputs\": {}, "
        "\"files\": [{\"name\": \"../b\", \"size\": 1, \"time\": 1, \"key\": \"\"}]}"}) {
    WriteText(ManifestPath(product_), text);
    EXPECT_EQ(Why(), unknown) << text;
    EXPECT_TRUE(OwnFiles(product_, Limits()).empty()) << text;
  }
}

TEST_F(ProductManifest, OnlyFilesAsTheyWereLeftAreItsOwn) {
  using Files = std::vector<std::string>;
  EXPECT_EQ(OwnFiles(product_, Limits()), (Files{product_, other_, ManifestPath(product_)}));
  WriteText(other_, "by hand");
  EXPECT_EQ(OwnFiles(product_, Limits()), (Files{product_, ManifestPath(product_)}));
}

TEST_F(ProductManifest, KeysFollowFromWhatIsInFiles) {
  const std::string before = FileKey(product_);
  EXPECT_EQ(before.size(), 64u);
  fs::copy_file(product_, dir_ / "b.mkv");
  EXPECT_EQ(FileKey(dir_ / "b.mkv"), before);
  // The first and the last MiB, and the size.
  std::string large(3 << 20, 'x');
  WriteText(product_, large);
  const std::string key = FileKey(product_);
  large.back() = 'y';
  WriteText(product_, large);
  EXPECT_NE(FileKey(product_), key);
  large.back() = 'x';
  large.front() = 'y';
  WriteText(product_, large);
  EXPECT_NE(FileKey(product_), key);
  large.front() = 'x';
  large += 'x';
  WriteText(product_, large);
  EXPECT_NE(FileKey(product_), key);
  ExpectError(Code::kNotFound, "gone", [&] { FileKey(dir_ / "gone"); });
  // Of a folder: what is in it.
  fs::create_directory(dir_ / "model");
  WriteText(dir_ / "model/a", "1");
  const std::string folder = FileKey(dir_ / "model");
  WriteText(dir_ / "model/b", "2");
  EXPECT_NE(FileKey(dir_ / "model"), folder);

  const std::string facts = KeyOf(facts_);
  facts_.inputs[0].key = "k2";
  EXPECT_NE(KeyOf(facts_), facts);
}

}  // namespace
}  // namespace mdvt::test
