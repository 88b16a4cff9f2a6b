# SPDX-License-Identifier: Apache-2.0
# cmake -DOUTPUT=x.cpp "-DFILES=a;b" -P EmbedFiles.cmake
# Writes the bytes of the files as a C++ source that defines mdvt::WebFiles().
set(tables)
set(entries)
set(number 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REPLACE "0x0a," "0x0a,\n" bytes "${bytes}")  # a line for each line
  string(APPEND tables "const unsigned char kFile${number}[] = {\n${bytes}};\n")
  string(APPEND entries
         "      {\"${name}\", {reinterpret_cast<const char*>(kFile${number}), sizeof(kFile${number})}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made by cmake/EmbedFiles.cmake.
#include \"pipeline/web_view.h\"

namespace mdvt {
namespace {
${tables}}  // namespace

const std::vector<WebFile>& WebFiles() {
  static const std::vector<WebFile> files = {
${entries}  };
  return files;
}

}  // namespace mdvt
")
