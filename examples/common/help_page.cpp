// SPDX-License-Identifier: Apache-2.0
#include "common/help_page.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <vector>

#include "mdvt/core/json.h"
#include "mdvt/core/options_json.h"

namespace mdvt::example {
namespace {

constexpr size_t kHelpWidth = 98;

constexpr char kNamesNote[] = "Names may be written with - in place of _. ";
constexpr char kListNote[] = "A list of videos is a file that ends in .txt, one video per line. ";
constexpr char kStatusNote[] =
    "Exit status: 0 done, 1 failed, 2 wrong use, 3 bad input, 4 refused, 5 not "
    "converged, 130 interrupted.";

// The list of videos is told where one may be given.
std::string Notes(const OptionList& options) {
  const auto& all = options.options();
  const bool lists =
      std::any_of(all.begin(), all.end(), [](const Option& option) { return option.takes_list; });
  return std::string(kNamesNote) + (lists ? kListNote : "") + kStatusNote;
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// Breaks `text` into lines of at most kHelpWidth that begin with `indent`.
std::string Wrapped(const std::string& text, const std::string& indent) {
  std::string result, line = indent;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (line.size() > indent.size() && line.size() + 1 + word.size() > kHelpWidth) {
      result += line + "\n";
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
    at = end + 1;
  }
  return result + line + "\n";
}

// "--crf", "--cq", "--no_audio": all names that a command line may have for it.
std::vector<std::string> Names(const Option& option) {
  std::vector<std::string> names = {"--" + option.name};
  for (const std::string& alias : option.aliases) names.push_back("--" + alias);
  if (!TakesValue(option) && option.first_default() == "on") names.push_back("--no_" + option.name);
  return names;
}

std::string Joined(const std::vector<std::string>& texts, const std::string& between) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : between) + text;
  return joined;
}

// So many names for a value that they do not fit behind the option's own.
bool HasManyChoices(const Option& option) {
  return option.kind == OptionKind::kChoice && option.unit.size() > kHelpWidth / 2;
}

// What stands for the value; empty for flags.
std::string Value(const Option& option) {
  if (!TakesValue(option)) return "";
  return option.is_switch ? "on|off" : HasManyChoices(option) ? "NAME" : option.unit;
}

std::vector<std::string> Choices(const Option& option) {
  if (option.is_switch) return {"on", "off"};
  return option.choices;
}

std::string Meaning(const Option& option) {
  return option.help + (option.takes_list ? "; or a list of such files" : "");
}

// With the names that Value() leaves out, and what holds if it is not given.
std::string WholeMeaning(const Option& option) {
  return Meaning(option) + (HasManyChoices(option) ? ": " + Joined(option.choices, ", ") : "") +
         (option.required ? " (required)" : " (default: " + option.DefaultText() + ")");
}

std::string Title(const std::string& section) {
  std::string title = (section.empty() ? "" : section + " ") + "options";
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
}

std::string Synopsis(const OptionList& options) {
  std::string text;
  for (size_t position = 0; const Option* option = OptionAt(options, position); ++position)
    text += " [" + Upper(option->name) + "]";
  return text + " [options]";
}

// Calls begin(section) where a section begins and each(option) for each option.
void ForEach(const OptionList& options, const std::function<void(const std::string&)>& begin,
             const std::function<void(const Option&)>& each) {
  const std::string* section = nullptr;
  for (const Option& option : options.options()) {
    if (section == nullptr || option.section != *section) begin(option.section);
    section = &option.section;
    each(option);
  }
}

std::string RefusedNames(const OptionList& options) {
  std::vector<std::string> names;
  for (const auto& [name, why] : options.refused()) names.push_back("--" + name);
  return Joined(names, " ");
}

// A text that troff shows as it is.
std::string Roff(const std::string& text) {
  std::string safe = Replaced(Replaced(text, "\\", "\\e"), "-", "\\-");
  if (!safe.empty() && (safe[0] == '.' || safe[0] == '\'')) safe = "\\&" + safe;
  return safe;
}

// A text within single quotes of a shell.
std::string Quoted(const std::string& text) { return "'" + Replaced(text, "'", "'\\''") + "'"; }

// A text within a specification of zsh's _arguments.
std::string ZshText(std::string text) {
  for (const char* special : {"\\", "[", "]", ":"})
    text = Replaced(text, special, std::string("\\") + special);
  return text;
}

// What zsh completes a value with.
std::string ZshAction(const Option& option) {
  if (!Choices(option).empty()) return "(" + Joined(Choices(option), " ") + ")";
  if (option.path == PathKind::kFolder) return "_files -/";
  return option.path == PathKind::kNone ? "" : "_files";
}

std::string Markdown(const OptionList& options) {
  const auto cell = [](const std::string& text) {
    return Replaced(Replaced(Replaced(text, "|", "\\|"), "<", "&lt;"), ">", "&gt;");
  };
  const auto value = [](const Option& option) -> std::string {
    if (!TakesValue(option)) return "";
    if (!Choices(option).empty()) return "`" + Joined(Choices(option), "`, `") + "`";
    const bool number = option.kind == OptionKind::kInteger || option.kind == OptionKind::kNumber;
    return number ? option.unit + ": " + option.Valid() : option.unit;
  };
  std::string text;
  ForEach(
      options,
      [&](const std::string& section) {
        text += (text.empty() ? "" : "\n") + Title(section) +
                ":\n\n| option | value | default | meaning |\n|---|---|---|---|\n";
      },
      [&](const Option& option) {
        text += "| `" + Joined(Names(option), "`, `") + "` | " + cell(value(option)) + " | " +
                cell(option.DefaultText()) + " | " + cell(Meaning(option)) + " |\n";
      });
  if (!options.refused().empty())
    text += "\nDocumented options that this version refuses, each with its reason: `" +
            Replaced(RefusedNames(options), " ", "`, `") + "`.\n";
  return text;
}

std::string ManPage(const HelpPage& page, const OptionList& options) {
  const std::string purpose = Replaced(page.purpose, "\n", " ");
  const std::string first =
      purpose.substr(0, std::min(purpose.find_first_of(".:("), purpose.size()));
  std::string text =
      ".TH " + Upper(page.program) + " 1 \"\" \"mdvt " + page.version + "\"\n.ad l\n.SH NAME\n" +
      page.program + " \\- " + Roff(first) + "\n.SH SYNOPSIS\n.B " + page.program + "\n" +
      Roff(Synopsis(options).substr(1)) + "\n.SH DESCRIPTION\n" + Roff(purpose) + "\n.SH OPTIONS\n";
  ForEach(
      options, [&](const std::string& section) { text += ".SS " + Title(section) + "\n"; },
      [&](const Option& option) {
        text += ".TP\n\\fB" + Roff(Joined(Names(option), ", ")) + "\\fR";
        if (TakesValue(option)) text += " \\fI" + Roff(Value(option)) + "\\fR";
        text += "\n" + Roff(WholeMeaning(option)) + ".\n";
      });
  return text + ".SH NOTES\n" + Roff(Notes(options)) + "\n.SH EXAMPLE\n.nf\n" + Roff(page.example) +
         "\n.fi\n";
}

// What bash completes a value with: a command that fills COMPREPLY; empty for nothing.
std::string BashAction(const Option& option) {
  if (const std::vector<std::string> choices = Choices(option); !choices.empty())
    return "mapfile -t COMPREPLY < <(compgen -W " + Quoted(Joined(choices, " ")) + " -- \"$word\")";
  if (option.path == PathKind::kNone) return "";
  return std::string("compopt -o filenames; mapfile -t COMPREPLY < <(compgen ") +
         (option.path == PathKind::kFolder ? "-d" : "-f") + " -- \"$word\")";
}

std::string BashCompletion(const HelpPage& page, const OptionList& options) {
  std::vector<std::string> all;
  std::map<std::string, std::vector<std::string>> actions;  // with the options that have them
  for (const Option& option : options.options()) {
    for (const std::string& name : Names(option)) {
      all.push_back(name);
      if (TakesValue(option)) actions[BashAction(option)].push_back(name);
    }
  }
  std::string cases;
  for (const auto& [action, names] : actions)
    cases += "    " + Joined(names, "|") + ")\n      " + (action.empty() ? "" : action + "; ") +
             "return ;;\n";
  const Option* first = OptionAt(options, 0);
  return "# Completion of " + page.program + " for bash.\n_" + page.program +
         "() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  if [[ $word == '=' ]]; then  # a word of its own\n"
         "    word=\n"
         "  elif [[ $before == '=' ]]; then\n"
         "    before=${COMP_WORDS[COMP_CWORD-2]}\n"
         "  fi\n"
         "  COMPREPLY=()\n"
         "  case $before in\n" +
         cases +
         "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W " +
         Quoted(Joined(all, " ")) + " -- \"$word\")\n" +
         (first == nullptr ? "" : "  else\n    " + BashAction(*first) + "\n") +
         "  fi\n"
         "}\n"
         "complete -F _" +
         page.program + " " + page.program + "\n";
}

std::string ZshCompletion(const HelpPage& page, const OptionList& options) {
  std::string text = "#compdef " + page.program + "\n\n_arguments";
  for (const Option& option : options.options()) {
    for (const std::string& name : Names(option)) {
      std::string spec = name;
      if (TakesValue(option)) spec += "=";
      spec += "[" + ZshText(Meaning(option)) + "]";
      if (TakesValue(option)) spec += ":" + ZshText(Value(option)) + ":" + ZshAction(option);
      text += " \\\n  " + Quoted(spec);
    }
  }
  for (size_t position = 0; const Option* option = OptionAt(options, position); ++position)
    text += " \\\n  " + Quoted(std::to_string(position + 1) + ":" + ZshText(Upper(option->name)) +
                               ":" + ZshAction(*option));
  return text + "\n";
}

std::string HelpJson(const HelpPage& page, const OptionList& options) {
  return json::Write(json::Value::Members{{"program", page.program},
                                          {"purpose", page.purpose},
                                          {"example", page.example},
                                          {"options", OptionsToJson(options)}},
                     json::Layout::kPretty) +
         "\n";
}

}  // namespace

