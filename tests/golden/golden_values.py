"""Numbers that float32 holds exactly, and the form in which golden files write tensors."""

import numpy
import torch


def uniform(generator, shape, limit):
    """Uniform numbers in [-limit, limit], multiples of 2^-12."""
    return numpy.round(generator.uniform(-limit, limit, shape) * 4096) / 4096


def record(value):
    """A tensor as `{"shape": [...], "data": [...]}` in row-major order."""
    array = value.detach().numpy() if isinstance(value, torch.Tensor) else numpy.asarray(value)
    return {"shape": list(array.shape), "data": array.reshape(-1).tolist()}
