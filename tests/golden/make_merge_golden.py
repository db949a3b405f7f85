"""Golden values of merge layers: outputs and gradients by PyTorch in float64.

Run from the root: python3 tests/golden/make_merge_golden.py
"""
import json
import os

import torch

torch.manual_seed(20)


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64).mul(8).round().div(8)


def unit(x, axis):
    return x / x.pow(2).sum(axis, keepdim=True).clamp_min(1e-12).sqrt()


three = [(4, 5), (4, 5), (4, 5)]
broadcast = [(4, 1, 3), (4, 2, 3), (4, 3)]
CASES = {
    "add": (three, lambda a, b, c: a + b + c),
    "add_broadcast": (broadcast, lambda a, b, c: a + b + c[:, None]),
    "subtract": ([(4, 5), (4, 5)], torch.sub),
    "multiply": (three, lambda a, b, c: a * b * c),
    "multiply_broadcast": (broadcast, lambda a, b, c: a * b * c[:, None]),
    "average": (three, lambda a, b, c: (a + b + c) / 3),
    "maximum": (three, lambda a, b, c: torch.maximum(torch.maximum(a, b), c)),
    "minimum": (three, lambda a, b, c: torch.minimum(torch.minimum(a, b), c)),
    "concatenate": ([(4, 2, 3), (4, 2, 1), (4, 2, 2)], lambda a, b, c: torch.cat([a, b, c], -1)),
    "concatenate_1": ([(4, 2, 3), (4, 4, 3)], lambda a, b: torch.cat([a, b], 1)),
    "dot": ([(4, 5), (4, 5)], lambda a, b: (a * b).sum(1, keepdim=True)),
    "dot_2_1": ([(4, 2, 5), (4, 5, 3)], torch.bmm),
    "dot_1_2_normalize": (
        [(4, 5, 2), (4, 3, 5)],
        lambda a, b: torch.einsum("bkm,bnk->bmn", unit(a, 1), unit(b, 2)),
    ),
}


def record(tensor):
    return {"shape": list(tensor.shape), "data": tensor.detach().flatten().tolist()}


def run(shapes, merge):
    inputs = [draw(*shape).requires_grad_() for shape in shapes]
    output = merge(*inputs)
    upstream = draw(*output.shape)
    output.backward(upstream)
    return {
        "inputs": [record(x) for x in inputs],
        "output": record(output),
        "upstream": record(upstream),
        "gradients": [record(x.grad) for x in inputs],
    }


path = os.path.join(os.path.dirname(__file__), "merge.json")
with open(path, "w") as file:
    json.dump({name: run(*case) for name, case in CASES.items()}, file)
    file.write("\n")
