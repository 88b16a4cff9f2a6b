// SPDX-License-Identifier: Apache-2.0
//
// How a job is put together: sources, stages, joins and sinks, each in a thread of its own.
//
//   Graph graph(options.num_threads, control);
//   auto frames = graph.From([&] { return reader.Read(); });
//   auto depths = graph.Then(std::move(frames), &estimator);
//   graph.Into(std::move(depths), [&](DepthEstimate depth) { writer.Write(...); });
//   graph.Run("depth", expected_frames);
//
// Items are handed on in order over bounded queues. Of all threads, those of the pool included, no
// more than `num_threads` compute at once. The first error anywhere ends all of them and is the one
// that Run() throws. What sources, stages and sinks refer to must outlive the Run() after them.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "mdvt/core/parallel.h"
#include "mdvt/core/run.h"
#include "mdvt/core/stage.h"
#include "mdvt/pipeline/bounded_queue.h"

namespace mdvt {

// What flows from one node of a graph to the next. It has one taker: who needs two splits it.
template <typename T>
class Stream {
 public:
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;

  // At least so many items may wait where this is taken. Without it only what a stage works on in
  // one go: where that is a single item, the maker waits until its item has been taken, so that for
  // large ones there are two in all, the one being made and the one being used.
  Stream&& Holding(size_t items) && {
    room_ = std::max(room_, items);
    if (taking_ == Taking::kQueue) queues_.front()->Widen(items);
    return std::move(*this);
  }

 private:
  friend class Graph;
  enum class Taking {
    kWorks,  // makes the item: better done by a thread of its own
    kJoins,  // takes it from queues: done by the taker's thread
    kQueue,  // the same, and several threads may do it
  };
  Stream() = default;

  std::function<std::optional<T>()> take_;  // empty at the end
  Taking taking_ = Taking::kWorks;
  size_t room_ = 0;
  std::vector<std::shared_ptr<AnyQueue>> queues_;  // from which take_ takes
};

class ImageBudget;  // core/image_budget.h
struct JobOptions;  // mdvt/pipeline/job_options.h

// How two streams that belong together are called where one ends before the other.
struct PairNames {
  std::string first;   // "depth video 'd.mkv'"
  std::string second;  // "color video 'c.mp4'"
  // Ends the text.
  std::string remedy = "they must have the same length (or end both with --max_frames)";
  std::string unit = "frame";
  int64_t limit = -1;  // both are read so far only; -1 = to the end
};

class Graph {
 public:
  // num_threads  0 means one per core. Throws Error(kInvalidArgument) outside [0, 1024].
  explicit Graph(int num_threads, RunControl control = {});
  // With the threads of the job, and its limits.max_frame_buffer_bytes: images that its threads
  // have made and that are still held may take so much, more makes the run fail with Error(kLimit).
  Graph(const JobOptions& job, RunControl control);
  // Threads have ended when Run() has.
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Shared by all stages.
  ThreadPool* pool() { return &pool_; }

  // Items of source(), which gives an optional, empty at the end.
  template <typename Source>
  auto From(Source source) {
    using T = typename std::invoke_result_t<Source&>::value_type;
    Stream<T> stream;
    stream.take_ = Shared(std::move(source));
    return stream;
  }

  // What a function makes of each item: another item, or an optional that may be empty for one that
  // ends there; or what a stage makes of all of them. In a thread of its own.
  template <typename T, typename Work>
  auto Then(Stream<T> from, Work work) {
    const int group = GroupOf(work);
    Stream<T> ready = Boundary(std::move(from), group);
    if (group > 1)
      for (const auto& queue : ready.queues_) queue->Widen(static_cast<size_t>(group));
    return Map(std::move(ready), std::move(work), true);
  }

  // As Then, in the thread that takes what it gives, or that makes what it takes: for little work.
  template <typename T, typename Work>
  auto Map(Stream<T> from, Work work) {
    return Map(std::move(from), std::move(work), false);
  }

  // Ends the stream as soon as wanted() is false. It is asked before each item is taken, by the
  // thread that takes it: what comes after may lag behind.
  template <typename T, typename Wanted>
  Stream<T> While(Stream<T> from, Wanted wanted) {
    Stream<T> stream = Like<T>(&from);
    stream.take_ = [take = std::move(from.take_),
                    call = Shared(std::move(wanted))]() -> std::optional<T> {
      return call() ? take() : std::nullopt;
    };
    return stream;
  }

