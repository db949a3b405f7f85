"""Writes Millrace's golden files: results of an independent oracle, in float64.

Run `python3 tests/golden/make_golden.py [FOLDER]` with PyTorch and NumPy installed; without
FOLDER the files beside this script are written anew. Nothing here is random from run to run.
All given numbers (weights, inputs, targets, upstream gradients) are multiples of 2^-12 or 2^-16,
so float32 holds them exactly. README.md describes the files.
"""

import json
import pathlib
import sys

import numpy
import torch

sys.dont_write_bytecode = True  # no __pycache__ in the repository

import golden_attention
import golden_convolutions
import golden_ctc
import golden_reshaping
import golden_normalization
import golden_optimizers
import golden_recurrent
import golden_sampling
import golden_schedules
import golden_windows
import golden_sound
import golden_stft
import golden_linear
from golden_values import record, uniform

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
functional = torch.nn.functional


def softmax(x):
    """Softmax over the last axis."""
    return torch.softmax(x, dim=-1)


ACTIVATIONS = {
    "linear": ("x", lambda x: x * 1),
    "sigmoid": ("torch.sigmoid", torch.sigmoid),
    "tanh": ("torch.tanh", torch.tanh),
    "relu": ("torch.relu", torch.relu),
    "leakyRelu_0.3": ("leaky_relu, slope 0.3 (Keras's layer)",
                      lambda x: functional.leaky_relu(x, 0.3)),
    "leakyRelu_0.01": ("leaky_relu, slope 0.01 (PyTorch's default)",
                       lambda x: functional.leaky_relu(x, 0.01)),
    "elu": ("elu, alpha 1", functional.elu),
    "gelu": ("gelu, exact (erf)", functional.gelu),
    "gelu_tanh": ("gelu, tanh approximation",
                  lambda x: functional.gelu(x, approximate="tanh")),
    "softmax": ("softmax, last axis", softmax),
    "logSoftmax": ("log_softmax, last axis", lambda x: functional.log_softmax(x, dim=-1)),
}

TINY = 2.0**-10
AWKWARD = [-1000.0, -50.0, -20.0, -5.0, -1.0, -TINY, TINY, 1.0, 5.0, 20.0, 50.0, 1000.0]


