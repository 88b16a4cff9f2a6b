// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/subtitle_renderer.h"

#include <ass/ass.h>
#include <dlfcn.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "core/file_ending.h"
#include "core/text_file.h"
#include "core/utf8.h"
#include "io/demuxer.h"
#include "io/ffmpeg.h"
#include "io/subtitle_converter.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/printable.h"

namespace mdvt {
namespace {

constexpr int kMaxSide = 1 << 14;
constexpr int kMaxLines = 200000;
constexpr int kMaxFontBytes = 64 << 20;
constexpr int kGlyphs = 5000, kCacheMegabytes = 48;
constexpr int64_t kLongestMs = int64_t{24} * 3600 * 1000;

// The few functions that are needed of libass. It stays open once it is.
struct AssLibrary {
  template <typename Function>
  bool Find(void* library, const char* name, Function** function) {
    *function = reinterpret_cast<Function*>(dlsym(library, name));
    return *function != nullptr;
  }

  AssLibrary() {
    void* library = dlopen("libass.so.9", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    is_open = Find(library, "ass_library_init", &library_init) &&
              Find(library, "ass_library_done", &library_done) &&
              Find(library, "ass_set_message_cb", &set_message_cb) &&
              Find(library, "ass_set_extract_fonts", &set_extract_fonts) &&
              Find(library, "ass_add_font", &add_font) &&
              Find(library, "ass_renderer_init", &renderer_init) &&
              Find(library, "ass_renderer_done", &renderer_done) &&
              Find(library, "ass_set_frame_size", &set_frame_size) &&
              Find(library, "ass_set_pixel_aspect", &set_pixel_aspect) &&
              Find(library, "ass_set_cache_limits", &set_cache_limits) &&
              Find(library, "ass_set_fonts", &set_fonts) &&
              Find(library, "ass_render_frame", &render_frame) &&
              Find(library, "ass_new_track", &new_track) &&
              Find(library, "ass_free_track", &free_track) &&
              Find(library, "ass_process_codec_private", &process_codec_private) &&
              Find(library, "ass_process_chunk", &process_chunk) &&
              Find(library, "ass_read_memory", &read_memory);
  }

  bool is_open = false;
  decltype(ass_library_init)* library_init = nullptr;
  decltype(ass_library_done)* library_done = nullptr;
  decltype(ass_set_message_cb)* set_message_cb = nullptr;
  decltype(ass_set_extract_fonts)* set_extract_fonts = nullptr;
  decltype(ass_add_font)* add_font = nullptr;
  decltype(ass_renderer_init)* renderer_init = nullptr;
  decltype(ass_renderer_done)* renderer_done = nullptr;
  decltype(ass_set_frame_size)* set_frame_size = nullptr;
  decltype(ass_set_pixel_aspect)* set_pixel_aspect = nullptr;
  decltype(ass_set_cache_limits)* set_cache_limits = nullptr;
  decltype(ass_set_fonts)* set_fonts = nullptr;
  decltype(ass_render_frame)* render_frame = nullptr;
  decltype(ass_new_track)* new_track = nullptr;
  decltype(ass_free_track)* free_track = nullptr;
  decltype(ass_process_codec_private)* process_codec_private = nullptr;
  decltype(ass_process_chunk)* process_chunk = nullptr;
  decltype(ass_read_memory)* read_memory = nullptr;
};

const AssLibrary& Ass() {
  static const AssLibrary library;
  Require(library.is_open, Code::kUnsupported,
          "subtitles cannot be drawn: libass (libass.so.9) is not installed");
  return library;
}

// libass tells of fonts that it misses, of styles that it does not know and the like.
void DropMessage(int, const char*, va_list, void*) {}

struct LibraryDeleter {
  void operator()(ASS_Library* p) const { Ass().library_done(p); }
};
struct RendererDeleter {
  void operator()(ASS_Renderer* p) const { Ass().renderer_done(p); }
};
struct TrackDeleter {
  void operator()(ASS_Track* p) const { Ass().free_track(p); }
};

// A decoder of text subtitles, which gives lines of ASS.
ff::CodecPtr OpenTextDecoder(const std::string& name, AVCodecID id,
                             const AVCodecParameters* parameters, AVRational time_base) {
  const AVCodec* decoder = avcodec_find_decoder(id);
  Require(decoder != nullptr, Code::kUnsupported,
          name + ": this FFmpeg has no decoder for its subtitles");
  ff::CodecPtr codec = ff::NewCodec(decoder);
  if (parameters != nullptr)
    ff::CheckFf(avcodec_parameters_to_context(codec.get(), parameters), Code::kUnsupported, name);
  codec->pkt_timebase = time_base;
  ff::CheckFf(avcodec_open2(codec.get(), decoder, nullptr), Code::kUnsupported,
              name + ": the decoder of its subtitles cannot be started");
  return codec;
}

bool IsFont(const AVCodecParameters& codec) {
  return codec.codec_id == AV_CODEC_ID_TTF || codec.codec_id == AV_CODEC_ID_OTF;
}

// The pixels that are covered: bitmaps of libass have empty columns beside theirs.
struct Extent {
  int left = INT_MAX, top = INT_MAX, right = INT_MIN, bottom = INT_MIN;
  bool empty() const { return right < left; }
  void Add(int x, int y) {
    left = std::min(left, x);
    top = std::min(top, y);
    right = std::max(right, x);
    bottom = std::max(bottom, y);
  }
};

std::string Language(const AVStream& stream) {
  const AVDictionaryEntry* entry = av_dict_get(stream.metadata, "language", nullptr, 0);
  return entry != nullptr ? entry->value : "";
}

// "first", or "first (fra)".
std::string WithLanguage(const std::string& text, const AVStream& stream) {
  const std::string language = Language(stream);
  return language.empty() ? text : text + " (" + Printable(language) + ")";
}

// As SubtitleRendererOptions::stream says. `others`: those that are no text, for messages.
const AVStream* Choose(const std::vector<const AVStream*>& texts,
                       const std::vector<const AVStream*>& others, const std::string& wanted,
                       const std::string& path) {
  std::string no_text;  // "dvb_subtitle (deu), dvb_teletext"
  for (const AVStream* one : others)
    no_text += (no_text.empty() ? "" : ", ") +
               WithLanguage(avcodec_get_name(one->codecpar->codec_id), *one);
  Require(!texts.empty(), Code::kNotFound,
          "'" + path + "' has no text subtitles" +
              (no_text.empty() ? "" : ", only others, which cannot be drawn: " + no_text) +
              " (give a file of text: subtitle_file)");
  if (wanted.empty()) {
    const auto marked = std::find_if(texts.begin(), texts.end(), [](const AVStream* one) {
      return (one->disposition & AV_DISPOSITION_DEFAULT) != 0;
    });
    return marked != texts.end() ? *marked : texts.front();
  }
  std::string all;
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    if (wanted == number || wanted == Language(*texts[i])) return texts[i];
    all += (i > 0 ? ", " : "") + WithLanguage(number, *texts[i]);
  }
  throw Error(Code::kNotFound,
              "'" + path + "' has no text subtitles '" + Printable(wanted) +
                  "', there are: " + all +
                  (no_text.empty() ? "" : "; these are no text and cannot be drawn: " + no_text));
}

}  // namespace

struct SubtitleRenderer::Impl {
  explicit Impl(const SubtitleRendererOptions& wanted) : options(wanted) {
    Require(options.width >= 1 && options.width <= kMaxSide && options.height >= 1 &&
                options.height <= kMaxSide && options.pixel_aspect > 0 &&
                options.pixel_aspect <= 100,
            Code::kInvalidArgument, "SubtitleRenderer: a size or shape of pixels out of range");
    library.reset(Ass().library_init());
    Require(library != nullptr, Code::kOutOfMemory, "no memory for subtitles");
    Ass().set_message_cb(library.get(), &DropMessage, nullptr);
    Ass().set_extract_fonts(library.get(), 1);
  }

