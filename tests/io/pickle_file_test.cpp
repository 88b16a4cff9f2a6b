// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/pickle_file.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/io/track_file.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

// Of Python 3.11 with NumPy 1.24: tracks and visibles as Stereo4D keeps them, a number of NumPy's,
// and a list of [1, -2, 3.5, None, True, (1, 2)].
constexpr char kProtocol4[] =
    "80049557010000000000007d94288c06747261636b73948c156e756d70792e636f72652e6d756c7469617272"
    "6179948c0c5f7265636f6e7374727563749493948c056e756d7079948c076e6461727261799493944b008594"
    "4301629487945294284b014b014b034b02879468058c0564747970659493948c02663494898887945294284b"
    "038c013c944e4e4e4affffffff4affffffff4b00749462894318000000000000803f00000040000040400000"
    "80400000a040947494628c0876697369626c657394680468074b008594680987945294284b014b014b038694"
    "680e8c02623194898887945294284b038c017c944e4e4e4affffffff4affffffff4b00749462894303010001"
    "947494628c016e9468028c067363616c6172949394681143040000c03f94869452948c0173948c0178948c01"
    "6c945d94284b014afeffffff47400c0000000000004e884b014b028694658c03626967948a06000000000001"
    "752e";
constexpr char kProtocol5[] =
    "800595d6000000000000007d94288c0161948c126e756d70792e636f72652e6e756d65726963948c0b5f6672"
    "6f6d62756666657294939428960c00000000000000000000000100000002000000948c056e756d7079948c05"
    "64747970659493948c02693494898887945294284b038c013c944e4e4e4affffffff4affffffff4b00749462"
    "4b0385948c014394749452948c016694680428960c000000000000000000030001000400020005009468088c"
    "02693294898887945294284b03680c4e4e4e4affffffff4affffffff4b007494624b024b0386948c01469474"
    "945294752e";
constexpr char kProtocol3[] =
    "80037d71005801000000617101636e756d70792e636f72652e6d756c746961727261790a5f7265636f6e7374"
    "727563740a7102636e756d70790a6e6461727261790a71034b008571044301627105877106527107284b014b"
    "03857108636e756d70790a64747970650a710958020000006934710a898887710b52710c284b035801000000"
    "3c710d4e4e4e4affffffff4affffffff4b0074710e6289430c000000000100000002000000710f7471106273"
    "2e";