bool TakesValue(const Option& option) {
  return option.kind != OptionKind::kFlag || option.is_switch;
}

const Option* OptionAt(const OptionList& options, size_t position) {
  for (const Option& option : options.options())
    if (option.position == static_cast<int>(position)) return &option;
  return nullptr;
}

std::string HelpText(const HelpPage& page, const OptionList& options) {
  std::string text = "usage: " + page.program + Synopsis(options) + "\n\n" + page.purpose + "\n";
  ForEach(
      options, [&](const std::string& section) { text += "\n" + Title(section) + ":\n"; },
      [&](const Option& option) {
        text += "  " + Joined(Names(option), ", ");
        if (TakesValue(option)) text += " " + Value(option);
        text += "\n" + Wrapped(WholeMeaning(option), "      ");
      });
  if (!options.refused().empty())
    text +=
        "\ndocumented options that this version refuses:\n" + Wrapped(RefusedNames(options), "  ");
  return text + "\n" + Wrapped(Notes(options), "") + "\nexample:\n  " + page.example + "\n";
}

std::string Describe(HelpForm form, const HelpPage& page, const OptionList& options) {
  switch (form) {
    case HelpForm::kMarkdown:
      return Markdown(options);
    case HelpForm::kMan:
      return ManPage(page, options);
    case HelpForm::kBash:
      return BashCompletion(page, options);
    case HelpForm::kZsh:
      return ZshCompletion(page, options);
    case HelpForm::kJson:
      return HelpJson(page, options);
  }
  return "";
}

}  // namespace mdvt::example
