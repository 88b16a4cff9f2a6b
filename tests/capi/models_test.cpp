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
  mdvt_depth_job_options depth;
  mdvt_depth_job_options_init(&depth);
  depth.color_video = "clip.mkv";
  depth.model = model.get();
  mdvt_job* job = nullptr;
  EXPECT_EQ(MDVT_UNSUPPORTED, mdvt_depth_job_create(&depth, &job));
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
  void Run(mdvt_job* opened, mdvt_job_report* report) {
    job_.reset(opened);
    MDVT_ASSERT_OK(mdvt_job_run(job_.get(), nullptr, nullptr));
    mdvt_job_report_init(report);
    MDVT_ASSERT_OK(mdvt_job_report_get(job_.get(), report));
  }
  const std::string color_ = folder_ / "clip.mkv", output_ = folder_ / "out_depth.mkv";
  Owned<mdvt_job> job_;
};

TEST_F(ModelJobs, DepthByAModelAndAReference) {
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake", "mean", BilinearMetadata()), &model));
  mdvt_depth_job_options options;
  mdvt_depth_job_options_init(&options);
  options.color_video = color_.c_str();
  options.output = output_.c_str();
  options.model = model.get();
  options.batch = 3;
  mdvt_job* job = nullptr;
  MDVT_ASSERT_OK(mdvt_depth_job_create(&options, &job));
  mdvt_job_report report;
  ASSERT_NO_FATAL_FAILURE(Run(job, &report));
  EXPECT_EQ(kClipFrames, report.frames);
  EXPECT_STREQ("small", report.model);
  EXPECT_STREQ("Apache-2.0", report.model_license);
  EXPECT_GT(report.disparity_scale, 0);
  EXPECT_EQ(0, report.fit_samples) << "there was no reference";
  const double by_median = report.disparity_scale;

  // What it wrote, as the reference: the fit finds the same calibration.
  const std::string second = folder_ / "second_depth.mkv";
  options.output = second.c_str();
  options.reference_depth = output_.c_str();
  MDVT_ASSERT_OK(mdvt_depth_job_create(&options, &job));
  model.reset();  // the job keeps it
  ASSERT_NO_FATAL_FAILURE(Run(job, &report));
  EXPECT_GT(report.fit_samples, 1000);
  EXPECT_GT(report.fit_inlier_share, 0.9);
  EXPECT_GT(report.fit_r_squared, 0.99);
  EXPECT_EQ(0, report.fit_by_median);
  EXPECT_NEAR(by_median, report.disparity_scale, 0.01 * by_median);
  EXPECT_NEAR(0, report.disparity_shift, 0.01);
}

// A program that was built before jobs knew of models.
TEST_F(ModelJobs, ServeStructsOfOlderPrograms) {
  mdvt_depth_job_options options;
  std::memset(static_cast<void*>(&options), 0xFF, sizeof(options));
  MDVT_ASSERT_OK(mdvt_struct_init(MDVT_STRUCT_DEPTH_JOB_OPTIONS, &options, 112));
  options.color_video = color_.c_str();
  options.output = output_.c_str();
  options.xfov_deg = 60;
  options.max_frames = 2;
  const mdvt_model* nowhere;
  std::memset(&nowhere, 0xFF, sizeof(nowhere));
  EXPECT_EQ(nowhere, options.model) << "written past the older struct";
  mdvt_job* job = nullptr;
  MDVT_ASSERT_OK(mdvt_depth_job_create(&options, &job));
  job_.reset(job);
  MDVT_ASSERT_OK(mdvt_job_run(job_.get(), nullptr, nullptr));
  mdvt_job_report report;
  std::memset(static_cast<void*>(&report), 0xFF, sizeof(report));
  MDVT_ASSERT_OK(mdvt_struct_init(MDVT_STRUCT_JOB_REPORT, &report, 72));
  MDVT_ASSERT_OK(mdvt_job_report_get(job_.get(), &report));
  EXPECT_EQ(2, report.frames);
  EXPECT_EQ(-1, report.fit_samples) << "written past the older struct";
}

TEST_F(ModelJobs, MonoToSbs) {
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake", "mean", BilinearMetadata()), &model));
  const std::string output = folder_ / "stereo.mkv";
  mdvt_mono_to_sbs_job_options options;
  mdvt_mono_to_sbs_job_options_init(&options);
  options.input = color_.c_str();
  options.output = output.c_str();
  options.model = model.get();
  options.max_shift = 6;
  options.shift_dynamic = 0;
  mdvt_job* job = nullptr;
  MDVT_ASSERT_OK(mdvt_mono_to_sbs_job_create(&options, &job));
  mdvt_job_report report;
  ASSERT_NO_FATAL_FAILURE(Run(job, &report));
  EXPECT_EQ(kClipFrames, report.frames);
  EXPECT_STREQ(output.c_str(), report.output);
  EXPECT_EQ(2 * kClipWidth, report.width);
  EXPECT_EQ(kClipHeight, report.height);
  EXPECT_EQ(1, report.scenes);
  EXPECT_EQ(6, report.mean_shift);
  EXPECT_STREQ("", report.mask_output);

  // Every choice arrives: over and under, half the rows, without a model, every second frame.
  const std::string second = folder_ / "second.mkv", sheet = folder_ / "sheet.png";
  options.output = second.c_str();
  options.model = nullptr;
  options.packing = MDVT_PACKING_HALF_TOP_BOTTOM;
  options.cuts = MDVT_CUTS_OFF;
  options.preview_every = 2;
  options.contact_sheet = sheet.c_str();
  options.frame_width = 128;
  options.frame_height = 96;
  MDVT_ASSERT_OK(mdvt_mono_to_sbs_job_create(&options, &job));
  ASSERT_NO_FATAL_FAILURE(Run(job, &report));
  EXPECT_EQ((kClipFrames + 1) / 2, report.frames);
  EXPECT_EQ(128, report.width);
  EXPECT_EQ(96, report.height);
  EXPECT_TRUE(fs::exists(sheet));
}

TEST_F(ModelJobs, MonoToSbsRefusesMetricRangesOfRelativeDepth) {
  Owned<mdvt_model> model;
  MDVT_ASSERT_OK(Open(FakeModel(folder_ / "net.fake", "mean", BilinearMetadata()), &model));
  mdvt_mono_to_sbs_job_options options;
  mdvt_mono_to_sbs_job_options_init(&options);
  const std::string output = folder_ / "stereo.mkv";
  options.input = color_.c_str();
  options.output = output.c_str();
  options.model = model.get();
  options.norm_mode = MDVT_NORM_METRIC;
  mdvt_job* job = nullptr;
  MDVT_ASSERT_OK(mdvt_mono_to_sbs_job_create(&options, &job));
  job_.reset(job);
  EXPECT_EQ(MDVT_REFUSED, mdvt_job_run(job_.get(), nullptr, nullptr));
  EXPECT_FALSE(fs::exists(output));
}

}  // namespace
}  // namespace mdvt::test