def activation_points(activation):
    """Values and derivatives of an elementwise activation at awkward points."""
    x = torch.tensor(AWKWARD, requires_grad=True)
    y = activation(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return {"x": record(AWKWARD), "y": record(y), "derivative": record(slope)}


def layers():
    """Dense with each activation: outputs, and gradients under a given upstream gradient."""
    generator = numpy.random.default_rng(1001)
    inputs, kernel = uniform(generator, (5, 7), 2), uniform(generator, (7, 6), 1)
    bias, upstream = uniform(generator, (6,), 1), uniform(generator, (5, 6), 1)
    cases = {}
    for name, (source, activation) in ACTIVATIONS.items():
        x, w, b = (torch.tensor(value, requires_grad=True) for value in (inputs, kernel, bias))
        y = activation(x @ w + b)
        grads = torch.autograd.grad(y, (x, w, b), torch.tensor(upstream))
        case = {"source": f"PyTorch {source}, float64", "output": record(y)}
        for part, grad in zip(("input", "kernel", "bias"), grads):
            case[f"{part}Gradient"] = record(grad)
        if "oftmax" not in name:
            case["points"] = activation_points(activation)
        cases[name] = case
    given = {"input": inputs, "kernel": kernel, "bias": bias, "upstream": upstream}
    return {"given": {key: record(value) for key, value in given.items()}, "cases": cases}


def keras_normalised(probabilities):
    """Keras divides class probabilities by their sum before the logarithm."""
    return probabilities / probabilities.sum(-1, keepdim=True)


def cross_entropy_from(probabilities, one_hot):
    """Mean over the batch of -sum(target * log(probability))."""
    return -(one_hot * torch.log(probabilities)).sum(-1).mean()


def regression_losses(generator):
    """Losses of predictions against targets of the same shape."""
    prediction, target = uniform(generator, (6, 4), 3), uniform(generator, (6, 4), 3)
    table = {
        "meanSquaredError": (functional.mse_loss, "mse_loss"),
        "halfMeanSquaredError": (lambda p, t: 0.5 * functional.mse_loss(p, t), "mse_loss / 2"),
        "halfSumSquaredError": (
            lambda p, t: 0.5 * ((p - t) ** 2).sum(-1).mean(),
            "sum over the last axis of (p - t)^2 / 2, mean over the batch",
        ),
        "meanAbsoluteError": (functional.l1_loss, "l1_loss"),
        "huber_1": (lambda p, t: functional.huber_loss(p, t, delta=1.0), "huber_loss, delta 1"),
    }
    return [(name, prediction, target, *case) for name, case in table.items()]


def binary_losses(generator):
    """Binary cross-entropy, mean over every element, from probabilities and from logits."""
    logits = uniform(generator, (6, 3), 4)
    probabilities = numpy.round(1 / (1 + numpy.exp(-logits)) * 65536) / 65536
    target = generator.integers(0, 2, (6, 3)).astype(numpy.float64)
    extreme = numpy.array([[-800.0], [-40.0], [0.0], [40.0], [800.0], [2.0]])
    labels = numpy.array([[0.0], [1.0], [1.0], [0.0], [1.0], [0.0]])
    from_logits = functional.binary_cross_entropy_with_logits
    return [
        ("binaryCrossentropy_probabilities", probabilities, target, functional.binary_cross_entropy,
         "binary_cross_entropy"),
        ("binaryCrossentropy_logits", logits, target, from_logits,
         "binary_cross_entropy_with_logits"),
        ("binaryCrossentropy_logits_extreme", extreme, labels, from_logits,
         "binary_cross_entropy_with_logits"),
    ]


def class_losses(generator):
    """Categorical and sparse categorical cross-entropy, mean over the batch."""
    logits = uniform(generator, (6, 5), 4)
    exponents = numpy.exp(logits)
    probabilities = numpy.round(exponents / exponents.sum(-1, keepdims=True) * 65536) / 65536
    probabilities[:, -1] = 1 - probabilities[:, :-1].sum(-1)
    labels = numpy.array([0, 4, 2, 2, 1, 3])
    one_hot = numpy.eye(5)[labels]
    soft = numpy.round(generator.dirichlet(numpy.ones(5), 6) * 65536) / 65536
    soft[:, -1] = 1 - soft[:, :-1].sum(-1)
    extreme = numpy.array([[1000.0, 0, -1000, 10, 5]] * 3 + [[-10000.0] * 5] * 3)
    entropy, plain = functional.cross_entropy, "probabilities as given"
    keras = "probabilities divided by their sum first, as Keras does"

    def sparse(p, t):
        return functional.nll_loss(torch.log(p), t)

    return [
        ("categoricalCrossentropy_probabilities", probabilities, one_hot, cross_entropy_from,
         plain),
        ("categoricalCrossentropy_probabilities_normalised", probabilities, one_hot,
         lambda p, t: cross_entropy_from(keras_normalised(p), t), keras),
        ("categoricalCrossentropy_logits", logits, one_hot, entropy, "cross_entropy"),
        ("categoricalCrossentropy_logits_soft", logits, soft, entropy, "cross_entropy"),
        ("sparseCategoricalCrossentropy_probabilities", probabilities, labels, sparse, plain),
        ("sparseCategoricalCrossentropy_probabilities_normalised", probabilities, labels,
         lambda p, t: sparse(keras_normalised(p), t), keras),
        ("sparseCategoricalCrossentropy_logits", logits, labels, entropy, "cross_entropy"),
        ("sparseCategoricalCrossentropy_logits_extreme", extreme, labels, entropy, "cross_entropy"),
    ]


def losses():
    """Every loss with its gradient with respect to the predictions."""
    generator = numpy.random.default_rng(1002)
    cases = {}
    for make in (regression_losses, binary_losses, class_losses):
        for name, prediction, target, function, source in make(generator):
            p = torch.tensor(prediction, requires_grad=True)
            loss = function(p, torch.tensor(target))
            (grad,) = torch.autograd.grad(loss, p)
            cases[name] = {
                "source": f"PyTorch {source}, float64",
                "prediction": record(prediction),
                "target": record(target),
                "loss": loss.item(),
                "gradient": record(grad),
            }
    return {"cases": cases}


def trajectory(given, optimizer_case, loss_name):
    """Losses of every step of the 8-12-4 network, each measured before that step's update."""
    tensors = {key: torch.tensor(value) for key, value in given.items()}
    parameters = [tensors[key].clone().requires_grad_() for key in
                  ("kernel1", "bias1", "kernel2", "bias2")]
    optimizer = optimizer_case["make"](parameters)
    recorded = []
    for step in range(60):
        start = (step % 4) * 16
        x = tensors["inputs"][start:start + 16]
        prediction = torch.relu(x @ parameters[0] + parameters[1]) @ parameters[2] + parameters[3]
        if loss_name == "meanSquaredError":
            loss = functional.mse_loss(prediction, tensors["targets"][start:start + 16])
        else:
            loss = functional.cross_entropy(prediction, tensors["labels"][start:start + 16])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        recorded.append(loss.item())
    return {"losses": recorded, "final": {key: record(value) for key, value in
            zip(("kernel1", "bias1", "kernel2", "bias2"), parameters)}}


def trajectories():
    """Whole trainings: six optimizers by two losses, from the same weights and batches."""
    generator = numpy.random.default_rng(1003)
    inputs = uniform(generator, (64, 8), 2)
    teacher = generator.normal(size=(8, 4))
    scores = numpy.tanh(inputs @ teacher)
    given = {
        "inputs": inputs,
        "targets": numpy.round(scores * 4096) / 4096,
        "labels": scores.argmax(-1),
        "kernel1": uniform(generator, (8, 12), 0.5),
        "bias1": uniform(generator, (12,), 0.1),
        "kernel2": uniform(generator, (12, 4), 0.5),
        "bias2": uniform(generator, (4,), 0.1),
    }
    runs = []
    for case in golden_optimizers.TRAJECTORY_OPTIMIZERS:
        for loss_name in ("meanSquaredError", "sparseCategoricalCrossentropy_logits"):
            runs.append({
                "optimizer": case["name"], "options": case["options"], "loss": loss_name,
                "source": f"PyTorch {case['source']}, float64",
                **trajectory(given, case, loss_name),
            })
    return {"given": {key: record(value) for key, value in given.items()},
            "batchSize": 16, "steps": 60, "runs": runs}


def main():
    """Writes the files."""
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    makers = {
        "optimizers": golden_optimizers.optimizers, "trajectories": trajectories,
        "layers": layers, "losses": losses, "schedules": golden_schedules.schedules,
        "convolutions": golden_convolutions.convolutions,
        "reshaping": golden_reshaping.reshapings,
        "windows": golden_windows.windows,
        "normalization": golden_normalization.normalization,
        "attention": golden_attention.attention,
        "recurrent": golden_recurrent.recurrent,
        "ctc": golden_ctc.ctc,
        "sound": golden_sound.sound,
        "stft": golden_stft.stft,
        "linear": golden_linear.linear,
        "sampling": golden_sampling.samplings,
    }
    for name, make in makers.items():
        text = json.dumps(make(), separators=(",", ":"), allow_nan=False)
        (folder / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
