// SPDX-License-Identifier: Apache-2.0
//
// What a video that mdvt has written says it holds: its tag MDVT_KIND, or the sidecar of a depth
// video whose container takes no tags.
#pragma once

#include <string>

#include "mdvt/core/image.h"
#include "mdvt/io/video_reader.h"

namespace mdvt {

// Empty for other videos.
std::string KindOf(const VideoInfo& video);

// True for the kinds of layouts with more than one view in a picture.
bool HoldsEyes(const std::string& kind);

// True for those with both eyes side by side or one above the other, and nothing else.
bool HoldsTwoViews(const std::string& kind);

// Warns of a depth or mask video in the place of a color video.
void TellIfNoFilm(const VideoInfo& video);

// A depth video or the picture of both eyes in the place of a mask is Error(kCorrupt).
void CheckIsMask(const VideoInfo& video);

// Throws Error(kCorrupt) for a picture, Rgb(8), that is plainly no mask: colored in more than a
// quarter of its pixels, or neither nearly black nor nearly white in more than nine tenths. Infill
// masks, whose holes are colored, and soft edges pass.
void CheckLooksLikeMask(const Image& picture, const std::string& path);

}  // namespace mdvt
