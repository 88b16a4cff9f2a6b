// SPDX-License-Identifier: Apache-2.0
//
// A program that is linked to all of mdvt and uses no model has no LibTorch in memory, although the
// plug-in lies where it would be found.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/model/backend.h"
#include "mdvt/model/model_info.h"
#include "mdvt/pipeline/jobs.h"
#include "model/metadata.h"

namespace mdvt {
namespace {

bool IsMapped(const std::string& part) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(part) != std::string::npos) return true;
  }
  return false;
}

TEST(UnusedBackend, IsNotLoaded) {
  EXPECT_THROW(RunDepthJob(DepthJobOptions()), Error);  // so that the pipeline is linked
  const std::string text = test::DepthMetadata().dump();
  ModelInfo::Parse(text.data(), text.size());
  ASSERT_TRUE(IsMapped("libavcodec")) << "the libraries of this program are seen";
  EXPECT_FALSE(IsMapped("libtorch"));
  EXPECT_FALSE(IsMapped("libc10"));
  EXPECT_FALSE(IsMapped("mdvt_torch"));
#ifdef MDVT_TEST_TORCH
  FindBackend("torch");
  EXPECT_TRUE(IsMapped("libtorch")) << "the plug-in is found once it is asked for";
#endif
}

}  // namespace
}  // namespace mdvt
