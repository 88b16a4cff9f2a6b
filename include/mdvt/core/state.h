// SPDX-License-Identifier: Apache-2.0
//
// What a stage knows after some items: enough to go on from there in another process, to the same
// bytes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

// Named byte strings. Getters throw Error(kCorrupt) that names what is missing or not what it
// should be.
class State {
 public:
  void Set(const std::string& name, std::string bytes) { parts_[name] = std::move(bytes); }
  const std::string& Get(const std::string& name) const;
  bool Has(const std::string& name) const { return parts_.count(name) > 0; }
  const std::map<std::string, std::string>& parts() const { return parts_; }

  // Numbers read back to the last bit, NaN and infinities too.
  void SetNumber(const std::string& name, double value) { SetNumbers(name, {value}); }
  double Number(const std::string& name) const;
  void SetNumbers(const std::string& name, const std::vector<double>& values);
  std::vector<double> Numbers(const std::string& name) const;
  void SetFlag(const std::string& name, bool value) { Set(name, value ? "1" : "0"); }
  bool Flag(const std::string& name) const;
  // Pixels in the byte order of the machine. An empty image stays empty.
  void SetImage(const std::string& name, const Image& image);
  Image GetImage(const std::string& name) const;

  // All of another state, its names after `prefix` and a dot.
  void Add(const std::string& prefix, const State& state);
  State Part(const std::string& prefix) const;

 private:
  std::map<std::string, std::string> parts_;
};

}  // namespace mdvt