  // When the fonts of the file are known.
  void Start() {
    renderer.reset(Ass().renderer_init(library.get()));
    Require(renderer != nullptr, Code::kOutOfMemory, "no memory for subtitles");
    Ass().set_frame_size(renderer.get(), options.width, options.height);
    // What libass asks for is by how much letters are to be widened.
    Ass().set_pixel_aspect(renderer.get(), 1 / options.pixel_aspect);
    Ass().set_cache_limits(renderer.get(), kGlyphs, kCacheMegabytes);
    Ass().set_fonts(renderer.get(), nullptr, "sans-serif", ASS_FONTPROVIDER_AUTODETECT, nullptr, 1);
    if (track == nullptr) track.reset(Ass().new_track(library.get()));
    Require(track != nullptr, Code::kOutOfMemory, "no memory for subtitles");
    if (decoder && decoder->subtitle_header != nullptr)
      Ass().process_codec_private(track.get(), reinterpret_cast<char*>(decoder->subtitle_header),
                                  decoder->subtitle_header_size);
  }

  void OpenVideo(const std::string& path) {
    name = path;
    demuxer = std::make_unique<ff::Demuxer>(OpenFileSource(path), path, options.limits);
    demuxer->FindStreamInfo(options.limits);
    AVFormatContext& context = *demuxer->context();
    std::vector<const AVStream*> texts, others;
    for (unsigned i = 0; i < context.nb_streams; ++i) {
      const AVStream* one = context.streams[i];
      const AVCodecParameters& codec = *one->codecpar;
      if (codec.codec_type == AVMEDIA_TYPE_ATTACHMENT && IsFont(codec) &&
          codec.extradata_size > 0 && codec.extradata_size <= kMaxFontBytes) {
        const AVDictionaryEntry* file = av_dict_get(one->metadata, "filename", nullptr, 0);
        Ass().add_font(library.get(), file != nullptr ? file->value : "font",
                       reinterpret_cast<char*>(codec.extradata), codec.extradata_size);
      }
      if (codec.codec_type == AVMEDIA_TYPE_SUBTITLE && demuxer->IsOfTheProgram(*one))
        (ff::SubtitleConverter::IsText(*one) ? texts : others).push_back(one);
    }
    const AVStream* chosen = Choose(texts, others, options.stream, path);
    stream = chosen->index;
    for (unsigned i = 0; i < context.nb_streams; ++i)
      if (static_cast<int>(i) != stream) context.streams[i]->discard = AVDISCARD_ALL;
    time_base = chosen->time_base;
    decoder = OpenTextDecoder(path, chosen->codecpar->codec_id, chosen->codecpar, time_base);
    Start();
  }

