"""What golden files of layers hold: outputs and gradients of random inputs and weights."""

import json
import pathlib

import torch

from golden_values import record


def rounded(*shape):
    """Random numbers that are exact in float32."""
    return torch.round(torch.randn(*shape, dtype=torch.float64) * 4096) / 4096


def case(x, weights, output):
    """What was computed, and the gradients of a random weighting of its elements."""
    upstream = rounded(*output.shape)
    (output * upstream).sum().backward()
    return {"input": record(x), "weights": {role: record(w) for role, w in weights.items()},
            "upstream": record(upstream), "output": record(output),
            "gradients": {"input": record(x.grad),
                          **{role: record(w.grad) for role, w in weights.items()}}}


def write(name, **made):
    """Writes a golden file."""
    source = {"source": f"PyTorch {torch.__version__}, float64"}
    text = json.dumps({**source, **made}, separators=(",", ":"))
    pathlib.Path(__file__).with_name(name).write_text(text + "\n")
