"""Keras's activations with their slopes, regularizers and constraints."""

import functools

import jax
import keras
import numpy

from keras_values import record, uniform

ACTIVATIONS, REGULARIZERS = keras.activations, keras.regularizers
CONSTRAINTS = keras.constraints

# Name: Keras's function; arguments after x, in Millrace's order.
ACTIVATION_CASES = {
    "relu6": (ACTIVATIONS.relu6, []), "selu": (ACTIVATIONS.selu, []),
    "celu": (ACTIVATIONS.celu, []), "celu_2": (ACTIVATIONS.celu, [2.0]),
    "glu": (ACTIVATIONS.glu, []), "glu_0": (ACTIVATIONS.glu, [0]),
    "silu": (ACTIVATIONS.silu, []), "mish": (ACTIVATIONS.mish, []),
    "logSigmoid": (ACTIVATIONS.log_sigmoid, []), "softplus": (ACTIVATIONS.softplus, []),
    "softsign": (ACTIVATIONS.softsign, []),     "squareplus": (ACTIVATIONS.squareplus, []),
    "squareplus_1": (ACTIVATIONS.squareplus, [1.0]), "exp": (ACTIVATIONS.exponential, []),
    "hardSigmoid": (ACTIVATIONS.hard_sigmoid, []), "hardSilu": (ACTIVATIONS.hard_silu, []),
    "hardTanh": (ACTIVATIONS.hard_tanh, []), "hardShrink": (ACTIVATIONS.hard_shrink, []),
    "hardShrink_1.5": (ACTIVATIONS.hard_shrink, [1.5]),
    "softShrink": (ACTIVATIONS.soft_shrink, []), "softShrink_1.5": (ACTIVATIONS.soft_shrink, [1.5]),
    "tanhShrink": (ACTIVATIONS.tanh_shrink, []), "threshold": (ACTIVATIONS.threshold, [0.75, -2.0]),
    "elu": (ACTIVATIONS.elu, []), "gelu": (functools.partial(ACTIVATIONS.gelu, approximate=False),
                                           []),
}
RELU_CASES = [{}, {"max_value": 2.0}, {"negative_slope": 0.25}, {"threshold": 1.25},
              {"max_value": 4.0, "negative_slope": 0.5, "threshold": 0.75}]
REGULARIZER_CASES = {
    "l1": (REGULARIZERS.L1(), []), "l1_0.5": (REGULARIZERS.L1(0.5), [0.5]),
    "l2": (REGULARIZERS.L2(), []), "l2_0.5": (REGULARIZERS.L2(0.5), [0.5]),
    "l1L2": (REGULARIZERS.L1L2(0.25, 0.5), [{"l1": 0.25, "l2": 0.5}]),
    "orthogonalRegularizer": (REGULARIZERS.OrthogonalRegularizer(), []),
    "orthogonalRegularizer_columns":
        (REGULARIZERS.OrthogonalRegularizer(0.5, "columns"), [{"factor": 0.5, "mode": "columns"}]),
}
CONSTRAINT_CASES = {
    "maxNorm": (CONSTRAINTS.MaxNorm(), []),
    "maxNorm_1": (CONSTRAINTS.MaxNorm(1.5, axis=1), [{"maxValue": 1.5, "axis": 1}]),
    "minMaxNorm": (CONSTRAINTS.MinMaxNorm(), []),
    "minMaxNorm_half": (CONSTRAINTS.MinMaxNorm(2.0, 2.5, 0.5, axis=1),
                        [{"minValue": 2, "maxValue": 2.5, "rate": 0.5, "axis": 1}]),
    "unitNorm": (CONSTRAINTS.UnitNorm(), []),
    "unitNorm_all": (CONSTRAINTS.UnitNorm(axis=(0, 1)), [{"axis": [0, 1]}]),
    "nonNeg": (CONSTRAINTS.NonNeg(), []),
}


def functions():
    """Values, and the gradients of their sum weighted by `upstream`."""
    generator = numpy.random.default_rng(2002)
    x = uniform(generator, (4, 6), -5, 5)
    x[0] = [-80, -20, -0.015625, 0.015625, 20, 80]
    upstream = uniform(generator, (4, 6), -1, 1)
    matrix = uniform(generator, (4, 5), -2, 2)

    def case(function, arguments):
        value = function(x)
        weights = upstream.reshape(-1)[:value.size].reshape(value.shape)
        slope = jax.grad(lambda given: (function(given) * weights).sum())(jax.numpy.asarray(x))
        return {"arguments": arguments, "value": record(value), "gradient": record(slope)}

    activations = {name: case(lambda given, f=f, a=a: f(given, *a), a)
                   for name, (f, a) in ACTIVATION_CASES.items()}
    names = {"max_value": "maxValue", "negative_slope": "negativeSlope", "threshold": "threshold"}
    relus = [case(lambda given, o=options: keras.ops.convert_to_tensor(
                  ACTIVATIONS.relu(given, **o)), {names[key]: value
                                                  for key, value in options.items()})
             for options in RELU_CASES]
    regularizers = {}
    for name, (function, arguments) in REGULARIZER_CASES.items():
        value, slope = jax.value_and_grad(lambda given, f=function: f(given))(
            jax.numpy.asarray(matrix))
        regularizers[name] = {"arguments": arguments, "value": float(value),
                              "gradient": record(slope)}
    constraints = {name: {"arguments": arguments, "value": record(function(matrix))}
                   for name, (function, arguments) in CONSTRAINT_CASES.items()}
    return {"x": record(x), "upstream": record(upstream), "matrix": record(matrix),
            "activations": activations, "relus": relus, "regularizers": regularizers,
            "constraints": constraints}
