// SPDX-License-Identifier: Apache-2.0
//
// Points followed by a network whose answer is a formula: they move at a steady pace. A backend of
// this test's own; it reads the number of a frame out of its pixels.
#include "mdvt/tracking/model_tracker.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "io/expect_error.h"
#include "mdvt/model/backend.h"
#include "model/fake_backend.h"
#include "model/metadata.h"
#include "pictures.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;

constexpr int kWidth = 64, kHeight = 48;
constexpr int kNetWidth = 32, kNetHeight = 24;

// The first line of a file: pixels of the picture that points move in a frame, the first and last
// frame in which nothing is visible, and the frame from which on windows answer 9 pixels aside.
mdvt_backend_status RunMover(mdvt_backend_model* model, const mdvt_backend_tensor* inputs, size_t,
                             mdvt_backend_tensor* outputs, size_t, size_t* num_outputs) {
  std::istringstream line(model->behaviour);
  double dx = 0, dy = 0, hidden_from = 0, hidden_to = 0, jump_from = 0;
  line >> dx >> dy >> hidden_from >> hidden_to >> jump_from;
  const int64_t frames = inputs[0].shape[1], points = inputs[1].shape[1];
  const int64_t picture = inputs[0].shape[2] * inputs[0].shape[3] * inputs[0].shape[4];
  const auto number = [&](int64_t t) {
    return std::round(255 * static_cast<double>(inputs[0].data[t * picture]));
  };
  // Align corners: 0 to 0, the last pixel to the last.
  const double scale_x = (kNetWidth - 1.0) / (kWidth - 1),
               scale_y = (kNetHeight - 1.0) / (kHeight - 1);
  std::vector<float> tracks, visible, confidence;
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t n = 0; n < points; ++n) {
      const float* const query = inputs[1].data + 3 * n;
      const auto asked = static_cast<int64_t>(query[0]);
      const double age = number(t) - number(asked);
      const double aside = number(0) >= jump_from && age > 0 ? 9 : 0;
      tracks.push_back(query[1] + static_cast<float>(scale_x * (dx * age + aside)));
      tracks.push_back(query[2] + static_cast<float>(scale_y * dy * age));
      const bool hidden = number(t) >= hidden_from && number(t) <= hidden_to;
      visible.push_back(hidden ? 0.1f : 0.99f);
      confidence.push_back(0.9f);
    }
  }
  test::fake::Add({1, frames, points, 2}, std::move(tracks), true, &outputs[0]);
  test::fake::Add({1, frames, points}, std::move(visible), true, &outputs[1]);
  test::fake::Add({1, frames, points}, std::move(confidence), true, &outputs[2]);
  *num_outputs = 3;
  return MDVT_BACKEND_OK;
}

void RegisterMover() {
  static const mdvt_backend kTable = [] {
    static const char* const kExtensions[] = {".mover", nullptr};
    mdvt_backend table = test::FakeTable();
    table.name = "mover";
    table.extensions = kExtensions;
    table.run = RunMover;
    return table;
  }();
  RegisterBackend(&kTable);
}

nlohmann::json TrackMetadata() {
  nlohmann::json metadata = test::DepthMetadata();
  metadata["kind"] = "track";
  metadata["inputs"][0] = {{"name", "frames"},
                           {"size",
                            {{"rule", "fixed"},
                             {"target", {kNetHeight, kNetWidth}},
                             {"keep_aspect", false},
                             {"dynamic", false}}},
                           {"resample", "bilinear_align_corners"}};
  metadata["inputs"][1] = {{"name", "queries"}};
  metadata["outputs"] = {{{"name", "tracks"}, {"quantity", "position"}, {"unit", "px"}},
                         {{"name", "visible"}, {"quantity", "probability"}},
                         {{"name", "confidence"}, {"quantity", "probability"}}};
  metadata["batch"] = {{"dynamic", false}, {"max", 1}};
  metadata["pixel_center"] = 0;
  metadata["window"] = {{"length", 12}, {"dynamic", true}, {"multiple", 4}};
  return metadata;
}

