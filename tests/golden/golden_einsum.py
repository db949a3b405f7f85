"""Sums of products by PyTorch, in float64; `python3 tests/golden/golden_einsum.py` writes them."""

import torch

from golden_cases import case, rounded, write

# Equation, shape of the inputs, sizes of outputs, axes of the bias, its shape, shape of the kernel.
CASES = [
    ("ab,bc->ac", (3, 4), [5], "c", (5,), (4, 5)),
    ("abc,cd->abd", (2, 3, 4), [3, 5], "d", (5,), (4, 5)),
    ("abc,cde->abde", (2, 3, 4), [None, 2, 5], "de", (2, 5), (4, 2, 5)),
    ("abc,cde->abde", (2, 3, 4), [None, 2, 5], "bd", (3, 2, 1), (4, 2, 5)),
    ("abcd,cde->abe", (2, 3, 2, 4), [3, 5], "", None, (2, 4, 5)),
    ("abc,bcd->adb", (2, 3, 4), [5, None], "d", (5, 1), (3, 4, 5)),
    ("abcd,bd->ab", (2, 3, 4, 2), [3], "b", (3,), (3, 2)),
    ("...x,xy->...y", (2, 3, 2, 4), [5], "y", (5,), (4, 5)),
    ("ab...,bc->ac...", (2, 4, 3, 2), [5], "c", (5, 1, 1), (4, 5)),
]


def run(seed, equation, shape, sizes, axes, bias_shape, kernel_shape):
    """Outputs and gradients of one equation."""
    torch.manual_seed(seed)
    x = rounded(*shape).requires_grad_()
    weights = {"kernel": rounded(*kernel_shape).requires_grad_()}
    output = torch.einsum(equation, x, weights["kernel"])
    if bias_shape:
        weights["bias"] = rounded(*bias_shape).requires_grad_()
        output = output + weights["bias"]
    return {"equation": equation, "outputShape": sizes, "biasAxes": axes, **case(x, weights, output)}


if __name__ == "__main__":
    write("einsum.json", cases=[run(seed, *given) for seed, given in enumerate(CASES, 1)])
