// SPDX-License-Identifier: Apache-2.0
//
// Values that Python has pickled, read without running anything: numbers, texts, lists, dicts and
// NumPy's arrays of numbers. A pickle is a program; one that asks for any function but those that
// make such arrays is refused by the name of what it asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

enum class PickleKind : uint8_t {
  kNone,
  kBool,
  kInteger,
  kNumber,
  kText,
  kBytes,
  kList,  // or a tuple, or a set that was made of one
  kDict,
  kArray,
};

// A value in a Pickle, which must outlive it.
class PickleValue {
 public:
  PickleKind kind() const;

  // Error(kCorrupt) where the kind is another one.
  int64_t AsInteger() const;  // also of a bool
  double AsNumber() const;    // of any number
  const std::string& AsText() const;

  // Of a list.
  size_t size() const;
  PickleValue operator[](size_t index) const;
  // Of a dict, by a key that is a text. Error(kCorrupt) if it has none.
  bool Has(const std::string& key) const;
  PickleValue At(const std::string& key) const;

  // Of an array: its shape, and so many of its numbers in row-major order from one on, whatever
  // their type is. Error(kCorrupt) past the end. Read from the file when they are asked for.
  const std::vector<int64_t>& shape() const;
  int64_t count() const;
  std::vector<double> Numbers(int64_t first, int64_t count) const;
  std::vector<double> Numbers() const { return Numbers(0, count()); }

 private:
  friend class Pickle;
  PickleValue(const void* pickle, uint32_t node) : pickle_(pickle), node_(node) {}
  const void* pickle_;
  uint32_t node_;
};

// A pickle of the protocols 3 to 5. Bytes of arrays stay in the file: memory is a hundred bytes for
// each value.
class Pickle {
 public:
  // Throws Error: kNotFound, kIo, kCorrupt (no pickle, cut off, one that asks for something else,
  // each with the name of the instruction or the function), kLimit (more than 2^20 values, texts
  // of more than limits.max_text_bytes).
  explicit Pickle(const std::string& path, const Limits& limits = {});
  ~Pickle();
  Pickle(Pickle&&) noexcept;
  Pickle& operator=(Pickle&&) noexcept;

  // Whether a file begins as pickles of protocol 2 and later do; false if it cannot be read.
  static bool IsOne(const std::string& path);

  PickleValue root() const;

 private:
  friend class PickleValue;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes a pickle of protocol 4, from the outside in. Not thread safe.
//
//   writer.BeginDict();
//   writer.Key("tracks");
//   writer.Array("<f4", {n, 2}, numbers);
//   writer.End();
//   writer.Finish();
class PickleWriter {
 public:
  // Throws as OutputSet::AddFile().
  explicit PickleWriter(const OutputTarget& target);
  ~PickleWriter();
  PickleWriter(PickleWriter&&) noexcept;
  PickleWriter& operator=(PickleWriter&&) noexcept;

  void BeginList();
  void BeginDict();
  void End();  // of the innermost list or dict
  void Key(const std::string& name);
  void None();
  void Integer(int64_t value);
  void Number(double value);
  // A NumPy array of little-endian numbers in row-major order; type as NumPy writes it ("<f4").
  void Array(const char* type, const std::vector<int64_t>& shape, const void* values);
  // The same piece by piece.
  void BeginArray(const char* type, const std::vector<int64_t>& shape);
  void AddNumbers(const void* values, size_t bytes);
  void EndArray();
  void Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
