// SPDX-License-Identifier: Apache-2.0
#include "stereo/frame_warp.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "core/black.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "stereo/row_math.h"
#include "stereo/silhouettes.h"

namespace mdvt::stereo {
namespace {

// Row groups handed to a worker at a time: enough to hide the hand-over, few enough to balance.
constexpr int64_t kGroupsPerBlock = 8;

class FloatRow {
 public:
  void Resize(int width) { data_.assign(static_cast<size_t>(width) + 2 * kRowPad, 0.0f); }
  float* get() { return data_.data() + kRowPad; }

 private:
  std::vector<float> data_;
};

// Texts are made when they are needed only: a good frame costs no allocation.
[[noreturn]] void Refuse(const std::string& text) {
  throw Error(Code::kInvalidArgument, "StereoRenderer: " + text);
}

bool IsWanted(const EyeView& eye) { return !eye.image.empty(); }

void CheckEye(const EyeView& eye, const ImageView& color, const char* name) {
  if (!IsWanted(eye)) {
    if (eye.depth.data != nullptr || eye.holes != nullptr)
      Refuse(std::string("depth or holes of the ") + name + " eye are asked for without an image");
    return;
  }
  if (eye.image.format != color.format || eye.image.width != color.width ||
      eye.image.height != color.height) {
    Refuse(std::string("the ") + name + " image must be " + color.format.ToString() + " of " +
           FormatSize(color.width, color.height) + " like the colour picture");
  }
  if (eye.depth.data != nullptr &&
      (eye.depth.width != color.width || eye.depth.height != color.height)) {
    Refuse(std::string("the ") + name + " depth must have the size of the colour picture");
  }
}

void CheckInput(const ImageView& color, const DepthView& depth, const Camera& camera,
                double convergence) {
  const PixelFormat& format = color.format;
  if (color.empty() || format.type == SampleType::kF32 || format.bits < 8 || format.bits > 16 ||
      format.chroma_shift_x > 1 || format.chroma_shift_y > 1) {
    Refuse("colour must be planar, 8 to 16 bits, chroma halved at most, not " +
           FormatSize(color.width, color.height) + " of " + format.ToString());
  }
  if (depth.width != color.width || depth.height != color.height) {
    Refuse("depth is " + FormatSize(depth.width, depth.height) + ", colour " +
           FormatSize(color.width, color.height));
  }
  if (camera.width != color.width || camera.height != color.height) {
    Refuse("the camera is for " + FormatSize(camera.width, camera.height) + " pixels, colour has " +
           FormatSize(color.width, color.height));
  }
  if (!(camera.fx > 0 && camera.fy > 0) ||
      !std::isfinite(camera.fx + camera.fy + camera.cx + camera.cy)) {
    camera.Check();
  }
  if (!(convergence >= 0)) {
    Refuse("convergence = " + std::to_string(convergence) + " m, must be 0 (parallel) or positive");
  }
}

// Cuts of a chroma row from the cuts of the luma rows it stands for, and where in a chroma step
// they lie.
void ChromaCuts(const uint64_t* cuts0, const uint64_t* cuts1, int luma_width, int width,
                bool centred, uint64_t* words, float* split) {
  std::fill(words, words + CutBits::Words(width), 0);
  CutBits cuts(words);
  for (size_t w = 0; w < CutBits::Words(luma_width); ++w) {
    for (uint64_t bits = cuts0[w] | cuts1[w]; bits != 0; bits &= bits - 1) {
      const int s = static_cast<int>(w * 64) + __builtin_ctzll(bits) - 64;
      // The cut lies at s + 0.5; chroma sample j lies at 2 j, or at 2 j + 0.5 if centred.
      if (centred && (s & 1) == 0) continue;  // through a sample that mixes both sides anyway
      const int j = s >> 1;
      cuts.Set(j);
      split[j] = centred ? 0.5f : (s & 1) != 0 ? 0.75f : 0.25f;
    }
  }
  for (const int border : {-1, width - 1}) {
    cuts.Set(border);
    split[border] = 0.5f;
  }
}

}  // namespace

struct FrameWarp::Job {
  ImageView color;
  DepthView depth;
  std::array<EyeView, 2> eyes;
  ShiftParams shift;
  std::array<int, 3> black;
  int rows_per_group = 1;  // luma rows that share a chroma row
  bool want_depth = false;
  bool identity = false;
};

struct FrameWarp::Scratch {
  int width = 0;
  FloatRow samples, inverse, depth, split;
  std::array<FloatRow, 2> shift;                  // per luma row of the group
  std::array<std::array<FloatRow, 2>, 2> origin;  // [eye][luma row]
  std::array<FloatRow, 2> chroma_origin;          // [eye]
  std::array<std::vector<uint64_t>, 2> cuts;
  std::vector<uint64_t> chroma_cuts;
  std::vector<Mend> mends;
  std::array<std::vector<Tear>, 2> tears;               // per luma row of the group
  std::array<std::array<std::vector<Rim>, 2>, 2> rims;  // [eye][luma row]

