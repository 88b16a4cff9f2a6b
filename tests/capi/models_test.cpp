// SPDX-License-Identifier: Apache-2.0
//
// Models, the estimator and the jobs that use them, through the C interface alone, with a backend
// that the test registers.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>

#include "capi/clips.h"
#include "capi/fake_models.h"
#include "capi/tools.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

mdvt_status Open(const std::string& path, Owned<mdvt_model>* model,
                 mdvt_model_options* changed = nullptr) {
  mdvt_model_options options;
  mdvt_model_options_init(&options);
  if (changed != nullptr) options = *changed;
  options.allow_unlisted = 1;
  mdvt_model* opened = nullptr;
  const mdvt_status status = mdvt_model_open(path.c_str(), &options, &opened);
  EXPECT_EQ(status == MDVT_OK, opened != nullptr);
  model->reset(opened);
  return status;
}

nlohmann::json MetricMetadata() {
  nlohmann::json metadata = DepthMetadata();
  metadata["outputs"][0].update({{"quantity", "depth"}, {"scale", "metric"}, {"unit", "m"}});
  return metadata;
}

class Models : public ::testing::Test {
 protected:
  const TempDir folder_;
};

TEST_F(Models, TellWhatTheyAre) {
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake"), &model));
  mdvt_model_info info;
  mdvt_model_info_init(&info);
  MDVT_ASSERT_OK(mdvt_model_info_get(model.get(), &info));
  EXPECT_STREQ("small", info.name);
  EXPECT_STREQ("depth", info.kind);
  EXPECT_STREQ("Apache-2.0", info.license);
  EXPECT_STREQ("mdvt's tests", info.upstream);
  EXPECT_STREQ("fake", info.backend);
  EXPECT_EQ(64u, std::strlen(info.sha256));
  EXPECT_EQ(4, info.batch_max);
  EXPECT_EQ(1, info.relative);
  EXPECT_EQ(0, info.metric);
  EXPECT_EQ(1, info.num_inputs);
  EXPECT_EQ(1, info.num_outputs);
  EXPECT_EQ(1, info.has_self_test);
  MDVT_EXPECT_OK(mdvt_model_self_test(model.get()));

  // The hash that was told opens the file without further trust; another one does not.
  mdvt_model_options options;
  mdvt_model_options_init(&options);
  const std::string sha256 = info.sha256;
  options.sha256 = sha256.c_str();
  mdvt_model* opened = nullptr;
  MDVT_ASSERT_OK(mdvt_model_open((folder_ / "net.fake").c_str(), &options, &opened));
  mdvt_model_close(opened);
  const std::string other(64, '0');
  options.sha256 = other.c_str();
  EXPECT_EQ(MDVT_REFUSED, mdvt_model_open((folder_ / "net.fake").c_str(), &options, &opened));
  EXPECT_EQ(nullptr, opened);

  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "metric.fake", "mean", MetricMetadata()), &model));
  MDVT_ASSERT_OK(mdvt_model_info_get(model.get(), &info));
  EXPECT_EQ(0, info.relative);
  EXPECT_EQ(1, info.metric);
  EXPECT_EQ(0, info.has_self_test);
  EXPECT_EQ(MDVT_REFUSED, mdvt_model_self_test(model.get())) << "there is no check";
}

TEST_F(Models, OpenFailsWithTheRightStatus) {
  Owned<mdvt_model> model;
  RegisterFakeFromC();
  EXPECT_EQ(MDVT_NOT_FOUND, Open(folder_ / "missing.fake", &model));
  std::ofstream(folder_ / "net.nobody") << "x";
  EXPECT_EQ(MDVT_NOT_FOUND, Open(folder_ / "net.nobody", &model)) << "no backend takes it";
  EXPECT_EQ(MDVT_CORRUPT, Open(FakeModel(folder_ / "broken.fake", "broken"), &model));
  EXPECT_EQ(MDVT_CORRUPT, Open(FakeModel(folder_ / "bad.fake", "mean", {{"format", 1}}), &model));

  const std::string path = FakeModel(folder_ / "net.fake");
  mdvt_model* opened = nullptr;
  EXPECT_EQ(MDVT_REFUSED, mdvt_model_open(path.c_str(), nullptr, &opened)) << "not listed";
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "net.fake")) << mdvt_last_error();
  mdvt_model_options options;
  mdvt_model_options_init(&options);
  options.device = "cuda";
  EXPECT_EQ(MDVT_UNSUPPORTED, Open(path, &model, &options));
  mdvt_limits limits;
  mdvt_limits_init(&limits);
  limits.max_text_bytes = 10;
  mdvt_model_options_init(&options);
  options.limits = &limits;
  EXPECT_EQ(MDVT_LIMIT, Open(path, &model, &options));
}

