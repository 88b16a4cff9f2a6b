// SPDX-License-Identifier: Apache-2.0
#include "support/test_env.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <system_error>

namespace mdvt::test {

namespace fs = std::filesystem;

TempDir::TempDir() {
  std::string name = (fs::temp_directory_path() / "mdvt_test_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path DataDir() {
  const char* variable = std::getenv("MDVT_DATA");
  const fs::path folder =
      variable != nullptr ? fs::path(variable) : fs::path(MDVT_SOURCE_DIR) / "../shared/data";
  std::error_code ignored;
  return fs::is_directory(folder / "dev_dolly", ignored) ? folder : fs::path();
}

int64_t StatusKib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(field, 0) == 0) return std::atoll(line.c_str() + field.size());
  return 0;
}

std::mt19937_64 Rng() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string name =
      info != nullptr ? std::string(info->test_suite_name()) + "." + info->name() : "none";
  uint64_t seed = 1469598103934665603ull;  // FNV-1a: the same on every machine
  for (const char c : name) seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  return std::mt19937_64(seed);
}

}  // namespace mdvt::test
