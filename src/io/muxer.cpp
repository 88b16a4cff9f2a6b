// SPDX-License-Identifier: Apache-2.0
#include "io/muxer.h"

#include <cstdio>
#include <memory>
#include <utility>

namespace mdvt::ff {
namespace {

constexpr int kIoBufferBytes = 1 << 18;

int64_t NewPosition(int64_t position, int64_t size, int64_t offset, int whence) {
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return size;
    case SEEK_SET:
      return offset;
    case SEEK_CUR:
      return position + offset;
    case SEEK_END:
      return size + offset;
    default:
      return -1;
  }
}

void FreeIo(AVIOContext** io) {
  if (*io != nullptr) av_freep(&(*io)->buffer);
  avio_context_free(io);
}

}  // namespace

struct Muxer::Reader {
  Muxer* muxer = nullptr;
  int64_t position = 0;

  static int Read(void* self, uint8_t* buffer, int size) noexcept {
    auto* reader = static_cast<Reader*>(self);
    try {
      const size_t count =
          reader->muxer->file_.ReadAt(reader->position, buffer, static_cast<size_t>(size));
      if (count == 0) return AVERROR_EOF;
      reader->position += static_cast<int64_t>(count);
      return static_cast<int>(count);
    } catch (...) {
      reader->muxer->file_error_ = std::current_exception();
      return AVERROR(EIO);
    }
  }

  static int64_t Seek(void* self, int64_t offset, int whence) noexcept {
    auto* reader = static_cast<Reader*>(self);
    const int64_t target =
        NewPosition(reader->position, reader->muxer->file_.size(), offset, whence);
    if (target < 0) return AVERROR(EINVAL);
    if ((whence & AVSEEK_SIZE) == 0) reader->position = target;
    return target;
  }
};

Muxer::Muxer(const OutputTarget& target, const char* format, bool overwrite)
    : file_(target, overwrite) {
  const std::string& path = target.path();
  const int error = avformat_alloc_output_context2(&context_, nullptr, format, nullptr);
  Require(error != AVERROR(EINVAL), Code::kUnsupported,
          path + ": this build of FFmpeg cannot write the format " + format);
  CheckFf(error, Code::kInternal, path);
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
  if (buffer != nullptr) {
    io_ = avio_alloc_context(
        buffer, kIoBufferBytes, 1, this, nullptr,
#if LIBAVFORMAT_VERSION_MAJOR >= 61
        [](void* self, const uint8_t* data, int size) {
          return WriteBytes(self, const_cast<uint8_t*>(data), size);
        },
#else
        &WriteBytes,
#endif
        &SeekBytes);
    if (io_ == nullptr) av_free(buffer);
  }
  if (io_ == nullptr) {
    avformat_free_context(context_);
    throw Error(Code::kOutOfMemory, "no memory for writing " + path);
  }
  context_->pb = io_;
  context_->opaque = this;
  context_->io_open = &OpenForReading;
  context_->io_close2 = &CloseReading;
  context_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
}

Muxer::~Muxer() {
  avformat_free_context(context_);
  FreeIo(&io_);
}

AVStream* Muxer::AddStream() {
  AVStream* stream = avformat_new_stream(context_, nullptr);
  Require(stream != nullptr, Code::kOutOfMemory, "no memory for writing " + path());
  return stream;
}

void Muxer::Check(int error, const char* what) {
  if (file_error_) std::rethrow_exception(std::exchange(file_error_, nullptr));
  if (error >= 0) return;
  throw Error(error == AVERROR(ENOMEM) ? Code::kOutOfMemory : Code::kIo,
              path() + ": " + what + ": " + ErrorText(error));
}

void Muxer::ReplaceInHeader(std::string from, std::string to) {
  replaced_ = std::move(from);
  replacement_ = std::move(to);
}

void Muxer::WriteHeader(Dictionary* options) {
  const int error = avformat_write_header(context_, options->get());
  if (!replaced_.empty()) {
    avio_flush(io_);
    header_end_ = file_.size();
  }
  Check(error, "the container cannot be started");
  const AVDictionaryEntry* left = av_dict_get(*options->get(), "", nullptr, AV_DICT_IGNORE_SUFFIX);
  Require(left == nullptr, Code::kInternal,
          path() + ": FFmpeg does not know the option " + (left != nullptr ? left->key : ""));
}

void Muxer::Write(AVPacket* packet) {
  const int error = av_write_frame(context_, packet);
  av_packet_unref(packet);
  Check(error < 0 ? error : io_->error, "writing failed");
}

void Muxer::Finish() {
  const int error = av_write_trailer(context_);
  avio_flush(io_);
  Check(error < 0 ? error : io_->error, "the container cannot be finished");
  file_.Finish();
}

int Muxer::WriteBytes(void* self, uint8_t* data, int size) noexcept {
  auto* muxer = static_cast<Muxer*>(self);
  if (muxer->file_error_) return AVERROR(EIO);  // nothing more after the first failure
  try {
    std::string header;
    if (!muxer->replaced_.empty() && muxer->position_ < muxer->header_end_) {
      header.assign(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
      const size_t at = header.find(muxer->replaced_);
      if (at < static_cast<uint64_t>(muxer->header_end_ - muxer->position_))
        header.replace(at, muxer->replaced_.size(), muxer->replacement_);
      data = reinterpret_cast<uint8_t*>(header.data());
    }
    muxer->file_.WriteAt(muxer->position_, data, static_cast<size_t>(size));
    muxer->position_ += size;
    return size;
  } catch (...) {
    muxer->file_error_ = std::current_exception();
    return AVERROR(EIO);
  }
}

int64_t Muxer::SeekBytes(void* self, int64_t offset, int whence) noexcept {
  auto* muxer = static_cast<Muxer*>(self);
  const int64_t target = NewPosition(muxer->position_, muxer->file_.size(), offset, whence);
  if (target < 0) return AVERROR(EINVAL);
  if ((whence & AVSEEK_SIZE) == 0) muxer->position_ = target;
  return target;
}

int Muxer::OpenForReading(AVFormatContext* context, AVIOContext** io, const char*, int flags,
                          AVDictionary**) noexcept {
  if ((flags & AVIO_FLAG_WRITE) != 0) return AVERROR(EACCES);
  auto* reader = new (std::nothrow) Reader{static_cast<Muxer*>(context->opaque), 0};
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
  if (reader != nullptr && buffer != nullptr) {
    *io = avio_alloc_context(buffer, kIoBufferBytes, 0, reader, &Reader::Read, nullptr,
                             &Reader::Seek);
    if (*io != nullptr) return 0;
  }
  delete reader;
  av_free(buffer);
  return AVERROR(ENOMEM);
}

int Muxer::CloseReading(AVFormatContext*, AVIOContext* io) noexcept {
  if (io == nullptr) return 0;
  delete static_cast<Reader*>(io->opaque);
  FreeIo(&io);
  return 0;
}

}  // namespace mdvt::ff
