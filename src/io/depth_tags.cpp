// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "core/json.h"
#include "core/naming.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/depth_video.h"

namespace mdvt {
namespace {

constexpr size_t kMaxSidecarKeys = 1000;

// A view of the tags that turns texts into values and names the key where that fails.
class TagReader {
 public:
  explicit TagReader(const std::map<std::string, std::string>& tags) : tags_(tags) {}

  std::optional<std::string> Text(const char* key) const {
    const auto it = tags_.find(key);
    return it == tags_.end() ? std::nullopt : std::optional<std::string>(it->second);
  }

  // A number in [low, high], where open borders are given as the next value inside.
  std::optional<double> Number(const char* key, double low, double high, const char* range) const {
    const auto text = Text(key);
    if (!text) return std::nullopt;
    const auto value = ParseDouble(*text);
    if (!value || !(*value >= low && *value <= high)) Fail(key, *text, range);
    return value;
  }

  std::optional<int64_t> Integer(const char* key, const char* range) const {
    const auto text = Text(key);
    if (!text) return std::nullopt;
    const auto value = ParseInt(*text);
    if (!value || *value < 0) Fail(key, *text, range);
    return value;
  }

  std::optional<Rational> Ratio(const char* key, const char* range) const {
    const auto text = Text(key);
    if (!text) return std::nullopt;
    const auto value = Rational::Parse(*text);
    if (!value || !value->IsPositive()) Fail(key, *text, range);
    return value;
  }

  [[noreturn]] static void Fail(const char* key, const std::string& text, const char* range) {
    throw Error(Code::kCorrupt,
                std::string(key) + " = \"" + text.substr(0, 80) + "\", must be " + range);
  }

