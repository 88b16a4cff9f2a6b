// SPDX-License-Identifier: Apache-2.0
#include "io/deinterlacer.h"

#include <dlfcn.h>

#include <cinttypes>
#include <cstdio>

#include "mdvt/core/error.h"

extern "C" {
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
}

namespace mdvt::ff {
namespace {

// The few functions that are needed of libavfilter. It stays open once it is.
struct FilterLibrary {
  template <typename Function>
  bool Find(void* library, const char* name, Function** function) {
    *function = reinterpret_cast<Function*>(dlsym(library, name));
    return *function != nullptr;
  }

  FilterLibrary() {
    const std::string file = "libavfilter.so." + std::to_string(LIBAVFILTER_VERSION_MAJOR);
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    is_open = Find(library, "avfilter_graph_alloc", &graph_alloc) &&
              Find(library, "avfilter_graph_free", &graph_free) &&
              Find(library, "avfilter_graph_create_filter", &create_filter) &&
              Find(library, "avfilter_graph_config", &graph_config) &&
              Find(library, "avfilter_get_by_name", &get_by_name) &&
              Find(library, "avfilter_link", &link) &&
              Find(library, "av_buffersrc_add_frame_flags", &add_frame) &&
              Find(library, "av_buffersink_get_frame", &get_frame);
  }

  bool is_open = false;
  decltype(avfilter_graph_alloc)* graph_alloc = nullptr;
  decltype(avfilter_graph_free)* graph_free = nullptr;
  decltype(avfilter_graph_create_filter)* create_filter = nullptr;
  decltype(avfilter_graph_config)* graph_config = nullptr;
  decltype(avfilter_get_by_name)* get_by_name = nullptr;
  decltype(avfilter_link)* link = nullptr;
  decltype(av_buffersrc_add_frame_flags)* add_frame = nullptr;
  decltype(av_buffersink_get_frame)* get_frame = nullptr;
};

const FilterLibrary& Library(const std::string& name) {
  static const FilterLibrary library;
  Require(library.is_open, Code::kUnsupported,
          name +
              ": is interlaced, and libavfilter, which makes whole pictures of such, is not "
              "installed (deinterlace = off reads them as they are)");
  return library;
}

}  // namespace

struct Deinterlacer::Impl {
  Impl(bool apart, AVRational base, const std::string& file_name)
      : fields_apart(apart), time_base(base), name(file_name), lib(Library(file_name)) {}
  ~Impl() {
    if (graph != nullptr) lib.graph_free(&graph);
  }

  AVFilterContext* Add(const char* filter, const char* arguments) {
    const AVFilter* known = lib.get_by_name(filter);
    Require(known != nullptr, Code::kUnsupported,
            name + ": is interlaced, and this build of libavfilter has no '" + filter +
                "' (deinterlace = off reads its pictures as they are)");
    AVFilterContext* context = nullptr;
    CheckFf(lib.create_filter(&context, known, filter, arguments, nullptr, graph),
            Code::kUnsupported, name + ": its pictures cannot be deinterlaced");
    return context;
  }

  void Open(const AVFrame& picture) {
    graph = lib.graph_alloc();
    Require(graph != nullptr, Code::kOutOfMemory, "no memory for deinterlacing " + name);
    graph->nb_threads = 1;  // threads of its own would not be counted
    char arguments[160];
    std::snprintf(arguments, sizeof(arguments),
                  "video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=1/1", picture.width,
                  picture.height, picture.format, time_base.num, time_base.den);
    source = Add("buffer", arguments);
    AVFilterContext* filter = Add("bwdif", fields_apart ? "mode=send_field:deint=interlaced"
                                                        : "mode=send_frame:deint=interlaced");
    sink = Add("buffersink", nullptr);
    const std::string what = name + ": its pictures cannot be deinterlaced";
    CheckFf(lib.link(source, 0, filter, 0), Code::kUnsupported, what);
    CheckFf(lib.link(filter, 0, sink, 0), Code::kUnsupported, what);
    CheckFf(lib.graph_config(graph, nullptr), Code::kUnsupported, what);
  }

  bool fields_apart;
  AVRational time_base;
  std::string name;
  const FilterLibrary& lib;
  AVFilterGraph* graph = nullptr;
  AVFilterContext* source = nullptr;
  AVFilterContext* sink = nullptr;
};

Deinterlacer::Deinterlacer(bool fields_apart, AVRational time_base, const std::string& name)
    : impl_(std::make_unique<Impl>(fields_apart, time_base, name)) {}
Deinterlacer::~Deinterlacer() = default;

void Deinterlacer::Send(FramePtr picture) {
  Impl& impl = *impl_;
  if (picture && impl.graph == nullptr) impl.Open(*picture);
  if (impl.source == nullptr) return;  // ended before it began
  CheckFf(impl.lib.add_frame(impl.source, picture.get(), 0), Code::kCorrupt,
          impl.name + ": a picture cannot be deinterlaced");
}

FramePtr Deinterlacer::Receive() {
  Impl& impl = *impl_;
  if (impl.sink == nullptr) return nullptr;
  FramePtr result = NewFrame();
  const int error = impl.lib.get_frame(impl.sink, result.get());
  if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return nullptr;
  CheckFf(error, Code::kCorrupt, impl.name + ": a picture cannot be deinterlaced");
  // The filter counts in halves of the time base.
  if (!impl.fields_apart && result->pts != AV_NOPTS_VALUE) result->pts /= 2;
  return result;
}

#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
bool IsInterlaced(const AVFrame& picture) {
  return (picture.flags & AV_FRAME_FLAG_INTERLACED) != 0;
}
bool TopFieldFirst(const AVFrame& picture) {
  return (picture.flags & AV_FRAME_FLAG_TOP_FIELD_FIRST) != 0;
}
void MarkInterlaced(AVFrame* picture, bool top_field_first) {
  picture->flags |= AV_FRAME_FLAG_INTERLACED;
  if (top_field_first) picture->flags |= AV_FRAME_FLAG_TOP_FIELD_FIRST;
}
#else
bool IsInterlaced(const AVFrame& picture) { return picture.interlaced_frame != 0; }
bool TopFieldFirst(const AVFrame& picture) { return picture.top_field_first != 0; }
void MarkInterlaced(AVFrame* picture, bool top_field_first) {
  picture->interlaced_frame = 1;
  picture->top_field_first = top_field_first ? 1 : 0;
}
#endif

}  // namespace mdvt::ff
