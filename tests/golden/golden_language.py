"""Language models by PyTorch, in float64; `python3 tests/golden/golden_language.py` writes the file.

A GPT whose embedding is its output too, with learned and rotary places, trained by AdamW that decays
matrices alone, with a warm-up, half a cosine, and clipping; and a BERT whose hidden words are told, of
padded sentences, by the gradients of two batches at a time. Adam's epsilon is where Keras has it.
"""

import math

import torch

from golden_cases import rounded, write
from golden_values import record

F = torch.nn.functional
GPT = {"tokens": 11, "steps": 6, "width": 8, "wide": 12, "heads": 2, "wave": 100, "cap": 3}
BERT = {"tokens": 9, "steps": 5, "width": 6, "wide": 10, "heads": 2}


def norm_weights(name, width):
    """Gamma and beta."""
    return {f"{name}gamma": 1 + rounded(width) / 4, f"{name}beta": rounded(width) / 4}


def block_weights(name, sizes):
    """The weights of a transformer's block."""
    width, wide, heads = sizes["width"], sizes["wide"], sizes["heads"]
    size = width // heads
    made = {}
    for role in ("query", "key", "value"):
        made[f"{name}self_attention_{role}_kernel"] = rounded(width, heads, size) / 2
        made[f"{name}self_attention_{role}_bias"] = rounded(heads, size) / 2
    made[f"{name}self_attention_attention_output_kernel"] = rounded(heads, size, width) / 2
    made[f"{name}self_attention_attention_output_bias"] = rounded(width) / 2
    for part, shape in (("intermediate", (width, wide)), ("output", (wide, width))):
        made[f"{name}feedforward_{part}_dense_kernel"] = rounded(*shape) / 2
        made[f"{name}feedforward_{part}_dense_bias"] = rounded(shape[1]) / 2
    return {**made, **norm_weights(f"{name}self_attention_layer_norm_", width),
            **norm_weights(f"{name}feedforward_layer_norm_", width)}


def norm(w, name, x):
    """Layer normalisation."""
    return F.layer_norm(x, x.shape[-1:], w[f"{name}gamma"], w[f"{name}beta"], 1e-5)


