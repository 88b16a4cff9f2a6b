// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/npz_file.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "core/little_endian.h"
#include "io/expect_error.h"
#include "io/npy_header.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

// An archive as numpy.savez_compressed writes it, with one array.
std::string Deflated(const std::string& name, const std::string& array) {
  std::string packed(array.size() + 100, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string in = array;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  const auto fields = [&](bool local) {
    std::string text;
    for (const int value : {20, 0, 8, 0, 33}) PutLittle(static_cast<uint16_t>(value), &text);
    PutLittle(static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(array.data()),
                                          static_cast<uInt>(array.size()))),
              &text);
    PutLittle(static_cast<uint32_t>(packed.size()), &text);
    PutLittle(static_cast<uint32_t>(array.size()), &text);
    PutLittle(static_cast<uint16_t>(name.size() + 4), &text);
    PutLittle<uint16_t>(local ? 20 : 0, &text);  // NumPy leaves room for large sizes
    return text;
  };
  std::string file = "PK\x03\x04" + fields(true) + name + ".npy" + std::string(20, '\0') + packed;
  const auto begin = static_cast<uint32_t>(file.size());
  std::string central("PK\x01\x02");
  PutLittle<uint16_t>(20, &central);
  central += fields(false);
  central += std::string(10, '\0');
  PutLittle<uint32_t>(0, &central);
  central += name + ".npy";
  file += central + std::string("PK\x05\x06") + std::string(4, '\0');
  for (int i = 0; i < 2; ++i) PutLittle<uint16_t>(1, &file);
  PutLittle(static_cast<uint32_t>(central.size()), &file);
  PutLittle(begin, &file);
  PutLittle<uint16_t>(0, &file);
  return file;
}

template <typename T>
std::string Npy(const std::vector<int64_t>& shape, const char* type, const std::vector<T>& values) {
  std::string array = NpyHeader(shape, type);
  for (const T value : values) PutLittle(value, &array);
  return array;
}

class NpzFile : public ::testing::Test {
 protected:
  NpzReader Open(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    return NpzReader(path_);
  }
  const TempDir dir_;
  const std::string path_ = dir_ / "a.npz";
};

TEST_F(NpzFile, ReadsWhatIsWritten) {
  const std::vector<float> floats = {1.5f, -2.25f, 3e20f, 0, 1e-20f, 7};
  const std::vector<double> doubles = {0.1};
  const std::vector<uint8_t> bytes = {0, 1, 255};
  NpzWriter writer(path_);
  writer.Add("floats", {2, 3}, floats.data());
  writer.Add("one", {}, doubles.data());
  writer.Add("bytes", {3}, bytes.data());
  writer.Finish();
  const NpzReader reader(path_);
  EXPECT_TRUE(reader.Has("one"));
  EXPECT_FALSE(reader.Has("two"));
  const NpzArray back = reader.Read("floats");
  EXPECT_EQ(back.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(back.values, std::vector<double>(floats.begin(), floats.end()));
  EXPECT_TRUE(back.integers.empty());
  EXPECT_EQ(reader.Read("one").values, doubles);
  EXPECT_TRUE(reader.Read("one").shape.empty());
  EXPECT_EQ(reader.Read("bytes").integers, (std::vector<int64_t>{0, 1, 255}));
  ExpectError(Code::kCorrupt, "no array 'two'", [&] { reader.Read("two"); });
}

TEST_F(NpzFile, ReadsCompressedArraysOfEveryKind) {
  EXPECT_EQ(
      Open(Deflated("a", Npy<int64_t>({2}, "<i8", {-3, int64_t{1} << 60}))).Read("a").integers,
      (std::vector<int64_t>{-3, int64_t{1} << 60}));
  EXPECT_EQ(Open(Deflated("a", Npy<int16_t>({2}, "<i2", {-3, 300}))).Read("a").integers,
            (std::vector<int64_t>{-3, 300}));
  EXPECT_EQ(Open(Deflated("a", Npy<uint32_t>({1}, "<u4", {4000000000u}))).Read("a").values,
            (std::vector<double>{4e9}));
  std::vector<double> many(100000, 2.5);
  EXPECT_EQ(Open(Deflated("a", Npy<double>({100000}, "<f8", many))).Read("a").values, many);
  EXPECT_EQ(Open(Deflated("a", Npy<uint32_t>({}, "<U5", {'a', '_', '1', 0, 0}))).Read("a").text,
            "a_1");
  EXPECT_EQ(Open(Deflated("a", Npy<uint8_t>({}, "|S3", {'a', 'b', 'c'}))).Read("a").text, "abc");
}

TEST_F(NpzFile, RefusesWhatItCannotRead) {
  const auto read = [this](const std::string& content) { return Open(content).Read("a"); };
  ExpectError(Code::kCorrupt, "ZIP archive", [&] { read("no archive"); });
  ExpectError(Code::kCorrupt, "ZIP archive", [&] { read(""); });
  ExpectError(Code::kCorrupt, "'>f8'", [&] { read(Deflated("a", Npy<double>({1}, ">f8", {1}))); });
  ExpectError(Code::kCorrupt, "'<c8'", [&] { read(Deflated("a", Npy<double>({1}, "<c8", {1}))); });
  ExpectError(Code::kCorrupt, "ends before", [&] {
    read(Deflated("a", Npy<double>({9, 9}, "<f8", {1})));
  });
  ExpectError(Code::kLimit, "too many numbers", [&] {
    read(Deflated("a", Npy<double>({int64_t{1} << 40, int64_t{1} << 40}, "<f8", {1})));
  });
  ExpectError(Code::kCorrupt, "is no .npy file",
              [&] { read(Deflated("a", "nothing of the kind")); });
  Limits limits;
  limits.max_text_bytes = 1000;
  std::ofstream(path_, std::ios::binary)
      << Deflated("a", Npy<double>({200}, "<f8", std::vector<double>(200)));
  ExpectError(Code::kLimit, "1000", [&] { NpzReader(path_, limits).Read("a"); });
}

// Every cut and many changed bytes: the array as it was, or an error.
TEST_F(NpzFile, DamageIsNoticed) {
  const std::string whole = Deflated("a", Npy<int32_t>({4}, "<i4", {1, 2, 3, 4}));
  const std::vector<int64_t> truth = {1, 2, 3, 4};
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(CodeOf([&] { Open(whole.substr(0, size)).Read("a"); }), Code::kInternal) << size;
  std::mt19937_64 rng = Rng();
  for (int i = 0; i < 400; ++i) {
    std::string damaged = whole;
    damaged[rng() % damaged.size()] ^= static_cast<char>(1 + rng() % 255);
    try {
      EXPECT_EQ(Open(damaged).Read("a").integers, truth);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), Code::kInternal) << error.what();
    }
  }
}

}  // namespace
}  // namespace mdvt::test
