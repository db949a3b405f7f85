"""Attention and transformers by PyTorch, with Keras's weights: outputs and gradients."""

import numpy
import torch
from torch.nn.utils.stateless import functional_call

from golden_values import record, uniform

functional = torch.nn.functional


def joined(kernel):
    """A kernel [features, heads, size] of Keras as PyTorch's [heads * size, features]."""
    return kernel.reshape(kernel.shape[0], -1).T


def attention_of(weights, prefix=""):
    """Arguments by which PyTorch projects, from Keras's weights."""
    role = lambda name: weights[f"{prefix}{name}"]
    out = role("attention_output_kernel")
    return {
        "q_proj_weight": joined(role("query_kernel")),
        "k_proj_weight": joined(role("key_kernel")),
        "v_proj_weight": joined(role("value_kernel")),
        "in_proj_bias": torch.cat([role(f"{name}_bias").reshape(-1)
                                   for name in ("query", "key", "value")]),
        "out_proj_weight": out.reshape(-1, out.shape[-1]).T,
        "out_proj_bias": role("attention_output_bias"),
    }


def multi_head(weights, inputs, options, heads, padding=None):
    """nn.MultiheadAttention on Keras's weights; heads of keys and values are as wide as queries'."""
    query, value = inputs[0], inputs[1 if len(inputs) > 1 else 0]
    key = inputs[2] if len(inputs) > 2 else value
    mask = None
    if options.get("useCausalMask"):
        mask = torch.triu(torch.ones(query.shape[1], key.shape[1], dtype=torch.bool), 1)
    if len(inputs) > 3:
        mask = (inputs[3] == 0).repeat_interleave(heads, dim=0)
    made, _ = functional.multi_head_attention_forward(
        *[x.transpose(0, 1) for x in (query, key, value)], query.shape[2], heads, None,
        bias_k=None, bias_v=None, add_zero_attn=False, dropout_p=0.0, training=True,
        key_padding_mask=padding, need_weights=False, attn_mask=mask,
        use_separate_proj_weight=True, **attention_of(weights))
    return made.transpose(0, 1)


