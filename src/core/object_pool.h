// SPDX-License-Identifier: Apache-2.0
//
// Objects that are used again: after the first few frames a job allocates nothing large.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

// Hands out objects that come back when their last owner lets go, from any thread, also after the
// pool itself is gone. The objects keep what they held, so that buffers inside stay allocated. How
// many there are follows from how many are in use at once: the queues bound that.
template <typename T>
class ObjectPool {
 public:
  explicit ObjectPool(std::function<std::unique_ptr<T>()> make)
      : make_(std::move(make)), shelf_(std::make_shared<Shelf>()) {}

  std::shared_ptr<T> Get() {
    std::unique_ptr<T> object;
    {
      const std::lock_guard<std::mutex> lock(shelf_->mutex);
      if (!shelf_->idle.empty()) {
        object = std::move(shelf_->idle.back());
        shelf_->idle.pop_back();
      }
    }
    if (!object) object = make_();
    return std::shared_ptr<T>(object.release(), [shelf = shelf_](T* returned) {
      std::unique_ptr<T> owned(returned);
      const std::lock_guard<std::mutex> lock(shelf->mutex);
      try {
        shelf->idle.push_back(std::move(owned));
      } catch (const std::bad_alloc&) {  // then it is freed in place of kept
      }
    });
  }

 private:
  struct Shelf {
    std::mutex mutex;
    std::vector<std::unique_ptr<T>> idle;
  };
  std::function<std::unique_ptr<T>()> make_;
  std::shared_ptr<Shelf> shelf_;
};

// Images of one format and size. A writer that keeps a copy of the Image keeps its pixels out of
// the pool until it is done with them.
class ImagePool {
 public:
  ImagePool(PixelFormat format, int width, int height)
      : pool_([=] { return std::make_unique<Image>(format, width, height); }) {}

  Image Get() {
    std::shared_ptr<Image> image = pool_.Get();
    const MutableImageView view = image->mutable_view();
    return Image(view, std::move(image));
  }

 private:
  ObjectPool<Image> pool_;
};

}  // namespace mdvt