class ModelTracking : public ::testing::Test {
 protected:
  void SetUp() override {
    RegisterMover();
    options_.width = kWidth;
    options_.height = kHeight;
    options_.overlap = 4;
    options_.min_length = 3;
    options_.max_points = 60;
    options_.min_distance = 6;
    options_.seed_every = 10;
  }

  std::shared_ptr<const Model> Open(const std::string& behaviour,
                                    const nlohmann::json& metadata = TrackMetadata()) {
    const std::string path = folder_ / "net.mover";
    std::ofstream(path) << behaviour << "\n" << metadata.dump();
    ModelOptions open;
    open.trust = ModelTrust::kUnlisted;
    return std::make_shared<const Model>(Model::Open(path, open));
  }

  static TrackingFrame MakeFrame(int number) {
    TrackingFrame frame;
    frame.luma = test::Waves(kWidth, kHeight, 0, 0);
    frame.rgb = Image(PixelFormat::Rgb(8), kWidth, kHeight);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x)
          frame.rgb.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(number);
    return frame;
  }

  std::vector<FramePoints> Track(const std::string& behaviour, int frames) {
    ModelTracker tracker(Open(behaviour), options_, nullptr);
    std::vector<FramePoints> all;
    const auto pop = [&] {
      while (auto points = tracker.Pop()) all.push_back(std::move(*points));
    };
    for (int i = 0; i < frames; ++i) {
      tracker.Push(MakeFrame(i));
      EXPECT_LE(i + 1 - static_cast<int>(all.size()), tracker.latency());
      pop();
    }
    tracker.Finish();
    pop();
    EXPECT_EQ(all.size(), static_cast<size_t>(frames));
    for (const FramePoints& points : all)
      for (size_t i = 1; i < points.size(); ++i) EXPECT_LT(points[i - 1].id, points[i].id);
    return all;
  }

  test::TempDir folder_;
  ModelTrackerOptions options_;
};

constexpr char kSteady[] = "0.25 -0.125 999 999 999";

TEST_F(ModelTracking, GoesOnThroughManyWindows) {
  const std::vector<FramePoints> all = Track(kSteady, 50);
  std::map<int64_t, std::pair<int, Eigen::Vector2d>> born;
  std::set<int64_t> in_first, in_last;
  for (const TrackedPoint& p : all.front()) in_first.insert(p.id);
  for (const TrackedPoint& p : all.back()) in_last.insert(p.id);
  EXPECT_GT(in_first.size(), 10u);
  for (int frame = 0; frame < 50; ++frame) {
    for (const TrackedPoint& p : all[static_cast<size_t>(frame)]) {
      const auto [at, is_new] = born.emplace(p.id, std::make_pair(frame, p.position));
      if (is_new) continue;
      const double age = frame - at->second.first;
      const Eigen::Vector2d expected = at->second.second + age * Eigen::Vector2d(0.25, -0.125);
      ASSERT_LT((p.position - expected).norm(), 1e-3) << "track " << p.id << " frame " << frame;
      ASSERT_NEAR(p.confidence, frame == at->second.first ? 1 : 0.891, 0.11);
    }
  }
  // Those that stay inside live from the first to the last frame: 12.25 to the right, 6.125 up.
  for (const TrackedPoint& p : all.front()) {
    const Eigen::Vector2d end = p.position + 49 * Eigen::Vector2d(0.25, -0.125);
    const bool inside = end.x() < kWidth - 2 && end.y() > 2;
    EXPECT_EQ(in_last.count(p.id), inside ? 1u : 0u) << p.id;
  }
  EXPECT_GT(born.size(), in_first.size()) << "what comes into view is followed too";
}

TEST_F(ModelTracking, EndsTracksWhereWindowsDisagree) {
  const std::vector<FramePoints> all = Track("0 0 999 999 8", 24);
  std::set<int64_t> first, last;
  for (const TrackedPoint& p : all.front()) first.insert(p.id);
  for (const TrackedPoint& p : all.back())
    EXPECT_EQ(first.count(p.id), 0u) << "the second window is 9 pixels aside";
  EXPECT_FALSE(all.back().empty());
  EXPECT_EQ(all[7].size(), all.front().size());
}

