"""Golden values of graph layers: outputs and gradients by PyTorch in float64.

Every formula is written with the dense adjacency matrix of one graph, a graph at a time: no sorted
edges, no segments, no padding. A batch of three graphs of odd sizes, with nodes without edges.

Run from the root: python3 tests/golden/make_graph_golden.py
"""
import json
import os

import torch
from torch.nn.functional import leaky_relu

torch.manual_seed(5)

FEATURES, BONDS = 5, 2
# Nodes and edges (source, target); node 3 of the first and node 0 of the second have none.
GRAPHS = [
    (7, [(0, 1), (1, 0), (1, 2), (2, 1), (4, 2), (5, 6), (6, 1), (0, 6)]),
    (3, [(1, 2)]),
    (5, [(4, 0), (3, 0), (2, 0), (1, 0), (0, 4), (4, 3), (3, 4)]),
]


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64).mul(16).round().div(16)


X = [draw(n, FEATURES) for n, _ in GRAPHS]
WEIGHTS = [draw(len(edges)).abs() + 0.25 for _, edges in GRAPHS]
BOND = [draw(len(edges), BONDS) for _, edges in GRAPHS]


def adjacency(g, values=None):
    """A[target, source]."""
    n, edges = GRAPHS[g]
    rows = [torch.zeros(n, dtype=torch.float64) for _ in range(n)]
    matrix = torch.stack(rows)
    for k, (source, target) in enumerate(edges):
        unit = torch.zeros(n, n, dtype=torch.float64)
        unit[target, source] = 1
        matrix = matrix + unit * (1 if values is None else values[k])
    return matrix


def convolution(g, x, p, extra):
    a = adjacency(g, extra) + torch.eye(len(x), dtype=torch.float64)
    d = torch.diag(a.sum(1) ** -0.5)
    return d @ a @ d @ x @ p["kernel"] + p["bias"]


def sage(aggregator, project=False, normalize=False):
    def layer(g, x, p, extra):
        a = adjacency(g)
        h = torch.relu(x @ p["pool_kernel"] + p["pool_bias"]) if project else x
        if aggregator == "mean":
            around = a @ h / a.sum(1, keepdim=True).clamp_min(1)
        else:
            spread = torch.where(a[:, :, None] > 0, h[None], torch.tensor(-1e300).double())
            around = torch.where(a.sum(1, keepdim=True) > 0, spread.amax(1), torch.tensor(0.0).double())
        y = around @ p["kernel"] + x @ p["self_kernel"] + p["bias"]
        return y / y.norm(dim=1, keepdim=True) if normalize else y
    return layer


def attention(heads, units, concat=True, loops=True, slope=0.2):
    def layer(g, x, p, extra):
        n = len(x)
        a = adjacency(g) + (torch.eye(n, dtype=torch.float64) if loops else 0)
        h = (x @ p["kernel"]).reshape(n, heads, units)
        made = []
        for k in range(heads):
            s = h[:, k] @ p["source_attention"][k]
            t = h[:, k] @ p["target_attention"][k]
            e = leaky_relu(s[None, :] + t[:, None], slope)
            e = torch.where(a > 0, e, torch.tensor(-1e300).double())
            alpha = torch.where(a > 0, torch.softmax(e, 1), torch.tensor(0.0).double())
            made.append(alpha @ h[:, k])
        y = torch.cat(made, 1) if concat else sum(made) / heads
        return y + p["bias"]
    return layer


def passing(aggregate, edge=True):
    """A dense layer with tanh of source, target and edge; a dense layer of node and messages."""
    def layer(g, x, p, extra):
        n, edges = GRAPHS[g]
        inboxes = [[] for _ in range(n)]
        for k, (source, target) in enumerate(edges):
            parts = [x[source], x[target]] + ([extra[k]] if edge else [])
            row = torch.cat(parts) @ p["message_kernel"] + p["message_bias"]
            inboxes[target].append(torch.tanh(row))
        width = p["message_bias"].shape[0]
        folds = {"sum": lambda m: m.sum(0), "mean": lambda m: m.mean(0), "max": lambda m: m.amax(0)}
        received = torch.stack([
            folds[aggregate](torch.stack(box)) if box else torch.zeros(width, dtype=torch.float64)
            for box in inboxes
        ])
        return torch.cat([x, received], 1) @ p["update_kernel"] + p["update_bias"]
    return layer


