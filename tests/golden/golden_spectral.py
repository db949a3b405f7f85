"""Spectral normalisation by PyTorch, in float64; `python3 tests/golden/golden_spectral.py` writes it."""

import torch

from golden_cases import rounded, write
from golden_values import record


def case(iterations):
    """A dense layer under spectral normalisation: one training step, then inference."""
    torch.manual_seed(iterations)
    kernel, bias, vector = rounded(5, 4), rounded(4), rounded(1, 4)
    x, upstream = rounded(3, 5), rounded(3, 4)
    layer = torch.nn.Linear(5, 4, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(kernel.T)
        layer.bias.copy_(bias)
    layer = torch.nn.utils.spectral_norm(layer, n_power_iterations=iterations, eps=1e-14)
    layer.weight_u.copy_(vector[0])
    x.requires_grad_()
    output = layer(x)
    (output * upstream).sum().backward()
    return {"powerIterations": iterations, "input": record(x), "upstream": record(upstream),
            "weights": {"kernel": record(kernel), "bias": record(bias), "vector_u": record(vector)},
            "output": record(output), "vector": record(layer.weight_u.reshape(1, 4)),
            "gradients": {"input": record(x.grad), "bias": record(layer.bias.grad),
                          "kernel": record(layer.weight_orig.grad.T.contiguous())}}


if __name__ == "__main__":
    write("spectral.json", cases=[case(iterations) for iterations in (1, 3)])
