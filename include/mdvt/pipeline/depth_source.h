// SPDX-License-Identifier: Apache-2.0
//
// Where a job's depth comes from: one of the built-in engines ("file", "motion", "model" ...), with
// the options of all of them. Which ones there are says the table in
// src/pipeline/depth_engines.cpp.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <typeindex>
#include <utility>

#include "mdvt/core/options.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

// Options that engines bring along themselves: one struct of each type, made with its defaults when
// it is first asked for. It stays at its place as long as this object lives.
class EngineOptions {
 public:
  EngineOptions() = default;
  EngineOptions(const EngineOptions& other) { *this = other; }
  EngineOptions& operator=(const EngineOptions& other) {
    for (const auto& [type, theirs] : other.held_) {
      std::unique_ptr<Held>& own = held_[type];
      if (own)
        own->Assign(*theirs);
      else
        own = theirs->Clone();
    }
    return *this;
  }

  template <typename T>
  T& Of() {
    std::unique_ptr<Held>& held = held_[typeid(T)];
    if (!held) held = std::make_unique<Holding<T>>();
    return static_cast<Holding<T>&>(*held).value;
  }
  template <typename T>
  T Of() const {
    const auto held = held_.find(typeid(T));
    return held == held_.end() ? T() : static_cast<const Holding<T>&>(*held->second).value;
  }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual std::unique_ptr<Held> Clone() const = 0;
    virtual void Assign(const Held& other) = 0;
  };
  template <typename T>
  struct Holding : Held {
    std::unique_ptr<Held> Clone() const override { return std::make_unique<Holding>(*this); }
    void Assign(const Held& other) override { value = static_cast<const Holding&>(other).value; }
    T value;
  };
  std::map<std::type_index, std::unique_ptr<Held>> held_;
};

// "file": a depth video of the same frames.
struct DepthFileOptions {
  std::string path;  // empty: none
  DepthReadingOptions reading;
};
void Describe(OptionList* list, DepthFileOptions* options);

struct DepthSourceOptions {
  // The name of an engine. Empty: the one whose file is given below, else `usual`.
  std::optional<std::string> engine;
  DepthFileOptions file;
  DepthModelOptions model;
  EngineOptions own;  // of further engines
  // Short side in pixels of the pictures that depth is computed on. Empty: the model's own; motion:
  // what makes the long side `max_res`. Valid: [14, 4096].
  std::optional<int> input_size;
  // Motion: long side of those pictures at most. Empty: 640 unless input_size is given. Valid: [64,
  // 4096].
  std::optional<int> max_res;
  // Median depth of the clip's first measured frame in metres: for depth from motion, and for
  // relative models without a reference. Valid: (0, 10000].
  double scene_scale = 3;

  // Set by the job: the engine without anything given, and whether depth may be read from a file.
  const char* usual = "motion";
  bool reads_files = true;

  // The name of the engine that holds.
  std::string Chosen() const;
  // Whether the engine tells where the camera is in each frame, in the scale of its depth.
  bool finds_path() const;
  // The long side of the pictures that depth from motion works on, for frames of this size.
  int WorkingSide(int width, int height) const;
  // Throws Error(kInvalidArgument).
  void Check() const;
};
// Options that are described already are left out: a job may have those of the file at its head.
void Describe(OptionList* list, DepthSourceOptions* options);

}  // namespace mdvt
