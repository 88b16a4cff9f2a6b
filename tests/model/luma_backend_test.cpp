// SPDX-License-Identifier: Apache-2.0
//
// The backend of examples/backend, as a plug-in that is found beside the programs.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/model/backend.h"
#include "mdvt/model/model.h"
#include "model/metadata.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;

TEST(LumaBackend, RunsAsAnyOther) {
  const test::TempDir folder;
  const std::string path = folder / "net.luma";
  std::ofstream(path) << "luma 250 500 125 2000 100\n" << test::DepthMetadata().dump();
  ModelOptions options;
  options.trust = ModelTrust::kUnlisted;
  const Model model = Model::Open(path, options);
  EXPECT_EQ(model.backend(), "luma");
  EXPECT_EQ(model.info().name, "small");

  const Tensor input = Model::CheckInput({2, 3, 4, 6});
  std::vector<Tensor> outputs;
  model.Run({input}, &outputs);
  ASSERT_EQ(outputs[0].shape(), (Shape{2, 1, 4, 6}));
  for (int64_t i = 0; i < 48; ++i) {
    const float* const rgb = input.data() + i / 24 * 72 + i % 24;
    EXPECT_NEAR(outputs[0][i], 2 * (0.25f * rgb[0] + 0.5f * rgb[24] + 0.125f * rgb[48]) + 0.1f,
                1e-6);
  }
  Tensor kept;
  model.RunKept({input})[0].CopyTo(&kept);
  EXPECT_EQ(kept[47], outputs[0][47]);

  options.device = "cuda";
  ExpectError(Code::kUnsupported, "cpu in fp32 only", [&] { Model::Open(path, options); });
  options.device = "cpu";
  std::ofstream(path) << "lama\n{}";
  ExpectError(Code::kCorrupt, "does not begin with 'luma'", [&] { Model::Open(path, options); });
}

TEST(LumaBackend, IsFoundAndDescribed) {
  bool found = false;
  for (const BackendInfo& backend : AvailableBackends()) {
    if (backend.name != "luma") continue;
    found = true;
    EXPECT_EQ(backend.extensions, (std::vector<std::string>{".luma"}));
    EXPECT_NE(backend.path.find("mdvt_luma.so"), std::string::npos);
  }
  EXPECT_TRUE(found);
  EXPECT_NE(DescribeBackend("luma").find("luma 1"), std::string::npos);
  EXPECT_EQ(TimeMatrixProduct("luma", "cpu", 1, 16), 0) << "it has none";
}

}  // namespace
}  // namespace mdvt
