// SPDX-License-Identifier: Apache-2.0
//
// Where the surfaces of one row part, and what target samples show there. A picture mixes both
// surfaces beside a silhouette, while its depth knows one of them: mixed samples are taken apart,
// and target samples that a silhouette runs through are mixed anew, by how much of them the near
// surface covers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "stereo/row_kernels.h"

namespace mdvt::stereo {

// A tear with no other one within two samples.
struct Tear {
  int near = 0;  // the samples beside it
  int far = 0;
  // How far the near surface goes on beyond the centre of its last sample, in [0, 1], and how sure
  // colors tell this: 0 is not at all, and the middle is taken.
  float reach = 0.5f;
  float sure = 0;
  // Of the near surface, in both samples.
  float share_near = 1;
  float share_far = 0;

  int step() const { return near - far; }
};

// A rim of the near surface inside a target sample.
struct Rim {
  int target = 0;
  float place = 0;  // of the rim, in target samples; centres are whole
  float cover = 0;  // share of the sample that the near surface covers
  int near = 0;     // the samples beside the tear
  int far = 0;
  bool uncovers = false;  // the eye sees behind the near surface here
  bool in_hole = false;   // it does, and the sample's centre is not covered
  float behind = 0;       // where it does not: origin of the surface behind
};

// row  samples that tell surfaces apart, of 8 or 16 bits
void FindTears(const void* row, int bytes_per_sample, const float* shift, const CutBits& cuts,
               size_t words, int width, float min_contrast, std::vector<Tear>* tears);

// The rims of an eye. Origins of target samples that they run through become those of what covers
// the centre; on the side that uncovers, those of the near surface as soon as it covers
// kLeastCover.
void PlaceRims(Eye eye, const std::vector<Tear>& tears, const float* shift, int width,
               float* origin, std::vector<Rim>* rims);

// Makes the samples beside tears those of one surface each, in place. Up to `rim` samples on the
// far side of each cut that hold a clear part of the foreground become clean background.
struct Mend {
  int index;
  float value;
};
void CleanSilhouettes(const float* shift, const CutBits& cuts, size_t words, int width, int rim,
                      float max_value, const std::vector<Tear>& tears, std::vector<Mend>* mends,
                      float* samples);

// Mixes what rims run through, but for holes, in a row of the target that has been made of the
// clean `samples`.
void MixRims(const std::vector<Rim>& rims, const float* samples, const CutBits& cuts,
             const SampleParams& params, int bytes_per_sample, void* dst);

// The same of a row of chroma samples, each of which stands for 1 << shift_x columns of one or two
// rows. `origin` tells which of them are holes. rows  the rims of those rows
struct ChromaGrid {
  int width = 0;
  int shift_x = 0;
  bool centred = false;
};
void MixChromaRims(const std::vector<Rim>* rows, int num_rows, const float* samples,
                   const float* origin, const ChromaGrid& grid, int bytes_per_sample, void* dst);

}  // namespace mdvt::stereo
