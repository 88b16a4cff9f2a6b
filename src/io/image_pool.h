// SPDX-License-Identifier: Apache-2.0
//
// Frame buffers that are used again: fresh memory costs a page fault per 4 KiB, more than packing a
// frame does.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt::codec {

class ImagePool {
 public:
  ImagePool() : shelf_(std::make_shared<Shelf>()) { shelf_->free.reserve(kMaxFree); }

  // An image with unspecified pixels. Its buffer comes back by itself when the last copy of the
  // image is gone, on any thread, even after the pool.
  Image Get(const PixelFormat& format, int width, int height) {
    auto lease = std::make_shared<Lease>();
    lease->shelf = shelf_;
    {
      const std::lock_guard<std::mutex> lock(shelf_->mutex);
      while (!shelf_->free.empty() && lease->image.empty()) {
        Image candidate = std::move(shelf_->free.back());
        shelf_->free.pop_back();
        if (candidate.format() == format && candidate.width() == width &&
            candidate.height() == height) {
          lease->image = std::move(candidate);
        }
      }
    }
    if (lease->image.empty()) lease->image = Image(format, width, height);
    const MutableImageView view = lease->image.mutable_view();
    return Image(view, std::move(lease));
  }

 private:
  static constexpr size_t kMaxFree = 64;

  struct Shelf {
    std::mutex mutex;
    std::vector<Image> free;
  };
  struct Lease {
    Image image;
    std::shared_ptr<Shelf> shelf;
    ~Lease() {
      if (image.empty()) return;
      const std::lock_guard<std::mutex> lock(shelf->mutex);
      if (shelf->free.size() < kMaxFree) shelf->free.push_back(std::move(image));
    }
  };

  std::shared_ptr<Shelf> shelf_;
};

}  // namespace mdvt::codec
