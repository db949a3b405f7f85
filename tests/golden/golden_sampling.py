"""Layers that move pixels, by PyTorch's affine_grid and grid_sample: outputs and gradients."""

import math

import numpy
import torch

from golden_convolutions import channels_first, channels_last, run

functional = torch.nn.functional

# Keras's fill modes, and whether PyTorch's grid then counts from middles of pixels or from edges.
PADDING = {"constant": ("zeros", True), "nearest": ("border", True), "reflect": ("reflection", False)}


def moved(rotation=0.0, zoom=(1.0, 1.0), shift=(0.0, 0.0), shear=0.0, fill="reflect",
          mode="bilinear"):
    """Places seen: zoom . turn . lean of the distance from the shifted middle, as (y, x)."""

    def apply(x):
        height, width = x.shape[1:3]
        padding, aligned = PADDING[fill]
        angle = 2 * math.pi * rotation
        lean = numpy.array([[1.0, 0.0], [shear, 1.0]])
        turn = numpy.array([[math.cos(angle), math.sin(angle)],
                            [-math.sin(angle), math.cos(angle)]])
        matrix = numpy.diag(zoom) @ turn @ lean
        offset = -matrix @ (numpy.array(shift) * [height, width])
        unit = numpy.array([height - aligned, width - aligned]) / 2
        theta = numpy.diag(1 / unit) @ numpy.hstack([matrix @ numpy.diag(unit), offset[:, None]])
        # PyTorch's order is (x, y).
        theta = theta[[1, 0]][:, [1, 0, 2]]
        thetas = torch.tensor(theta).expand(x.shape[0], 2, 3)
        images = channels_first(x)
        grid = functional.affine_grid(thetas, images.shape, align_corners=aligned)
        return channels_last(functional.grid_sample(
            images, grid, mode=mode, padding_mode=padding, align_corners=aligned))

    return apply


def sized(height, width, mode="bilinear"):
    """Another size; middles lie half a pixel behind beginnings."""
    options = {"mode": "bilinear", "align_corners": False} if mode == "bilinear" \
        else {"mode": "nearest-exact"}
    return lambda x: channels_last(
        functional.interpolate(channels_first(x), size=(height, width), **options))


def keys(x):
    """R. Keys's cubic weights, a = -1/2."""
    return numpy.where(x < 1, 1.5 * x ** 3 - 2.5 * x ** 2 + 1,
                       numpy.where(x < 2, -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2, 0))


def lanczos(radius):
    """A sinc within the first lobe of a wider one."""
    return lambda x: numpy.where(x < radius, numpy.sinc(x) * numpy.sinc(x / radius), 0)


def resampled(height, width, kernel):
    """Weighted sums by distance, of weights that add up to 1 within the picture."""

    def matrix(source, target):
        middles = (numpy.arange(target) + 0.5) * source / target - 0.5
        weights = kernel(numpy.abs(middles[:, None] - numpy.arange(source)))
        return torch.tensor(weights / weights.sum(1, keepdims=True))

    return lambda x: torch.einsum("hr,wc,brcn->bhwn", matrix(x.shape[1], height),
                                  matrix(x.shape[2], width), x)


def cubic(height, width):
    """PyTorch's own, whose antialiased form has Keys's weights where pictures grow."""
    return lambda x: channels_last(functional.interpolate(
        channels_first(x), size=(height, width), mode="bicubic", align_corners=False,
        antialias=True))


# Function, input shape, layer, arguments: ranges of one number, so that nothing is left to chance.
CASES = {
    "randomRotation": (moved(0.1), [2, 5, 6, 3], "randomRotation", [[0.1, 0.1]]),
    "randomRotation_constant": (moved(-0.2, fill="constant"), [2, 7, 7, 1], "randomRotation",
                                [[-0.2, -0.2], {"fillMode": "constant"}]),
    "randomRotation_nearest": (moved(0.07, mode="nearest", fill="nearest"), [2, 6, 5, 2],
                               "randomRotation",
                               [[0.07, 0.07], {"fillMode": "nearest", "interpolation": "nearest"}]),
    "randomTranslation": (moved(shift=(0.15, -0.35), fill="nearest"), [2, 6, 5, 2],
                          "randomTranslation",
                          [[0.15, 0.15], [-0.35, -0.35], {"fillMode": "nearest"}]),
    "randomZoom": (moved(zoom=(1.3, 1.3)), [2, 6, 5, 2], "randomZoom", [[0.3, 0.3]]),
    "randomZoom_width": (moved(zoom=(0.6, 1.7), fill="constant"), [2, 6, 5, 2], "randomZoom",
                         [[-0.4, -0.4], {"widthFactor": [0.7, 0.7], "fillMode": "constant"}]),
    "randomAffine": (moved(0.06, (0.8, 0.8), (0.1, -0.2), 0.3, "constant"), [2, 8, 7, 2],
                     "randomAffine",
                     [{"rotationFactor": [0.06, 0.06], "zoomFactor": [-0.2, -0.2],
                       "heightFactor": [0.1, 0.1], "widthFactor": [-0.2, -0.2],
                       "shearFactor": [0.3, 0.3], "fillMode": "constant"}]),
    "resizing_larger": (sized(7, 9), [2, 4, 6, 2], "resizing", [7, 9]),
    "resizing_smaller": (sized(3, 4), [2, 8, 7, 1], "resizing", [3, 4]),
    "resizing_nearest": (sized(5, 3, "nearest"), [2, 3, 7, 2], "resizing",
                         [5, 3, {"interpolation": "nearest"}]),
    "resizing_crop": (lambda x: sized(4, 6)(x[:, 3:5]), [2, 8, 3, 2], "resizing",
                      [4, 6, {"cropToAspectRatio": True}]),
    "centerCrop": (lambda x: x[:, 1:5, 2:4] * 1, [2, 7, 6, 2], "centerCrop", [4, 2]),
    "centerCrop_larger": (lambda x: sized(6, 6)(x[:, :, 1:4]), [2, 3, 5, 2], "centerCrop", [6, 6]),
    "resizing_bicubic": (cubic(7, 9), [2, 4, 6, 2], "resizing", [7, 9, {"interpolation": "bicubic"}]),
    "resizing_bicubic_smaller": (resampled(3, 4, keys), [2, 8, 7, 2], "resizing",
                                 [3, 4, {"interpolation": "bicubic"}]),
    "resizing_lanczos3": (resampled(3, 9, lanczos(3)), [2, 5, 4, 2], "resizing",
                          [3, 9, {"interpolation": "lanczos3"}]),
    "resizing_lanczos5_crop": (lambda x: resampled(4, 6, lanczos(5))(x[:, 3:5]), [2, 8, 3, 2],
                               "resizing",
                               [4, 6, {"interpolation": "lanczos5", "cropToAspectRatio": True}]),
    "upSampling2d_bicubic": (cubic(8, 9), [2, 4, 3, 2], "upSampling2d",
                             [[2, 3], {"interpolation": "bicubic"}]),
    "upSampling2d_lanczos5": (resampled(6, 3, lanczos(5)), [2, 3, 3, 1], "upSampling2d",
                              [[2, 1], {"interpolation": "lanczos5"}]),
}


def samplings():
    """All cases."""
    return {"cases": {
        name: {"layer": layer, "arguments": arguments, "source": "PyTorch, as golden_sampling.py says",
               **run(3000 + place, function, shape, {})}
        for place, (name, (function, shape, layer, arguments)) in enumerate(CASES.items())
    }}