  void Resize(int new_width) {
    if (width == new_width) return;
    for (FloatRow* row :
         {&samples, &inverse, &depth, &split, &shift[0], &shift[1], &origin[0][0], &origin[0][1],
          &origin[1][0], &origin[1][1], &chroma_origin[0], &chroma_origin[1]}) {
      row->Resize(new_width);
    }
    for (auto* bits : {&cuts[0], &cuts[1], &chroma_cuts})
      bits->assign(CutBits::Words(new_width), 0);
    const auto most = static_cast<size_t>(new_width);
    mends.reserve(2 * most);
    for (auto& row : tears) row.reserve(most);
    for (auto& eye : rims)
      for (auto& row : eye) {
        row.clear();
        row.reserve(most);
      }
    width = new_width;
  }
};

FrameWarp::FrameWarp(const StereoOptions& options, const RowKernels& kernels, ThreadPool* pool)
    : options_(options), kernels_(kernels), pool_(pool) {}

FrameWarp::~FrameWarp() = default;

// One per thread that may work, made before the work starts.
void FrameWarp::PrepareScratch(int width) {
  const auto threads = static_cast<size_t>(pool_ != nullptr ? pool_->num_threads() : 1);
  while (scratch_.size() < threads) {
    scratch_.push_back(std::make_unique<Scratch>());
    idle_.reserve(scratch_.size());
    idle_.push_back(scratch_.back().get());
  }
  for (const auto& scratch : scratch_) scratch->Resize(width);
}

FrameWarp::Scratch* FrameWarp::Acquire() {
  const std::lock_guard<std::mutex> lock(mutex_);
  Scratch* scratch = idle_.back();
  idle_.pop_back();
  return scratch;
}

void FrameWarp::Release(Scratch* scratch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(scratch);
}

void FrameWarp::Render(const ImageView& color, const DepthView& depth, const Camera& camera,
                       double convergence, const EyeView& left, const EyeView& right) {
  CheckInput(color, depth, camera, convergence);
  CheckEye(left, color, "left");
  CheckEye(right, color, "right");

  Job job;
  job.color = color;
  job.depth = depth;
  job.eyes = {left, right};
  job.black = BlackOf(color.format, options_.color.full_range);
  job.rows_per_group =
      1 << (color.format.model == ColorModel::kYuv ? color.format.chroma_shift_y : 0);
  job.want_depth = left.depth.data != nullptr || right.depth.data != nullptr;
  job.identity = options_.baseline == 0;
  job.shift.inverse = options_.inverse_depth;
  job.shift.k = static_cast<float>(std::min(camera.fx * options_.baseline / 2, 1e9));
  job.shift.offset =
      convergence > 0 ? std::min(job.shift.k / static_cast<float>(convergence), 1e7f) : 0.0f;
  job.shift.limit = static_cast<float>(color.width + 2);
  job.shift.tear = options_.edges == EdgeMode::kTear;
  job.shift.tear_shift = static_cast<float>(options_.tear.disparity / 2);
  job.shift.tear_depth = static_cast<float>(options_.tear.depth);

  for (EyeView& eye : job.eyes) {
    if (eye.holes != nullptr) eye.holes->Reset(color.width, color.height);
  }
  PrepareScratch(color.width);
  const int groups = (color.height + job.rows_per_group - 1) / job.rows_per_group;
  const auto body = [this, &job](int64_t begin, int64_t end) {
    const auto give_back = [this](Scratch* scratch) { Release(scratch); };
    const std::unique_ptr<Scratch, decltype(give_back)> scratch(Acquire(), give_back);
    for (int64_t group = begin; group < end; ++group) {
      RenderGroup(job, static_cast<int>(group), *scratch);
    }
  };
  if (pool_ != nullptr) {
    pool_->ParallelFor(groups, kGroupsPerBlock, std::ref(body));
  } else {
    body(0, groups);
  }
}

float FrameWarp::Metres(float value) const {
  return options_.inverse_depth ? 1.0f / AtLeast(value) : value;
}

void FrameWarp::CopyGroup(const Job& job, int group) const {
  const PixelFormat& format = job.color.format;
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const auto p = static_cast<size_t>(plane);
    const bool shared = plane > 0 && job.rows_per_group == 2;
    const int first = shared ? group : group * job.rows_per_group;
    const int last = std::min(shared ? group + 1 : first + job.rows_per_group,
                              format.PlaneHeight(plane, job.color.height));
    const size_t bytes = static_cast<size_t>(format.PlaneWidth(plane, job.color.width)) *
                         static_cast<size_t>(format.bytes_per_sample());
    for (int y = first; y < last; ++y) {
      for (const EyeView& eye : job.eyes) {
        if (!IsWanted(eye)) continue;
        std::memcpy(eye.image.data[p] + y * eye.image.stride[p],
                    job.color.data[p] + y * job.color.stride[p], bytes);
      }
    }
  }
  const int first = group * job.rows_per_group;
  if (!job.want_depth) return;
  for (int y = first; y < std::min(first + job.rows_per_group, job.color.height); ++y) {
    const float* from = job.depth.Row(y);
    for (const EyeView& eye : job.eyes) {
      if (eye.depth.data == nullptr) continue;
      std::transform(from, from + job.depth.width, eye.depth.Row(y), [this](float value) {
        const float z = Metres(value);
        return z > 0 ? z : 0.0f;
      });
    }
  }
}

