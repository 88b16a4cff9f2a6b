// SPDX-License-Identifier: Apache-2.0
#include "io/file_content.h"

#include "io/demuxer.h"

namespace mdvt::test {
namespace {

std::map<std::string, std::string> TagsOf(const AVDictionary* from) {
  std::map<std::string, std::string> tags;
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(from, "", entry, AV_DICT_IGNORE_SUFFIX)) != nullptr) {
    tags[entry->key] = entry->value;
  }
  return tags;
}

}  // namespace

Content ReadContent(const std::string& path) {
  ff::Demuxer file(OpenFileSource(path), path, Limits());
  file.FindStreamInfo(Limits());
  const AVFormatContext& context = *file.context();
  Content content;
  content.tags = TagsOf(context.metadata);
  for (unsigned i = 0; i < context.nb_streams; ++i) {
    const AVStream& stream = *context.streams[i];
    Track track;
    track.type = stream.codecpar->codec_type;
    track.codec = stream.codecpar->codec_id;
    track.tags = TagsOf(stream.metadata);
    track.language = track.tags["language"];
    track.extradata.assign(reinterpret_cast<const char*>(stream.codecpar->extradata),
                           static_cast<size_t>(stream.codecpar->extradata_size));
    content.tracks.push_back(track);
  }
  for (unsigned i = 0; i < context.nb_chapters; ++i) {
    const AVChapter& chapter = *context.chapters[i];
    content.chapters.emplace_back(static_cast<double>(chapter.start) * av_q2d(chapter.time_base),
                                  TagsOf(chapter.metadata)["title"]);
  }
  const ff::PacketPtr packet = ff::NewPacket();
  while (file.Read(packet.get())) {
    const auto i = static_cast<size_t>(packet->stream_index);
    if (packet->size == 0) continue;  // FLAC's end, in some containers
    const double tick = av_q2d(context.streams[i]->time_base);
    Packet p;
    p.seconds = static_cast<double>(packet->pts) * tick;
    p.duration = static_cast<double>(packet->duration) * tick;
    p.data.assign(packet->data, packet->data + packet->size);
    content.order.push_back(content.tracks[i].type);
    content.tracks[i].packets.push_back(std::move(p));
    av_packet_unref(packet.get());
  }
  return content;
}

}  // namespace mdvt::test
