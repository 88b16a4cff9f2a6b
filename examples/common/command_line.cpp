// SPDX-License-Identifier: Apache-2.0
#include "common/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>

#include "common/help_page.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt::example {
namespace {

[[noreturn]] void Usage(const std::string& text) { throw Error(Code::kInvalidArgument, text); }

// An argument that begins with a dash and is no number: its name, and the value behind "=".
struct Named {
  std::string name;
  std::optional<std::string> value;
};

std::optional<Named> AsName(const std::string& argument) {
  const size_t dashes = argument.rfind("--", 0) == 0 ? 2 : argument.rfind("-", 0) == 0 ? 1 : 0;
  const size_t equals = std::min(argument.find('='), argument.size());
  std::string name = argument.substr(dashes, equals - dashes);
  if (dashes == 0 || name.empty() || ParseDouble(argument)) return std::nullopt;  // "-0.5"
  if (name == "h") name = "help";
  std::replace(name.begin(), name.end(), '-', '_');
  if (equals == argument.size()) return Named{name, std::nullopt};
  return Named{name, argument.substr(equals + 1)};
}

// The option that `--no_name` turns off; null where there is none.
const Option* Negated(const OptionList& options, const std::string& name) {
  if (name.rfind("no_", 0) != 0 || options.Find(name) != nullptr) return nullptr;
  const Option* option = options.Find(name.substr(3));
  return option != nullptr && option->kind == OptionKind::kFlag ? option : nullptr;
}

// A documented command line gives these twice: the last one holds, as it does there.
bool MayRepeat(const std::string& name) { return name == "background_ply"; }

// Calls take(option, value) for each option that the arguments name, in their order.
void Walk(int argc, char** argv, const OptionList& options,
          const std::function<void(const Option&, const std::string&)>& take) {
  size_t bare = 0;  // values without a name
  bool names = true;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (names && argument == "--") {
      names = false;
      continue;
    }
    const std::optional<Named> named = names ? AsName(argument) : std::nullopt;
    if (!named) {
      const Option* option = OptionAt(options, bare++);
      if (option == nullptr) Usage("unexpected argument '" + argument + "', see --help");
      take(*option, argument);
      continue;
    }
    if (const Option* option = Negated(options, named->name)) {
      if (named->value) Usage("--" + named->name + " takes no value");
      take(*option, "off");
      continue;
    }
    if (options.Find(named->name) == nullptr && access(argument.c_str(), F_OK) == 0)
      Usage("'" + argument + "' begins with a dash, as options do: write './" + argument +
            "', or '--' before the names of files");
    const Option& option = options.At(named->name);
    if (named->value) {
      if (named->value->empty()) Usage("--" + option.name + " needs a value");
      take(option, *named->value);
    } else if (!TakesValue(option)) {
      take(option, "on");
    } else {
      // The next argument is the value, also one that begins with a dash, unless it is an option.
      const std::string value = i + 1 < argc ? argv[i + 1] : "";
      const std::optional<Named> next = AsName(value);
      const bool is_option =
          next && (options.Find(next->name) != nullptr || Negated(options, next->name) != nullptr);
      if (value.empty() || value == "--" || is_option) Usage("--" + option.name + " needs a value");
      take(option, value);
      ++i;
    }
  }
}

}  // namespace

void ParseCommandLine(int argc, char** argv, OptionList* options) {
  std::map<std::string, std::string> seen;
  Walk(argc, argv, *options, [&](const Option& option, const std::string& value) {
    const auto [before, is_new] = seen.emplace(option.name, value);
    if (!is_new && option.kind == OptionKind::kFlag && before->second != value)
      Usage("give --" + option.name + " or --no_" + option.name + ", not both");
    if (!is_new && !MayRepeat(option.name)) Usage("--" + option.name + " is given twice");
    options->SetText(option.name, value);
  });
}

std::string FindArgument(int argc, char** argv, const OptionList& options,
                         const std::string& name) {
  std::string found;
  Walk(argc, argv, options, [&](const Option& option, const std::string& value) {
    if (option.name == name) found = value;
  });
  return found;
}

}  // namespace mdvt::example
