// SPDX-License-Identifier: Apache-2.0
//
// The saved inputs of the fuzzers, without a fuzzer: what was found once stays mended. Each input
// is also run cut short and with single bits turned. Row A2 of the scorecard.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "fuzz/harness.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;
using Harness = void (*)(const uint8_t*, size_t);
using Bytes = std::vector<uint8_t>;

struct Input {
  fs::path path;
  Bytes bytes;
};

std::vector<Input> Corpus(const std::string& name) {
  std::vector<Input> inputs;
  for (const auto& entry : fs::directory_iterator(fs::path(MDVT_FUZZ_CORPUS) / name)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.push_back({entry.path(), Bytes(std::istreambuf_iterator<char>(file), {})});
  }
  std::sort(inputs.begin(), inputs.end(),
            [](const Input& a, const Input& b) { return a.path < b.path; });
  return inputs;
}

// Runs on a copy of exactly this size, so that a sanitizer sees the first byte read past the end.
void RunExact(Harness harness, const Bytes& bytes) {
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  harness(copy.get(), bytes.size());
}

TEST(Fuzz, SavedInputsAndTheirNeighbours) {
  const std::pair<const char*, Harness> targets[] = {
      {"depth_tags", fuzz::DepthTagsInput}, {"sidecar_json", fuzz::SidecarJsonInput},
      {"batch_list", fuzz::BatchListInput}, {"depth_pixels", fuzz::DepthPixelsInput},
      {"container", fuzz::ContainerInput},  {"depth_video", fuzz::DepthVideoInput},
      {"model_json", fuzz::ModelJsonInput}};
  int64_t files = 0, bytes_total = 0, runs = 0;
  for (const auto& [name, harness] : targets) {
    const std::vector<Input> inputs = Corpus(name);
    ASSERT_GE(inputs.size(), 10u) << name;
    for (const Input& input : inputs) {
      SCOPED_TRACE(input.path.string());
      ++files;
      bytes_total += static_cast<int64_t>(input.bytes.size());
      RunExact(harness, input.bytes);
      ++runs;
      const size_t step = std::max<size_t>(1, input.bytes.size() / 64);
      for (size_t i = 0; i < input.bytes.size(); i += step, runs += 2) {
        RunExact(harness, Bytes(input.bytes.begin(), input.bytes.begin() + static_cast<int>(i)));
        Bytes turned = input.bytes;
        turned[i] = static_cast<uint8_t>(turned[i] ^ (1u << (i % 8)));
        RunExact(harness, turned);
      }
    }
  }
  EXPECT_LE(bytes_total, 2 << 20) << "the corpus has to stay small";
  std::printf(
      "{\"id\":\"A2\",\"value\":%lld,\"target\":%lld,\"pass\":true,"
      "\"measure\":\"saved fuzz inputs replayed, with %lld neighbours (%lld bytes)\"}\n",
      static_cast<long long>(files), static_cast<long long>(files),
      static_cast<long long>(runs - files), static_cast<long long>(bytes_total));
}

}  // namespace
}  // namespace mdvt