def by_formula(weights, inputs, options, heads, padding=None):
    """Attention of any sizes of heads, by its formula; some heads may share keys and values."""
    query, value = inputs[0], inputs[1 if len(inputs) > 1 else 0]
    key = inputs[2] if len(inputs) > 2 else value
    none = torch.zeros(1)
    q, k, v = [torch.einsum("btf,fhd->bhtd", x, weights[f"{name}_kernel"])
               + weights.get(f"{name}_bias", none).unsqueeze(-2)
               for name, x in (("query", query), ("key", key), ("value", value))]
    k, v = [x.repeat_interleave(heads // x.shape[1], dim=1) for x in (k, v)]
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if options.get("useCausalMask"):
        scores = scores.masked_fill(torch.triu(torch.ones(scores.shape[-2:], dtype=torch.bool), 1),
                                    -numpy.inf)
    if padding is not None:
        scores = scores.masked_fill(padding[:, None, None, :], -numpy.inf)
    made = torch.softmax(scores, -1) @ v
    return (torch.einsum("bhtd,hdo->bto", made, weights["attention_output_kernel"])
            + weights.get("attention_output_bias", none))


def block_state(weights, cross):
    """The state of PyTorch's TransformerEncoderLayer or TransformerDecoderLayer."""
    state = {}
    for ours, theirs in [("self_attention", "self_attn")] + (
            [("cross_attention", "multihead_attn")] if cross else []):
        given = attention_of(weights, f"{ours}_")
        state[f"{theirs}.in_proj_weight"] = torch.cat(
            [given[f"{name}_proj_weight"] for name in "qkv"])
        state[f"{theirs}.in_proj_bias"] = given["in_proj_bias"]
        state[f"{theirs}.out_proj.weight"] = given["out_proj_weight"]
        state[f"{theirs}.out_proj.bias"] = given["out_proj_bias"]
    norms = ["self_attention"] + (["cross_attention"] if cross else []) + ["feedforward"]
    for place, name in enumerate(norms):
        state[f"norm{place + 1}.weight"] = weights[f"{name}_layer_norm_gamma"]
        state[f"norm{place + 1}.bias"] = weights[f"{name}_layer_norm_beta"]
    for ours, theirs in (("intermediate", "linear1"), ("output", "linear2")):
        state[f"{theirs}.weight"] = weights[f"feedforward_{ours}_dense_kernel"].T
        state[f"{theirs}.bias"] = weights[f"feedforward_{ours}_dense_bias"]
    return state


def transformer(kind, weights, inputs, options, heads, padding=None):
    """PyTorch's encoder or decoder layer on Keras's weights."""
    x = inputs[0]
    cross = len(inputs) > 1
    made = torch.nn.TransformerDecoderLayer if cross else torch.nn.TransformerEncoderLayer
    layer = made(x.shape[2], heads, weights["feedforward_output_dense_kernel"].shape[0], 0.0,
                 options.get("activation", "relu"), options.get("layerNormEpsilon", 1e-5), True,
                 options.get("normalizeFirst", False))
    later = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1)
    state = block_state(weights, cross)
    if cross:
        return functional_call(layer, state, (x, inputs[1]),
                               {"tgt_mask": later, "memory_key_padding_mask": padding})
    mask = later if kind == "transformerDecoder" else None
    return functional_call(layer, state, (x,), {"src_mask": mask, "src_key_padding_mask": padding})


def head_shapes(features, heads, key_heads, key_dim, value_dim, outputs):
    """Shapes of the weights of attention; features of queries, values and keys."""
    query, value, key = features
    return {
        "query_kernel": [query, heads, key_dim], "query_bias": [heads, key_dim],
        "key_kernel": [key, key_heads, key_dim], "key_bias": [key_heads, key_dim],
        "value_kernel": [value, key_heads, value_dim], "value_bias": [key_heads, value_dim],
        "attention_output_kernel": [heads, value_dim, outputs],
        "attention_output_bias": [outputs],
    }


def block_shapes(features, wide, heads, memory=None):
    """Shapes of the weights of a transformer's block, in their order."""
    shapes = {}
    for part, source in [("self_attention", features)] + (
            [("cross_attention", memory)] if memory else []):
        made = head_shapes([features, source, source], heads, heads, features // heads,
                           features // heads, features)
        shapes.update({f"{part}_{role}": shape for role, shape in made.items()})
        for role in ("gamma", "beta"):
            shapes[f"{part}_layer_norm_{role}"] = [features]
    shapes["feedforward_intermediate_dense_kernel"] = [features, wide]
    shapes["feedforward_intermediate_dense_bias"] = [wide]
    shapes["feedforward_output_dense_kernel"] = [wide, features]
    shapes["feedforward_output_dense_bias"] = [features]
    for role in ("gamma", "beta"):
        shapes[f"feedforward_layer_norm_{role}"] = [features]
    return shapes


def case(seed, layer, arguments, inputs, shapes, function, padded=0, mask_input=False):
    """A layer's output and gradients; `padded` is 1 + the input whose last steps are padding."""
    generator = numpy.random.RandomState(seed)
    given = [uniform(generator, shape, 2) for shape in inputs]
    if mask_input:
        seen = generator.uniform(size=inputs[0][:2] + [inputs[1][1]]) < 0.6
        seen[:, :, 0] = True
        given.append(seen.astype(float))
    weights = {role: uniform(generator, shape, 1) for role, shape in shapes.items()}
    padding = None
    if padded:
        batch, steps = inputs[padded - 1][:2]
        lengths = [1 + (2 * row + 1) % steps for row in range(batch)]
        padding = torch.tensor([[step >= length for step in range(steps)] for length in lengths])
    tensors = [torch.tensor(value, requires_grad=True) for value in given]
    leaves = {role: torch.tensor(value, requires_grad=True) for role, value in weights.items()}
    output = function(leaves, tensors, padding)
    upstream = uniform(numpy.random.RandomState(7), list(output.shape), 2)
    count = len(tensors) - (1 if mask_input else 0)
    slopes = torch.autograd.grad((output * torch.tensor(upstream)).sum(),
                                 tensors[:count] + list(leaves.values()))
    return {
        "layer": layer, "arguments": arguments, "inputs": [record(value) for value in given],
        **({"mask": {"input": padded - 1, **record(1 - padding.double())}} if padded else {}),
        "weights": {role: record(value) for role, value in weights.items()},
        "upstream": record(upstream), "output": record(output),
        "gradients": {
            "inputs": [record(slope) for slope in slopes[:count]],
            "weights": {role: record(slope) for role, slope in zip(leaves, slopes[count:])},
        },
    }


def heads_case(seed, function, heads, key_dim, inputs, options=None, **more):
    """Multi-head attention; values come before keys, as in Keras."""
    options = options or {}
    features = [shape[2] for shape in inputs]
    features += [features[-1]] * (3 - len(features))
    outputs = options.get("outputShape", features[0])
    shapes = head_shapes(features, heads, heads, key_dim, options.get("valueDim", key_dim), outputs)
    if not options.get("useBias", True):
        shapes = {role: shape for role, shape in shapes.items() if role.endswith("kernel")}
    return case(seed, "multiHeadAttention", [heads, key_dim, options], inputs, shapes,
                lambda weights, x, padding: function(weights, x, options, heads, padding), **more)


def block_case(seed, kind, heads, wide, inputs, options=None, **more):
    """A block of a transformer."""
    options = options or {}
    memory = inputs[1][2] if len(inputs) > 1 else None
    shapes = block_shapes(inputs[0][2], wide, heads, memory)
    return case(seed, kind, [wide, heads, options], inputs, shapes,
                lambda weights, x, padding: transformer(kind, weights, x, options, heads, padding),
                **more)


def plain(weights, inputs, options, padding, additive=False):
    """Attention without projections."""
    query, value = inputs[0], inputs[1 if len(inputs) > 1 else 0]
    key = inputs[2] if len(inputs) > 2 else value
    if additive:
        pairs = torch.tanh(query[:, :, None] + key[:, None])
        scores = (pairs * weights.get("scale", torch.ones(1))).sum(-1)
    elif options.get("scoreMode") == "concat":
        pairs = torch.tanh((query[:, :, None] + key[:, None]) * weights.get("scale", torch.ones(1)))
        scores = pairs.sum(-1) * weights["concat_score_weight"]
    else:
        scores = query @ key.transpose(1, 2) * weights.get("scale", torch.ones(1))
    if options.get("useCausalMask"):
        scores = scores.masked_fill(torch.triu(torch.ones(scores.shape[1:], dtype=torch.bool), 1),
                                    -numpy.inf)
    if padding is not None:
        scores = scores.masked_fill(padding[:, None, :], -numpy.inf)
    return torch.softmax(scores, -1) @ value


def rotary(x, wavelength, scaling):
    """KerasHub's rotation: halves of the features, steps on axis 1."""
    steps, features = x.shape[1], x.shape[-1]
    speeds = 1 / wavelength ** (torch.arange(0, features, 2).double() / features)
    angles = (torch.arange(steps).double() / scaling)[:, None] * speeds
    angles = torch.cat([angles, angles], -1)
    angles = angles.reshape([steps] + [1] * (x.dim() - 3) + [features])
    first, second = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-second, first], -1) * angles.sin()


