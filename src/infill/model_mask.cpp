// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/model_mask.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/resample.h"
#include "model/largest_sample.h"

namespace mdvt {
namespace {

size_t MaskOutput(const ModelInfo& info) {
  Require(info.kind == ModelKind::kSegment, Code::kUnsupported,
          "model '" + info.name + "' is of kind \"" + ToString(info.kind) +
              "\", masks need \"segment\"");
  Require(info.inputs.size() == 1 && info.inputs[0].layout.dims == "NCHW", Code::kUnsupported,
          "model '" + info.name + "' takes more than single pictures");
  for (size_t i = 0; i < info.outputs.size(); ++i) {
    const ModelOutputInfo& output = info.outputs[i];
    if (output.quantity != Quantity::kProbability && output.quantity != Quantity::kLogit) continue;
    Require(output.layout.dims == "NCHW" && output.layout.channels == 1, Code::kUnsupported,
            "model '" + info.name + "': output '" + output.name +
                "' has several classes, a mask needs one");
    return i;
  }
  throw Error(Code::kUnsupported,
              "model '" + info.name + "' has no output of probabilities or logits");
}

}  // namespace

void ModelMaskOptions::Check() const {
  Require(width >= 1 && height >= 1, Code::kInvalidArgument,
          "ModelMaskOptions: pictures of " + FormatSize(width, height));
  Require(batch >= 1 && batch <= 64, Code::kInvalidArgument,
          "ModelMaskOptions.batch = " + std::to_string(batch) + ", must be in [1, 64]");
}

struct ModelMask::Impl {
  Impl(std::shared_ptr<const Model> the_model, const ModelMaskOptions& the_options,
       ThreadPool* the_pool)
      : model(std::move(the_model)),
        options(the_options),
        pool(the_pool),
        output_index(MaskOutput(model->info())),
        input(model->info().inputs[0]),
        output(model->info().outputs[output_index]),
        to_tensor(input.resample, {options.width, options.height}, input.size),
        to_picture(output.resample, to_tensor.plan()) {
    const ModelInfo& info = model->info();
    Require(options.batch <= info.batch_max, Code::kInvalidArgument,
            "batch = " + std::to_string(options.batch) + ": model '" + info.name +
                "' takes at most " + std::to_string(info.batch_max));
  }

  void ScaleRange(const Image& picture, float* values, int64_t count) const {
    if (input.range == InputRange::kMinusOneToOne) {
      for (int64_t i = 0; i < count; ++i) values[i] = 2 * values[i] - 1;
    } else if (input.range == InputRange::kImageMax && options.per_picture) {
      const float most = LargestSample(picture);
      if (most > 0)
        for (int64_t i = 0; i < count; ++i) values[i] /= most;
    }
  }

  // Of the network's size, before it is brought to the picture's.
  void Stretch(float* map, int64_t count) const {
    if (output.quantity == Quantity::kLogit)
      for (int64_t i = 0; i < count; ++i) map[i] = 1 / (1 + std::exp(-map[i]));
    if (!options.per_picture) return;
    const auto [least, most] = std::minmax_element(map, map + count);
    const float low = *least, range = *most - low;
    for (int64_t i = 0; i < count; ++i) map[i] = range > 0 ? (map[i] - low) / range : 0;
  }

  std::shared_ptr<const Model> model;
  ModelMaskOptions options;
  ThreadPool* pool;
  size_t output_index;
  const ModelInputInfo& input;
  const ModelOutputInfo& output;
  PictureToTensor to_tensor;
  TensorToPicture to_picture;
  Tensor tensor;
  std::vector<Tensor> outputs;
};

ModelMask::ModelMask(std::shared_ptr<const Model> model, const ModelMaskOptions& options,
                     ThreadPool* pool) {
  options.Check();
  Require(model != nullptr, Code::kInvalidArgument, "ModelMask: no model");
  impl_ = std::make_unique<Impl>(std::move(model), options, pool);
}
ModelMask::~ModelMask() = default;

std::vector<Image> ModelMask::Run(const std::vector<Image>& pictures) {
  Impl& impl = *impl_;
  if (pictures.empty()) return {};
  const ModelInfo& info = impl.model->info();
  Require(pictures.size() <= static_cast<size_t>(impl.options.batch), Code::kInvalidArgument,
          "ModelMask: " + std::to_string(pictures.size()) + " pictures are more than a batch");
  // A network of fixed batch gets copies of the last picture for those that are missing.
  const size_t rows = info.batch_dynamic ? pictures.size() : static_cast<size_t>(info.batch_max);
  const PixelSize network = impl.to_tensor.plan().network;
  const int64_t plane = int64_t{network.width} * network.height;
  impl.tensor.Resize({static_cast<int64_t>(rows), 3, network.height, network.width});
  for (size_t i = 0; i < rows; ++i) {
    const Image& picture = pictures[std::min(i, pictures.size() - 1)];
    Require(picture.format().model == ColorModel::kRgb &&
                picture.format().type != SampleType::kF32 &&
                picture.width() == impl.options.width && picture.height() == impl.options.height,
            Code::kInvalidArgument,
            "ModelMask: pictures must be RGB of " +
                FormatSize(impl.options.width, impl.options.height));
    float* to = impl.tensor.data() + static_cast<int64_t>(i) * 3 * plane;
    impl.to_tensor.Run(picture.view(), to, impl.pool);
    impl.ScaleRange(picture, to, 3 * plane);
  }
  impl.model->Run({impl.tensor}, &impl.outputs);
  Tensor& maps = impl.outputs[impl.output_index];
  const int64_t map_plane = maps.size() / static_cast<int64_t>(rows);
  std::vector<Image> masks;
  for (size_t i = 0; i < pictures.size(); ++i) {
    float* map = maps.data() + static_cast<int64_t>(i) * map_plane;
    impl.Stretch(map, map_plane);
    Image mask(PixelFormat::GrayF32(), impl.options.width, impl.options.height);
    const int width = mask.width();
    impl.to_picture.Run(map, mask.MutablePlane<float>(), impl.pool, [width](int, float* row) {
      for (int x = 0; x < width; ++x) row[x] = std::clamp(row[x], 0.0f, 1.0f);
    });
    masks.push_back(std::move(mask));
  }
  return masks;
}

}  // namespace mdvt