def turned(x, wave):
    """Rotary places: the first half of the features with the second."""
    steps, half = x.shape[-2], x.shape[-1] // 2
    angles = torch.arange(steps)[:, None] / wave ** (torch.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


def attention(w, name, x, mask, wave):
    """Self-attention; causal without a mask of padding."""
    def heads(role):
        made = torch.einsum("bsf,fhd->bhsd", x, w[f"{name}{role}_kernel"])
        return made + w[f"{name}{role}_bias"][None, :, None]
    query, key, value = heads("query"), heads("key"), heads("value")
    if wave:
        query, key = turned(query, wave), turned(key, wave)
    scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
    steps = x.shape[1]
    seen = torch.ones(steps, steps).tril() > 0 if mask is None else mask[:, None, None]
    shares = scores.masked_fill(~seen, -math.inf).softmax(-1)
    kernel, bias = w[f"{name}attention_output_kernel"], w[f"{name}attention_output_bias"]
    return torch.einsum("bhsd,hdo->bso", shares @ value, kernel) + bias


def block(w, name, x, act, first, mask=None, wave=None):
    """A transformer's block, which normalises first or last."""
    def dense(part, y):
        return y @ w[f"{name}feedforward_{part}_dense_kernel"] + w[f"{name}feedforward_{part}_dense_bias"]

    def around(part, x, body):
        def normal(y):
            return norm(w, f"{name}{part}_layer_norm_", y)
        return x + body(normal(x)) if first else normal(x + body(x))
    x = around("self_attention", x, lambda y: attention(w, f"{name}self_attention_", y, mask, wave))
    return around("feedforward", x, lambda y: dense("output", act(dense("intermediate", y))))


class Adam:
    """AdamW with Keras's epsilon, decaying the weights that `decays` names."""

    def __init__(self, weights, decay=0.0, decays=lambda name: False):
        self.weights, self.decay, self.decays = weights, decay, decays
        self.means = {name: torch.zeros_like(w) for name, w in weights.items()}
        self.squares = {name: torch.zeros_like(w) for name, w in weights.items()}
        self.steps = 0

    def step(self, rate):
        """One step, by the gradients."""
        self.steps += 1
        correction = math.sqrt(1 - 0.999 ** self.steps) / (1 - 0.9 ** self.steps)
        with torch.no_grad():
            for name, weight in self.weights.items():
                mean, square = self.means[name], self.squares[name]
                mean += 0.1 * (weight.grad - mean)
                square += 0.001 * (weight.grad ** 2 - square)
                if self.decays(name):
                    weight -= rate * self.decay * weight
                weight -= rate * correction * mean / (square.sqrt() + 1e-3)
                weight.grad = None


def training(weights, loss_of, optimizer, rate_of, clip, count):
    """Losses of so many steps."""
    losses = []
    for step in range(count):
        loss = loss_of(step)
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(list(weights.values()), clip)
        if optimizer:
            optimizer.step(rate_of(step))
        else:
            with torch.no_grad():
                for weight in weights.values():
                    weight -= rate_of(step) * weight.grad
                    weight.grad = None
        losses.append(loss.item())
    return losses


def finished(given, weights, losses):
    """What the golden file holds of a run."""
    return {**given, "losses": losses, "final": {name: record(w) for name, w in weights.items()}}


def learnable(made):
    """Leaves with gradients."""
    return {name: w.clone().requires_grad_() for name, w in made.items()}


def warm_cosine(step):
    """Up in 3 steps to 0.02, then down along half a cosine in 9."""
    return 0.02 * step / 3 if step < 3 else 0.01 * (1 + math.cos(math.pi * (step - 3) / 9))


def gpt():
    """A language model; the texts come three at a time."""
    sizes = GPT
    start = {"tokens/embeddings": rounded(sizes["tokens"], sizes["width"]) / 2,
             "places/position_embeddings": rounded(sizes["steps"], sizes["width"]) / 2,
             **block_weights("block/", sizes), **norm_weights("norm/", sizes["width"])}
    texts = torch.randint(0, sizes["tokens"], (9, sizes["steps"] + 1))
    given = {"sizes": sizes, "texts": texts.tolist(), "batchSize": 3, "steps": 12,
             "weights": {name: record(w) for name, w in start.items()}}
    runs = {}
    for name in ("sgd", "adamw"):
        w = learnable(start)

        def loss_of(step, w=w):
            rows = texts[step % 3 * 3:step % 3 * 3 + 3]
            x = w["tokens/embeddings"][rows[:, :-1]] + w["places/position_embeddings"]
            x = norm(w, "norm/", block(w, "block/", x, F.gelu, True, wave=sizes["wave"]))
            logits = x @ w["tokens/embeddings"].T
            logits = sizes["cap"] * torch.tanh(logits / sizes["cap"])
            return F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), label_smoothing=0.1)
        adam = Adam(w, 0.1, lambda name: name.endswith(("kernel", "embeddings")))
        losses = training(w, loss_of, adam if name == "adamw" else None,
                          lambda step, k=1 if name == "adamw" else 20: k * warm_cosine(step), 0.5, 12)
        runs[name] = finished({}, w, losses)
    return {**given, "runs": runs}


def bert():
    """A model of hidden words; of six sentences the gradient, which come three at a time."""
    sizes = BERT
    start = {"tokens/token_embeddings": rounded(sizes["tokens"], sizes["width"]),
             "tokens/position_embeddings": rounded(sizes["steps"], sizes["width"]),
             **block_weights("block/", sizes),
             "head/kernel": rounded(sizes["width"], sizes["tokens"]) / 2,
             "head/bias": rounded(sizes["tokens"]) / 2}
    lengths = torch.tensor([5, 2, 3, 1, 4, 2, 5, 5, 2, 3, 1, 4])
    held = torch.arange(5)[None] < lengths[:, None]
    words = torch.randint(2, sizes["tokens"], (12, 5))
    hidden = held & (torch.rand(12, 5) < 0.4)
    hidden[3] = False
    hidden[0, 0] = True
    texts = torch.where(held, torch.where(hidden, 1, words), 0)
    labels = torch.where(hidden, words, -1)
    given = {"sizes": sizes, "texts": texts.tolist(), "labels": labels.tolist(), "batchSize": 3,
             "gathered": 2, "epochs": 4, "weights": {name: record(w) for name, w in start.items()}}
    w = learnable(start)

    def loss_of(step):
        rows = slice(step % 2 * 6, step % 2 * 6 + 6)
        x = w["tokens/token_embeddings"][texts[rows]] + w["tokens/position_embeddings"]
        x = block(w, "block/", x, torch.relu, False, mask=held[rows])
        logits = x @ w["head/kernel"] + w["head/bias"]
        return F.cross_entropy(logits.flatten(0, 1), labels[rows].flatten(), ignore_index=-1)
    losses = training(w, loss_of, Adam(w), lambda step: 0.02, None, 8)
    return finished(given, w, losses)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(8)
    write("language.json", gpt=gpt(), bert=bert())
