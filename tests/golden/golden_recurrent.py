"""Embedding and recurrent layers by PyTorch, with Keras's weights: outputs and gradients."""

import numpy
import torch

from golden_values import record, uniform

# Factory, input [batch, steps, features], units, options, whether steps at the ends are padding.
LAYERS = {
    "simpleRnn": ("simpleRnn", [3, 5, 4], 6, {"returnSequences": True}, False),
    "simpleRnn_relu_last": ("simpleRnn", [2, 7, 3], 5, {"activation": "relu"}, False),
    "lstm": ("lstm", [3, 6, 5], 7, {"returnSequences": True}, False),
    "lstm_last": ("lstm", [9, 4, 3], 8, {}, False),
    "lstm_one": ("lstm", [1, 1, 1], 1, {}, False),
    "lstm_no_bias": ("lstm", [2, 5, 3], 4, {"useBias": False}, False),
    "lstm_backwards": ("lstm", [2, 5, 3], 4, {"goBackwards": True, "returnSequences": True}, False),
    "lstm_masked": ("lstm", [5, 7, 2], 3, {"returnSequences": True}, True),
    "lstm_masked_last": ("lstm", [5, 7, 2], 3, {}, True),
    "gru": ("gru", [3, 6, 5], 7, {"returnSequences": True}, False),
    "gru_last": ("gru", [4, 5, 3], 5, {}, False),
    "gru_no_bias": ("gru", [2, 5, 3], 4, {"useBias": False}, False),
    "gru_masked_last": ("gru", [5, 7, 2], 3, {}, True),
    "gru_before": ("gru", [3, 6, 5], 7, {"resetAfter": False, "returnSequences": True}, False),
    "gru_before_masked_last": ("gru", [5, 4, 2], 3, {"resetAfter": False}, True),
}

# As above, with states to begin with, and the last states as outputs.
STATES = {
    "simpleRnn": ("simpleRnn", [3, 4, 2], 5, {"returnSequences": True}, False),
    "lstm": ("lstm", [3, 5, 4], 6, {"returnSequences": True}, False),
    "lstm_last": ("lstm", [9, 1, 3], 4, {}, False),
    "lstm_backwards": ("lstm", [2, 5, 3], 4, {"goBackwards": True}, False),
    "lstm_masked": ("lstm", [5, 4, 2], 3, {"returnSequences": True}, True),
    "gru": ("gru", [2, 5, 3], 4, {"returnSequences": True}, False),
    "gru_masked_last": ("gru", [5, 4, 2], 7, {}, True),
    "gru_before": ("gru", [2, 5, 3], 4, {"resetAfter": False, "returnSequences": True}, False),
}

BLOCKS = {"simpleRnn": 1, "lstm": 4, "gru": 3}


def ordered(weight, kind):
    """Keras's blocks in PyTorch's order: of gru r before z."""
    if kind != "gru":
        return weight
    z, r, g = weight.chunk(3, dim=-1)
    return torch.cat([r, z, g], dim=-1)


def gru_before(x, h, kernel, recurrent, bias):
    """Keras's formula of a GRU whose reset gate stands before the product, which PyTorch has not."""
    units = h.shape[1]
    states = []
    for now in x.unbind(1):
        given = now @ kernel + bias
        z, r = torch.sigmoid(given[:, :2 * units] + h @ recurrent[:, :2 * units]).chunk(2, dim=-1)
        g = torch.tanh(given[:, 2 * units:] + (r * h) @ recurrent[:, 2 * units:])
        h = z * h + (1 - z) * g
        states.append(h)
    return torch.stack(states, 1), h[None]


def states_of(kind, options, x, weights, begin):
    """PyTorch's states after every step, and its last ones, from its four weights."""
    rest = (True, 1, 0.0, False, False, True)  # biases, layers, dropout, training, both ways, batch
    if kind == "lstm":
        y, h, c = torch.lstm(x, begin, weights, *rest)
        return y, h, c
    if kind == "gru" and not options.get("resetAfter", True):
        return gru_before(x, begin[0][0], *weights)
    if kind == "gru":
        return torch.gru(x, begin[0], weights, *rest)
    function = torch.rnn_relu if options.get("activation") == "relu" else torch.rnn_tanh
    return function(x, begin[0], weights, *rest)


