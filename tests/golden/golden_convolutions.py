"""Convolutions and pooling by PyTorch's functions, channels last: outputs and gradients."""

import numpy
import torch

from golden_values import record, uniform

functional = torch.nn.functional
CONVOLVE = [functional.conv1d, functional.conv2d, functional.conv3d]
MAXIMUM = [functional.max_pool1d, functional.max_pool2d, functional.max_pool3d]
AVERAGE = [functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d]


def channels_first(x):
    """`[batch, ..., channels]` as `[batch, channels, ...]`."""
    return torch.movedim(x, -1, 1)


def channels_last(x):
    """`[batch, channels, ...]` as `[batch, ..., channels]`."""
    return torch.movedim(x, 1, -1)


def same_zeros(sizes, kernel, strides, dilation):
    """Keras's "same": zeros before and after along each axis, the odd one after."""
    zeros = []
    for size, taps, stride, apart in zip(sizes, kernel, strides, dilation):
        missing = max(0, (-(-size // stride) - 1) * stride + (taps - 1) * apart + 1 - size)
        zeros.append((missing // 2, missing - missing // 2))
    return zeros


def padded(x, zeros, value=0.0):
    """Channels-first `x` with zeros along its axes, the last first as PyTorch wants them."""
    return functional.pad(x, [n for pair in reversed(zeros) for n in pair], value=value)


def convolution(rank, kernel, options):
    """Keras's layer of that rank by PyTorch's function."""
    strides = options.get("strides", [1] * rank)
    dilation = options.get("dilationRate", [1] * rank)
    padding = options.get("padding", "valid")

    def apply(x, weight, bias):
        x = channels_first(x)
        if padding == "same":
            x = padded(x, same_zeros(x.shape[2:], kernel, strides, dilation))
        if padding == "causal":
            x = padded(x, [((kernel[0] - 1) * dilation[0], 0)])
        weight = torch.movedim(weight, (-1, -2), (0, 1))
        y = CONVOLVE[rank - 1](x, weight, bias, stride=strides, dilation=dilation,
                               groups=options.get("groups", 1))
        return channels_last(y)

    return apply


def pooling(kind, rank, size, options):
    """Keras's pooling: places outside of the input are never the largest, and do not count."""
    strides = options.get("strides", size)

    def apply(x):
        x = channels_first(x)
        zeros = [(0, 0)] * rank
        if options.get("padding") == "same":
            zeros = same_zeros(x.shape[2:], size, strides, [1] * rank)
        if kind == "max":
            return channels_last(MAXIMUM[rank - 1](padded(x, zeros, -1e30), size, strides))
        counts = AVERAGE[rank - 1](padded(torch.ones_like(x), zeros), size, strides)
        return channels_last(AVERAGE[rank - 1](padded(x, zeros), size, strides) / counts)

    return apply


# Layer, input shape, filters, kernel size, options.
CONVOLUTIONS = {
    "conv1d": (1, [3, 11, 2], 5, [3], {}),
    "conv1d_causal": (1, [2, 9, 3], 4, [3], {"padding": "causal", "dilationRate": [2]}),
    "conv1d_strided": (1, [2, 12, 4], 3, [5], {"strides": [3], "padding": "same"}),
    "conv2d": (2, [3, 7, 6, 2], 4, [3, 3], {}),
    "conv2d_same": (2, [2, 5, 8, 3], 5, [3, 2], {"padding": "same"}),
    "conv2d_strided": (2, [2, 9, 8, 3], 4, [3, 3], {"strides": [2, 3], "padding": "same"}),
    "conv2d_dilated": (2, [1, 9, 8, 2], 3, [3, 2], {"dilationRate": [2, 3]}),
    "conv2d_groups": (2, [2, 6, 5, 6], 9, [3, 3], {"groups": 3}),
    "conv2d_images": (2, [9, 6, 6, 4], 8, [3, 3], {}),
    "conv3d": (3, [2, 4, 5, 3, 2], 3, [2, 3, 2], {"strides": [1, 2, 1], "padding": "same"}),
}

# Kind, rank, input shape, size, options.
POOLINGS = {
    "maxPooling1d": ("max", 1, [3, 10, 3], [2], {}),
    "maxPooling2d": ("max", 2, [2, 7, 6, 5], [2, 2], {}),
    "maxPooling2d_same": ("max", 2, [2, 7, 6, 4], [3, 2], {"strides": [2, 2], "padding": "same"}),
    "maxPooling3d": ("max", 3, [1, 4, 5, 6, 3], [2, 2, 3], {}),
    "averagePooling1d": ("average", 1, [3, 10, 2], [3], {"strides": [2]}),
    "averagePooling2d": ("average", 2, [2, 7, 6, 5], [2, 3], {}),
    "averagePooling2d_same": ("average", 2, [9, 5, 7, 4], [3, 3],
                              {"strides": [2, 2], "padding": "same"}),
    "averagePooling3d": ("average", 3, [1, 4, 5, 6, 3], [2, 2, 3], {}),
}


def run(seed, function, shape, weights):
    """Values and gradients of one case, of the sum of the outputs times `upstream`."""
    generator = numpy.random.RandomState(seed)
    given = [uniform(generator, sizes, 2) for sizes in [shape, *weights.values()]]
    tensors = [torch.tensor(value, requires_grad=True) for value in given]
    output = function(*tensors)
    upstream = uniform(generator, list(output.shape), 2)
    slopes = torch.autograd.grad((output * torch.tensor(upstream)).sum(), tensors)
    return {
        "input": record(given[0]), "upstream": record(upstream), "output": record(output),
        "weights": {name: record(value) for name, value in zip(weights, given[1:])},
        "gradients": {name: record(slope) for name, slope in zip(["input", *weights], slopes)},
    }


def convolutions():
    """All cases."""
    cases = {}
    for place, (name, (rank, shape, filters, kernel, options)) in enumerate(CONVOLUTIONS.items()):
        channels = shape[-1] // options.get("groups", 1)
        weights = {"kernel": [*kernel, channels, filters], "bias": [filters]}
        function = convolution(rank, kernel, options)
        cases[name] = {"layer": f"conv{rank}d", "arguments": [filters, kernel, options],
                       "source": f"conv{rank}d", **run(900 + place, function, shape, weights)}
    for place, (name, (kind, rank, shape, size, options)) in enumerate(POOLINGS.items()):
        function = pooling(kind, rank, size, options)
        cases[name] = {"layer": f"{kind}Pooling{rank}d", "arguments": [size, options],
                       "source": f"{kind}_pool{rank}d", **run(950 + place, function, shape, {})}
    return {"cases": cases}
