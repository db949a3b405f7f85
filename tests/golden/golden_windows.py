"""Transposed, depthwise and separable convolutions, global and adaptive pooling, by PyTorch."""

import torch

from golden_convolutions import (CONVOLVE, channels_first, channels_last, padded, run, same_zeros)

functional = torch.nn.functional
ADAPTIVE = {
    "Max": [functional.adaptive_max_pool1d, functional.adaptive_max_pool2d,
            functional.adaptive_max_pool3d],
    "Average": [functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d,
                functional.adaptive_avg_pool3d],
}
TRANSPOSE = [functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d]


def crops(size, reach, stride, padding, further):
    """Places that Keras (its JAX rules) leaves out before and after what PyTorch gives."""
    if padding == "valid":
        return 0, -(max(reach, stride) - reach if further is None else further)
    total = stride + reach - 2 if further is None else reach + reach % 2 - 2 + further
    left = min(total // 2 + total % 2, reach - 1)
    return reach - 1 - left, reach - 1 - (total - left)


def transposed(rank, kernel, options):
    """Keras's transposed convolution: PyTorch's without padding, then cropped or extended."""
    strides = options.get("strides", [1] * rank)
    dilation = options.get("dilationRate", [1] * rank)
    further = options.get("outputPadding", [None] * rank)

    def apply(x, weight, bias):
        x = channels_first(x)
        weight = torch.movedim(weight, (-1, -2), (0, 1))
        y = TRANSPOSE[rank - 1](x, weight, None, stride=strides, dilation=dilation)
        sides = [crops(x.shape[2 + axis], (kernel[axis] - 1) * dilation[axis] + 1, strides[axis],
                       options.get("padding", "valid"), further[axis]) for axis in range(rank)]
        y = padded(y, [(-before, -after) for before, after in sides])
        return channels_last(y) + bias

    return apply


def depthwise(rank, kernel, options):
    """Keras's convolution of each channel by itself."""
    strides = options.get("strides", [1] * rank)
    dilation = options.get("dilationRate", [1] * rank)

    def apply(x, weight):
        channels, multiplier = weight.shape[-2:]
        x = channels_first(x)
        if options.get("padding") == "same":
            x = padded(x, same_zeros(x.shape[2:], kernel, strides, dilation))
        filters = torch.movedim(weight, (-2, -1), (0, 1)).reshape(channels * multiplier, 1, *kernel)
        return channels_last(CONVOLVE[rank - 1](x, filters, None, stride=strides,
                                                dilation=dilation, groups=channels))

    return apply


# Rank, input shape, filters, kernel size, options.
TRANSPOSED = {
    "conv1dTranspose": (1, [2, 5, 3], 4, [3], {}),
    "conv1dTranspose_strided": (1, [2, 4, 3], 2, [2], {"strides": [3]}),
    "conv2dTranspose": (2, [2, 3, 4, 2], 3, [3, 2], {"strides": [2, 3]}),
    "conv2dTranspose_same": (2, [2, 3, 4, 2], 3, [3, 4], {"strides": [2, 2], "padding": "same"}),
    "conv2dTranspose_further": (2, [1, 4, 3, 2], 3, [3, 4],
                                {"strides": [2, 3], "padding": "same", "outputPadding": [1, 2]}),
    "conv2dTranspose_behind": (2, [1, 3, 4, 2], 2, [2, 3],
                               {"strides": [2, 2], "outputPadding": [1, 0]}),
    "conv2dTranspose_dilated": (2, [1, 4, 3, 2], 2, [3, 2],
                                {"dilationRate": [2, 3], "padding": "same"}),
    "conv3dTranspose": (3, [1, 2, 3, 2, 2], 2, [2, 3, 2],
                        {"strides": [2, 1, 2], "padding": "same"}),
}

# Rank, input shape, depth multiplier, kernel size, options.
DEPTHWISE = {
    "depthwiseConv1d": (1, [2, 8, 3], 2, [3], {"strides": [2], "padding": "same"}),
    "depthwiseConv2d": (2, [2, 6, 5, 4], 1, [3, 3], {}),
    "depthwiseConv2d_wide": (2, [2, 5, 6, 18], 1, [3, 3], {"padding": "same"}),
    "depthwiseConv2d_strided": (2, [2, 7, 6, 5], 1, [3, 2], {"strides": [2, 2], "padding": "same"}),
    "depthwiseConv2d_multiplied": (2, [1, 7, 8, 3], 3, [2, 3], {"dilationRate": [2, 2]}),
}

# Rank, input shape, depth multiplier, filters, kernel size, options.
SEPARABLE = {
    "separableConv1d": (1, [2, 8, 3], 1, 4, [3], {}),
    "separableConv2d": (2, [2, 5, 6, 3], 2, 5, [3, 3], {"padding": "same"}),
}

# Rank, input shape, output size.
SIZES = [(1, [2, 7, 3], [3]), (2, [2, 6, 5, 3], [3, 2]), (3, [1, 4, 5, 3, 2], [2, 3, 3])]


def separable(rank, kernel, options):
    """Each channel by itself, then their mixture."""
    own = depthwise(rank, kernel, options)

    def apply(x, first, second, bias):
        return own(x, first) @ second.reshape(second.shape[-2:]) + bias

    return apply


def globally(kind, rank, keep):
    """Over all places."""
    places = list(range(1, rank + 1))
    if kind == "Max":
        return lambda x: torch.amax(x, places, keepdim=keep)
    return lambda x: torch.mean(x, places, keepdim=keep)


def adaptive(kind, rank, size):
    """To a given size."""
    return lambda x: channels_last(ADAPTIVE[kind][rank - 1](channels_first(x), size))


def windows():
    """All cases."""
    cases = {}

    def add(name, layer, arguments, function, shape, weights, source):
        cases[name] = {"layer": layer, "arguments": arguments, "source": source,
                       **run(1100 + len(cases), function, shape, weights)}

    for name, (rank, shape, filters, kernel, options) in TRANSPOSED.items():
        weights = {"kernel": [*kernel, filters, shape[-1]], "bias": [filters]}
        add(name, f"conv{rank}dTranspose", [filters, kernel, options],
            transposed(rank, kernel, options), shape, weights, f"conv_transpose{rank}d")
    for name, (rank, shape, multiplier, kernel, options) in DEPTHWISE.items():
        own = depthwise(rank, kernel, options)
        weights = {"kernel": [*kernel, shape[-1], multiplier], "bias": [shape[-1] * multiplier]}
        add(name, f"depthwiseConv{rank}d", [kernel, {**options, "depthMultiplier": multiplier}],
            lambda x, weight, bias, own=own: own(x, weight) + bias, shape, weights,
            f"conv{rank}d with groups")
    for name, (rank, shape, multiplier, filters, kernel, options) in SEPARABLE.items():
        weights = {"depthwise_kernel": [*kernel, shape[-1], multiplier],
                   "pointwise_kernel": [*[1] * rank, shape[-1] * multiplier, filters],
                   "bias": [filters]}
        add(name, f"separableConv{rank}d", [filters, kernel, {**options, "depthMultiplier": multiplier}],
            separable(rank, kernel, options), shape, weights, f"conv{rank}d with groups, matmul")
    for rank, shape, size in SIZES:
        for kind in ADAPTIVE:
            add(f"adaptive{kind}Pooling{rank}d", f"adaptive{kind}Pooling{rank}d", [size],
                adaptive(kind, rank, size), shape, {}, f"adaptive pooling {rank}d")
            add(f"global{kind}Pooling{rank}d", f"global{kind}Pooling{rank}d",
                [{"keepDims": rank == 2}], globally(kind, rank, rank == 2), shape, {}, "reductions")
    return {"cases": cases}
