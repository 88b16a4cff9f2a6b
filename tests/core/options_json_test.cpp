// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/options_json.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace mdvt {
namespace {

struct Paint {
  std::string input;
  double angle = 0.5;
  int64_t frames = -1;
  std::optional<int> count;
  std::string codec = "x264";
  bool wet = true;
};

void Describe(OptionList* list, Paint* p) {
  list->Field("input", &p->input, "FILE", "what to paint").Input(true).Required().Positional(0);
  list->Section("brush");
  list->Field("angle", &p->angle, {0, 180, true, false}, "DEGREES", "of the brush").Alias("slope");
  list->Field("max_frames", &p->frames, {1, 1e18}, "N", "stop after so many").Or(-1, "all");
  list->Field("count", &p->count, {1, 8}, "N", "of brushes").Default("as many as fit");
  list->Choice("codec", &p->codec, {"ffv1", "x264"}, "how to write");
  list->Field("wet", &p->wet, "wet paint");
}

TEST(OptionsToJson, TellsEverything) {
  Paint paint;
  OptionList list;
  Describe(&list, &paint);
  list.Set("angle", 7.0);  // is not told: the description is that of the tool
  EXPECT_EQ(OptionsToJson(list),
            json::Parse(
                R"([{"name": "input", "aliases": [], "kind": "text", "section": "",
               "help": "what to paint", "unit": "FILE", "valid": "a text", "default": "",
               "default_text": "required", "required": true, "optional": false, "position": 0,
               "path": "input", "takes_list": true},
              {"name": "angle", "aliases": ["slope"], "kind": "number", "section": "brush",
               "help": "of the brush", "unit": "DEGREES", "valid": "a number in (0, 180]",
               "default": 0.5, "default_text": "0.5", "required": false, "optional": false,
               "position": null, "min": 0.0, "max": 180.0, "open": ["min"]},
              {"name": "max_frames", "aliases": [], "kind": "integer", "section": "brush",
               "help": "stop after so many", "unit": "N",
               "valid": "-1 (all) or a whole number from 1 on", "default": -1,
               "default_text": "all", "required": false, "optional": false, "position": null,
               "min": 1, "max": null, "open": [], "also": {"value": -1, "meaning": "all"}},
              {"name": "count", "aliases": [], "kind": "integer", "section": "brush",
               "help": "of brushes", "unit": "N", "valid": "a whole number in [1, 8]",
               "default": null, "default_text": "as many as fit", "required": false,
               "optional": true, "position": null, "min": 1, "max": 8, "open": []},
              {"name": "codec", "aliases": [], "kind": "choice", "section": "brush",
               "help": "how to write", "unit": "ffv1|x264", "valid": "one of ffv1|x264",
               "default": "x264", "default_text": "x264", "required": false, "optional": false,
               "position": null, "choices": ["ffv1", "x264"]},
              {"name": "wet", "aliases": [], "kind": "flag", "section": "brush",
               "help": "wet paint", "unit": "", "valid": "on or off", "default": true,
               "default_text": "on", "required": false, "optional": false, "position": null}])",
                Limits(), "expected"))
      << json::Write(OptionsToJson(list), json::Layout::kPretty);
}

TEST(OptionValueToJson, KeepsTheKind) {
  EXPECT_EQ(ToJson(OptionValue()), json::Value());
  EXPECT_EQ(ToJson(OptionValue(true)), json::Value(true));
  EXPECT_EQ(ToJson(OptionValue(int64_t{3})), json::Value(3));
  EXPECT_TRUE(ToJson(OptionValue(3.0)).is_double());
  EXPECT_EQ(ToJson(OptionValue(std::string("x"))), json::Value("x"));
}

}  // namespace
}  // namespace mdvt