def pooled(pool):
    return lambda g, x, p, extra: pool(x, p)


def attend(x, p):
    return torch.softmax(x @ p["kernel"] + p["bias"], 0).mul(x).sum(0)


def sage_weights(units, project):
    shapes = {"kernel": (FEATURES, units), "self_kernel": (FEATURES, units), "bias": (units,)}
    pool = {"pool_kernel": (FEATURES, FEATURES), "pool_bias": (FEATURES,)}
    return {**shapes, **(pool if project else {})}


def attention_weights(heads, units, width):
    vector = (heads, units)
    return {"kernel": (FEATURES, heads * units), "source_attention": vector,
            "target_attention": vector, "bias": (width,)}


def passing_weights(edge):
    inner = 2 * FEATURES + (BONDS if edge else 0)
    return {"message_kernel": (inner, 3), "message_bias": (3,),
            "update_kernel": (FEATURES + 3, 4), "update_bias": (4,)}


CASES = {
    "graphConvolution": (convolution, {"kernel": (FEATURES, 3), "bias": (3,)}, None),
    "graphConvolution_weighted": (convolution, {"kernel": (FEATURES, 6), "bias": (6,)}, WEIGHTS),
    "graphSage_mean": (sage("mean"), sage_weights(3, False), None),
    "graphSage_mean_wide_normalized": (sage("mean", normalize=True), sage_weights(7, False), None),
    "graphSage_max": (sage("max"), sage_weights(4, False), None),
    "graphSage_max_projected": (sage("max", True), sage_weights(3, True), None),
    "graphAttention": (attention(1, 3), attention_weights(1, 3, 3), None),
    "graphAttention_heads": (attention(3, 2), attention_weights(3, 2, 6), None),
    "graphAttention_average": (attention(2, 3, False), attention_weights(2, 3, 3), None),
    "graphAttention_plain": (attention(2, 2, True, False, 0.05), attention_weights(2, 2, 4), None),
    "messagePassing_sum": (passing("sum"), passing_weights(True), BOND),
    "messagePassing_mean": (passing("mean"), passing_weights(True), BOND),
    "messagePassing_max": (passing("max", False), passing_weights(False), None),
    "globalSumPool": (pooled(lambda x, p: x.sum(0)), {}, None),
    "globalAveragePool": (pooled(lambda x, p: x.mean(0)), {}, None),
    "globalMaxPool": (pooled(lambda x, p: x.amax(0)), {}, None),
    "globalAttentionPool": (pooled(attend), {"kernel": (FEATURES, 1), "bias": (1,)}, None),
}


def written(tensor):
    return {"shape": list(tensor.shape), "data": tensor.detach().reshape(-1).tolist()}


cases = {}
for name, (layer, shapes, extras) in CASES.items():
    p = {role: draw(*shape).requires_grad_() for role, shape in shapes.items()}
    xs = [x.clone().requires_grad_() for x in X]
    given = [e.clone().requires_grad_() for e in extras] if extras else [None] * len(X)
    outputs = [layer(g, x, p, e) for g, (x, e) in enumerate(zip(xs, given))]
    upstream = [draw(*y.shape) for y in outputs]
    torch.autograd.backward(outputs, upstream)
    cases[name] = {
        "weights": {role: written(w) for role, w in p.items()},
        "upstream": [written(u) for u in upstream],
        "outputs": [written(y) for y in outputs],
        "nodeGradients": [written(x.grad) for x in xs],
        "weightGradients": {role: written(w.grad) for role, w in p.items()},
        **({"edgeGradients": [written(e.grad) for e in given]} if extras else {}),
    }

golden = {
    "source": f"PyTorch {torch.__version__}, dense adjacency matrices, float64",
    "graphs": [
        {"nodes": written(X[g]), "edges": edges, "weights": written(WEIGHTS[g]),
         "bonds": written(BOND[g])}
        for g, (_, edges) in enumerate(GRAPHS)
    ],
    "cases": cases,
}
path = os.path.join(os.path.dirname(__file__), "graphs.json")
with open(path, "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
print(os.path.getsize(path), "bytes")
