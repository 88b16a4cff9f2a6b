// SPDX-License-Identifier: Apache-2.0
//
// Small files as text, each byte as it is.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace mdvt::test {

// Empty if there is no such file.
inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Every file below a folder, hidden ones too, with its text; folders end in "/".
using Tree = std::map<std::string, std::string>;
inline Tree ReadTree(const std::filesystem::path& folder) {
  Tree tree;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = std::filesystem::relative(entry.path(), folder).string();
    if (entry.is_directory())
      tree[name + "/"] = "";
    else
      tree[name] = ReadText(entry.path());
  }
  return tree;
}

}  // namespace mdvt::test