void FrameWarp::RenderGroup(const Job& job, int group, Scratch& scratch) const {
  if (job.identity) return CopyGroup(job, group);
  const PixelFormat& format = job.color.format;
  const int width = job.color.width;
  const int first = group * job.rows_per_group;
  const int rows = std::min(job.rows_per_group, job.color.height - first);
  const int bytes = format.bytes_per_sample();
  const bool chroma_differs =
      format.model == ColorModel::kYuv && (format.chroma_shift_x | format.chroma_shift_y) != 0;

  SampleParams params;
  params.max_value = static_cast<float>(format.max_value());
  for (int r = 0; r < rows; ++r) {
    const int y = first + r;
    const auto row = static_cast<size_t>(r);
    const float* map = job.depth.Row(y);
    kernels_.shift_row(map, width, job.shift, scratch.shift[row].get(), scratch.cuts[row].data());
    if (job.want_depth) {
      float* copy = scratch.depth.get();
      float* inverse = scratch.inverse.get();
      for (int x = 0; x < width; ++x) {
        copy[x] = Metres(map[x]);
        inverse[x] = 1.0f / copy[x];
      }
    }
    if (options_.clean_rim > 0)
      FindTears(job.color.data[0] + y * job.color.stride[0], bytes, scratch.shift[row].get(),
                CutBits(scratch.cuts[row].data()), scratch.cuts[row].size(), width,
                (params.max_value + 1) / 16, &scratch.tears[row]);
    for (const Eye eye : {Eye::kLeft, Eye::kRight}) {
      const auto e = static_cast<size_t>(eye);
      if (!IsWanted(job.eyes[e])) continue;
      float* origin = scratch.origin[e][row].get();
      kernels_.trace_row(eye, scratch.shift[row].get(), scratch.cuts[row].data(), width, origin);
      if (options_.clean_rim > 0)
        PlaceRims(eye, scratch.tears[row], scratch.shift[row].get(), width, origin,
                  &scratch.rims[e][row]);
      if (job.eyes[e].holes != nullptr) FindHoles(job, eye, y, origin, map, scratch.cuts[row]);
      if (job.eyes[e].depth.data != nullptr) {
        kernels_.depth_row(scratch.depth.get(), scratch.inverse.get(), origin,
                           scratch.cuts[row].data(), eye, width, job.eyes[e].depth.Row(y));
      }
    }
    const int full_planes = chroma_differs ? 1 : format.num_planes();
    params.width = width;
    params.split = nullptr;
    for (int plane = 0; plane < full_planes; ++plane) {
      const auto p = static_cast<size_t>(plane);
      kernels_.load_row(job.color.data[p] + y * job.color.stride[p], bytes, width,
                        scratch.samples.get());
      const CutBits cuts(scratch.cuts[row].data());
      if (options_.clean_rim > 0)
        CleanSilhouettes(scratch.shift[row].get(), cuts, scratch.cuts[row].size(), width,
                         options_.clean_rim, params.max_value, scratch.tears[row], &scratch.mends,
                         scratch.samples.get());
      params.black = job.black[p];
      for (const Eye eye : {Eye::kLeft, Eye::kRight}) {
        const auto e = static_cast<size_t>(eye);
        const MutableImageView& image = job.eyes[e].image;
        if (image.empty()) continue;
        params.eye = eye;
        std::byte* made = image.data[p] + y * image.stride[p];
        kernels_.sample_row(scratch.samples.get(), scratch.origin[e][row].get(),
                            scratch.cuts[row].data(), params, bytes, made);
        if (options_.clean_rim > 0)
          MixRims(scratch.rims[e][row], scratch.samples.get(), cuts, params, bytes, made);
      }
    }
  }
  if (!chroma_differs) return;

  const bool centred = format.chroma_shift_x == 1 &&
                       (options_.color.chroma_location == 2 ||
                        options_.color.chroma_location == 4 || options_.color.chroma_location == 6);
  const auto last = static_cast<size_t>(rows - 1);
  const int chroma_width = format.PlaneWidth(1, width);
  uint64_t* cuts = scratch.chroma_cuts.data();
  if (format.chroma_shift_x == 1) {
    ChromaCuts(scratch.cuts[0].data(), scratch.cuts[last].data(), width, chroma_width, centred,
               cuts, scratch.split.get());
    params.split = scratch.split.get();
  } else {
    for (size_t w = 0; w < scratch.cuts[0].size(); ++w) {
      cuts[w] = scratch.cuts[0][w] | scratch.cuts[last][w];
    }
    params.split = nullptr;
  }
  params.width = chroma_width;
  for (const Eye eye : {Eye::kLeft, Eye::kRight}) {
    const auto e = static_cast<size_t>(eye);
    if (!IsWanted(job.eyes[e])) continue;
    kernels_.chroma_origins(eye, scratch.origin[e][0].get(), scratch.origin[e][last].get(),
                            centred ? 2 : 1, 1 << format.chroma_shift_x, width, chroma_width,
                            scratch.chroma_origin[e].get());
  }
  for (size_t p = 1; p < 3; ++p) {
    kernels_.load_row(job.color.data[p] + group * job.color.stride[p], bytes, chroma_width,
                      scratch.samples.get());
    params.black = job.black[p];
    for (const Eye eye : {Eye::kLeft, Eye::kRight}) {
      const auto e = static_cast<size_t>(eye);
      const MutableImageView& image = job.eyes[e].image;
      if (image.empty()) continue;
      params.eye = eye;
      std::byte* made = image.data[p] + group * image.stride[p];
      kernels_.sample_row(scratch.samples.get(), scratch.chroma_origin[e].get(), cuts, params,
                          bytes, made);
      if (options_.clean_rim > 0)
        MixChromaRims(scratch.rims[e].data(), rows, scratch.samples.get(),
                      scratch.chroma_origin[e].get(),
                      {chroma_width, format.chroma_shift_x, centred}, bytes, made);
    }
  }
}

