"""Activation layers and layers that move places, by PyTorch: outputs and gradients."""

import torch

from golden_convolutions import channels_first, channels_last, run

functional = torch.nn.functional


def around(*sides):
    """Zeros (below 0: fewer places) around the axes between batch and channels."""
    flat = [n for pair in reversed(sides) for n in pair]
    return lambda x: channels_last(functional.pad(channels_first(x), flat))


def larger(factors, mode="nearest", **options):
    """Keras's upsampling."""
    return lambda x: channels_last(functional.interpolate(
        channels_first(x), scale_factor=factors, mode=mode, **options))


def rectified(x):
    """Keras's ReLU of maximum 1.5, slope 0.25 and threshold 0.5."""
    return torch.where(x >= 0.5, torch.clamp(x, max=1.5), 0.25 * (x - 0.5))


# Function, input shape, layer, arguments.
CASES = {
    "reluLayer": (torch.relu, [3, 5], "reluLayer", []),
    "reluLayer_all": (rectified, [4, 5], "reluLayer",
                      [{"maxValue": 1.5, "negativeSlope": 0.25, "threshold": 0.5}]),
    "leakyReluLayer": (lambda x: functional.leaky_relu(x, 0.3), [3, 5], "leakyReluLayer", []),
    "eluLayer": (lambda x: functional.elu(x, 0.75), [3, 5], "eluLayer", [{"alpha": 0.75}]),
    "softmaxLayer": (lambda x: torch.softmax(x, -1), [3, 5], "softmaxLayer", []),
    "softmaxLayer_axis": (lambda x: torch.softmax(x, 1), [2, 4, 3], "softmaxLayer", [{"axis": 1}]),
    "softmaxLayer_axes": (lambda x: torch.softmax(x.flatten(1), -1).view_as(x), [2, 4, 3],
                          "softmaxLayer", [{"axis": [1, 2]}]),
    "identity": (lambda x: x * 1, [2, 3], "identity", []),
    "permute": (lambda x: x.permute(0, 3, 1, 2), [2, 3, 4, 5], "permute", [[3, 1, 2]]),
    "repeatVector": (lambda x: x[:, None].expand(-1, 4, -1), [3, 5], "repeatVector", [4]),
    "zeroPadding1d": (around((2, 1)), [2, 4, 3], "zeroPadding1d", [[2, 1]]),
    "zeroPadding2d": (around((1, 0), (2, 2)), [2, 3, 4, 2], "zeroPadding2d", [[[1, 0], 2]]),
    "zeroPadding3d": (around((1, 1), (1, 1), (1, 1)), [1, 2, 3, 2, 2], "zeroPadding3d", []),
    "cropping1d": (around((-2, -1)), [2, 6, 3], "cropping1d", [[2, 1]]),
    "cropping2d": (around((-1, 0), (-2, -2)), [2, 3, 6, 2], "cropping2d", [[[1, 0], 2]]),
    "cropping3d": (around((-1, -1), (-1, -1), (-1, -1)), [1, 3, 5, 4, 2], "cropping3d", []),
    "upSampling1d": (larger([3]), [2, 4, 3], "upSampling1d", [3]),
    "upSampling2d": (larger([2, 3]), [2, 3, 2, 3], "upSampling2d", [[2, 3]]),
    "upSampling2d_bilinear": (larger([2, 3], "bilinear", align_corners=False), [2, 4, 3, 2],
                              "upSampling2d", [[2, 3], {"interpolation": "bilinear"}]),
    "upSampling3d": (larger([2, 1, 2]), [1, 2, 3, 2, 3], "upSampling3d", [[2, 1, 2]]),
    "pixelShuffle": (lambda x: channels_last(functional.pixel_shuffle(channels_first(x), 2)),
                     [2, 2, 3, 8], "pixelShuffle", [2]),
}


def reshapings():
    """All cases."""
    return {"cases": {
        name: {"layer": layer, "arguments": arguments, "source": "PyTorch, as golden_reshaping.py says",
               **run(1000 + place, function, shape, {})}
        for place, (name, (function, shape, layer, arguments)) in enumerate(CASES.items())
    }}
