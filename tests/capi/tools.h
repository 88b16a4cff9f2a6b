// SPDX-License-Identifier: Apache-2.0
//
// Tools by name, for the tests of the C interface.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "capi/picture.h"

namespace mdvt::test {

using Values = std::vector<std::pair<std::string, std::string>>;

inline void SetAll(mdvt_options* options, const Values& values) {
  for (const auto& [name, value] : values)
    MDVT_EXPECT_OK(mdvt_options_set_text(options, name.c_str(), value.c_str()));
}

// The options of a tool, given as on a command line.
inline Owned<mdvt_options> OptionsOf(const std::string& tool, const Values& values = {}) {
  mdvt_options* options = nullptr;
  MDVT_EXPECT_OK(mdvt_options_new(tool.c_str(), &options));
  SetAll(options, values);
  return Owned<mdvt_options>(options);
}

inline Owned<mdvt_job> JobOf(const mdvt_options* options) {
  mdvt_job* job = nullptr;
  MDVT_EXPECT_OK(mdvt_job_create(options, &job));
  return Owned<mdvt_job>(job);
}

inline Owned<mdvt_job> JobOf(const std::string& tool, const Values& values) {
  return JobOf(OptionsOf(tool, values).get());  // the options go here
}

// ---- What a job reports, as on a command line; "none" where it does not apply.

inline std::string Reported(const mdvt_job* job, const std::string& name) {
  const char* value = nullptr;
  const mdvt_status status = mdvt_job_report_text(job, name.c_str(), &value);
  EXPECT_LE(status, MDVT_OK) << mdvt_last_error();
  return value == nullptr ? "none" : value;
}
inline double Number(const mdvt_job* job, const std::string& name) {
  double value = 0;
  MDVT_EXPECT_OK(mdvt_job_report_number(job, name.c_str(), &value));
  return value;
}
inline int64_t Frames(const mdvt_job* job) {
  int64_t frames = -1;
  MDVT_EXPECT_OK(mdvt_job_frames(job, &frames));
  return frames;
}
inline std::vector<std::string> Outputs(const mdvt_job* job) {
  int32_t count = 0;
  MDVT_EXPECT_OK(mdvt_job_output_count(job, &count));
  std::vector<std::string> outputs;
  for (int32_t i = 0; i < count; ++i) {
    const char* path = nullptr;
    MDVT_EXPECT_OK(mdvt_job_output(job, i, &path));
    outputs.emplace_back(path);
  }
  return outputs;
}

}  // namespace mdvt::test
