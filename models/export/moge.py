#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports MoGe-2, metric depth of single pictures with a field of view, to a TorchScript file for mdvt.

  python3 moge.py --repo MoGe --checkpoint model.pt --out moge2-vitl.pt
  python3 moge.py --repo MoGe --checkpoint model.pt --rays --out moge2-vitl-rays.pt

--repo is a clone of https://github.com/microsoft/MoGe; the checkpoint is model.pt of Ruicheng/moge-2-vitl, moge-2-vitl-normal,
moge-2-vitb-normal or moge-2-vits-normal. With --rays the file is told the camera, else the network tells it. For
moge_video --model.
"""

import json
import pathlib

import common  # before torch: it says what to install

import torch
import torch.nn.functional as F

LICENSE = "MIT"
PATCH = 14
SAMPLES = (64, 64)  # upstream finds the camera on so many points
STEPS = 30  # of the search for it, which takes about five
NEAREST = 1e-6


def configuration(args, root):
    """The arguments of the network: a checkpoint brings them."""
    if args.checkpoint:
        if args.config:
            raise common.ExportError("--config is of --random-weights: a checkpoint brings its own")
        stored = common.read_checkpoint(args.checkpoint, args.trust_checkpoint)
        config = stored.get("model_config") if isinstance(stored, dict) else None
        where = args.checkpoint
    else:
        where = args.config or root / "configs/train/v2.json"
        try:
            config = json.loads(pathlib.Path(where).read_text(encoding="utf-8")).get("model")
        except (OSError, ValueError) as error:
            raise common.ExportError(f"{where}: {common.one_line(error)}") from error
    if not isinstance(config, dict) or not all(config.get(key) for key in ("encoder", "points_head", "scale_head")):
        raise common.ExportError(f"{where}: is not of MoGe-2 (the first MoGe tells no metres)")
    return config


def build(root, config):
    common.shim("xformers")  # LibTorch cannot load its kernels
    common.shim_missing(utils3d={}, huggingface_hub={"hf_hub_download": None}, cv2={}, scipy__signal={"fftconvolve": None})
    common.bare_packages(root, "moge", "moge.model", "moge.utils")
    network = common.upstream("moge.model.v2").MoGeModel(**config)
    backbone = network.encoder.backbone
    if backbone.num_register_tokens or backbone.interpolate_antialias:
        raise common.ExportError(f"{network.encoder.backbone_name}: only backbones without registers can be exported")
    common.patch_dinov2(backbone, PATCH, backbone.interpolate_offset)
    return network


@torch.no_grad()
def see_like_a_camera(network):
    """Makes random weights give points about where a camera would see them, whose focal length can be found."""
    for stack in (network.neck, network.points_head):
        # The first two of the finest channels become the places on the picture, with a little of the rest.
        first = stack.input_blocks[-1]
        for part in (first, stack.resamplers[-1][-1], *([stack.output_blocks[-1]] if stack is network.points_head else [])):
            part.weight[:3] *= 0.05
            part.bias[:3] *= 0.05
        first.weight[:2, :2, 0, 0] += torch.eye(2)
    stack.output_blocks[-1].weight[:2, :2, 0, 0] += torch.eye(2)


def view_plane(picture, columns, rows):
    """Places on the picture [1, 2, rows, columns], its corners at a distance of 1 from its centre."""
    height, width = (torch.as_tensor(side, dtype=torch.float32) for side in picture.shape[2:])
    diagonal = (height.square() + width.square()).sqrt()
    u, v = (((2 * torch.arange(count) + 1).float() / count - 1) * (side / diagonal)
            for count, side in ((columns, width), (rows, height)))
    return torch.stack([u[None].expand(rows, columns), v[:, None].expand(rows, columns)])[None]


def focal_and_shift(points, mask, places, focal=None):
    """f and s that bring f (x, y) / (z + s) nearest to the places, where the mask is 1; f in half diagonals.

    As upstream: Levenberg and Marquardt's search over s from 0 on, on a grid of points; f follows from s, unless it
    is given. A fixed number of steps, so that it can be traced.
    """
    # As upstream's F.interpolate(mode="nearest"), which ONNX has not.
    row, column = (torch.div(torch.arange(count, device=points.device) * side, count, rounding_mode="floor")
                   for count, side in zip(SAMPLES, points.shape[2:]))
    points, mask, places = (x[:, :, row][:, :, :, column].flatten(2).double() for x in (points, mask, places))
    xy, uv = points[:, :2] * mask, places * mask
    z = torch.where(mask > 0, points[:, 2:], torch.ones_like(mask))
    total = lambda a, b: (a * b).sum((1, 2), keepdim=True)

    def at(shift):
        seen = xy / (z + shift)
        change = -seen / (z + shift)  # with the shift
        if focal is None:
            square, f = total(seen, seen), total(seen, uv) / total(seen, seen)
            f_change = (total(change, uv) - 2 * f * total(change, seen)) / square
        else:
            f, f_change = focal.double(), 0.0
        error, slope = f * seen - uv, f_change * seen + f * change
        return f, total(error, error), total(slope, error), total(slope, slope)

    shift, damping = torch.zeros_like(z[:, :, :1]), torch.full_like(z[:, :, :1], 1e-3)
    f, error, gradient, curvature = at(shift)
    for _ in range(STEPS):
        tried = shift - gradient / (curvature * (1 + damping))
        there = at(tried)
        better = there[1] < error  # nor if it is no number
        damping = torch.where(better, damping / 10, damping * 10)
        shift = torch.where(better, tried, shift)
        f, error, gradient, curvature = (torch.where(better, new, old) for new, old in
                                         zip(there, (f, error, gradient, curvature)))
    enough = mask.sum(2, keepdim=True) >= 2
    return torch.where(enough, f, torch.ones_like(f)), torch.where(enough, shift, torch.zeros_like(shift))


class Wrapper(torch.nn.Module):
    """RGB in 0..1 to 1 / z in 1 / m [B, 1, H, W], 0 for sky, and the camera [B, 3, 3]; with each pixel's ray, only the former."""

    def __init__(self, network):
        super().__init__()
        self.normalize, self.network = common.Normalize(), network
        if hasattr(network, "normal_head"):
            del network.normal_head  # would make the file larger

    def points(self, image):
        """What upstream's forward() gives where the picture has the backbone's size already."""
        network, encoder = self.network, self.network.encoder
        rows, columns = image.shape[2] // PATCH, image.shape[3] // PATCH
        taps = encoder.backbone.get_intermediate_layers(self.normalize(image), n=encoder.intermediate_layers,
                                                        return_class_token=True)
        maps = [project(x.transpose(1, 2).reshape(x.shape[0], x.shape[2], rows, columns))
                for project, (x, _) in zip(encoder.output_projections, taps)]
        levels = [view_plane(image, columns * 2 ** level, rows * 2 ** level).type_as(image).expand(
            image.shape[0], -1, -1, -1) for level in range(5)]
        levels[0] = torch.cat([torch.stack(maps, 1).sum(1), levels[0]], 1)
        levels = network.neck(levels)
        resized = lambda head: F.interpolate(head(levels)[-1], image.shape[2:], mode="bilinear", align_corners=False)
        points = network._remap_points(resized(network.points_head).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        mask = torch.ones_like(points[:, :1])
        if hasattr(network, "mask_head"):
            mask = (resized(network.mask_head).sigmoid() > 0.5).type_as(points)
        return points, mask, network.scale_head(taps[-1][1]).exp()[:, :, None, None]

    def forward(self, image, rays=None):
        # Half precision would leave far depth few steps.
        points, mask, scale = (part.float() for part in self.points(image))
        places = view_plane(image, image.shape[3], image.shape[2]).to(points)
        given = None
        if rays is not None:
            # Least squares in the fields' tangents; the places are in half diagonals as the focal length is.
            tangent = (rays[:, :1] / rays[:, 2:]).double().flatten(1)
            given = (places[:, :1].double().flatten(1) * tangent).sum(1) / tangent.square().sum(1)
            given = given[:, None, None]
        focal, shift = focal_and_shift(points, mask, places.expand(image.shape[0], -1, -1, -1), given)
        z = (points[:, 2:] + shift[..., None].float()) * scale
        disparity = torch.where((mask > 0) & (z > 0), 1 / z.clamp(min=NEAREST), torch.zeros_like(z))
        if rays is not None:
            return disparity
        height, width = (torch.as_tensor(side, dtype=focal.dtype, device=focal.device) for side in image.shape[2:])
        pixels = focal[:, 0, 0] * (height.square() + width.square()).sqrt() / 2
        zero, one = torch.zeros_like(pixels), torch.ones_like(pixels)
        camera = [pixels, zero, one * width / 2, zero, pixels, one * height / 2, zero, zero, one]
        return disparity, torch.stack(camera, 1).reshape(-1, 3, 3).float()


def metadata(name, tokens, rays):
    size = dict(min_pixels=tokens * PATCH ** 2, max_pixels=tokens * PATCH ** 2, multiple=PATCH, round="nearest_even",
                min=[2 * PATCH, 2 * PATCH], max=[4004, 4004])
    inputs = [common.picture(input, "area", resample="bilinear_antialias", **size)
              for input in (("image", "rays") if rays else ("image",))]
    outputs = [common.output("depth", "disparity", scale="metric", unit="m", resample="bilinear", non_negative=True)]
    if not rays:
        outputs.append(common.output("intrinsics", "intrinsics", "N33"))
    return {"kind": "depth", "name": name + ("-rays" if rays else ""), "inputs": inputs, "outputs": outputs,
            "batch": {"dynamic": True, "max": 8}, "precision": ["fp32", "fp16_cuda"]}


def examples(rays):
    result = []
    for batch, height, width in ((1, 56, 98), (2, 84, 56)):
        image = common.example((batch, 3, height, width), batch)
        camera = torch.tensor([0.8, 1.2][:batch])[:, None, None, None] * torch.ones(batch, 1, height, width)
        vectors = torch.cat([view_plane(image, width, height).expand(batch, -1, -1, -1), camera], 1)
        result.append((image, F.normalize(vectors, dim=1)) if rays else (image,))
    return result


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/microsoft/MoGe")
    common.weights_options(parser)
    parser.add_argument("--config", metavar="JSON", help="of --random-weights: the network, in \"model\"; default the clone's v2.json")
    parser.add_argument("--tokens", type=int, help="patches of 14 x 14 that a picture is scaled to; default the network's most")
    parser.add_argument("--rays", action="store_true", help="the file is told the camera, by a ray for each pixel")
    args = parser.parse_args()
    root = common.add_repo(args.repo, "moge/model/v2.py")
    config = configuration(args, root)
    tokens = config.get("num_tokens_range", [1200, 3600])[1] if args.tokens is None else args.tokens
    if not 4 <= tokens <= 20000:
        raise common.ExportError(f"--tokens {tokens}: must be in [4, 20000]")
    with common.attention_without_sdpa():
        network = common.set_weights(build(root, config), args)
        if not args.checkpoint:
            see_like_a_camera(network)
        name = "moge-2-" + network.encoder.backbone_name.replace("dinov2_", "")[:4]
        common.finish(Wrapper(network), metadata(name, tokens, args.rays), examples(args.rays), args,
                      f"https://huggingface.co/Ruicheng/{name}", "moge.py" + (" --rays" if args.rays else ""), "MoGe-2",
                      LICENSE)


if __name__ == "__main__":
    common.main(run)