def apply(kind, options, units, lengths, x, kernel, recurrent, bias=None, begin=None):
    """The layer as a function of Keras's weights: its outputs, then its last states. Padded steps
    repeat the last state."""
    none = torch.zeros(BLOCKS[kind] * units)
    first, second = none, none
    if bias is not None:
        first, second = (bias[0], bias[1]) if bias.dim() == 2 else (bias, none)
    weights = [ordered(kernel, kind).T, ordered(recurrent, kind).T,
               ordered(first, kind), ordered(second, kind)]
    if not options.get("resetAfter", True):
        weights = [kernel, recurrent, bias]
    if begin is None:
        begin = [torch.zeros(x.shape[0], units)] * (2 if kind == "lstm" else 1)
    begin = [state[None] for state in begin]
    if options.get("goBackwards"):
        x = torch.flip(x, [1])
    if lengths is None:
        states, *last = states_of(kind, options, x, weights, begin)
    else:
        rows = []
        for row, length in enumerate(lengths):
            own = [state[:, row:row + 1].contiguous() for state in begin]
            y, *last = states_of(kind, options, x[row:row + 1, :length], weights, own)
            rest = y[:, -1:].expand(-1, x.shape[1] - length, -1)
            rows.append([torch.cat([y, rest], dim=1), *(state[0] for state in last)])
        states, *last = (torch.cat(parts) for parts in zip(*rows))
        last = [state[None] for state in last]
    y = states if options.get("returnSequences") else states[:, -1]
    return [y, *(state[0] for state in last)]


def run(function, given):
    """Values and gradients of a case, of the sum of the outputs times `upstream`."""
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in given.items()}
    output = function(*tensors.values())
    generator = numpy.random.RandomState(7)
    upstream = uniform(generator, list(output.shape), 2)
    slopes = torch.autograd.grad((output * torch.tensor(upstream)).sum(), list(tensors.values()))
    return output, upstream, dict(zip(tensors, slopes))


def given_of(seed, kind, shape, units, options, padded):
    """Input and weights of a layer; how many steps of each row count, and that as a mask."""
    generator = numpy.random.RandomState(seed)
    blocks = BLOCKS[kind]
    given = {
        "input": uniform(generator, shape, 2),
        "kernel": uniform(generator, [shape[-1], blocks * units], 1),
        "recurrent_kernel": uniform(generator, [units, blocks * units], 1),
    }
    if options.get("useBias", True):
        two = kind == "gru" and options.get("resetAfter", True)
        sizes = [2, 3 * units] if two else [blocks * units]
        given["bias"] = uniform(generator, sizes, 1)
    lengths, mask = None, None
    if padded:
        lengths = [1 + row % shape[1] for row in range(shape[0])]
        for row, length in enumerate(lengths):
            given["input"][row, length:] = 0
        mask = [[float(step < length) for step in range(shape[1])] for length in lengths]
    return given, lengths, mask


def recurrent_case(seed, kind, shape, units, options, padded):
    """One recurrent layer."""
    given, lengths, mask = given_of(seed, kind, shape, units, options, padded)

    def function(*tensors):
        return apply(kind, options, units, lengths, *tensors)[0]

    output, upstream, slopes = run(function, given)
    weights = {name: record(value) for name, value in given.items() if name != "input"}
    return {
        "layer": kind, "arguments": [units, options], "input": record(given["input"]),
        **({"mask": record(numpy.array(mask))} if padded else {}),
        "weights": weights, "upstream": record(upstream), "output": record(output),
        "gradients": {name: record(slope) for name, slope in slopes.items()},
    }