  // Items of both in step. They must end together: Error(kInvalidArgument) that names both counts.
  template <typename A, typename B>
  Stream<std::pair<A, B>> Zip(Stream<A> first, Stream<B> second, const PairNames& names) {
    Stream<A> a = Boundary(std::move(first), 1);
    Stream<B> b = Boundary(std::move(second), 1);
    Stream<std::pair<A, B>> stream;
    stream.taking_ = Stream<std::pair<A, B>>::Taking::kJoins;
    stream.queues_ = a.queues_;
    stream.queues_.insert(stream.queues_.end(), b.queues_.begin(), b.queues_.end());
    stream.take_ = [take_a = std::move(a.take_), take_b = std::move(b.take_), names,
                    pairs = int64_t{0}]() mutable -> std::optional<std::pair<A, B>> {
      std::optional<A> item_a = take_a();
      std::optional<B> item_b = take_b();
      if (item_a.has_value() != item_b.has_value())
        FailOnLength(names, pairs, !item_a.has_value(), [&] {
          return item_a.has_value() ? take_a().has_value() : take_b().has_value();
        });
      if (!item_a) return std::nullopt;
      ++pairs;
      return std::make_pair(std::move(*item_a), std::move(*item_b));
    };
    return stream;
  }

  // Two streams of each item: what the two functions see in it.
  template <typename T, typename FirstPart, typename SecondPart>
  auto Split(Stream<T> from, FirstPart first_part, SecondPart second_part) {
    using A = std::decay_t<std::invoke_result_t<FirstPart&, const T&>>;
    using B = std::decay_t<std::invoke_result_t<SecondPart&, const T&>>;
    const auto a = std::make_shared<BoundedQueue<A>>(from.room_);
    const auto b = std::make_shared<BoundedQueue<B>>(from.room_);
    AddThread(
        [take = std::move(from.take_), a, b, first_part, second_part]() mutable {
          bool wanted = true;
          while (wanted) {
            std::optional<T> item = take();
            if (!item) break;
            A part_a = first_part(std::as_const(*item));
            B part_b = second_part(std::as_const(*item));
            item.reset();
            const bool wanted_a = a->Push(std::move(part_a));
            const bool wanted_b = b->Push(std::move(part_b));
            wanted = wanted_a || wanted_b;
          }
          a->Close();
          b->Close();
        },
        std::move(from.queues_), {a, b});
    return std::make_pair(FromQueue(a), FromQueue(b));
  }

  template <typename T>
  auto Split(Stream<T> from) {
    const auto same = [](const T& item) { return item; };
    return Split(std::move(from), same, same);
  }

  // Calls sink(item) for each item, in a thread of its own. It may return how many frames of the
  // output that was, else it is one.
  template <typename T, typename Sink>
  void Into(Stream<T> from, Sink sink) {
    AddSink(Boundary(std::move(from), 1), std::move(sink), NewCount());
  }

  // Where the order does not matter: make_sink() is called for each of `workers` threads.
  template <typename T, typename MakeSink>
  void IntoEach(Stream<T> from, int workers, const MakeSink& make_sink) {
    Stream<T> queue =
        from.taking_ == Stream<T>::Taking::kQueue ? std::move(from) : Detach(std::move(from), 1);
    const std::shared_ptr<std::atomic<int64_t>> count = NewCount();
    for (int i = 0; i < workers; ++i) {
      Stream<T> share;
      share.take_ = queue.take_;
      share.queues_ = queue.queues_;
      AddSink(std::move(share), make_sink(), count);
    }
  }

  // Runs what has been put together since the last Run(), as a phase of this name, and reports
  // progress meanwhile, on this thread. Rethrows the first error of a node, or what the progress
  // callback threw, or Error(kCancelled); no phase can be run after that. All threads have ended
  // when it returns or throws.
  void Run(const std::string& phase, int64_t expected_frames);

  // Frames that have reached all sinks of the phase that runs or ran last.
  int64_t frames_done() const;

 private:
  Graph(int num_threads, RunControl control, int64_t max_picture_bytes);
  struct Node {
    std::function<void()> body;
    std::vector<std::shared_ptr<AnyQueue>> inputs;
  };

  template <typename F>
  static auto Shared(F f) {  // std::function wants to copy what it calls
    return [shared = std::make_shared<F>(std::move(f))](auto&&... arguments) {
      return (*shared)(std::forward<decltype(arguments)>(arguments)...);
    };
  }

  template <typename T>
  struct IsOptional : std::false_type {};
  template <typename T>
  struct IsOptional<std::optional<T>> : std::true_type {};

  template <typename Work>
  static int GroupOf(const Work& work) {
    if constexpr (std::is_pointer_v<Work>) return work->group();
    return 1;
  }

  // A stream of other items that is taken from the same queues in the same way.
  template <typename Out, typename T>
  static Stream<Out> Like(Stream<T>* from) {
    Stream<Out> stream;
    if (from->taking_ != Stream<T>::Taking::kWorks) stream.taking_ = Stream<Out>::Taking::kJoins;
    stream.room_ = from->room_;
    stream.queues_ = std::move(from->queues_);
    return stream;
  }

