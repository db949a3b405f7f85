"""Convolutional LSTMs by PyTorch, in float64; `python3 tests/golden/golden_conv_lstm.py` writes them."""

import torch

from golden_cases import case, rounded, write
from golden_values import record

F = torch.nn.functional
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def conv(x, kernel, stride=1, dilation=1, same=True):
    """A convolution, channels last, by a kernel as Keras keeps it, padded evenly."""
    rank = kernel.dim() - 2
    reach = (kernel.shape[0] - 1) * dilation
    made = CONVOLUTIONS[rank](
        x.movedim(-1, 1), kernel.permute(rank + 1, rank, *range(rank)), stride=stride,
        dilation=dilation, padding=reach // 2 if same else 0)
    return made.movedim(1, -1)


# Steps, places and channels, filters, options, which steps count, whether states are given.
CASES = [
    (3, (4, 5, 2), 3, {"padding": "same", "returnSequences": True}, None, False),
    (3, (6, 5, 2), 2, {"activation": "relu", "recurrentActivation": "hardSigmoid"}, None, False),
    (2, (5, 5, 1), 2, {"padding": "same", "strides": 2, "useBias": False, "goBackwards": True,
                       "returnSequences": True}, None, False),
    (2, (6, 6, 1), 2, {"dilationRate": 2}, None, True),
    (3, (4, 4, 2), 2, {"padding": "same", "returnSequences": True, "returnState": True},
     [[1, 1, 0], [0, 1, 1]], True),
    (3, (4, 4, 2), 2, {"padding": "same"}, [[1, 0, 0], [0, 0, 1]], False),
    (3, (4, 4, 1), 2, {"padding": "same", "returnSequences": True, "zeroOutputForMask": True},
     [[1, 0, 0], [0, 0, 1]], False),
    (3, (7, 2), 2, {"strides": 2, "returnState": True}, None, True),
    (4, (5, 1), 3, {"padding": "same", "returnSequences": True}, [[1, 1, 0, 0], [0, 1, 1, 1]], True),
    (2, (3, 4, 3, 1), 2, {"padding": "same", "returnState": True}, None, False),
    (2, (4, 3, 3, 1), 2, {"returnSequences": True, "goBackwards": True}, None, True),
]


def run(seed, steps, places, filters, options, mask, begins):
    """Outputs and gradients of one layer with kernels of 3 taps an axis."""
    torch.manual_seed(seed)
    rank = len(places) - 1
    x = rounded(2, steps, *places).requires_grad_()
    taps = [3] * rank
    weights = {"kernel": rounded(*taps, places[-1], 4 * filters) / 4,
               "recurrent_kernel": rounded(*taps, filters, 4 * filters) / 4}
    if options.get("useBias", True):
        weights["bias"] = rounded(4 * filters)

    def inputs_part(step):
        sums = conv(x[:, step], weights["kernel"], options.get("strides", 1),
                    options.get("dilationRate", 1), options.get("padding") == "same")
        return sums + weights["bias"] if "bias" in weights else sums

    state = inputs_part(0)[..., :filters].shape
    begun = {name: rounded(*state) for name in ("h", "c")} if begins else {}
    for leaf in (*weights.values(), *begun.values()):
        leaf.requires_grad_()
    act = F.relu if options.get("activation") == "relu" else torch.tanh
    gate = torch.sigmoid
    if options.get("recurrentActivation") == "hardSigmoid":
        gate = F.hardsigmoid
    h, c = begun.values() if begins else (torch.zeros(state, dtype=x.dtype),) * 2
    given = []
    for step in reversed(range(steps)) if options.get("goBackwards") else range(steps):
        i, f, g, o = (inputs_part(step) + conv(h, weights["recurrent_kernel"])).chunk(4, dim=-1)
        new_c = gate(f) * c + gate(i) * act(g)
        new_h = gate(o) * act(new_c)
        shown = new_h
        if mask is not None:
            counts = torch.tensor(mask)[:, step].bool().reshape(2, *[1] * (rank + 1))
            new_c, new_h = torch.where(counts, new_c, c), torch.where(counts, new_h, h)
            shown = new_h * counts if options.get("zeroOutputForMask") else new_h
        h, c = new_h, new_c
        given.append(shown)
    output = torch.stack(given, 1) if options.get("returnSequences") else h
    # States that are returned lie behind the outputs, all in one line.
    parts = [output, h, c] if options.get("returnState") else [output]
    line = torch.cat([part.flatten() for part in parts])
    made = case(x, weights, line)
    return {"filters": filters, "options": options, "mask": mask, **made,
            "shape": list(output.shape), "states": {name: record(s) for name, s in begun.items()},
            "stateGradients": {name: record(s.grad) for name, s in begun.items()}}


if __name__ == "__main__":
    write("conv_lstm.json", cases=[run(seed, *given) for seed, given in enumerate(CASES, 1)])
