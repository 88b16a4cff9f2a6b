// SPDX-License-Identifier: Apache-2.0
//
// Writes small TorchScript models with their metadata into a folder: good ones, and one of each
// kind that a careless or hostile author could make.
//
// usage: make_torch_models FOLDER
#include <caffe2/serialize/inline_container.h>
#include <torch/script.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/metadata.h"

namespace {

using nlohmann::json;

// `code` is the rest of forward(self, x); y is the mean of the filtered channels.
torch::jit::Module Define(const std::string& code, const std::string& arguments = "x") {
  torch::jit::Module module("net");
  // 48 filters of 7 x 7: some 30 kB of numbers, as a formula.
  at::Tensor weight = at::arange(48 * 3 * 7 * 7, at::kFloat).mul(0.37f).sin().mul(0.02f);
  module.register_buffer("weight", weight.reshape({48, 3, 7, 7}));
  std::string text = "def forward(self, " + arguments + "):\n";
  if (code.find("y") != std::string::npos) {
    text +=
        "  y = torch.conv2d(x, self.weight, None, [1, 1], [3, 3]).abs().mean(1, keepdim=True)\n";
  }
  module.define(text + code);
  return module;
}

struct Writer {
  std::string folder;

  void Save(const std::string& name, const torch::jit::Module& module, const json& metadata) const {
    torch::jit::ExtraFilesMap extra;
    if (!metadata.is_null()) extra["mdvt.json"] = metadata.dump();
    module.save(folder + "/" + name + ".pt", extra);
  }
  void Save(const std::string& name, const std::string& code,
            const json& metadata = mdvt::test::DepthMetadata()) const {
    Save(name, Define(code), metadata);
  }
};

// The input of self-tests, as Model::SelfTest() says.
at::Tensor CheckInput(int64_t channels, int64_t height, int64_t width) {
  const auto line = [](int64_t count) {
    return at::arange(count, at::kDouble).add(0.5).div(count);
  };
  const at::Tensor u = line(width).reshape({1, 1, 1, width});
  const at::Tensor v = line(height).reshape({1, 1, height, 1});
  const at::Tensor c = at::arange(channels, at::kDouble).reshape({1, channels, 1, 1});
  const at::Tensor ramp = (u - 0.5) * (1 - 0.25 * c) * 0.25;
  const at::Tensor wave = (0.37 * (c + 1) + 2 * M_PI * (3 * u + 2 * v)).sin() * 0.25;
  return (0.5 + ramp + wave).to(at::kFloat);
}

// A copy of an archive without the records that begin with one of `without`, and with `to` for
// `from` in its code.
void Rewrite(const std::string& path, const std::string& copy,
             const std::vector<std::string>& without, const std::string& from,
             const std::string& to) {
  caffe2::serialize::PyTorchStreamReader reader(path);
  caffe2::serialize::PyTorchStreamWriter writer(copy);
  for (const std::string& name : reader.getAllRecords()) {
    const bool dropped = name == "version" ||
                         std::any_of(without.begin(), without.end(),
                                     [&](const auto& start) { return name.rfind(start, 0) == 0; });
    if (dropped) continue;  // the version is written by the writer
    const auto [bytes, size] = reader.getRecord(name);
    std::string record(static_cast<const char*>(bytes.get()), size);
    const size_t at = from.empty() ? std::string::npos : record.find(from);
    if (at != std::string::npos && name.rfind("code/", 0) == 0) record.replace(at, from.size(), to);
    writer.writeRecord(name, record.data(), record.size());
  }
  writer.writeEndOfFile();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_torch_models FOLDER\n");
    return 2;
  }
  const Writer writer{argv[1]};
  const json plain = mdvt::test::DepthMetadata();
  const auto with = [&](const json& patch) {
    json metadata = plain;
    metadata.merge_patch(patch);
    return metadata;
  };