TEST_F(Models, SelfTestTellsWhatIsOff) {
  const std::string path = FakeModel(folder_ / "off.fake", "mean", CheckedMetadata(0.01));
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(path, &model));
  EXPECT_EQ(MDVT_CORRUPT, mdvt_model_self_test(model.get()));
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "output 'depth' has mean"))
      << mdvt_last_error();
  mdvt_model_options options;
  mdvt_model_options_init(&options);
  options.self_test = 1;
  EXPECT_EQ(MDVT_CORRUPT, Open(path, &model, &options));
}

TEST_F(Models, BackendsAreRegisteredOnce) {
  RegisterFakeFromC();
  RegisterFakeFromC();  // the same table again
  static const mdvt_backend kOther = FakeTable();
  EXPECT_EQ(MDVT_REFUSED, mdvt_backend_register(&kOther));
  static mdvt_backend wrong = FakeTable();
  wrong.name = "wrong";
  wrong.abi = MDVT_BACKEND_ABI + 1;
  EXPECT_EQ(MDVT_UNSUPPORTED, mdvt_backend_register(&wrong));
  wrong.abi = MDVT_BACKEND_ABI;
  wrong.run = nullptr;
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_backend_register(&wrong));
}

// ---- The estimator ----

class ModelStage : public Models {
 protected:
  void SetUp() override {
    mdvt_model_depth_options_init(&options_);
    options_.camera = {kClipWidth, kClipHeight, 55, 55, 32, 24};
  }
  void Create(const std::string& behaviour = "mean",
              const nlohmann::json& metadata = DepthMetadata()) {
    Owned<mdvt_model> model;
    MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake", behaviour, metadata), &model));
    mdvt_stage* stage = nullptr;
    MDVT_ASSERT_OK(mdvt_model_depth_create(model.get(), &options_, &stage));
    stage_.reset(stage);
    // The model is closed here: the stage keeps what it needs.
  }
  // A flat picture of this brightness, of 255.
  mdvt_status Push(int value, int index, const mdvt_pixel_format& format = Rgb()) {
    Picture picture(format, kClipWidth, kClipHeight);
    picture.Fill<uint8_t>([value](int, int, int) { return value; });
    mdvt_frame frame = FrameOf(picture, 10 * index, 10);
    frame.index = index;
    return mdvt_stage_push(stage_.get(), &frame);
  }

  mdvt_model_depth_options options_;
  Owned<mdvt_stage> stage_;
};

TEST_F(ModelStage, GivesDisparityWithoutCalibration) {
  options_.batch = 2;
  ASSERT_NO_FATAL_FAILURE(Create());
  mdvt_frame out;
  mdvt_frame_init(&out);
  int popped = 0;
  const auto pop_all = [&] {
    while (mdvt_stage_pop(stage_.get(), &out) == MDVT_OK) {
      EXPECT_EQ(popped, out.index);
      EXPECT_EQ(10 * popped, out.pts);
      EXPECT_EQ(10, out.duration);
      EXPECT_EQ(MDVT_QUANTITY_DISPARITY, out.quantity);
      EXPECT_EQ(0, out.motion);
      EXPECT_EQ(kClipWidth, out.image.width);
      EXPECT_EQ(MDVT_SAMPLE_F32, out.image.format.sample_type);
      EXPECT_EQ(nullptr, out.confidence.data[0]);
      EXPECT_NEAR((popped + 1) * 50 / 255.0, *static_cast<float*>(out.image.data[0]), 1e-6);
      ++popped;
    }
  };
  for (int i = 0; i < 3; ++i) {
    MDVT_ASSERT_OK(Push(50 * (i + 1), i));
    pop_all();
  }
  EXPECT_EQ(2, popped) << "the third waits for the rest of its batch";
  MDVT_ASSERT_OK(mdvt_stage_push(stage_.get(), nullptr));
  pop_all();
  EXPECT_EQ(3, popped);
  EXPECT_EQ(MDVT_END, mdvt_stage_pop(stage_.get(), &out));
}