  void OpenFile(const std::string& path) {
    name = path;
    const std::string ending = LowerEnding(path);
    Require(ending == ".srt" || ending == ".vtt" || ending == ".ass" || ending == ".ssa",
            Code::kInvalidArgument,
            "'" + path +
                "' must end in .srt, .vtt, .ass or .ssa: subtitles of another kind are "
                "not read");
    if (ending == ".ass" || ending == ".ssa") return OpenAss(path);
    const std::vector<SubtitleCue> cues =
        ReadAndParse(path, "subtitle file", options.limits, ParseSubtitleCues);
    time_base = {1, 1000};
    decoder = OpenTextDecoder(path, ending == ".srt" ? AV_CODEC_ID_SUBRIP : AV_CODEC_ID_WEBVTT,
                              nullptr, time_base);
    Start();
    for (const SubtitleCue& cue : cues) {
      ff::PacketPtr packet = ff::NewPacket();
      ff::CheckFf(av_new_packet(packet.get(), static_cast<int>(cue.text.size())),
                  Code::kOutOfMemory, "no memory for subtitles");
      std::memcpy(packet->data, cue.text.data(), cue.text.size());
      packet->pts = packet->dts = cue.begin_ms;
      packet->duration = cue.end_ms - cue.begin_ms;
      Decode(packet.get());
    }
  }

  void OpenAss(const std::string& path) {
    std::string text = ReadTextFile(path, "subtitle file", options.limits);
    Require(IsUtf8(text), Code::kCorrupt,
            path + ": the subtitles are not UTF-8: save them in that encoding");
    track.reset(Ass().read_memory(library.get(), text.data(), text.size(), nullptr));
    Require(track != nullptr && track->n_events > 0, Code::kCorrupt,
            path + ": there are no subtitles in it");
    Start();
  }

  // Adds the lines of a packet to the track. A damaged packet says nothing.
  void Decode(AVPacket* packet) {
    if (packet->pts == AV_NOPTS_VALUE) return;
    AVSubtitle subtitle = {};
    int shown = 0;
    const int error = avcodec_decode_subtitle2(decoder.get(), &subtitle, &shown, packet);
    if (error >= 0 && shown != 0) {
      constexpr AVRational kMilliseconds = {1, 1000};
      const int64_t pts = av_rescale_q(packet->pts, time_base, kMilliseconds);
      const int64_t begin = pts + subtitle.start_display_time;
      int64_t duration = int64_t{subtitle.end_display_time} - subtitle.start_display_time;
      if (subtitle.end_display_time == 0 || subtitle.end_display_time == UINT32_MAX)
        duration = av_rescale_q(packet->duration, time_base, kMilliseconds);
      duration = std::clamp<int64_t>(duration, 0, kLongestMs);
      for (unsigned i = 0; i < subtitle.num_rects; ++i) {
        char* line = subtitle.rects[i]->ass;
        if (line == nullptr || track->n_events >= kMaxLines) continue;
        Ass().process_chunk(track.get(), line, static_cast<int>(std::strlen(line)), begin,
                            duration);
      }
    }
    avsubtitle_free(&subtitle);
  }

