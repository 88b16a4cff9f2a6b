// SPDX-License-Identifier: Apache-2.0
//
// A look at the outer structure of a container, made before FFmpeg sees the file: what it is, and
// whether it is all there. FFmpeg reads a file that was cut off as a shorter one without an error.
#pragma once

#include <string>

#include "mdvt/io/byte_source.h"

namespace mdvt::ff {

enum class ContainerKind { kMatroska, kMp4, kAvi, kTransportStream };

// Recognises the container by its first bytes. Throws Error: kCorrupt (empty, text, unknown bytes),
// kUnsupported (a known format that is not on the allow-list, named).
ContainerKind SniffContainer(ByteSource& source, const std::string& name);

struct ContainerCheck {
  bool truncated = false;   // the file ends before a size that the container states
  bool unfinished = false;  // the sizes were never filled in: a recording that was not closed
  // truncated, but within a box of samples only: the index tells whether a frame is missing
  bool index_decides = false;
  bool usable = true;  // FFmpeg's program can still make a whole file of what is there
  // "the Matroska segment states 5000 bytes, the file has 4000"
  std::string detail;
};

// Walks the outermost elements (a few bytes read for each):
//   Matroska  the Segment must fit into the file; if its size is unknown, each Cluster must
//   MP4, MOV  each box must fit, and there must be a moov box
//   AVI       each RIFF chunk must fit
// A transport stream states no size; it may begin and end anywhere.
// Throws Error(kIo).
ContainerCheck CheckContainer(ByteSource& source, ContainerKind kind);

}  // namespace mdvt::ff