  template <typename T>
  static Stream<T> FromQueue(const std::shared_ptr<BoundedQueue<T>>& queue) {
    Stream<T> stream;
    stream.take_ = [queue] { return queue->Pop(); };
    stream.taking_ = Stream<T>::Taking::kQueue;
    stream.queues_ = {queue};
    return stream;
  }

  // The same items from a queue that a thread of its own fills.
  template <typename T>
  Stream<T> Detach(Stream<T> from, int group) {
    const size_t room = group > 1 ? std::max(from.room_, static_cast<size_t>(group)) : from.room_;
    const auto queue = std::make_shared<BoundedQueue<T>>(room);
    AddThread(
        [take = std::move(from.take_), queue] {
          while (std::optional<T> item = take())
            if (!queue->Push(std::move(*item))) break;
          queue->Close();
        },
        std::move(from.queues_), {queue});
    return FromQueue(queue);
  }

  template <typename T>
  Stream<T> Boundary(Stream<T> from, int group) {
    return from.taking_ == Stream<T>::Taking::kWorks ? Detach(std::move(from), group)
                                                     : std::move(from);
  }

  template <typename T, typename Work>
  static auto Map(Stream<T> from, Work work, bool works) {
    if constexpr (std::is_pointer_v<Work>) {
      return MapStage(std::move(from), work, works);
    } else {
      using Result = std::invoke_result_t<Work&, T>;
      if constexpr (IsOptional<Result>::value) {
        using Out = typename Result::value_type;
        Stream<Out> stream = MapLike<Out>(&from, works);
        stream.take_ = [take = std::move(from.take_),
                        call = Shared(std::move(work))]() -> std::optional<Out> {
          while (std::optional<T> item = take()) {
            std::optional<Out> out = call(std::move(*item));
            if (out) return out;
          }
          return std::nullopt;
        };
        return stream;
      } else {
        Stream<Result> stream = MapLike<Result>(&from, works);
        stream.take_ = [take = std::move(from.take_),
                        call = Shared(std::move(work))]() -> std::optional<Result> {
          std::optional<T> item = take();
          if (!item) return std::nullopt;
          return call(std::move(*item));
        };
        return stream;
      }
    }
  }

  template <typename Out, typename T>
  static Stream<Out> MapLike(Stream<T>* from, bool works) {
    Stream<Out> stream = Like<Out>(from);
    if (works) {
      stream.taking_ = Stream<Out>::Taking::kWorks;
      stream.room_ = 0;
    }
    return stream;
  }

  template <typename T, typename In, typename Out>
  static Stream<Out> MapStage(Stream<T> from, Stage<In, Out>* stage, bool works) {
    Stream<Out> stream = MapLike<Out>(&from, works);
    if (stage->group() > 1)
      stream.room_ = std::max(stream.room_, static_cast<size_t>(stage->group()));
    stream.take_ = [take = std::move(from.take_), stage,
                    finished = false]() mutable -> std::optional<Out> {
      for (;;) {
        if (std::optional<Out> out = stage->Pop()) return out;
        if (finished) return std::nullopt;
        if (std::optional<T> item = take()) {
          stage->Push(std::move(*item));
        } else {
          stage->Finish();
          finished = true;
        }
      }
    };
    return stream;
  }

  template <typename T, typename Sink>
  void AddSink(Stream<T> from, Sink sink, const std::shared_ptr<std::atomic<int64_t>>& count) {
    AddThread(
        [take = std::move(from.take_), call = Shared(std::move(sink)), count] {
          while (std::optional<T> item = take()) {
            if constexpr (std::is_void_v<std::invoke_result_t<Sink&, T>>) {
              call(std::move(*item));
              ++*count;
            } else {
              *count += call(std::move(*item));
            }
          }
        },
        std::move(from.queues_), {});
  }

  // `more` takes a further item of the longer stream, false at its end.
  [[noreturn]] static void FailOnLength(const PairNames& names, int64_t pairs, bool first_ended,
                                        const std::function<bool()>& more);
  void AddThread(std::function<void()> body, std::vector<std::shared_ptr<AnyQueue>> inputs,
                 const std::vector<std::shared_ptr<AnyQueue>>& outputs);
  std::shared_ptr<std::atomic<int64_t>> NewCount();
  void RunNode(const Node& node);
  void Fail(std::exception_ptr error);
  void Join();

  ThreadPool pool_;
  const std::shared_ptr<ImageBudget> pictures_;
  const RunControl control_;
  ProgressMeter meter_;
  std::vector<Node> nodes_;
  std::vector<std::shared_ptr<AnyQueue>> queues_;
  std::vector<std::shared_ptr<std::atomic<int64_t>>> counts_;  // of each sink
  bool has_run_ = false;  // the counts are those of the phase before
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable ended_;
  size_t running_ = 0;
  std::exception_ptr error_;
};

}  // namespace mdvt