  torch::jit::Module net = Define("  return y\n");
  const at::Tensor checked = net.forward({CheckInput(3, 12, 20)}).toTensor().to(at::kDouble);
  writer.Save("good", net,
              with({{"check",
                     {{"shape", {2, 3, 12, 20}},
                      {"mean", checked.mean().item<double>()},
                      {"std", checked.std(/*unbiased=*/false).item<double>()}}}}));
  writer.Save("in_place", "  x.mul_(2)\n  return x[:, :1]\n");
  writer.Save("last", "  return x.permute(0, 2, 3, 1)[..., 2].unsqueeze(1)\n");
  // Two networks that hand a tensor on.
  const char* const features = "  return torch.conv2d(x, self.weight, None, [1, 1], [3, 3])\n";
  json encode = with({{"kind", "infill_part"}, {"group", "pair"}, {"role", "encode"}});
  encode["outputs"][0] = {{"name", "features"}, {"layout", "NCHW"}, {"quantity", "latent"}};
  writer.Save("encode", features, encode);
  json wide = encode;
  wide["inputs"][0]["size"]["max"] = {1024, 1024};
  writer.Save("wide", features, wide);
  // Relates every pixel to every other, as attention does: 4 bytes for each pair.
  writer.Save("pairs", "  v = x[:, :1].flatten()\n  return y + torch.outer(v, v).mean() * 0\n",
              with({{"inputs", wide["inputs"]}}));
  json refine = with({{"kind", "infill_part"}, {"group", "pair"}, {"role", "refine"}});
  refine["inputs"][0]["channels"] = 48;
  writer.Save("refine", "  x.abs_()\n  return x.mean(1, keepdim=True)\n", refine);

  // The twelve of row C6.
  writer.Save("throws", "  assert bool(x.sum() < -1), \"too dark\"\n  return y\n");
  writer.Save("rank", "  return y[:, 0]\n");
  writer.Save("nan", "  return (y - y) / (y - y)\n");
  writer.Save("inf", "  return y / (y - y)\n");
  writer.Save("empty", "  return y[:, :0]\n");
  writer.Save("huge",
              "  return torch.ones([x.size(0), 1, 1, 1]).expand(-1, -1, 1 << 20, 1 << 30)\n");
  // Of x, so that freezing cannot compute it beforehand.
  writer.Save("slow",
              "  m = torch.ones([300, 300]) + x.mean()\n"
              "  for i in range(20):\n    m = torch.mm(m, m).clamp(0, 1)\n"
              "  return y + m[0, 0] - m[0, 0]\n");
  writer.Save("extra", "  return (y, y)\n");
  // 4 is int64.
  writer.Save("dtype", "  return y.to(4)\n");
  writer.Save("negative", "  return -y - 1\n");
  writer.Save("constant", "  return torch.full_like(y, 0.5)\n",
              with({{"check", {{"shape", {1, 3, 16, 16}}, {"mean", 0.5}, {"std", 0.2}}}}));
  writer.Save("two_inputs", Define("  return y * k\n", "x, k"), plain);

  // More that must not work.
  writer.Save("allocates", "  return torch.ones([1 << 46])\n");
  writer.Save("dictionary", "  return {\"depth\": y}\n");
  writer.Save("forty", "  return [y, y, y, y] * 20\n");
  writer.Save("no_metadata", "  return y\n", json());
  writer.Save("newer", "  return y\n", with({{"torch", {{"min", "99.1"}}}}));
  writer.Save("unknown_kind", "  return y\n", with({{"kind", "smell"}}));
  writer.Save("unknown_format", "  return y\n", with({{"format", 7}}));
  torch::jit::Module no_forward("net");
  no_forward.define("def backward(self, x):\n  return x\n");
  writer.Save("no_forward", no_forward, plain);
  // An operator that no LibTorch has, as in a file from the future; and an archive of weights
  // alone.
  const std::string good = writer.folder + "/good.pt";
  Rewrite(good, writer.folder + "/future.pt", {}, "torch.conv2d", "torch.conv9d");
  Rewrite(good, writer.folder + "/checkpoint.pt", {"code/", "constants"}, "", "");
  return 0;
}
