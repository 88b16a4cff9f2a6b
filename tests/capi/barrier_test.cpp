// SPDX-License-Identifier: Apache-2.0
//
// Row G4 of the scorecard: whatever is thrown inside any function of the C interface comes out as a
// status. This test is linked to the sources of the C library, built with a hook that throws inside
// the barrier; the library that is shipped has no such hook.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <new>
#include <opencv2/core.hpp>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "capi/scorecard.h"
#include "mdvt.h"
#include "mdvt/core/error.h"
#include "support/text_files.h"

// GCC's and clang's ways to tell.
#if defined(__SANITIZE_ADDRESS__)
#define MDVT_UNDER_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MDVT_UNDER_ASAN
#endif
#endif

namespace mdvt::capi {

namespace {
thread_local std::function<void()> t_throw;  // throws; empty: nothing was asked for
}

void ThrowIfAsked() {
  if (!t_throw) return;
  const std::function<void()> act = std::move(t_throw);
  t_throw = nullptr;
  act();
}

}  // namespace mdvt::capi

namespace mdvt::test {
namespace {

struct Thrown {
  std::string what;
  std::function<void()> act;
  mdvt_status expected;
  std::string text;  // of mdvt_last_error()
};

std::vector<Thrown> EverythingThatFlies() {
  std::vector<Thrown> all = {
      {"int", [] { throw 7; }, MDVT_INTERNAL, "unknown exception"},
      {"const char*", [] { throw "text"; }, MDVT_INTERNAL, "unknown exception"},
      {"a class of its own", [] { throw std::vector<int>(3); }, MDVT_INTERNAL, "unknown exception"},
      {"bad_alloc", [] { throw std::bad_alloc(); }, MDVT_OUT_OF_MEMORY, "out of memory"},
      {"bad_array_new_length", [] { throw std::bad_array_new_length(); }, MDVT_OUT_OF_MEMORY,
       "out of memory"},
#ifndef MDVT_UNDER_ASAN
      // AddressSanitizer ends the program instead.
      {"a real allocation that fails",
       [] {
         volatile size_t size = SIZE_MAX / 2;
         delete[] static_cast<char*>(::operator new[](size));
       },
       MDVT_OUT_OF_MEMORY, "out of memory"},
#endif
      {"runtime_error", [] { throw std::runtime_error("went wrong"); }, MDVT_INTERNAL,
       "went wrong"},
      {"out_of_range", [] { static_cast<void>(std::string("abc").at(5)); }, MDVT_INTERNAL, "at"},
      {"length_error", [] { std::string().resize(SIZE_MAX); }, MDVT_INTERNAL, ""},
      {"bad_function_call", [] { std::function<void()>()(); }, MDVT_INTERNAL, ""},
      {"cv::Exception", [] { cv::error(cv::Error::StsBadArg, "not a picture", "f", "file", 1); },
       MDVT_INTERNAL, "not a picture"},
      {"a failed check of OpenCV", [] { CV_Assert(1 > 2 && "never"); }, MDVT_INTERNAL, "never"},
  };
  const std::map<Code, mdvt_status> codes = {
      {Code::kInvalidArgument, MDVT_INVALID_ARGUMENT},
      {Code::kNotFound, MDVT_NOT_FOUND},
      {Code::kCorrupt, MDVT_CORRUPT},
      {Code::kUnsupported, MDVT_UNSUPPORTED},
      {Code::kLimit, MDVT_LIMIT},
      {Code::kRefused, MDVT_REFUSED},
      {Code::kNotConverged, MDVT_NOT_CONVERGED},
      {Code::kIo, MDVT_IO},
      {Code::kOutOfMemory, MDVT_OUT_OF_MEMORY},
      {Code::kCancelled, MDVT_CANCELLED},
      {Code::kInternal, MDVT_INTERNAL},
  };
  for (const auto& [code, status] : codes) {
    const std::string text = std::string("told by ") + CodeName(code);
    all.push_back({text, [code = code, text] { throw Error(code, text); }, status, text});
  }
  all.push_back({"a code that is none", [] { throw Error(static_cast<Code>(99), "ninety-nine"); },
                 MDVT_INTERNAL, "ninety-nine"});
  return all;
}

// Each function with arguments that do not matter. Those without a status give MDVT_OK here.
struct Function {
  std::string name;
  bool has_status;
  std::function<mdvt_status()> call;
};

std::vector<Function> AllFunctions() {
  const auto without = [](std::string name, std::function<void()> call) {
    return Function{std::move(name), false, [call = std::move(call)]() -> mdvt_status {
                      call();
                      return MDVT_OK;
                    }};
  };
#define MDVT_CALL(name, ...)                      \
  Function {                                      \
#name, true, [] { return name(__VA_ARGS__); } \
  }
  return {
      without("mdvt_abi_version", [] { mdvt_abi_version(); }),
      without("mdvt_version", [] { mdvt_version(); }),
      MDVT_CALL(mdvt_set_log_sink, nullptr, nullptr),
      MDVT_CALL(mdvt_struct_init, 0, nullptr, 0),
      MDVT_CALL(mdvt_image_convert, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_video_reader_open, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_depth_reader_open, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_reader_info, nullptr, nullptr),
      MDVT_CALL(mdvt_reader_read, nullptr, nullptr),
      without("mdvt_reader_close", [] { mdvt_reader_close(nullptr); }),
      MDVT_CALL(mdvt_video_writer_open, nullptr, nullptr, 0, 0, nullptr, nullptr),
      MDVT_CALL(mdvt_depth_writer_open, nullptr, 0, 0, nullptr, nullptr),
      MDVT_CALL(mdvt_writer_write, nullptr, nullptr),
      MDVT_CALL(mdvt_writer_finish, nullptr),
      without("mdvt_writer_close", [] { mdvt_writer_close(nullptr); }),
      MDVT_CALL(mdvt_depth_encode, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_depth_decode, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_renderer_create, nullptr, nullptr),
      MDVT_CALL(mdvt_renderer_render, nullptr, nullptr, nullptr, nullptr, 0, nullptr, nullptr),
      without("mdvt_renderer_destroy", [] { mdvt_renderer_destroy(nullptr); }),
      MDVT_CALL(mdvt_fill_holes, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_motion_create, nullptr, nullptr),
      MDVT_CALL(mdvt_model_open, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_model_info_get, nullptr, nullptr),
      MDVT_CALL(mdvt_model_self_test, nullptr),
      without("mdvt_model_close", [] { mdvt_model_close(nullptr); }),
      MDVT_CALL(mdvt_backend_register, nullptr),
      MDVT_CALL(mdvt_backend_add_folder, nullptr),
      MDVT_CALL(mdvt_model_depth_create, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_stage_push, nullptr, nullptr),
      MDVT_CALL(mdvt_stage_pop, nullptr, nullptr),
      without("mdvt_stage_destroy", [] { mdvt_stage_destroy(nullptr); }),
      without("mdvt_tool_count", [] { mdvt_tool_count(); }),
      MDVT_CALL(mdvt_tool_info_get, 0, nullptr),
      MDVT_CALL(mdvt_options_new, nullptr, nullptr),
      MDVT_CALL(mdvt_options_from_json, nullptr, nullptr),
      MDVT_CALL(mdvt_options_to_json, nullptr, 0, nullptr),
      without("mdvt_options_free", [] { mdvt_options_free(nullptr); }),
      MDVT_CALL(mdvt_options_set_flag, nullptr, nullptr, 0),
      MDVT_CALL(mdvt_options_set_integer, nullptr, nullptr, 0),
      MDVT_CALL(mdvt_options_set_number, nullptr, nullptr, 0),
      MDVT_CALL(mdvt_options_set_text, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_options_unset, nullptr, nullptr),
      MDVT_CALL(mdvt_options_get_flag, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_options_get_integer, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_options_get_number, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_options_get_text, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_options_was_given, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_options_use_model, nullptr, nullptr),
      MDVT_CALL(mdvt_options_use_limits, nullptr, nullptr),
      MDVT_CALL(mdvt_options_check, nullptr),
      MDVT_CALL(mdvt_option_count, nullptr, nullptr),
      MDVT_CALL(mdvt_option_info_get, nullptr, 0, nullptr),
      MDVT_CALL(mdvt_report_field_count, nullptr, nullptr),
      MDVT_CALL(mdvt_report_field_info_get, nullptr, 0, nullptr),
      MDVT_CALL(mdvt_job_create, nullptr, nullptr),
      MDVT_CALL(mdvt_job_run, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_job_cancel, nullptr),
      MDVT_CALL(mdvt_job_frames, nullptr, nullptr),
      MDVT_CALL(mdvt_job_summary, nullptr, nullptr),
      MDVT_CALL(mdvt_job_output_count, nullptr, nullptr),
      MDVT_CALL(mdvt_job_output, nullptr, 0, nullptr),
      MDVT_CALL(mdvt_job_report_flag, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_job_report_integer, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_job_report_number, nullptr, nullptr, nullptr),
      MDVT_CALL(mdvt_job_report_text, nullptr, nullptr, nullptr),
      without("mdvt_job_destroy", [] { mdvt_job_destroy(nullptr); }),
  };
#undef MDVT_CALL
}

TEST(Barrier, TurnsEverythingThrownIntoAStatus) {
  int64_t tried = 0, mapped = 0;
  for (const Function& function : AllFunctions()) {
    for (const Thrown& thrown : EverythingThatFlies()) {
      SCOPED_TRACE(function.name + " throws " + thrown.what);
      capi::t_throw = thrown.act;
      const mdvt_status status = function.call();
      const std::string text = mdvt_last_error();
      const bool used = !capi::t_throw;
      const bool right = used && (!function.has_status || status == thrown.expected) &&
                         text.find(thrown.text) != std::string::npos;
      EXPECT_TRUE(used) << "the function has no barrier";
      EXPECT_TRUE(right) << "status " << status << ", text: " << text;
      ++tried;
      mapped += right;
      capi::t_throw = nullptr;
    }
  }
  PrintScore("G4", mapped, tried, mapped == tried, "exceptions that became their status");
}

// Of the functions in the header, mdvt_last_error alone needs no barrier: it runs nothing.
TEST(Barrier, IsTriedForEveryFunction) {
  const std::string header = ReadText(MDVT_HEADER);
  const std::regex declared("MDVT_API [A-Za-z0-9_* \\n]*?(mdvt_[a-z0-9_]+)\\(");
  std::set<std::string> names;
  for (std::sregex_iterator it(header.begin(), header.end(), declared), end; it != end; ++it)
    names.insert((*it)[1]);
  EXPECT_GE(names.size(), 60u);
  std::set<std::string> tried = {"mdvt_last_error"};
  for (const Function& function : AllFunctions()) tried.insert(function.name);
  EXPECT_EQ(names, tried);
}

}  // namespace
}  // namespace mdvt::test
