"""Residual blocks by PyTorch, in float64; `python3 tests/golden/golden_residual.py` writes them."""

import torch

from golden_cases import case, rounded, write

nn = torch.nn
F = torch.nn.functional


def conv(x, kernel, stride):
    """A convolution of pictures with channels last by a kernel as Keras keeps it, padded evenly."""
    pictures = x.permute(0, 3, 1, 2)
    padding = (kernel.shape[0] - 1) // 2
    made = F.conv2d(pictures, kernel.permute(3, 2, 0, 1), stride=stride, padding=padding)
    return made.permute(0, 2, 3, 1)


def norm(x, gamma, beta):
    """Batch normalisation over the last axis, as in training."""
    rows = x.reshape(-1, x.shape[-1])
    return F.batch_norm(rows, None, None, gamma, beta, True, eps=1e-3).reshape(x.shape)


def basic(x, w):
    """The basic block of He and others, which halves the picture, with a projection."""
    y = norm(conv(x, w["conv2d_1/kernel"], 2), w["batch_normalization_1/gamma"],
             w["batch_normalization_1/beta"])
    y = conv(F.relu(y), w["conv2d_2/kernel"], 1)
    return F.relu(y + conv(x, w["projection/kernel"], 2))


def identity(x, w):
    """A pre-activation block of dense layers."""
    y = F.relu(x) @ w["dense_1/kernel"] + w["dense_1/bias"]
    return x + torch.tanh(y) @ w["dense_2/kernel"] + w["dense_2/bias"]


def projected(x, w):
    """A dense layer that widens, on each step."""
    return x @ w["dense_1/kernel"] + w["dense_1/bias"] + x @ w["projection/kernel"]


def given(x, w):
    """A block within a block, with a shortcut of its own."""
    y = x + F.relu(x @ w["residual_1/dense_1/kernel"] + w["residual_1/dense_1/bias"])
    side = norm(x @ w["dense_2/kernel"], w["batch_normalization_1/gamma"],
                w["batch_normalization_1/beta"])
    return y @ w["dense_1/kernel"] + w["dense_1/bias"] + side


CASES = {
    "basic": (basic, (2, 5, 5, 3), {
        "conv2d_1/kernel": (3, 3, 3, 4), "batch_normalization_1/gamma": (4,),
        "batch_normalization_1/beta": (4,), "conv2d_2/kernel": (3, 3, 4, 4),
        "projection/kernel": (1, 1, 3, 4)}),
    "identity": (identity, (3, 4), {
        "dense_1/kernel": (4, 5), "dense_1/bias": (5,), "dense_2/kernel": (5, 4),
        "dense_2/bias": (4,)}),
    "projected": (projected, (2, 3, 4), {
        "dense_1/kernel": (4, 6), "dense_1/bias": (6,), "projection/kernel": (4, 6)}),
    "given": (given, (5, 3), {
        "residual_1/dense_1/kernel": (3, 3), "residual_1/dense_1/bias": (3,),
        "dense_1/kernel": (3, 2), "dense_1/bias": (2,), "dense_2/kernel": (3, 2),
        "batch_normalization_1/gamma": (2,), "batch_normalization_1/beta": (2,)}),
}


def run(seed, name):
    """Outputs and gradients of one block."""
    torch.manual_seed(seed)
    body, shape, shapes = CASES[name]
    x = rounded(*shape).requires_grad_()
    weights = {role: rounded(*size).requires_grad_() for role, size in shapes.items()}
    output = body(x, weights)
    return case(x, weights, output)


if __name__ == "__main__":
    write("residual.json", **{name: run(seed, name) for seed, name in enumerate(CASES, 1)})
