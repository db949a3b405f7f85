"""Layers that normalise, and PReLU, by PyTorch's functions: outputs, gradients, moving averages."""

import numpy
import torch

from golden_values import record, uniform

functional = torch.nn.functional


def channels_first(function):
    """A function of channels-first tensors as one of channels-last ones."""
    return lambda x, *weights: torch.movedim(function(torch.movedim(x, -1, 1), *weights), 1, -1)


def batch_norm(x, gamma, beta):
    """In training, with Keras's epsilon."""
    return functional.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-3)


def batch_norm_inference(x, gamma, beta, moving_mean, moving_variance):
    """In inference."""
    return functional.batch_norm(x, moving_mean, moving_variance, gamma, beta, eps=1e-3)


def layer_norm(x, gamma, beta):
    """Over the axes of gamma, which are the last."""
    return functional.layer_norm(x, gamma.shape, gamma, beta, eps=1e-3)


def group_norm(groups):
    """Over groups of channels and all places."""
    return channels_first(
        lambda x, gamma, beta: functional.group_norm(x, groups, gamma, beta, eps=1e-3))


def rms_norm(x, scale):
    """The formula of PyTorch's RMSNorm, which this version lacks."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * scale


PLACES = [4, 3, 2, 6]
AFFINE = {"gamma": [6], "beta": [6]}

# Name: layer, options, source, function, input shape, weights in the function's order, training.
CASES = {
    "batchNormalization": ("batchNormalization", {}, "batch_norm, training", batch_norm,
                           [5, 6], AFFINE, True),
    "batchNormalization_places": ("batchNormalization", {}, "batch_norm, training",
                                  channels_first(batch_norm), PLACES, AFFINE, True),
    "batchNormalization_axis1": ("batchNormalization", {"axis": 1}, "batch_norm, training",
                                 batch_norm, [4, 6, 3], AFFINE, True),
    "batchNormalization_inference": (
        "batchNormalization", {}, "batch_norm, inference", batch_norm_inference, [5, 6],
        {**AFFINE, "moving_mean": [6], "moving_variance": [6]}, False),
    "layerNormalization": ("layerNormalization", {}, "layer_norm", layer_norm,
                           [5, 6], AFFINE, True),
    "layerNormalization_axes": ("layerNormalization", {"axis": [-2, -1]}, "layer_norm", layer_norm,
                                [4, 3, 6], {"gamma": [3, 6], "beta": [3, 6]}, True),
    "groupNormalization_3": ("groupNormalization", {"groups": 3}, "group_norm", group_norm(3),
                             PLACES, AFFINE, True),
    "groupNormalization_instance": ("groupNormalization", {"groups": -1}, "group_norm",
                                    group_norm(6), PLACES, AFFINE, True),
    "groupNormalization_one": ("groupNormalization", {"groups": 1}, "group_norm", group_norm(1),
                               [5, 6], AFFINE, True),
    "rmsNormalization": ("rmsNormalization", {}, "x / sqrt(mean(x^2) + epsilon) * scale", rms_norm,
                         [4, 3, 6], {"scale": [6]}, True),
    "unitNormalization": ("unitNormalization", {}, "functional.normalize",
                          lambda x: functional.normalize(x, dim=-1), [5, 6], {}, True),
    "unitNormalization_axis1": ("unitNormalization", {"axis": 1}, "functional.normalize",
                                lambda x: functional.normalize(x, dim=1), [4, 3, 6], {}, True),
    "prelu": ("prelu", {"sharedAxes": [1, 2]}, "functional.prelu",
              channels_first(lambda x, alpha: functional.prelu(x, alpha.reshape(-1))),
              PLACES, {"alpha": [1, 1, 6]}, True),
}


def case(place, layer, options, source, function, shape, weights, training):
    """Values and gradients of one case, of the sum of the outputs times `upstream`."""
    generator = numpy.random.RandomState(700 + place)
    draw = lambda sizes: uniform(generator, sizes, 2)
    given = [draw(shape)] + [
        numpy.abs(draw(sizes)) + 0.25 if name == "moving_variance" else draw(sizes)
        for name, sizes in weights.items()]
    upstream = draw(shape)
    moves = [False] + [name.startswith("moving") for name in weights]
    tensors = [torch.tensor(value, requires_grad=not still) for value, still in zip(given, moves)]
    output = function(*tensors)
    trained = {name: tensor for name, tensor in zip(["input", *weights], tensors)
               if tensor.requires_grad}
    slopes = torch.autograd.grad((output * torch.tensor(upstream)).sum(), list(trained.values()))
    return {
        "layer": layer, "options": options, "source": source, "training": training,
        "input": record(given[0]), "upstream": record(upstream),
        "weights": {name: record(value) for name, value in zip(weights, given[1:])},
        "output": record(output),
        "gradients": {name: record(slope) for name, slope in zip(trained, slopes)},
    }


def moving(batches=6, samples=8, momentum=0.9):
    """Moving averages after several batches; PyTorch's variance over n - 1 made one over n."""
    generator = numpy.random.RandomState(77)
    inputs = uniform(generator, [batches * samples, 5], 3)
    average, variance = torch.zeros(5), torch.ones(5)
    for start in range(0, batches * samples, samples):
        functional.batch_norm(torch.tensor(inputs[start:start + samples]), average, variance,
                              training=True, momentum=1 - momentum)
    kept = momentum**batches
    return {
        "source": "batch_norm, running_mean and running_var", "momentum": momentum,
        "batchSize": samples, "input": record(inputs), "mean": record(average),
        "variance": record((variance - kept) * (samples - 1) / samples + kept),
    }


def normalization():
    """All cases."""
    cases = {name: case(place, *row) for place, (name, row) in enumerate(CASES.items())}
    return {"cases": cases, "moving": moving()}
