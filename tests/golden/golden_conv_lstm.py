"""Convolutional LSTM by PyTorch, in float64; `python3 tests/golden/golden_conv_lstm.py` writes it."""

import torch

from golden_cases import case, rounded, write

F = torch.nn.functional


def conv(x, kernel, stride=1, dilation=1, same=True):
    """A convolution of pictures, channels last, by a kernel as Keras keeps it, padded evenly."""
    reach = (kernel.shape[0] - 1) * dilation
    made = F.conv2d(x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), stride=stride,
                    dilation=dilation, padding=reach // 2 if same else 0)
    return made.permute(0, 2, 3, 1)


# Steps, picture, filters, options, which steps count.
CASES = [
    (3, (4, 5, 2), 3, {"padding": "same", "returnSequences": True}, None),
    (3, (6, 5, 2), 2, {"activation": "relu", "recurrentActivation": "hardSigmoid"}, None),
    (2, (5, 5, 1), 2, {"padding": "same", "strides": 2, "useBias": False, "goBackwards": True,
                       "returnSequences": True}, None),
    (2, (6, 6, 1), 2, {"dilationRate": 2}, None),
    (3, (4, 4, 2), 2, {"padding": "same", "returnSequences": True}, [[1, 1, 0], [0, 1, 1]]),
    (3, (4, 4, 2), 2, {"padding": "same"}, [[1, 0, 0], [0, 0, 1]]),
]


def run(seed, steps, picture, filters, options, mask):
    """Outputs and gradients of one layer with kernels of 3 by 3."""
    torch.manual_seed(seed)
    x = rounded(2, steps, *picture).requires_grad_()
    weights = {"kernel": rounded(3, 3, picture[2], 4 * filters) / 4,
               "recurrent_kernel": rounded(3, 3, filters, 4 * filters) / 4}
    if options.get("useBias", True):
        weights["bias"] = rounded(4 * filters)
    for weight in weights.values():
        weight.requires_grad_()
    act = F.relu if options.get("activation") == "relu" else torch.tanh
    gate = torch.sigmoid
    if options.get("recurrentActivation") == "hardSigmoid":
        gate = F.hardsigmoid
    h = c = None
    given = []
    for step in reversed(range(steps)) if options.get("goBackwards") else range(steps):
        sums = conv(x[:, step], weights["kernel"], options.get("strides", 1),
                    options.get("dilationRate", 1), options.get("padding") == "same")
        if "bias" in weights:
            sums = sums + weights["bias"]
        if h is None:
            h = c = torch.zeros_like(sums[..., :filters])
        i, f, g, o = (sums + conv(h, weights["recurrent_kernel"])).chunk(4, dim=-1)
        new_c = gate(f) * c + gate(i) * act(g)
        new_h = gate(o) * act(new_c)
        if mask is not None:
            counts = torch.tensor(mask)[:, step].bool().reshape(2, 1, 1, 1)
            new_c, new_h = torch.where(counts, new_c, c), torch.where(counts, new_h, h)
        h, c = new_h, new_c
        given.append(h)
    output = torch.stack(given, 1) if options.get("returnSequences") else h
    return {"filters": filters, "options": options, "mask": mask, **case(x, weights, output)}


if __name__ == "__main__":
    write("conv_lstm.json", cases=[run(seed, *given) for seed, given in enumerate(CASES, 1)])
