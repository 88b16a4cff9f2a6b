// SPDX-License-Identifier: Apache-2.0
//
// What every stage of a job looks like: items go in, items come out, sooner or later.
#pragma once

#include <optional>

#include "mdvt/core/error.h"
#include "mdvt/core/state.h"

namespace mdvt {

// Streams in bounded memory: Push every item in order, Pop what is ready after each, then Finish
// and Pop until empty.
template <typename In, typename Out>
class Stage {
 public:
  virtual ~Stage() = default;

  // Items that may be inside at once.
  virtual int latency() const { return 0; }
  // Items that are worked on in one go: so many are wanted, and given, at a time. A graph keeps as
  // many ready on both sides, so that a stage on another device never waits for them.
  virtual int group() const { return 1; }

  virtual void Push(In item) = 0;
  virtual void Finish() = 0;
  virtual std::optional<Out> Pop() = 0;

  // Whether the next two can be called. They are for a stage that holds no item: between clips,
  // scenes, or frames where latency() is 0.
  virtual bool CanSave() const { return false; }
  // Throws Error(kUnsupported) without CanSave().
  virtual void Save(State* /*state*/) const { RefuseState(); }
  // Into a stage made with the same options. Throws Error(kUnsupported) without CanSave(),
  // Error(kCorrupt) if the state is not of such a stage.
  virtual void Load(const State& /*state*/) { RefuseState(); }

 private:
  [[noreturn]] static void RefuseState() {
    throw Error(Code::kUnsupported, "the state of this stage cannot be saved");
  }
};

}  // namespace mdvt
