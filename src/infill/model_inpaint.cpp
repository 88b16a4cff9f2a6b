// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/model_inpaint.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/resample.h"

namespace mdvt {
namespace {

void CheckContract(const ModelInfo& info) {
  Require(info.kind == ModelKind::kInpaint, Code::kUnsupported,
          "model '" + info.name + "' is of kind \"" + ToString(info.kind) +
              "\", painting over needs \"inpaint\"");
  const bool inputs = info.inputs.size() == 2 && info.inputs[0].layout.dims == "NCHW" &&
                      info.inputs[0].layout.channels == 3 && info.inputs[1].layout.dims == "NCHW" &&
                      info.inputs[1].layout.channels == 1;
  const bool outputs = !info.outputs.empty() && info.outputs[0].layout.dims == "NCHW" &&
                       info.outputs[0].layout.channels == 3 &&
                       info.outputs[0].quantity == Quantity::kImage;
  Require(inputs && outputs, Code::kUnsupported,
          "model '" + info.name +
              "': \"inpaint\" takes a picture and a mask of one channel, and gives a picture");
}

}  // namespace

struct ModelInpaint::Impl {
  Impl(std::shared_ptr<const Model> the_model, int the_width, int the_height, ThreadPool* the_pool)
      : model(std::move(the_model)),
        width(the_width),
        height(the_height),
        pool(the_pool),
        signed_range(model->info().inputs[0].range == InputRange::kMinusOneToOne),
        to_tensor(model->info().inputs[0].resample, {width, height}, model->info().inputs[0].size),
        mask_to_tensor(ResampleKind::kBilinear, {width, height}, model->info().inputs[0].size),
        to_picture(model->info().outputs[0].resample, to_tensor.plan()),
        mask_picture(PixelFormat::Rgb(8), width, height),
        plane(PixelFormat::GrayF32(), width, height) {}

  template <typename T>
  void Take(int channel, PlaneView<const uint8_t> mask, const MutableImageView& picture) {
    const PlaneView<T> to = picture.Plane<T>(channel);
    const auto most = static_cast<float>(picture.format.max_value());
    for (int y = 0; y < height; ++y) {
      const float* from = plane.Plane<float>().Row(y);
      for (int x = 0; x < width; ++x) {
        if (mask.At(x, y) <= 127) continue;
        const float value = signed_range ? (from[x] + 1) / 2 : from[x];
        to.At(x, y) = static_cast<T>(std::lround(std::clamp(value, 0.0f, 1.0f) * most));
      }
    }
  }

  std::shared_ptr<const Model> model;
  int width, height;
  ThreadPool* pool;
  bool signed_range;
  PictureToTensor to_tensor, mask_to_tensor;
  TensorToPicture to_picture;
  Image mask_picture;
  Image plane;
  Tensor image, mask_tensor;
  std::vector<Tensor> outputs;
};

ModelInpaint::ModelInpaint(std::shared_ptr<const Model> model, int width, int height,
                           ThreadPool* pool) {
  Require(model != nullptr, Code::kInvalidArgument, "ModelInpaint: no model");
  CheckContract(model->info());
  impl_ = std::make_unique<Impl>(std::move(model), width, height, pool);
}
ModelInpaint::~ModelInpaint() = default;

void ModelInpaint::Run(PlaneView<const uint8_t> mask, const MutableImageView& picture) {
  Impl& impl = *impl_;
  Require(picture.format.model == ColorModel::kRgb && picture.format.type != SampleType::kF32 &&
              picture.width == impl.width && picture.height == impl.height &&
              mask.width == impl.width && mask.height == impl.height,
          Code::kInvalidArgument,
          "ModelInpaint: picture and mask must be RGB and grey of " +
              FormatSize(impl.width, impl.height));
  for (int channel = 0; channel < 3; ++channel)
    for (int y = 0; y < impl.height; ++y)
      for (int x = 0; x < impl.width; ++x)
        impl.mask_picture.MutablePlane<uint8_t>(channel).At(x, y) = mask.At(x, y) > 127 ? 255 : 0;
  const PixelSize network = impl.to_tensor.plan().network;
  const int64_t count = int64_t{network.width} * network.height;
  impl.image.Resize({1, 3, network.height, network.width});
  impl.to_tensor.Run(picture, impl.image.data(), impl.pool);
  if (impl.signed_range)
    for (int64_t i = 0; i < 3 * count; ++i) impl.image[i] = 2 * impl.image[i] - 1;
  // Partly masked pixels of the network's picture are masked.
  Tensor three({1, 3, network.height, network.width});
  impl.mask_to_tensor.Run(impl.mask_picture.view(), three.data(), impl.pool);
  impl.mask_tensor.Resize({1, 1, network.height, network.width});
  for (int64_t i = 0; i < count; ++i) impl.mask_tensor[i] = three[i] > 0 ? 1.0f : 0.0f;
  impl.model->Run({impl.image, impl.mask_tensor}, &impl.outputs);
  for (int channel = 0; channel < 3; ++channel) {
    impl.to_picture.Run(impl.outputs[0].data() + channel * count, impl.plane.MutablePlane<float>(),
                        impl.pool);
    if (picture.format.type == SampleType::kU8) {
      impl.Take<uint8_t>(channel, mask, picture);
    } else {
      impl.Take<uint16_t>(channel, mask, picture);
    }
  }
}

}  // namespace mdvt