std::string Bytes(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

class PickleFile : public ::testing::Test {
 protected:
  Pickle Read(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    return Pickle(path_);
  }
  void Refuses(const std::string& part, const std::string& bytes) {
    ExpectError(Code::kCorrupt, part, [&] { Read(bytes); });
  }
  const TempDir dir_;
  const std::string path_ = dir_ / "a.pkl";
};

TEST_F(PickleFile, ReadsWhatNumPyPickles) {
  const Pickle file = Read(Bytes(kProtocol4));
  const PickleValue root = file.root();
  EXPECT_EQ(root.At("tracks").shape(), (std::vector<int64_t>{1, 3, 2}));
  EXPECT_EQ(root.At("tracks").Numbers(), (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(root.At("tracks").Numbers(2, 2), (std::vector<double>{2, 3}));
  EXPECT_EQ(root.At("visibles").Numbers(), (std::vector<double>{1, 0, 1}));
  EXPECT_EQ(root.At("n").AsNumber(), 1.5);
  EXPECT_EQ(root.At("s").AsText(), "x");
  EXPECT_EQ(root.At("big").AsInteger(), int64_t{1} << 40);
  const PickleValue list = root.At("l");
  ASSERT_EQ(list.size(), 6u);
  EXPECT_EQ(list[1].AsInteger(), -2);
  EXPECT_EQ(list[2].AsNumber(), 3.5);
  EXPECT_EQ(list[3].kind(), PickleKind::kNone);
  EXPECT_EQ(list[4].AsInteger(), 1);
  EXPECT_EQ(list[5][1].AsInteger(), 2);
  ExpectError(Code::kCorrupt, "no 'none'", [&] { root.At("none"); });
  ExpectError(Code::kCorrupt, "no whole number", [&] { list[2].AsInteger(); });
  ExpectError(Code::kCorrupt, "too few numbers", [&] { root.At("tracks").Numbers(5, 2); });
}

TEST_F(PickleFile, ReadsTheOtherProtocols) {
  const Pickle newest = Read(Bytes(kProtocol5));
  EXPECT_EQ(newest.root().At("a").Numbers(), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(newest.root().At("f").shape(), (std::vector<int64_t>{2, 3}));
  ExpectError(Code::kCorrupt, "by columns", [&] { newest.root().At("f").Numbers(); });
  EXPECT_EQ(Read(Bytes(kProtocol3)).root().At("a").Numbers(), (std::vector<double>{0, 1, 2}));
}

TEST_F(PickleFile, RunsNothing) {
  // os.system("touch ..."), as every tutorial has it.
  Refuses("'os.system'",
          "\x80\x04"
          "cos\nsystem\nX" +
              std::string("\x01\0\0\0", 4) + "x\x85R.");
  Refuses("'builtins.eval'",
          "\x80\x04\x8c\x08"
          "builtins\x8c\x04"
          "eval\x93.");
  Refuses("'numpy.load'",
          "\x80\x04"
          "cnumpy\nload\n.");
  // Functions that are allowed, and not with what they are called.
  Refuses("makes no array",
          "\x80\x04"
          "cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\n\x85R.");
  Refuses("calls what is no function",
          "\x80\x04"
          "cnumpy\nndarray\n)R.");
  Refuses("leaves no value",
          "\x80\x04"
          "cnumpy\nndarray\n.");
  const std::pair<const char*, const char*> codes[] = {
      {"\x81", "NEWOBJ"}, {"\x92", "NEWOBJ_EX"}, {"i", "INST"},    {"o", "OBJ"},
      {"P", "PERSID"},    {"Q", "BINPERSID"},    {"\x82", "EXT1"}, {"\x97", "NEXT_BUFFER"},
  };
  for (const auto& [code, name] : codes) Refuses(name, std::string("\x80\x04") + code);
  Refuses("instruction 255", "\x80\x04\xff");
}

TEST_F(PickleFile, DamagedOnesAreRefused) {
  Refuses("no pickle", "");
  Refuses("no pickle", "PK\x03\x04");
  Refuses("protocol 9", "\x80\x09.");
  Refuses("takes a value where there is none", "\x80\x04.");
  Refuses("takes values where there are none", "\x80\x04t.");
  Refuses("not kept", "\x80\x04h\x07.");
  Refuses("appends to what is no list", "\x80\x04NNa.");
  Refuses("no dict", "\x80\x04NNNs.");
  Refuses("more than 64 bits",
          "\x80\x04\x8a\x09"
          "123456789.");
  const std::string whole = Bytes(kProtocol4);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(CodeOf([&] { Read(whole.substr(0, size)); }), Code::kCorrupt) << size;
  // Whatever a byte becomes: an error, or a value.
  for (size_t at = 0; at < whole.size(); ++at)
    for (const int change : {1, 0x40, 0xff}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      try {
        const Pickle file = Read(damaged);
        if (file.root().Has("tracks")) file.root().At("tracks").Numbers();
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == Code::kCorrupt || error.code() == Code::kLimit)
            << at << ": " << error.what();
      }
    }
}

// A list that holds itself, and one that is kept a million times.
TEST_F(PickleFile, ValuesMayHoldThemselves) {
  const Pickle file = Read("\x80\x04]\x94h" + std::string(1, '\0') + "a.");
  EXPECT_EQ(file.root().size(), 1u);
  EXPECT_EQ(file.root()[0][0][0].size(), 1u);
  std::string bomb = "\x80\x04";
  bomb.append(size_t{1} << 21, 'N');
  ExpectError(Code::kLimit, "values", [&] { Read(bomb + "."); });
}

TEST_F(PickleFile, WritesWhatItReads) {
  const float numbers[] = {0.5f, -1, 3e30f, 4, 5, 6};
  PickleWriter writer(path_);
  writer.BeginList();
  for (int i = 0; i < 2; ++i) {
    writer.BeginDict();
    writer.Key("fwd");
    writer.Array("<f4", {1, 3, 2}, numbers);
    writer.Key("n");
    writer.Integer(-7 * (i + 1));
    writer.Key("x");
    writer.Number(0.1);
    writer.Key("video");
    writer.None();
    writer.End();
  }
  writer.End();
  writer.Finish();
  EXPECT_TRUE(Pickle::IsOne(path_));
  {
    const Pickle file(path_);
    const PickleValue root = file.root();
    ASSERT_EQ(root.size(), 2u);
    EXPECT_EQ(root[1].At("fwd").shape(), (std::vector<int64_t>{1, 3, 2}));
    EXPECT_EQ(root[1].At("fwd").Numbers()[2], static_cast<double>(3e30f));
    EXPECT_EQ(root[1].At("n").AsInteger(), -14);
    EXPECT_EQ(root[0].At("x").AsNumber(), 0.1);
    EXPECT_EQ(root[0].At("video").kind(), PickleKind::kNone);
  }
  // And Python does.
  if (std::system("/usr/bin/python3 -c 'import numpy' >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "/usr/bin/python3 has no NumPy";
  const std::string check =
      "/usr/bin/python3 -c \"import pickle; v = pickle.load(open('" + path_ +
      "', 'rb')); assert v[1]['fwd'].shape == (1, 3, 2) and v[1]['fwd'].dtype == 'f4' and "
      "v[0]['fwd'][0, 1, 1] == 4 and v[1]['n'] == -14 and v[0]['x'] == 0.1 and "
      "v[0]['video'] is None\"";
  EXPECT_EQ(std::system(check.c_str()), 0);
}

TEST_F(PickleFile, TracksGoThereAndBack) {
  TrackTableBuilder builder;
  builder.BeginFrame();
  builder.Add(4, 1.25f, 2.5f, 1);
  builder.BeginFrame();
  builder.Add(9, 7, 8, 1);
  builder.BeginFrame();
  builder.Add(4, 3, 4, 0.5f);
  builder.Add(9, 5, 6, 1);
  WritePickledTracks(path_, builder.Finish());
  {
    const Pickle file(path_);
    // Frame by frame x, y: held where they are not seen.
    EXPECT_EQ(file.root().At("tracks").Numbers(),
              (std::vector<double>{1.25, 2.5, 1.25, 2.5, 3, 4, 7, 8, 7, 8, 5, 6}));
    EXPECT_EQ(file.root().At("visibles").Numbers(), (std::vector<double>{1, 0, 1, 0, 1, 1}));
    EXPECT_EQ(file.root().At("query_points").Numbers(), (std::vector<double>{0, 2, 1, 1, 8, 7}));
  }
  const TrackTable read = ReadTrackFile(path_);
  EXPECT_EQ(read.num_frames(), 3);
  EXPECT_EQ(read.num_tracks(), 2u);
  ASSERT_EQ(read.Frame(2).size(), 2u);
  EXPECT_EQ(read.Frame(0)[0].x, 1.25f);
  EXPECT_EQ(read.Frame(2)[1].y, 6);
  EXPECT_EQ(ReadTrackFile(([&] {
              Read(Bytes(kProtocol4));
              return path_;
            })())
                .num_sightings(),
            2u);
  Limits limits;
  limits.max_track_points = 3;
  WritePickledTracks(path_, read);
  EXPECT_EQ(CodeOf([&] { ReadTrackFile(path_, limits); }), Code::kLimit);
  std::ofstream(path_, std::ios::binary) << Bytes(kProtocol5);
  ExpectError(Code::kCorrupt, "no 'tracks'", [&] { ReadTrackFile(path_); });
}

}  // namespace
}  // namespace mdvt::test