def sine(x, wavelength):
    """KerasHub's waves: sines in even features, cosines in odd ones."""
    steps, features = x.shape[1:]
    number = torch.arange(features)
    speeds = wavelength ** (-(2 * (number // 2)).double() / features)
    angles = torch.arange(steps).double()[:, None] * speeds
    return torch.where(number % 2 == 0, angles.sin(), angles.cos()).expand(x.shape) + 0 * x


def attention():
    """All cases."""
    causal = {"useCausalMask": True}
    concat = {"scoreMode": "concat"}
    grouped = head_shapes([6, 6, 6], 6, 2, 4, 4, 6)
    place = {"position_embeddings": [9, 6]}
    both = {"token_embeddings": [7, 5], "position_embeddings": [6, 5]}
    cases = {
        "self": heads_case(1201, multi_head, 2, 3, [[3, 5, 6]]),
        "causal": heads_case(1202, multi_head, 3, 3, [[2, 7, 9]], causal),
        "cross": heads_case(1203, multi_head, 2, 4, [[2, 3, 8], [2, 5, 7], [2, 5, 3]]),
        "padded": heads_case(1204, multi_head, 2, 3, [[4, 6, 6]], padded=1),
        "padded_values": heads_case(1205, multi_head, 1, 4, [[3, 4, 4], [3, 5, 6]], padded=2),
        "masked": heads_case(1206, multi_head, 2, 2, [[2, 4, 4], [2, 6, 5], [2, 6, 5]],
                             mask_input=True),
        "sizes": heads_case(1207, by_formula, 3, 2, [[2, 4, 5]], {"valueDim": 4, "outputShape": 7}),
        "no_bias": heads_case(1208, by_formula, 2, 5, [[1, 3, 4]], {"useBias": False}),
        "grouped": case(1209, "groupedQueryAttention", [4, 6, 2, causal], [[2, 5, 6]], grouped,
                        lambda w, x, padding: by_formula(w, x, causal, 6, padding), padded=1),
        "encoder": block_case(1210, "transformerEncoder", 2, 7, [[3, 5, 6]]),
        "encoder_gelu_first": block_case(1211, "transformerEncoder", 3, 5, [[2, 4, 9]], {
            "activation": "gelu", "normalizeFirst": True, "layerNormEpsilon": 0.01}),
        "encoder_padded": block_case(1212, "transformerEncoder", 1, 5, [[4, 6, 3]], padded=1),
        "decoder_alone": block_case(1213, "transformerDecoder", 2, 5, [[2, 6, 4]]),
        "decoder": block_case(1214, "transformerDecoder", 2, 7, [[2, 4, 6], [2, 5, 6]], padded=2),
        "decoder_first": block_case(1215, "transformerDecoder", 2, 3, [[2, 3, 4], [2, 6, 4]],
                                    {"normalizeFirst": True}),
        "plain": case(1220, "attention", [causal], [[2, 5, 3]], {},
                      lambda w, x, padding: plain(w, x, causal, padding)),
        "plain_scaled": case(1221, "attention", [{"useScale": True}], [[3, 4, 2], [3, 5, 6], [3, 5, 2]],
                             {"scale": [1]}, lambda w, x, padding: plain(w, x, {}, padding), padded=2),
        "plain_concat": case(1224, "attention", [concat], [[3, 4, 2], [3, 5, 6], [3, 5, 2]],
                             {"concat_score_weight": [1]},
                             lambda w, x, padding: plain(w, x, concat, padding), padded=2),
        "plain_concat_scaled": case(1225, "attention", [{**concat, "useScale": True, **causal}],
                                    [[2, 4, 3]], {"scale": [1], "concat_score_weight": [1]},
                                    lambda w, x, padding: plain(w, x, {**concat, **causal}, padding)),
        "additive": case(1222, "additiveAttention", [{}], [[3, 4, 2], [3, 5, 6], [3, 5, 2]],
                         {"scale": [2]}, lambda w, x, padding: plain(w, x, {}, padding, True),
                         padded=2),
        "additive_causal": case(1223, "additiveAttention", [{"useScale": False, **causal}],
                                [[2, 4, 3]], {},
                                lambda w, x, padding: plain(w, x, causal, padding, True)),
        "rotary": case(1216, "rotaryEmbedding", [{"maxWavelength": 100, "scalingFactor": 2}],
                       [[2, 5, 3, 6]], {}, lambda w, x, padding: rotary(x[0], 100, 2)),
        "sine": case(1217, "sinePositionEncoding", [{"maxWavelength": 50}], [[2, 7, 5]], {},
                     lambda w, x, padding: sine(x[0], 50)),
        "positions": case(1218, "positionEmbedding", [9], [[3, 5, 6]], place,
                          lambda w, x, padding: w["position_embeddings"][:5] + 0 * x[0]),
    }
    generator = numpy.random.RandomState(1219)
    tokens = torch.tensor(generator.randint(0, 7, [3, 4]))
    made = case(1219, "tokenAndPositionEmbedding", [7, 6, 5], [], both,
                lambda w, x, padding: w["token_embeddings"][tokens] + w["position_embeddings"][:4])
    cases["tokens"] = {**made, "inputs": [record(tokens.double())]}
    return {"cases": cases}
