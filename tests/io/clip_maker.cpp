// SPDX-License-Identifier: Apache-2.0
#include "io/clip_maker.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

#include "io/muxer.h"
#include "mdvt/io/ffmpeg_log.h"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
}

namespace mdvt::test {
namespace {

constexpr int kAudioRate = 48000;

// These tests feed FFmpeg with much that it would complain about.
[[maybe_unused]] const bool kSilent = (SilenceFfmpegLog(), true);

void Check(int error, const char* what) {
  if (error < 0) throw std::runtime_error(std::string(what) + ": " + ff::ErrorText(error));
}

const AVCodec* FindEncoder(const std::string& name) {
  const AVCodec* codec = avcodec_find_encoder_by_name(name.c_str());
  if (codec == nullptr) throw std::runtime_error("no encoder " + name);
  return codec;
}

void AddSideData(AVStream* stream, AVPacketSideDataType type, const void* data, size_t size) {
  auto* copy = static_cast<uint8_t*>(av_malloc(size));
  std::memcpy(copy, data, size);
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  av_packet_side_data_add(&stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data,
                          type, copy, size, 0);
#else
  Check(av_stream_add_side_data(stream, type, copy, size), "side data");
#endif
}

// A packet of any stream with the time by which packets are ordered in the file.
struct Queued {
  double seconds;
  ff::PacketPtr packet;
};

void Encode(AVCodecContext* encoder, const AVFrame* frame, const AVStream& stream,
            std::vector<Queued>* queue) {
  Check(avcodec_send_frame(encoder, frame), "encode");
  for (;;) {
    ff::PacketPtr packet = ff::NewPacket();
    const int error = avcodec_receive_packet(encoder, packet.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
    Check(error, "encode");
    packet->stream_index = stream.index;
    const double seconds = static_cast<double>(packet->dts) * av_q2d(encoder->time_base);
    // Times stay in the encoder's base here; WriteQueue() converts them.
    queue->push_back({seconds, std::move(packet)});
  }
}

void AddSound(const ClipSpec& spec, size_t track, ff::Muxer* muxer, std::vector<Queued>* queue) {
  const AVCodec* audio_codec = FindEncoder(spec.audio_encoder);
  const ff::CodecPtr audio = ff::NewCodec(audio_codec);
  audio->sample_rate = kAudioRate;
  audio->sample_fmt = audio_codec->sample_fmts[0];
  av_channel_layout_default(&audio->ch_layout, 2);
  audio->time_base = {1, kAudioRate};
  audio->bit_rate = 128000;
  audio->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  if ((muxer->context()->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
    audio->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  Check(avcodec_open2(audio.get(), audio_codec, nullptr), spec.audio_encoder.c_str());
  AVStream* sound = muxer->AddStream();
  Check(avcodec_parameters_from_context(sound->codecpar, audio.get()), "parameters");
  sound->time_base = audio->time_base;
  av_dict_set(&sound->metadata, "language", spec.audio_languages[track].c_str(), 0);
  const double step = 2 * M_PI * 1000 * static_cast<double>(track + 1) / kAudioRate;
  const int block = audio->frame_size > 0 ? audio->frame_size : 1024;
  const auto begin = static_cast<int64_t>(std::lround(spec.audio_begin * kAudioRate));
  const auto total = static_cast<int64_t>(std::lround(spec.audio_seconds * kAudioRate));
  for (int64_t done = 0; done < total; done += block) {
    const ff::FramePtr frame = ff::NewFrame();
    frame->nb_samples = static_cast<int>(std::min<int64_t>(block, total - done));
    frame->format = audio->sample_fmt;
    frame->sample_rate = kAudioRate;
    av_channel_layout_copy(&frame->ch_layout, &audio->ch_layout);
    Check(av_frame_get_buffer(frame.get(), 0), "audio frame");
    const bool planar = av_sample_fmt_is_planar(audio->sample_fmt) != 0;
    const bool is_float = av_get_packed_sample_fmt(audio->sample_fmt) == AV_SAMPLE_FMT_FLT;
    const bool is_8 = av_get_packed_sample_fmt(audio->sample_fmt) == AV_SAMPLE_FMT_U8;
    const bool is_16 = av_get_packed_sample_fmt(audio->sample_fmt) == AV_SAMPLE_FMT_S16;
    for (int i = 0; i < frame->nb_samples; ++i) {
      const double value = 0.25 * std::sin(static_cast<double>(done + i) * step);
      for (int channel = 0; channel < 2; ++channel) {
        uint8_t* data = frame->extended_data[planar ? channel : 0];
        const int at = planar ? i : 2 * i + channel;
        if (is_float) {
          reinterpret_cast<float*>(data)[at] = static_cast<float>(value);
        } else if (is_8) {
          data[at] = static_cast<uint8_t>(128 + value * 127);
        } else if (is_16) {
          reinterpret_cast<int16_t*>(data)[at] = static_cast<int16_t>(value * 32767);
        } else {
          reinterpret_cast<int32_t*>(data)[at] = static_cast<int32_t>(value * 2147483647.0);
        }
      }
    }
    frame->pts = begin + done;
    Encode(audio.get(), frame.get(), *sound, queue);
  }
  Encode(audio.get(), nullptr, *sound, queue);
  Check(avcodec_parameters_from_context(sound->codecpar, audio.get()), "parameters");
}

ff::PacketPtr PacketOf(const std::string& bytes, int64_t milliseconds, int stream) {
  ff::PacketPtr packet = ff::NewPacket();
  Check(av_new_packet(packet.get(), static_cast<int>(bytes.size())), "packet");
  std::memcpy(packet->data, bytes.data(), bytes.size());
  packet->pts = packet->dts = milliseconds;
  packet->duration = 400;
  packet->flags |= AV_PKT_FLAG_KEY;
  packet->stream_index = stream;
  return packet;
}

void AddOther(const OtherStream& other, AVStream* stream, std::vector<Queued>* queue) {
  const bool attachment = other.type == AVMEDIA_TYPE_ATTACHMENT;
  AVCodecParameters& to = *stream->codecpar;
  to.codec_type = other.type;
  to.codec_id = other.codec;
  stream->time_base = {1, 1000};
  if (!other.language.empty())
    av_dict_set(&stream->metadata, "language", other.language.c_str(), 0);
  const std::string& head = attachment ? other.bytes : other.head;
  to.extradata = static_cast<uint8_t*>(av_mallocz(head.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  std::memcpy(to.extradata, head.data(), head.size());
  to.extradata_size = static_cast<int>(head.size());
  if (!attachment) {
    for (int i = 0; i < 3; ++i)
      queue->push_back({0.5 * i, PacketOf(other.bytes, 500 * i, stream->index)});
    return;
  }
  av_dict_set(&stream->metadata, "filename", other.filename.c_str(), 0);
  av_dict_set(&stream->metadata, "mimetype", other.mimetype.c_str(), 0);
}

}  // namespace

ff::FramePtr MakeFrame(AVPixelFormat format, int width, int height, int index) {
  ff::FramePtr frame = ff::NewFrame();
  frame->format = format;
  frame->width = width;
  frame->height = height;
  Check(av_frame_get_buffer(frame.get(), 0), "frame");
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(format);
  std::mt19937 random(static_cast<unsigned>(index * 7919 + width * 31 + height));
  if (format == AV_PIX_FMT_PAL8) {
    for (int i = 0; i < 256; ++i) {
      const uint32_t argb = 0xFF000000u | (random() & 0xFFFFFF);
      std::memcpy(frame->data[1] + 4 * i, &argb, 4);
    }
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        frame->data[0][y * frame->linesize[0] + x] = static_cast<uint8_t>(random());
      }
    }
    return frame;
  }
  for (int plane = 0; plane < 4 && frame->data[plane] != nullptr; ++plane) {
    const int rows = plane == 1 || plane == 2 ? AV_CEIL_RSHIFT(height, d->log2_chroma_h) : height;
    std::memset(frame->data[plane], 0,
                static_cast<size_t>(frame->linesize[plane]) * static_cast<size_t>(rows));
  }
  for (int c = 0; c < d->nb_components; ++c) {
    const bool chroma = (c == 1 || c == 2) && (d->flags & AV_PIX_FMT_FLAG_RGB) == 0;
    const int w = chroma ? AV_CEIL_RSHIFT(width, d->log2_chroma_w) : width;
    const int h = chroma ? AV_CEIL_RSHIFT(height, d->log2_chroma_h) : height;
    std::vector<uint32_t> row(static_cast<size_t>(w));
    for (int y = 0; y < h; ++y) {
      for (uint32_t& value : row) {
        value = static_cast<uint32_t>(random() & ((uint64_t{1} << d->comp[c].depth) - 1));
      }
      av_write_image_line2(row.data(), frame->data, frame->linesize, d, 0, y, c, w, 4);
    }
  }
  return frame;
}

std::vector<uint32_t> ReadComponent(const AVFrame& frame, int component) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(format);
  const bool palette = format == AV_PIX_FMT_PAL8;
  const bool chroma =
      (component == 1 || component == 2) && (d->flags & AV_PIX_FMT_FLAG_RGB) == 0 && !palette;
  const int w = chroma ? AV_CEIL_RSHIFT(frame.width, d->log2_chroma_w) : frame.width;
  const int h = chroma ? AV_CEIL_RSHIFT(frame.height, d->log2_chroma_h) : frame.height;
  std::vector<uint32_t> all;
  std::vector<uint32_t> row(static_cast<size_t>(w));
  for (int y = 0; y < h; ++y) {
    if (palette) {
      for (int x = 0; x < w; ++x) {
        uint32_t argb;
        std::memcpy(&argb, frame.data[1] + 4 * frame.data[0][y * frame.linesize[0] + x], 4);
        row[static_cast<size_t>(x)] = argb >> (16 - 8 * component) & 0xFF;
      }
    } else {
      av_read_image_line2(row.data(), const_cast<const uint8_t**>(frame.data), frame.linesize, d, 0,
                          y, component, w, 0, 4);
    }
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

std::vector<uint32_t> ReadPlane(const ImageView& image, int plane) {
  std::vector<uint32_t> all;
  const int w = image.format.PlaneWidth(plane, image.width);
  const int h = image.format.PlaneHeight(plane, image.height);
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      all.push_back(image.format.type == SampleType::kU8 ? image.Plane<uint8_t>(plane).At(x, y)
                                                         : image.Plane<uint16_t>(plane).At(x, y));
    }
  }
  return all;
}

Image RandomImage(const PixelFormat& format, int width, int height, int index) {
  Image image(format, width, height);
  std::mt19937 random(static_cast<unsigned>(index * 7919 + width * 31 + height));
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const int w = format.PlaneWidth(plane, width), h = format.PlaneHeight(plane, height);
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const auto value =
            static_cast<uint32_t>(random() & static_cast<uint32_t>(format.max_value()));
        if (format.type == SampleType::kU8) {
          image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
        } else {
          image.MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(value);
        }
      }
    }
  }
  return image;
}