TEST_F(ModelStage, GivesMetresWithACalibration) {
  options_.disparity_scale = 2;
  options_.disparity_shift = 0.1;
  ASSERT_NO_FATAL_FAILURE(Create());
  MDVT_ASSERT_OK(Push(51, 0));
  mdvt_frame out;
  mdvt_frame_init(&out);
  MDVT_ASSERT_OK(mdvt_stage_pop(stage_.get(), &out));
  EXPECT_EQ(MDVT_QUANTITY_DEPTH, out.quantity);
  EXPECT_NEAR(1 / (2 * 0.2 + 0.1), *static_cast<float*>(out.image.data[0]), 1e-5);
}

TEST_F(ModelStage, GivesMetresByTheMedian) {
  options_.median_depth = 7;
  ASSERT_NO_FATAL_FAILURE(Create());
  MDVT_ASSERT_OK(Push(51, 0));
  MDVT_ASSERT_OK(Push(102, 1));
  mdvt_frame out;
  mdvt_frame_init(&out);
  for (const double depth : {7.0, 3.5}) {
    MDVT_ASSERT_OK(mdvt_stage_pop(stage_.get(), &out));
    EXPECT_EQ(MDVT_QUANTITY_DEPTH, out.quantity);
    EXPECT_NEAR(depth, *static_cast<float*>(out.image.data[0]), 1e-4);
  }
}

TEST_F(ModelStage, FailsAsTheNetworkDoes) {
  ASSERT_NO_FATAL_FAILURE(Create("nan"));
  MDVT_ASSERT_OK(Push(50, 0));
  mdvt_frame out;
  mdvt_frame_init(&out);
  EXPECT_EQ(MDVT_CORRUPT, mdvt_stage_pop(stage_.get(), &out));
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "frame 0")) << mdvt_last_error();
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, Push(50, 0, Yuv420()));
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "frame.image")) << mdvt_last_error();
}

TEST_F(ModelStage, NeedsAModelForDepth) {
  nlohmann::json metadata = DepthMetadata();
  metadata["kind"] = "segment";
  metadata["outputs"] = {{{"name", "mask"},
                          {"layout", "NCHW"},
                          {"quantity", "probability"},
                          {"resample", "bilinear"}}};
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "mask.fake", "mean", metadata), &model));
  mdvt_model_info info;
  mdvt_model_info_init(&info);
  MDVT_ASSERT_OK(mdvt_model_info_get(model.get(), &info));
  EXPECT_EQ(0, info.relative + info.metric);
  mdvt_stage* stage = nullptr;
  EXPECT_EQ(MDVT_UNSUPPORTED, mdvt_model_depth_create(model.get(), &options_, &stage));
  EXPECT_EQ(nullptr, stage);
  const auto depth = OptionsOf("video_metric_convert");
  EXPECT_EQ(MDVT_UNSUPPORTED, mdvt_options_use_model(depth.get(), model.get()));
  int32_t given = -1;
  MDVT_EXPECT_OK(mdvt_options_was_given(depth.get(), "model", &given));
  EXPECT_EQ(0, given);
}

// ---- Jobs ----

// The clip has steps at which cubic resizing falls below zero.
nlohmann::json BilinearMetadata() {
  nlohmann::json metadata = DepthMetadata();
  metadata["inputs"][0]["resample"] = "bilinear";
  return metadata;
}