TEST_F(ModelTracking, LeavesOutWhatIsHiddenAndFindsItAgain) {
  const std::vector<FramePoints> all = Track("0 0 5 6 999", 9);
  EXPECT_FALSE(all[4].empty());
  EXPECT_TRUE(all[5].empty());
  EXPECT_TRUE(all[6].empty());
  ASSERT_EQ(all[7].size(), all[4].size());
  for (size_t i = 0; i < all[4].size(); ++i) EXPECT_EQ(all[4][i].id, all[7][i].id);
}

TEST_F(ModelTracking, SurvivesABadFrameInTheOverlap) {
  // Windows of 12 share frames 8 to 11; the middle one, 10, is hidden.
  const std::vector<FramePoints> all = Track("0 0 10 10 999", 20);
  EXPECT_TRUE(all[10].empty());
  ASSERT_EQ(all.back().size(), all.front().size());
  for (size_t i = 0; i < all.back().size(); ++i) EXPECT_EQ(all.back()[i].id, all.front()[i].id);
}

TEST_F(ModelTracking, TakesClipsOfEveryLength) {
  for (const int frames : {1, 2, 3, 4, 11, 12, 13, 16, 17, 20, 21}) {
    SCOPED_TRACE(frames);
    const std::vector<FramePoints> all = Track(kSteady, frames);
    for (const FramePoints& points : all) EXPECT_GT(points.size(), 10u);
  }
}

TEST_F(ModelTracking, KeepsOutOfTheMask) {
  ModelTracker tracker(Open(kSteady), options_, nullptr);
  for (int i = 0; i < 12; ++i) {
    TrackingFrame frame = MakeFrame(i);
    frame.allowed = test::Flat(kWidth, kHeight, 255);
    for (int y = 0; y < kHeight; ++y)
      for (int x = kWidth / 2; x < kWidth; ++x) frame.allowed.MutablePlane<uint8_t>().At(x, y) = 0;
    tracker.Push(std::move(frame));
  }
  tracker.Finish();
  size_t count = 0;
  while (auto points = tracker.Pop()) {
    count += points->size();
    for (const TrackedPoint& p : *points) EXPECT_LT(p.position.x(), kWidth / 2);
  }
  EXPECT_GT(count, 100u);
}

TEST_F(ModelTracking, DoesNotDependOnTheSizeOfBlocks) {
  options_.block = 7;
  const std::vector<FramePoints> small = Track(kSteady, 30);
  options_.block = 1000;
  const std::vector<FramePoints> large = Track(kSteady, 30);
  for (size_t frame = 0; frame < 30; ++frame) {
    ASSERT_EQ(small[frame].size(), large[frame].size());
    for (size_t i = 0; i < small[frame].size(); ++i) {
      EXPECT_EQ(small[frame][i].id, large[frame][i].id);
      EXPECT_EQ(small[frame][i].position, large[frame][i].position);
    }
  }
}

TEST_F(ModelTracking, RefusesWhatItCannotUse) {
  ExpectError(Code::kUnsupported, "following points needs \"track\"",
              [&] { ModelTracker(Open("", test::DepthMetadata()), options_, nullptr); });
  nlohmann::json blind = TrackMetadata();
  blind["outputs"].erase(1);
  blind["outputs"].erase(1);
  ExpectError(Code::kUnsupported, "how visible they are",
              [&] { ModelTracker(Open("", blind), options_, nullptr); });
  options_.window = 10;
  ExpectError(Code::kInvalidArgument, "a multiple of 4",
              [&] { ModelTracker(Open(""), options_, nullptr); });
  options_.window = 16;
  ExpectError(Code::kInvalidArgument, "at most 12",
              [&] { ModelTracker(Open(""), options_, nullptr); });
  options_.window = 0;
  options_.overlap = 8;
  ExpectError(Code::kInvalidArgument, "fewer than twice the overlap",
              [&] { ModelTracker(Open(""), options_, nullptr); });
  options_.overlap = 4;
  ModelTracker tracker(Open(""), options_, nullptr);
  TrackingFrame gray = MakeFrame(0);
  gray.rgb = Image();
  ExpectError(Code::kInvalidArgument, "must be Gray(8) and Rgb(8) of 64x48",
              [&] { tracker.Push(gray); });
}

}  // namespace
}  // namespace mdvt