void FrameWarp::FindHoles(const Job& job, Eye eye, int y, const float* origin, const float* map,
                          const std::vector<uint64_t>& words) const {
  const int width = job.color.width;
  std::vector<HoleSpan>& spans =
      job.eyes[static_cast<size_t>(eye)].holes->rows[static_cast<size_t>(y)];
  const CutBits cuts(const_cast<uint64_t*>(words.data()));
  // Depth of what a target sample shows, without interpolation.
  const auto depth_at = [&](int t) {
    const float whole = std::floor(origin[t]);
    const int i = t + static_cast<int>(whole);
    const float split = cuts.Test(i) ? SplitOf(eye) : 0.5f;
    return Metres(map[std::clamp(origin[t] - whole < split ? i : i + 1, 0, width - 1)]);
  };
  // A surface without tears leaves holes at its ends only: no need to look through the row.
  const size_t num_cuts =
      std::accumulate(words.begin(), words.end(), size_t{0}, [](size_t sum, uint64_t word) {
        return sum + static_cast<size_t>(__builtin_popcountll(word));
      });
  const bool torn = num_cuts > 2;  // those at the borders
  const auto next_hole = [&](int from) {
    if (torn || (from < width && IsHole(origin[from])))
      return kernels_.next_hole(origin, from, width);
    int begin = width;
    while (begin > from && IsHole(origin[begin - 1])) --begin;
    return begin;
  };
  for (int begin = next_hole(0); begin < width;) {
    const int end = kernels_.next_seen(origin, begin, width);
    HoleSpan span;
    span.begin = begin;
    span.end = end;
    span.at_border = begin == 0 || end == width;
    const float left = begin > 0 ? depth_at(begin - 1) : 0.0f;
    const float right = end < width ? depth_at(end) : 0.0f;
    if (begin == 0 && end == width) {
      span.background = HoleSide::kBoth;
    } else if (span.at_border) {
      span.background = begin == 0 ? HoleSide::kRight : HoleSide::kLeft;
      span.far_depth = begin == 0 ? right : left;
    } else {
      // Of equal depths the side on which this eye uncovers background.
      const bool left_is_far = left != right ? left > right : eye == Eye::kLeft;
      span.background = left_is_far ? HoleSide::kLeft : HoleSide::kRight;
      span.far_depth = std::max(left, right);
      span.near_depth = std::min(left, right);
    }
    if (spans.capacity() == 0) spans.reserve(32);
    spans.push_back(span);
    begin = next_hole(end);
  }
}

}  // namespace mdvt::stereo
