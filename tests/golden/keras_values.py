"""Given numbers, exact in float32, and the form in which golden files write tensors."""

import numpy


def uniform(generator, shape, low, high):
    """Uniform numbers in [low, high], multiples of 2^-12."""
    return numpy.round(generator.uniform(low, high, shape) * 4096) / 4096


def record(value):
    """A tensor as `{"shape": [...], "data": [...]}` in row-major order."""
    array = numpy.asarray(value, dtype=numpy.float64)
    return {"shape": list(array.shape), "data": array.reshape(-1).tolist()}
