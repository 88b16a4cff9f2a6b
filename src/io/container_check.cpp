// SPDX-License-Identifier: Apache-2.0
#include "io/container_check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "io/source_window.h"
#include "io/transport_stream.h"
#include "mdvt/core/error.h"

namespace mdvt::ff {
namespace {

using std::string_view_literals::operator""sv;

uint32_t BigEndian32(const unsigned char* p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 |
         static_cast<uint32_t>(p[2]) << 8 | p[3];
}

uint32_t LittleEndian32(const unsigned char* p) {
  return static_cast<uint32_t>(p[3]) << 24 | static_cast<uint32_t>(p[2]) << 16 |
         static_cast<uint32_t>(p[1]) << 8 | p[0];
}

bool IsMp4Box(std::string_view type) {
  constexpr std::array kTypes = {"ftyp"sv, "moov"sv, "mdat"sv, "free"sv, "skip"sv,
                                 "wide"sv, "pnot"sv, "styp"sv, "moof"sv};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// Formats that people may well try and that are not on the allow-list: "a GIF image".
const char* ForeignFormat(std::string_view head) {
  const auto starts = [&](std::string_view magic) { return head.substr(0, magic.size()) == magic; };
  if (starts("OggS")) return "an Ogg file";
  if (starts("FLV\x01"sv)) return "a Flash video";
  if (starts("\x30\x26\xB2\x75\x8E\x66\xCF\x11"sv)) return "a Windows Media file (ASF)";
  if (starts("\0\0\x01\xBA"sv) || starts("\0\0\x01\xB3"sv)) return "an MPEG program stream";
  if (starts("GIF8")) return "a GIF image";
  if (starts("DKIF")) return "an IVF file";
  if (starts("YUV4MPEG2")) return "a YUV4MPEG file";
  if (starts("\x89PNG\r\n\x1A\n")) return "a PNG image";
  if (starts("\xFF\xD8\xFF")) return "a JPEG image";
  if (starts("#EXTM3U")) return "a playlist";
  if (starts("ffconcat")) return "a concat script";
  if (starts("\0\0\0\x01"sv) || starts("\0\0\x01"sv))
    return "a bare video stream without container";
  if (head.size() >= 12 && starts("RIFF")) return "a RIFF file other than AVI";
  return nullptr;
}

// Videos whose streams Matroska takes as they are.
bool CanBeCopied(std::string_view head) {
  const auto starts = [&](std::string_view magic) { return head.substr(0, magic.size()) == magic; };
  return starts("OggS") || starts("FLV\x01"sv) || starts("\x30\x26\xB2\x75\x8E\x66\xCF\x11"sv) ||
         starts("\0\0\x01\xBA"sv) || starts("DKIF") || starts("YUV4MPEG2");
}

bool LooksLikeText(std::string_view head) {
  return std::all_of(head.begin(), head.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || byte == '\n' || byte == '\r' || byte == '\t';
  });
}

std::string Bytes(int64_t count) { return std::to_string(count) + " bytes"; }

// --- Matroska -----------------------------------------------------------------------------------

struct Element {
  uint32_t id = 0;
  int64_t size = 0;   // of the content; -1 if unknown
  int64_t begin = 0;  // of the content
};

// An EBML element header at `offset`; false where there is none.
bool ReadElement(SourceWindow* source, int64_t offset, Element* element) {
  unsigned char bytes[12];
  const size_t count = source->Read(offset, bytes, sizeof(bytes));
  if (count < 2 || bytes[0] == 0) return false;
  size_t id_length = 1;
  while (id_length < 4 && (bytes[0] & (0x80 >> (id_length - 1))) == 0) ++id_length;
  if ((bytes[0] & (0x80 >> (id_length - 1))) == 0 || count < id_length + 1) return false;
  element->id = 0;
  for (size_t i = 0; i < id_length; ++i) element->id = element->id << 8 | bytes[i];
  const unsigned char* p = bytes + id_length;
  if (p[0] == 0) return false;
  size_t length = 1;
  while ((p[0] & (0x80 >> (length - 1))) == 0) ++length;
  if (count < id_length + length) return false;
  uint64_t size = p[0] & ((0x80u >> (length - 1)) - 1);
  bool unknown = size == (0x80u >> (length - 1)) - 1;
  for (size_t i = 1; i < length; ++i) {
    size = size << 8 | p[i];
    unknown = unknown && p[i] == 0xFF;
  }
  element->size = unknown ? -1 : static_cast<int64_t>(size);
  element->begin = offset + static_cast<int64_t>(id_length + length);
  return true;
}

constexpr uint32_t kEbml = 0x1A45DFA3, kSegment = 0x18538067, kCluster = 0x1F43B675;

// True if some pictures or sound follow before `end`.
bool HasCluster(SourceWindow* source, int64_t offset, int64_t end) {
  Element element;
  while (offset < end && ReadElement(source, offset, &element)) {
    if (element.id == kCluster) return true;
    if (element.size < 0 || element.size > end - element.begin) return false;
    offset = element.begin + element.size;
  }
  return false;
}

ContainerCheck CheckMatroska(SourceWindow* source) {
  ContainerCheck check;
  const int64_t end = source->size();
  Element element;
  int64_t offset = 0;
  bool inside = false;  // of a segment of unknown size
  while (offset < end) {
    if (!ReadElement(source, offset, &element)) {
      // Bytes that are no element: FFmpeg skips them and looks for the next cluster.
      check.truncated = inside && end - offset < 12;
      check.detail = "the file ends within the head of a Matroska element";
      return check;
    }
    if (!inside && element.id != kEbml && element.id != kSegment) {
      return check;  // something behind the segment, or damage that FFmpeg will name
    }
    if (element.id == kSegment && element.size < 0) {
      check.unfinished = inside = true;
      check.detail = "the recording was never finalised";
      offset = element.begin;
      continue;
    }
    if (element.size < 0) return check;  // a live recording: nothing states where it ends
    if (element.size > end - element.begin) {
      check.truncated = true;
      check.usable = inside || HasCluster(source, element.begin, end);
      check.detail = std::string("a Matroska ") + (inside ? "element" : "segment") + " of " +
                     Bytes(element.size) + " starts where only " + Bytes(end - element.begin) +
                     " are left";
      return check;
    }
    offset = element.begin + element.size;
    if (!inside && element.id == kSegment) return check;
  }
  return check;
}

// --- MP4 and MOV --------------------------------------------------------------------------------

ContainerCheck CheckMp4(SourceWindow* source) {
  ContainerCheck check;
  const int64_t end = source->size();
  bool has_moov = false, has_fragments = false;
  for (int64_t offset = 0; offset < end;) {
    unsigned char head[16];
    const size_t count = source->Read(offset, head, sizeof(head));
    if (count < 8) break;  // a few bytes of padding
    int64_t size = BigEndian32(head);
    const std::string type(reinterpret_cast<const char*>(head) + 4, 4);
    if (size == 1 && count == 16) {
      const uint64_t large =
          static_cast<uint64_t>(BigEndian32(head + 8)) << 32 | BigEndian32(head + 12);
      size = static_cast<int64_t>(std::min<uint64_t>(large, INT64_MAX));
    } else if (size == 0) {
      size = end - offset;
    }
    has_moov = has_moov || type == "moov";
    has_fragments = has_fragments || type == "moof";
    if (size < 8) break;  // no box: FFmpeg stops here too
    if (size > end - offset) {
      check.truncated = true;
      check.index_decides = type != "moov" && !has_fragments;
      check.usable = type != "moov";
      check.detail = "the '" + type + "' box states " + Bytes(size) + " where " +
                     Bytes(end - offset) + " are left";
      break;
    }
    offset += size;
  }
  if (!has_moov) {
    check.truncated = true;
    check.index_decides = false;
    check.usable = false;
    check.detail = "it has no index ('moov' box)" +
                   (check.detail.empty() ? std::string() : "; " + check.detail);
  }
  return check;
}

// --- AVI ----------------------------------------------------------------------------------------

ContainerCheck CheckAvi(SourceWindow* source) {
  ContainerCheck check;
  const int64_t end = source->size();
  for (int64_t offset = 0; offset < end;) {
    unsigned char head[12];
    if (source->Read(offset, head, sizeof(head)) < sizeof(head)) break;
    if (std::memcmp(head, "RIFF", 4) != 0) break;
    const int64_t size = LittleEndian32(head + 4);
    if (size == 0) {
      check.unfinished = true;
      check.detail = "the recording was never finalised";
      break;
    }
    if (size > end - offset - 8) {
      check.truncated = true;
      check.detail =
          "a RIFF chunk states " + Bytes(size) + " where " + Bytes(end - offset - 8) + " are left";
      break;
    }
    offset += 8 + size + (size & 1);
  }
  return check;
}

}  // namespace

ContainerKind SniffContainer(ByteSource& source, const std::string& name) {
  Require(source.size() > 0, Code::kCorrupt, name + ": the file is empty");
  char bytes[2048];
  const std::string_view head(bytes, SourceWindow(source).Read(0, bytes, sizeof(bytes)));
  if (head.substr(0, 4) == "\x1A\x45\xDF\xA3"sv) return ContainerKind::kMatroska;
  if (head.size() >= 8 && IsMp4Box(head.substr(4, 4))) return ContainerKind::kMp4;
  if (head.size() >= 12 && head.substr(0, 4) == "RIFF" && head.substr(8, 4) == "AVI ") {
    return ContainerKind::kAvi;
  }
  if (FindTransportPackets(head)) return ContainerKind::kTransportStream;
  const char* foreign = ForeignFormat(head);
  Require(
      foreign == nullptr, Code::kUnsupported,
      name + ": is " + (foreign != nullptr ? foreign : "") +
          "; only Matroska, WebM, MP4, MOV, AVI and MPEG transport streams are read" +
          (CanBeCopied(head) ? " (\"ffmpeg -i FILE -c copy NEW.mkv\" copies it into one)" : ""));
  throw Error(Code::kCorrupt, name + (LooksLikeText(head) ? ": is a text file, not a video"
                                                          : ": is not a video file"));
}

ContainerCheck CheckContainer(ByteSource& source, ContainerKind kind) {
  SourceWindow window(source);
  switch (kind) {
    case ContainerKind::kMatroska:
      return CheckMatroska(&window);
    case ContainerKind::kMp4:
      return CheckMp4(&window);
    case ContainerKind::kAvi:
      return CheckAvi(&window);
    case ContainerKind::kTransportStream:
      break;
  }
  return {};
}

}  // namespace mdvt::ff