class ModelJobs : public Models {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(WriteColorClip(color_)); }
  // A job with an open model; it keeps the model.
  Owned<mdvt_job> Run(mdvt_options* options) {
    Owned<mdvt_job> job = JobOf(options);
    MDVT_EXPECT_OK(mdvt_job_run(job.get(), nullptr, nullptr));
    return job;
  }
  const std::string color_ = folder_ / "clip.mkv", output_ = folder_ / "out_depth.mkv";
};

TEST_F(ModelJobs, DepthByAModelAndAReference) {
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake", "mean", BilinearMetadata()), &model));
  const auto options = OptionsOf("video_metric_convert",
                                 {{"color_video", color_}, {"output", output_}, {"batch", "3"}});
  MDVT_ASSERT_OK(mdvt_options_use_model(options.get(), model.get()));
  const auto first = Run(options.get());
  EXPECT_EQ(kClipFrames, Frames(first.get()));
  EXPECT_EQ("small", Reported(first.get(), "model"));
  EXPECT_EQ("Apache-2.0", Reported(first.get(), "model_license"));
  const double by_median = Number(first.get(), "disparity_scale");
  EXPECT_GT(by_median, 0);
  EXPECT_EQ("none", Reported(first.get(), "fit_samples")) << "there was no reference";
  EXPECT_EQ("none", Reported(first.get(), "measured_frames")) << "of motion";

  // What it wrote, as the reference: the fit finds the same calibration.
  SetAll(options.get(), {{"output", folder_ / "second_depth.mkv"}, {"depth_video", output_}});
  model.reset();  // the options keep it
  const auto second = Run(options.get());
  EXPECT_GT(Number(second.get(), "fit_samples"), 1000);
  EXPECT_GT(Number(second.get(), "fit_inlier_share"), 0.9);
  EXPECT_GT(Number(second.get(), "fit_r_squared"), 0.99);
  int32_t by_median_alone = -1;
  MDVT_EXPECT_OK(mdvt_job_report_flag(second.get(), "fit_by_median", &by_median_alone));
  EXPECT_EQ(0, by_median_alone);
  EXPECT_NEAR(by_median, Number(second.get(), "disparity_scale"), 0.01 * by_median);
  EXPECT_NEAR(0, Number(second.get(), "disparity_shift"), 0.01);
}

TEST_F(ModelJobs, NamingAModelReplacesTheOpenOne) {
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake"), &model));
  const auto options =
      OptionsOf("video_metric_convert", {{"color_video", color_}, {"output", output_}});
  MDVT_ASSERT_OK(mdvt_options_use_model(options.get(), model.get()));
  const char* name = nullptr;
  MDVT_ASSERT_OK(mdvt_options_get_text(options.get(), "model", &name));
  EXPECT_EQ(folder_ / "net.fake", name);
  SetAll(options.get(), {{"model", folder_ / "missing.fake"}});
  const auto other = JobOf(options.get());
  EXPECT_EQ(MDVT_NOT_FOUND, mdvt_job_run(other.get(), nullptr, nullptr));
  MDVT_ASSERT_OK(mdvt_options_unset(options.get(), "model"));
  const auto motion = Run(options.get());
  EXPECT_EQ("", Reported(motion.get(), "model"));
}

// What is said about opening comes too late for a model that is open.
TEST_F(ModelJobs, AnOpenModelTakesNoOptionsOfOpening) {
  const std::string path = FakeModel(folder_ / "net.fake");
  for (const bool deterministic : {false, true}) {
    mdvt_model_options opening;
    mdvt_model_options_init(&opening);
    opening.deterministic = deterministic;
    Owned<mdvt_model> model;
    MDVT_ASSERT_OK(Open(path, &model, &opening));
    const auto options = OptionsOf("video_metric_convert", {{"color_video", color_}});
    MDVT_ASSERT_OK(mdvt_options_use_model(options.get(), model.get()));
    int32_t set = -1;
    MDVT_ASSERT_OK(mdvt_options_get_flag(options.get(), "deterministic", &set));
    EXPECT_EQ(deterministic, set);
    MDVT_EXPECT_OK(mdvt_options_check(options.get()));
    MDVT_ASSERT_OK(mdvt_options_set_flag(options.get(), "deterministic", 1));
    EXPECT_EQ(deterministic ? MDVT_OK : MDVT_INVALID_ARGUMENT, mdvt_options_check(options.get()));
    MDVT_ASSERT_OK(mdvt_options_set_flag(options.get(), "deterministic", deterministic));
    for (const auto& [name, value] : Values{{"device", "cuda"},
                                            {"fp32", "on"},
                                            {"sha256", std::string(64, '0')},
                                            {"trust_model", "on"}}) {
      SetAll(options.get(), {{name, value}});
      EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_options_check(options.get())) << name;
      EXPECT_EQ(0, std::string(mdvt_last_error()).rfind(name, 0)) << mdvt_last_error();
      MDVT_ASSERT_OK(mdvt_options_unset(options.get(), name.c_str()));
      MDVT_EXPECT_OK(mdvt_options_check(options.get()));
    }
  }
}