def states_case(seed, kind, shape, units, options, padded):
    """A recurrent layer with states to begin with; gradients are of the sum of all it gives, each
    times its `upstream`."""
    given, lengths, mask = given_of(seed, kind, shape, units, options, padded)
    generator = numpy.random.RandomState(seed + 500)
    names = ["h", "c"] if kind == "lstm" else ["h"]
    given |= {name: uniform(generator, [shape[0], units], 1) for name in names}
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in given.items()}
    x, kernel, recurrent_kernel, bias, *begin = tensors.values()
    made = apply(kind, options, units, lengths, x, kernel, recurrent_kernel, bias, begin)
    upstream = [uniform(generator, list(one.shape), 2) for one in made]
    total = sum((one * torch.tensor(factor)).sum() for one, factor in zip(made, upstream))
    slopes = torch.autograd.grad(total, list(tensors.values()))
    weights = {"kernel", "recurrent_kernel", "bias"}
    return {
        "layer": kind, "arguments": [units, {**options, "returnState": True}],
        "inputs": [record(given[name]) for name in ["input", *names]],
        **({"mask": record(numpy.array(mask))} if padded else {}),
        "weights": {name: record(value) for name, value in given.items() if name in weights},
        "upstream": dict(zip(["outputs", *names], map(record, upstream))),
        "outputs": dict(zip(["outputs", *names], map(record, made))),
        "gradients": {name: record(slope) for name, slope in zip(tensors, slopes)},
    }


def both_ways_case(seed, shape, units, merge):
    """A bidirectional lstm that gives sequences, with its two halves as Keras names them."""
    generator = numpy.random.RandomState(seed)
    given = {"input": uniform(generator, shape, 2)}
    for way in ("forward", "backward"):
        given[f"{way}_kernel"] = uniform(generator, [shape[-1], 4 * units], 1)
        given[f"{way}_recurrent_kernel"] = uniform(generator, [units, 4 * units], 1)
        given[f"{way}_bias"] = uniform(generator, [4 * units], 1)

    def function(x, *weights):
        none = torch.zeros(4 * units)
        flat = []
        for kernel, recurrent_kernel, bias in (weights[:3], weights[3:]):
            flat += [kernel.T, recurrent_kernel.T, bias, none]
        start = torch.zeros(2, x.shape[0], units)
        y = torch.lstm(x, (start, start), flat, True, 1, 0.0, False, True, True)[0]
        if merge == "concat":
            return y
        return y[..., :units] + y[..., units:]

    output, upstream, slopes = run(function, given)
    inner = {"returnSequences": True}
    return {
        "layer": "bidirectional", "inner": ["lstm", units, inner],
        "arguments": [{"mergeMode": merge}], "input": record(given["input"]),
        "weights": {name: record(value) for name, value in given.items() if name != "input"},
        "upstream": record(upstream), "output": record(output),
        "gradients": {name: record(slope) for name, slope in slopes.items()},
    }


def embedding_case(seed, rows, width, shape, options):
    """An embedding."""
    generator = numpy.random.RandomState(seed)
    numbers = generator.randint(0, rows, shape)
    table = uniform(generator, [rows, width], 1)

    def function(weight):
        return torch.nn.functional.embedding(torch.tensor(numbers), weight)

    output, upstream, slopes = run(function, {"embeddings": table})
    return {
        "layer": "embedding", "arguments": [rows, width, options],
        "input": record(numbers.astype(float)), "weights": {"embeddings": record(table)},
        "upstream": record(upstream), "output": record(output),
        "gradients": {name: record(slope) for name, slope in slopes.items()},
    }


def recurrent():
    """All cases."""
    cases = {
        "embedding": embedding_case(1101, 7, 5, [4, 6], {}),
        "embedding_wide": embedding_case(1102, 50, 3, [2, 3, 2], {}),
    }
    for place, (name, (kind, shape, units, options, padded)) in enumerate(LAYERS.items()):
        cases[name] = recurrent_case(1110 + place, kind, shape, units, options, padded)
    cases["bidirectional"] = both_ways_case(1140, [3, 5, 4], 3, "concat")
    cases["bidirectional_sum"] = both_ways_case(1141, [2, 4, 3], 5, "sum")
    states = {
        name: states_case(1150 + place, *given)
        for place, (name, given) in enumerate(STATES.items())
    }
    return {"cases": cases, "states": states}
