// SPDX-License-Identifier: Apache-2.0
#include "pipeline/picture_folder.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>

#include "core/file_ending.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/image_file.h"

namespace mdvt {
namespace {

constexpr size_t kMaxPictures = 10'000'000;

// -1: no number.
int64_t NumberOf(const std::string& stem) {
  size_t begin = stem.size();
  while (begin > 0 && stem.size() - begin < 6 &&
         std::isdigit(static_cast<unsigned char>(stem[begin - 1])) != 0)
    --begin;
  if (begin == stem.size()) return -1;
  int64_t number = 0;
  for (size_t i = begin; i < stem.size(); ++i) number = 10 * number + (stem[i] - '0');
  return number;
}

bool IsPicture(const std::filesystem::path& path) {
  const std::string ending = LowerEnding(path.string());
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

}  // namespace

std::vector<std::string> NumberedPictures(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  Require(fs::is_directory(folder, error), Code::kNotFound, "no folder '" + folder + "'");
  std::vector<std::pair<int64_t, std::string>> found;
  for (auto entry = fs::directory_iterator(folder, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (!IsPicture(entry->path())) continue;
    const int64_t number = NumberOf(entry->path().stem().string());
    found.emplace_back(number < 0 ? INT64_MAX : number, entry->path().string());
    Require(found.size() <= kMaxPictures, Code::kLimit, "too many pictures in '" + folder + "'");
  }
  Require(!error, Code::kIo, "'" + folder + "' cannot be read: " + error.message());
  Require(!found.empty(), Code::kNotFound, "no pictures (PNG or JPEG) in '" + folder + "'");
  std::sort(found.begin(), found.end());
  std::vector<std::string> files;
  for (size_t i = 0; i + 1 < found.size(); ++i)
    Require(found[i].first == INT64_MAX || found[i].first != found[i + 1].first, Code::kCorrupt,
            "'" + found[i].second + "' and '" + found[i + 1].second + "' have the same number");
  for (auto& [number, path] : found) files.push_back(std::move(path));
  return files;
}

PictureFolder::PictureFolder(const std::string& folder, const Limits& limits)
    : files_(NumberedPictures(folder)), limits_(limits) {
  const Image first = ReadImageFile(files_[0], limits_);
  width_ = first.width();
  height_ = first.height();
}

Image PictureFolder::Read(int64_t index) const {
  const std::string& path = files_[static_cast<size_t>(index)];
  Image image = ReadImageFile(path, limits_);
  Require(image.width() == width_ && image.height() == height_, Code::kCorrupt,
          "'" + path + "' is " + FormatSize(image.width(), image.height()) + ", '" + files_[0] +
              "' is " + FormatSize(width_, height_) + ": all must have the same size");
  return image;
}

Image PictureFolder::ReadRgb(int64_t index) const {
  const Image image = Read(index);
  if (image.format() == PixelFormat::Rgb(8)) return image;
  Image rgb(PixelFormat::Rgb(8), width_, height_);
  const bool wide = image.format().type == SampleType::kU16;
  const int most = image.format().max_value();
  for (int c = 0; c < 3; ++c) {
    const int from = image.format().num_planes() == 3 ? c : 0;
    for (int y = 0; y < height_; ++y)
      for (int x = 0; x < width_; ++x) {
        const int value =
            wide ? image.Plane<uint16_t>(from).At(x, y) : image.Plane<uint8_t>(from).At(x, y);
        rgb.MutablePlane<uint8_t>(c).At(x, y) =
            static_cast<uint8_t>((value * 255 + most / 2) / most);
      }
  }
  return rgb;
}

Image PictureFolder::ReadGray16(int64_t index) const {
  const Image image = Read(index);
  if (image.format() == PixelFormat::Gray(16)) return image;
  Require(image.format().num_planes() == 1, Code::kCorrupt,
          "'" + files_[static_cast<size_t>(index)] +
              "' is a picture in color: disparity is one of gray, near is white");
  Image gray(PixelFormat::Gray(16), width_, height_);
  const bool wide = image.format().type == SampleType::kU16;
  for (int y = 0; y < height_; ++y)
    for (int x = 0; x < width_; ++x)
      gray.MutablePlane<uint16_t>().At(x, y) =
          wide ? image.Plane<uint16_t>().At(x, y)
               : static_cast<uint16_t>(image.Plane<uint8_t>().At(x, y) * 257);
  return gray;
}

}  // namespace mdvt