  // Reads what begins up to this time.
  void ReadUntil(int64_t ms) {
    if (!demuxer) return;
    constexpr AVRational kMilliseconds = {1, 1000};
    for (;;) {
      if (!next && !at_end) {
        next = ff::NewPacket();
        at_end = !demuxer->Read(next.get());
        if (!at_end && next->stream_index != stream) {
          next.reset();
          continue;
        }
      }
      if (at_end) return;
      if (next->pts != AV_NOPTS_VALUE && av_compare_ts(next->pts, time_base, ms, kMilliseconds) > 0)
        return;
      Decode(next.get());
      next.reset();
    }
  }

  void Draw(int64_t ms) {
    picture.lines.clear();
    for (int i = 0; i < track->n_events; ++i)
      if (track->events[i].Start <= ms && ms < track->events[i].Start + track->events[i].Duration)
        picture.lines.push_back(i);
    int changed = 0;
    const ASS_Image* image = Ass().render_frame(renderer.get(), track.get(), ms, &changed);
    if (changed == 0 && drawn) return;
    drawn = true;
    picture.bitmaps.clear();
    Extent extent;
    for (; image != nullptr; image = image->next) {
      if (image->w <= 0 || image->h <= 0 || (image->color & 0xff) == 0xff) continue;
      SubtitleBitmap bitmap;
      bitmap.x = image->dst_x;
      bitmap.y = image->dst_y;
      bitmap.rgb = {static_cast<uint8_t>(image->color >> 24),
                    static_cast<uint8_t>(image->color >> 16),
                    static_cast<uint8_t>(image->color >> 8)};
      const int opacity = 255 - static_cast<int>(image->color & 0xff);
      bitmap.coverage = Image(PixelFormat::Gray(8), image->w, image->h);
      for (int y = 0; y < image->h; ++y) {
        const uint8_t* from = image->bitmap + static_cast<ptrdiff_t>(y) * image->stride;
        uint8_t* to = bitmap.coverage.MutablePlane<uint8_t>().Row(y);
        for (int x = 0; x < image->w; ++x) {
          to[x] = static_cast<uint8_t>((from[x] * opacity + 127) / 255);
          if (to[x] > 0) extent.Add(bitmap.x + x, bitmap.y + y);
        }
      }
      picture.bitmaps.push_back(std::move(bitmap));
    }
    if (extent.empty()) picture.bitmaps.clear();
    picture.x = extent.empty() ? 0 : extent.left;
    picture.y = extent.empty() ? 0 : extent.top;
    picture.width = extent.empty() ? 0 : extent.right - extent.left + 1;
    picture.height = extent.empty() ? 0 : extent.bottom - extent.top + 1;
  }

  const SubtitleRendererOptions options;
  std::string name;
  std::unique_ptr<ASS_Library, LibraryDeleter> library;
  std::unique_ptr<ASS_Renderer, RendererDeleter> renderer;
  std::unique_ptr<ASS_Track, TrackDeleter> track;
  std::unique_ptr<ff::Demuxer> demuxer;  // null: all lines are in the track
  ff::CodecPtr decoder;
  AVRational time_base = {1, 1000};
  int stream = -1;
  ff::PacketPtr next;
  bool at_end = false;
  bool drawn = false;
  SubtitlePicture picture;
};

SubtitleRenderer::SubtitleRenderer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SubtitleRenderer::~SubtitleRenderer() = default;
SubtitleRenderer::SubtitleRenderer(SubtitleRenderer&&) noexcept = default;
SubtitleRenderer& SubtitleRenderer::operator=(SubtitleRenderer&&) noexcept = default;

SubtitleRenderer SubtitleRenderer::OfVideo(const std::string& path,
                                           const SubtitleRendererOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  impl->OpenVideo(path);
  return SubtitleRenderer(std::move(impl));
}

SubtitleRenderer SubtitleRenderer::OfFile(const std::string& path,
                                          const SubtitleRendererOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  impl->OpenFile(path);
  return SubtitleRenderer(std::move(impl));
}

const SubtitlePicture& SubtitleRenderer::At(double seconds) {
  const auto ms = static_cast<int64_t>(std::floor(seconds * 1000 + 0.5));
  impl_->ReadUntil(ms);
  impl_->Draw(ms);
  return impl_->picture;
}

}  // namespace mdvt