 private:
  const std::map<std::string, std::string>& tags_;
};

std::optional<std::array<double, 4>> ReadIntrinsics(const TagReader& tags) {
  const auto text = tags.Text("MDVT_K");
  if (!text) return std::nullopt;
  constexpr const char* kRange = "\"fx fy cx cy\" in pixels, fx and fy positive, all finite";
  std::array<double, 4> k = {};
  std::string_view rest = *text;
  for (size_t i = 0; i < k.size(); ++i) {
    const size_t end = i + 1 < k.size() ? rest.find(' ') : rest.size();
    const auto value = ParseDouble(rest.substr(0, end));
    if (!value || !std::isfinite(*value) || (i < 2 && !(*value > 0))) {
      TagReader::Fail("MDVT_K", *text, kRange);
    }
    k[i] = *value;
    rest.remove_prefix(end < rest.size() ? end + 1 : rest.size());
  }
  return k;
}

bool IsDepthKind(const std::string& kind) { return kind == "depth" || kind == "sbs_depth"; }

}  // namespace

std::optional<Camera> DepthTags::CameraFor(int width, int height) const {
  if (k) {
    Camera camera{width, height, (*k)[0], (*k)[1], (*k)[2], (*k)[3]};
    camera.Check();
    return camera;
  }
  if (!xfov_deg && !yfov_deg) return std::nullopt;
  return Camera::FromFov(width, height, xfov_deg, yfov_deg);
}

std::map<std::string, std::string> DepthTags::ToTags() const {
  std::map<std::string, std::string> tags;
  tags["MDVT_VERSION"] = "1";
  tags["MDVT_ZERO"] = "invalid";
  if (kind) tags["MDVT_KIND"] = *kind;
  if (encoding) tags["MDVT_ENCODING"] = DepthEncodingName(*encoding);
  if (max_depth) tags["MDVT_MAX_DEPTH"] = FormatDouble(*max_depth);
  if (log_offset) tags["MDVT_LOG_OFFSET"] = FormatDouble(*log_offset);
  if (geometry) tags["MDVT_DEPTH_GEOMETRY"] = *geometry == DepthGeometry::kZ ? "z" : "range";
  if (xfov_deg) tags["MDVT_XFOV"] = FormatDouble(*xfov_deg);
  if (yfov_deg) tags["MDVT_YFOV"] = FormatDouble(*yfov_deg);
  if (k) {
    tags["MDVT_K"] = FormatDouble((*k)[0]) + " " + FormatDouble((*k)[1]) + " " +
                     FormatDouble((*k)[2]) + " " + FormatDouble((*k)[3]);
  }
  if (source) tags["MDVT_SOURCE"] = *source;
  if (source_frames) tags["MDVT_SOURCE_FRAMES"] = std::to_string(*source_frames);
  if (frame_rate) tags["MDVT_FPS"] = frame_rate->ToString('/');
  if (sample_aspect) tags["MDVT_SAR"] = sample_aspect->ToString(':');
  return tags;
}

DepthTags DepthTags::FromTags(const std::map<std::string, std::string>& map) {
  const TagReader tags(map);
  const auto version = tags.Integer("MDVT_VERSION", "a whole number");
  Require(!version || *version == 1, Code::kUnsupported,
          "MDVT_VERSION = " + std::to_string(version.value_or(0)) +
              ": made by a newer mdvt, this one reads version 1");
  DepthTags result;
  result.kind = tags.Text("MDVT_KIND");
  if (const auto name = tags.Text("MDVT_ENCODING");
      name && (!result.kind || IsDepthKind(*result.kind))) {
    result.encoding = ParseDepthEncoding(*name);
    Require(result.encoding.has_value(), Code::kUnsupported,
            "MDVT_ENCODING = \"" + name->substr(0, 80) + "\" is not known to this version");
  }
  result.max_depth = tags.Number("MDVT_MAX_DEPTH", 1e-6, 1e6, "metres in [1e-6, 1e6]");
  result.log_offset = tags.Number("MDVT_LOG_OFFSET", 1e-12, 1e9, "metres in [1e-12, 1e9]");
  if (const auto name = tags.Text("MDVT_DEPTH_GEOMETRY")) {
    if (*name != "z" && *name != "range") {
      TagReader::Fail("MDVT_DEPTH_GEOMETRY", *name, "\"z\" or \"range\"");
    }
    result.geometry = *name == "z" ? DepthGeometry::kZ : DepthGeometry::kRange;
  }
  if (const auto zero = tags.Text("MDVT_ZERO")) {
    Require(*zero == "invalid", Code::kUnsupported,
            "MDVT_ZERO = \"" + zero->substr(0, 80) + "\", this version knows \"invalid\" only");
  }
  const double past_zero = std::nextafter(0.0, 1.0), below_180 = std::nextafter(180.0, 0.0);
  result.xfov_deg = tags.Number("MDVT_XFOV", past_zero, below_180, "degrees in (0, 180)");
  result.yfov_deg = tags.Number("MDVT_YFOV", past_zero, below_180, "degrees in (0, 180)");
  result.k = ReadIntrinsics(tags);
  result.source = tags.Text("MDVT_SOURCE");
  result.source_frames = tags.Integer("MDVT_SOURCE_FRAMES", "a whole number, 0 or more");
  result.frame_rate = tags.Ratio("MDVT_FPS", "a positive ratio such as 30000/1001");
  result.sample_aspect = tags.Ratio("MDVT_SAR", "a positive ratio such as 1:1");
  return result;
}

std::string DepthTags::ToJson() const {
  json::Value object;
  for (const auto& [key, value] : ToTags()) object[key] = value;
  return json::Write(object) + "\n";
}

DepthTags DepthTags::FromJson(const char* data, size_t size, const Limits& limits) {
  constexpr char kWhat[] = "depth sidecar";
  const json::Value value = json::Parse({data, size}, limits, kWhat);
  Require(value.is_object(), Code::kCorrupt,
          std::string(kWhat) + ": expected an object of MDVT_ keys");
  Require(value.size() <= kMaxSidecarKeys, Code::kLimit,
          std::string(kWhat) + ": more than 1000 keys");
  // A manifest of movie_2_3D has the same name, and says nothing of the depth.
  if (value.Find("step") != nullptr && value.Find("inputs") != nullptr) return {};
  std::map<std::string, std::string> tags;
  for (const auto& [key, tag] : value.AsMembers()) {
    Require(tag.is_string() || tag.is_number(), Code::kCorrupt,
            std::string(kWhat) + ": the value of \"" + json::Shorten(key) +
                "\" is neither text nor a number");
    tags[key] = json::ToText(tag);
  }
  return Naming(kWhat, [&] { return FromTags(tags); });
}

std::string DepthSidecarPath(const std::string& video_path) { return video_path + ".mdvt.json"; }

}  // namespace mdvt