TEST_F(ModelJobs, OnlyToolsOfDepthUseOne) {
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake"), &model));
  EXPECT_EQ(MDVT_INVALID_ARGUMENT,
            mdvt_options_use_model(OptionsOf("convert_metric_depth_video_to_other_format").get(),
                                   model.get()));
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "uses no model")) << mdvt_last_error();
}

TEST_F(ModelJobs, MonoToSbs) {
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake", "mean", BilinearMetadata()), &model));
  const std::string output = folder_ / "stereo.mkv";
  const auto options = OptionsOf("mono_to_sbs", {{"input", color_}, {"output", output}});
  MDVT_ASSERT_OK(mdvt_options_use_model(options.get(), model.get()));
  MDVT_ASSERT_OK(mdvt_options_set_number(options.get(), "max_shift", 6));
  MDVT_ASSERT_OK(mdvt_options_set_flag(options.get(), "dynamic_shift", 0));
  const auto first = Run(options.get());
  EXPECT_EQ(kClipFrames, Frames(first.get()));
  EXPECT_EQ(std::vector<std::string>{output}, Outputs(first.get()));
  EXPECT_EQ(2 * kClipWidth, Number(first.get(), "width"));
  EXPECT_EQ(kClipHeight, Number(first.get(), "height"));
  EXPECT_EQ("1", Reported(first.get(), "scenes"));
  EXPECT_EQ("6", Reported(first.get(), "mean_shift"));

  // Every choice arrives: over and under, half the rows, without a model, every second frame.
  const std::string second_output = folder_ / "second.mkv", sheet = folder_ / "sheet.png";
  MDVT_ASSERT_OK(mdvt_options_unset(options.get(), "model"));
  SetAll(options.get(), {{"output", second_output},
                         {"layout", "half-tab"},
                         {"scene_cuts", "off"},
                         {"preview", "on"},
                         {"preview_every", "2"},
                         {"contact_sheet", sheet},
                         {"sbs_w", "128"},
                         {"sbs_h", "96"}});
  const auto second = Run(options.get());
  EXPECT_EQ((kClipFrames + 1) / 2, Frames(second.get()));
  EXPECT_EQ(128, Number(second.get(), "width"));
  EXPECT_EQ(96, Number(second.get(), "height"));
  EXPECT_EQ((std::vector<std::string>{second_output, sheet}), Outputs(second.get()));
  EXPECT_TRUE(fs::exists(sheet));
}

TEST_F(ModelJobs, MonoToSbsRefusesMetricRangesOfRelativeDepth) {
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake", "mean", BilinearMetadata()), &model));
  const std::string output = folder_ / "stereo.mkv";
  const auto options =
      OptionsOf("mono_to_sbs", {{"input", color_}, {"output", output}, {"norm", "metric"}});
  MDVT_ASSERT_OK(mdvt_options_use_model(options.get(), model.get()));
  const auto job = JobOf(options.get());
  EXPECT_EQ(MDVT_REFUSED, mdvt_job_run(job.get(), nullptr, nullptr));
  EXPECT_FALSE(fs::exists(output));
}

}  // namespace
}  // namespace mdvt::test
