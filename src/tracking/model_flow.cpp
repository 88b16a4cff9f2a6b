// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/model_flow.h"

#include <algorithm>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/resample.h"

namespace mdvt {
namespace {

size_t FlowOutput(const ModelInfo& info) {
  const std::string name = "model '" + info.name + "'";
  Require(info.kind == ModelKind::kFlow, Code::kUnsupported,
          name + " is of kind \"" + ToString(info.kind) + "\", optical flow needs \"flow\"");
  Require(info.inputs.size() == 2 && info.inputs[0].layout.dims == "NCHW" &&
              info.inputs[1].layout.dims == "NCHW",
          Code::kUnsupported, name + " must take two pictures");
  for (const ModelInputInfo& input : info.inputs)
    Require(input.range != InputRange::kImageMax, Code::kUnsupported,
            name + " wants each picture scaled by its largest value, which flow cannot have");
  for (size_t i = 0; i < info.outputs.size(); ++i)
    if (info.outputs[i].quantity == Quantity::kFlow) return i;
  throw Error(Code::kUnsupported, name + " has no output of flow");
}

}  // namespace

void CheckFlowModel(const ModelInfo& info) { FlowOutput(info); }

struct ModelFlow::Impl {
  Impl(std::shared_ptr<const Model> the_model, int the_width, int the_height, ThreadPool* the_pool)
      : model(std::move(the_model)),
        width(the_width),
        height(the_height),
        pool(the_pool),
        output(FlowOutput(model->info())),
        to_tensor(model->info().inputs[0].resample, {width, height}, model->info().inputs[0].size),
        to_picture(model->info().outputs[output].resample, to_tensor.plan()) {}

  void Check(const Image& picture) const {
    Require(picture.format() == PixelFormat::Rgb(8) && picture.width() == width &&
                picture.height() == height,
            Code::kInvalidArgument,
            "ModelFlow: pictures must be Rgb(8) of " + FormatSize(width, height));
  }

  void Fill(const Image& picture, InputRange range, float* to) const {
    to_tensor.Run(picture.view(), to, pool);
    if (range != InputRange::kMinusOneToOne) return;
    const PixelSize network = to_tensor.plan().network;
    for (int64_t i = 0; i < int64_t{3} * network.width * network.height; ++i) to[i] = 2 * to[i] - 1;
  }

  void RunSome(const PicturePair* pairs, size_t count, std::vector<FlowField>* flows) {
    const ModelInfo& info = model->info();
    const SizePlan& plan = to_tensor.plan();
    const int64_t plane = int64_t{plan.network.width} * plan.network.height;
    const size_t rows = info.batch_dynamic ? count : static_cast<size_t>(info.batch_max);
    const Shape shape = {static_cast<int64_t>(rows), 3, plan.network.height, plan.network.width};
    first.Resize(shape);
    second.Resize(shape);
    for (size_t i = 0; i < rows; ++i) {
      const PicturePair& pair = pairs[std::min(i, count - 1)];
      const auto offset = static_cast<int64_t>(i) * 3 * plane;
      Fill(pair.first, info.inputs[0].range, first.data() + offset);
      Fill(pair.second, info.inputs[1].range, second.data() + offset);
    }
    model->Run({first, second}, &results);
    const Tensor& flow = results[output];
    const int64_t map = flow.size() / static_cast<int64_t>(rows) / 2;
    // A pixel of the picture is so many of the network's.
    const auto scale_x =
        static_cast<float>(plan.padded.width) / static_cast<float>(plan.content.width);
    const auto scale_y =
        static_cast<float>(plan.padded.height) / static_cast<float>(plan.content.height);
    Image u(PixelFormat::GrayF32(), width, height), v(PixelFormat::GrayF32(), width, height);
    for (size_t i = 0; i < count; ++i) {
      const float* const from = flow.data() + static_cast<int64_t>(i) * 2 * map;
      to_picture.Run(from, u.MutablePlane<float>(), pool);
      to_picture.Run(from + map, v.MutablePlane<float>(), pool);
      FlowField field;
      field.Resize(width, height);
      const PlaneView<Eigen::Vector2f> to = field.mutable_view();
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          to.At(x, y) = {scale_x * u.Plane<float>().At(x, y), scale_y * v.Plane<float>().At(x, y)};
      flows->push_back(std::move(field));
    }
  }

  std::shared_ptr<const Model> model;
  int width, height;
  ThreadPool* pool;
  size_t output;
  PictureToTensor to_tensor;
  TensorToPicture to_picture;
  Tensor first, second;
  std::vector<Tensor> results;
  size_t at_once = 1000000;  // pairs that have turned out to fit
};

ModelFlow::ModelFlow(std::shared_ptr<const Model> model, int width, int height, ThreadPool* pool) {
  Require(model != nullptr, Code::kInvalidArgument, "ModelFlow: no model");
  impl_ = std::make_unique<Impl>(std::move(model), width, height, pool);
}
ModelFlow::~ModelFlow() = default;

int ModelFlow::most_pairs() const { return impl_->model->info().batch_max; }

std::vector<FlowField> ModelFlow::Compute(const std::vector<PicturePair>& pairs) {
  Impl& impl = *impl_;
  Require(static_cast<int>(pairs.size()) <= most_pairs(), Code::kInvalidArgument,
          "ModelFlow: " + std::to_string(pairs.size()) + " pairs, the network takes " +
              std::to_string(most_pairs()));
  for (const PicturePair& pair : pairs) {
    impl.Check(pair.first);
    impl.Check(pair.second);
  }
  std::vector<FlowField> flows;
  while (flows.size() < pairs.size()) {
    const size_t count = std::min(impl.at_once, pairs.size() - flows.size());
    try {
      impl.RunSome(&pairs[flows.size()], count, &flows);
    } catch (const Error& error) {
      if (error.code() != Code::kOutOfMemory || count == 1 || !impl.model->info().batch_dynamic)
        throw;
      impl.at_once = count / 2;
    }
  }
  return flows;
}

}  // namespace mdvt
