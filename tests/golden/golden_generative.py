"""Three systems of several networks by PyTorch, in float64; `python3 tests/golden/golden_generative.py`
writes them.

A critic with a gradient penalty (WGAN-GP) and its generator, which learns at every second step; an
encoder that tells what a slow copy of it says (BYOL), with batch normalisation; and an autoencoder of
few codes (VQ-VAE), through which the slope goes straight, and whose codes are moving averages.
"""

import torch

from golden_cases import rounded, write
from golden_values import record

F = torch.nn.functional
BATCH, EPOCHS = 4, 3


def dense(*sizes):
    """The weights of dense layers, one behind the other."""
    return {f"dense_{n}/{role}": rounded(*shape) / 2
            for n, (inputs, units) in enumerate(zip(sizes, sizes[1:]), 1)
            for role, shape in (("kernel", (inputs, units)), ("bias", (units,)))}


def layer(w, name, x):
    """A dense layer."""
    return x @ w[f"{name}/kernel"] + w[f"{name}/bias"]


def two(w, x):
    """Two dense layers, tanh between them."""
    return layer(w, "dense_2", torch.tanh(layer(w, "dense_1", x)))


def records(w):
    """Weights as JSON."""
    return {name: record(value) for name, value in w.items()}


def adam(w, rate):
    """Adam over all weights that are trained; epsilon counts for nothing."""
    trained = [value for name, value in w.items() if "moving" not in name]
    for value in trained:
        value.requires_grad_()
    return torch.optim.Adam(trained, lr=rate, eps=1e-12)


def descend(loss, optimizer):
    """One step of the optimizer's own weights."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def batches(*data):
    """Batches of all, in order, epoch after epoch."""
    for _ in range(EPOCHS):
        for start in range(0, len(data[0]), BATCH):
            yield [part[start:start + BATCH] for part in data]


def wgan():
    """A critic with a gradient penalty, and at every second step its generator."""
    made, critic = dense(3, 6, 2), dense(2, 6, 1)
    noise, real, share = rounded(12, 3), rounded(12, 2), torch.rand(12, 1).double()
    share = torch.round(share * 4096) / 4096
    given = {"generator": records(made), "critic": records(critic), "noise": record(noise),
             "real": record(real), "share": record(share)}
    maker, judge = adam(made, 0.02), adam(critic, 0.03)
    losses = []
    for step, (z, x, a) in enumerate(batches(noise, real, share), 1):
        fake = two(made, z).detach()
        mixed = (a * x + (1 - a) * fake).requires_grad_()
        slope, = torch.autograd.grad(two(critic, mixed).sum(), mixed, create_graph=True)
        penalty = ((slope.norm(dim=-1) - 1) ** 2).mean()
        gap = two(critic, fake).mean() - two(critic, x).mean()
        logs = {"critic": descend(gap + 10 * penalty, judge), "gap_critic": gap.item(),
                "penalty_critic": penalty.item()}
        if step % 2 == 0:
            logs["generator"] = descend(-two(critic, two(made, z)).mean(), maker)
        losses.append(logs)
    return {"given": given, "losses": losses,
            "final": {"generator": records(made), "critic": records(critic)}}


def normalized(w, name, x):
    """Batch normalisation in training, momentum 0.9, epsilon 0.001."""
    mean, variance = x.mean(0), x.var(0, unbiased=False)
    for role, value in (("moving_mean", mean), ("moving_variance", variance)):
        old = w[f"{name}/{role}"]
        w[f"{name}/{role}"] = 0.9 * old + 0.1 * value.detach()
    x = (x - mean) / torch.sqrt(variance + 0.001)
    return x * w[f"{name}/gamma"] + w[f"{name}/beta"]


def byol():
    """An encoder and a predictor of what a slow copy of the encoder says of another view."""
    norm = "batch_normalization_1"
    online = {**dense(4, 6, 3), f"{norm}/gamma": 1 + rounded(6) / 4, f"{norm}/beta": rounded(6) / 4,
              f"{norm}/moving_mean": torch.zeros(6).double(),
              f"{norm}/moving_variance": torch.ones(6).double()}
    # What comes before a batch normalisation needs no bias: its slope is 0 but for rounding.
    online["dense_1/bias"].zero_()
    predictor = dense(3, 5, 3)
    one, other = rounded(12, 4), rounded(12, 4)
    given = {"online": records(online), "predictor": records(predictor), "one": record(one),
             "other": record(other), "momentum": 0.8}
    target = {name: value.clone() for name, value in online.items()}
    optimizer = adam({**{f"o/{n}": w for n, w in online.items() if n != "dense_1/bias"},
                      **{f"p/{n}": w for n, w in predictor.items()}}, 0.02)

    def encode(x):
        hidden = torch.tanh(normalized(online, norm, layer(online, "dense_1", x)))
        return two(predictor, layer(online, "dense_2", hidden))

    def follow(x):
        hidden = layer(target, "dense_1", x) - target[f"{norm}/moving_mean"]
        hidden = hidden / torch.sqrt(target[f"{norm}/moving_variance"] + 0.001)
        hidden = torch.tanh(hidden * target[f"{norm}/gamma"] + target[f"{norm}/beta"])
        return layer(target, "dense_2", hidden)

    losses = []
    for a, b in batches(one, other):
        with torch.no_grad():
            said = [follow(b), follow(a)]
        far = [2 - 2 * F.cosine_similarity(encode(x), y, dim=-1) for x, y in zip((a, b), said)]
        losses.append({"loss": descend((far[0] + far[1]).mean(), optimizer)})
        with torch.no_grad():
            for name, value in online.items():
                old = target[name]
                target[name] = value.clone() if "moving" in name else 0.8 * old + 0.2 * value
    return {"given": given, "losses": losses,
            "final": {"online": records(online), "predictor": records(predictor),
                      "target": records(target)}}


def vqvae():
    """An autoencoder whose middle is two of five codes, which are averages of what comes near."""
    encoder, decoder, codes = dense(6, 7, 6), dense(6, 7, 6), rounded(5, 3)
    x = rounded(12, 6)
    given = {"encoder": records(encoder), "decoder": records(decoder), "codes": record(codes),
             "x": record(x)}
    count, total = torch.ones(5).double(), codes.clone()
    optimizer = adam({**{f"e/{n}": w for n, w in encoder.items()},
                      **{f"d/{n}": w for n, w in decoder.items()}}, 0.02)
    losses = []
    for (rows,) in batches(x):
        z = two(encoder, rows).reshape(-1, 3)
        nearest = F.one_hot(torch.cdist(z, codes).argmin(1), 5).double()
        coded = nearest @ codes
        commitment = ((z - coded.detach()) ** 2).mean()
        straight = (z + (coded - z).detach()).reshape(-1, 6)
        error = ((two(decoder, straight) - rows) ** 2).mean()
        losses.append({"loss": descend(error + 0.25 * commitment, optimizer),
                       "error_loss": error.item(), "commitment_loss": commitment.item()})
        with torch.no_grad():
            count = 0.9 * count + 0.1 * nearest.sum(0)
            total = 0.9 * total + 0.1 * nearest.T @ z
            codes = total / count[:, None]
    return {"given": given, "losses": losses,
            "final": {"encoder": records(encoder), "decoder": records(decoder),
                      "codes": record(codes)}}


if __name__ == "__main__":
    torch.manual_seed(2)
    write("generative.json", batchSize=BATCH, epochs=EPOCHS, wgan=wgan(), byol=byol(), vqvae=vqvae())
