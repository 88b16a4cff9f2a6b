// SPDX-License-Identifier: Apache-2.0
//
// One frame of view synthesis with a given set of row kernels: what StereoRenderer runs, open to
// tests and benchmarks that compare the sets.
#pragma once

#include <mutex>
#include <vector>

#include "mdvt/core/parallel.h"
#include "mdvt/stereo/renderer.h"
#include "stereo/row_kernels.h"

namespace mdvt::stereo {

class FrameWarp {
 public:
  FrameWarp(const StereoOptions& options, const RowKernels& kernels, ThreadPool* pool);
  ~FrameWarp();

  void Render(const ImageView& color, const DepthView& depth, const Camera& camera,
              double convergence, const EyeView& left, const EyeView& right);

 private:
  struct Job;
  struct Scratch;

  float Metres(float value) const;
  void RenderGroup(const Job& job, int group, Scratch& scratch) const;
  void CopyGroup(const Job& job, int group) const;
  void FindHoles(const Job& job, Eye eye, int y, const float* origin, const float* map,
                 const std::vector<uint64_t>& cuts) const;
  void PrepareScratch(int width);
  Scratch* Acquire();
  void Release(Scratch* scratch);

  StereoOptions options_;
  const RowKernels& kernels_;
  ThreadPool* pool_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> scratch_;
  std::vector<Scratch*> idle_;
};

}  // namespace mdvt::stereo