bool SamePixels(const ImageView& a, const ImageView& b) {
  if (a.format != b.format || a.width != b.width || a.height != b.height) return false;
  for (int plane = 0; plane < a.format.num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    const size_t row = static_cast<size_t>(a.format.PlaneWidth(plane, a.width)) *
                       static_cast<size_t>(a.format.bytes_per_sample());
    for (int y = 0; y < a.format.PlaneHeight(plane, a.height); ++y) {
      if (std::memcmp(a.data[i] + y * a.stride[i], b.data[i] + y * b.stride[i], row) != 0) {
        return false;
      }
    }
  }
  return true;
}

ff::FramePtr MakeMovingFrame(AVPixelFormat format, int width, int height, int index) {
  ff::FramePtr frame = MakeFrame(format, width, height, 0);
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(format);
  for (int c = 0; c < d.nb_components; ++c) {
    const bool chroma = c > 0 && d.log2_chroma_w + d.log2_chroma_h > 0;
    const int plane_width = chroma ? AV_CEIL_RSHIFT(width, d.log2_chroma_w) : width;
    const int plane_height = chroma ? AV_CEIL_RSHIFT(height, d.log2_chroma_h) : height;
    for (int y = 0; y < plane_height; ++y) {
      uint8_t* row = frame->data[c] + y * frame->linesize[c];
      for (int x = 0; x < plane_width; ++x) {
        const double u = (x + 2 * index) * (chroma ? 2 : 1), v = y * (chroma ? 2 : 1);
        row[x] = static_cast<uint8_t>(126 + 60 * std::sin(0.21 * u + c) * std::cos(0.17 * v) +
                                      30 * std::sin(0.53 * (u + v)));
      }
    }
  }
  return frame;
}

void MakeClip(const std::string& path, const ClipSpec& spec) {
  ff::Muxer muxer(path, spec.container.c_str(), true);
  AVFormatContext* context = muxer.context();
  context->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  std::vector<Queued> queue;

  // Video.
  const AVCodec* codec = FindEncoder(spec.encoder);
  const ff::CodecPtr video = ff::NewCodec(codec);
  video->width = spec.width;
  video->height = spec.height;
  video->pix_fmt = spec.pixel_format;
  video->time_base = spec.time_base;
  video->framerate = spec.frame_rate;
  video->sample_aspect_ratio = spec.sample_aspect;
  video->color_range = spec.range;
  video->colorspace = spec.matrix;
  video->thread_count = 1;
  video->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  if ((context->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
    video->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  ff::Dictionary options;
  for (const auto& [key, value] : spec.codec_options) options.Set(key.c_str(), value);
  Check(avcodec_open2(video.get(), codec, options.get()), spec.encoder.c_str());
  AVStream* stream = muxer.AddStream();
  Check(avcodec_parameters_from_context(stream->codecpar, video.get()), "parameters");
  if (spec.field_order != AV_FIELD_UNKNOWN) stream->codecpar->field_order = spec.field_order;
  stream->time_base = spec.time_base;
  stream->avg_frame_rate = spec.frame_rate;
  stream->sample_aspect_ratio = spec.sample_aspect;
  stream->disposition = AV_DISPOSITION_DEFAULT;
  if (spec.display_matrix) {
    AddSideData(stream, AV_PKT_DATA_DISPLAYMATRIX, spec.display_matrix->data(),
                9 * sizeof(int32_t));
  }
  for (const auto& [type, bytes] : spec.side_data)
    AddSideData(stream, type, bytes.data(), bytes.size());
  for (const auto& [key, value] : spec.tags) {
    av_dict_set(&context->metadata, key.c_str(), value.c_str(), 0);
  }
  for (const auto& [key, value] : spec.stream_tags) {
    av_dict_set(&stream->metadata, key.c_str(), value.c_str(), 0);
  }
  std::vector<int64_t> pts = spec.pts;
  for (int i = 0; spec.pts.empty() && i < spec.frames; ++i) pts.push_back(40 * i);
  for (size_t i = 0; i < pts.size(); ++i) {
    const int number = static_cast<int>(i);
    const ff::FramePtr frame = spec.picture
                                   ? spec.picture(number)
                                   : (spec.moving ? MakeMovingFrame : MakeFrame)(
                                         spec.pixel_format, spec.width, spec.height, number);
    frame->pts = pts[i];
    Encode(video.get(), frame.get(), *stream, &queue);
  }
  if (!pts.empty()) Encode(video.get(), nullptr, *stream, &queue);
  std::vector<AVRational> time_bases = {spec.time_base};
  for (int i = 0; i < spec.extra_streams; ++i) {
    AVStream* extra = muxer.AddStream();
    Check(avcodec_parameters_from_context(extra->codecpar, video.get()), "parameters");
    extra->time_base = spec.time_base;
    time_bases.push_back(spec.time_base);
  }

  if (!spec.audio_encoder.empty()) {
    for (size_t track = 0; track < spec.audio_languages.size(); ++track) {
      AddSound(spec, track, &muxer, &queue);
      time_bases.push_back({1, kAudioRate});
    }
  }

  if (!spec.subtitles.empty()) {
    AVStream* text = muxer.AddStream();
    text->codecpar->codec_type = AVMEDIA_TYPE_SUBTITLE;
    text->codecpar->codec_id = AV_CODEC_ID_SUBRIP;
    text->time_base = {1, 1000};
    av_dict_set(&text->metadata, "language", "fra", 0);
    time_bases.push_back(text->time_base);
    for (size_t i = 0; i < spec.subtitles.size(); ++i) {
      const auto begin = static_cast<int64_t>(i) * 500;
      queue.push_back(
          {static_cast<double>(begin) / 1000, PacketOf(spec.subtitles[i], begin, text->index)});
    }
  }
  std::vector<OtherStream> others = spec.others;
  if (spec.attachment)
    others.push_back(
        {AVMEDIA_TYPE_ATTACHMENT, AV_CODEC_ID_NONE, "hello", "note.txt", "text/plain", ""});
  for (const OtherStream& other : others) {
    AddOther(other, muxer.AddStream(), &queue);
    time_bases.push_back({1, 1000});
  }
  if (spec.chapters > 0) {
    const auto count = static_cast<unsigned>(spec.chapters);
    context->chapters = static_cast<AVChapter**>(av_calloc(count, sizeof(AVChapter*)));
    for (unsigned i = 0; i < count; ++i) {
      auto* chapter = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
      chapter->id = i + 1;
      chapter->time_base = {1, 1000};
      chapter->start = 100 * i;
      chapter->end = 100 * (i + 1);
      av_dict_set(&chapter->metadata, "title", ("Part " + std::to_string(i + 1)).c_str(), 0);
      context->chapters[i] = chapter;
    }
    context->nb_chapters = count;
  }

  ff::Dictionary muxer_options;
  for (const auto& [key, value] : spec.muxer_options) muxer_options.Set(key.c_str(), value);
  muxer.WriteHeader(&muxer_options);
  std::stable_sort(queue.begin(), queue.end(),
                   [](const Queued& a, const Queued& b) { return a.seconds < b.seconds; });
  int pictures = 0;
  for (Queued& entry : queue) {
    const auto index = static_cast<size_t>(entry.packet->stream_index);
    if (index == 0 && spec.edit && !spec.edit(pictures++, entry.packet.get())) continue;
    av_packet_rescale_ts(entry.packet.get(), time_bases[index], context->streams[index]->time_base);
    muxer.Write(entry.packet.get());
  }
  muxer.Finish();
}

std::vector<std::byte> ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> bytes(text.size());
  if (!bytes.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

void WriteBytes(const std::string& path, const std::vector<std::byte>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

namespace {
int CountEntries(const char* folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    (void)entry;
    ++count;
  }
  return count;
}
}  // namespace

int CountDescriptors() { return CountEntries("/proc/self/fd"); }
int CountThreads() { return CountEntries("/proc/self/task"); }

std::vector<std::string> ListFolder(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace mdvt::test
