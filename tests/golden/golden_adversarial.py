"""An adversarial pair by PyTorch, in float64; `python3 tests/golden/golden_adversarial.py` writes it.

In each step the discriminator learns to tell made points from real ones, and then the generator
learns to deceive the discriminator as it has become; each has an Adam of its own.
"""

import torch

from golden_cases import rounded, write
from golden_values import record

F = torch.nn.functional
BATCH, EPOCHS = 4, 3


def weights(inputs, units, outputs):
    """The weights of two dense layers."""
    return {"dense_1/kernel": rounded(inputs, units), "dense_1/bias": rounded(units),
            "dense_2/kernel": rounded(units, outputs), "dense_2/bias": rounded(outputs)}


def apply(w, x):
    """Two dense layers, tanh between them."""
    hidden = torch.tanh(x @ w["dense_1/kernel"] + w["dense_1/bias"])
    return hidden @ w["dense_2/kernel"] + w["dense_2/bias"]


def cost(logits, target):
    """Binary cross-entropy with logits, where all have one target."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def descend(loss, optimizer):
    """One step of the optimizer's own weights."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def run():
    """The losses of every step, and the weights after the last one."""
    torch.manual_seed(1)
    makes, judges = weights(3, 6, 2), weights(2, 5, 1)
    noise, real = rounded(12, 3), rounded(12, 2)
    given = {"generator": {name: record(w) for name, w in makes.items()},
             "discriminator": {name: record(w) for name, w in judges.items()},
             "noise": record(noise), "real": record(real), "batchSize": BATCH, "epochs": EPOCHS}
    for w in [*makes.values(), *judges.values()]:
        w.requires_grad_()
    judge = torch.optim.Adam(judges.values(), lr=0.03, eps=1e-12)
    maker = torch.optim.Adam(makes.values(), lr=0.05, eps=1e-12)
    losses = []
    for _ in range(EPOCHS):
        for start in range(0, len(noise), BATCH):
            z, x = noise[start:start + BATCH], real[start:start + BATCH]
            fake = apply(makes, z).detach()
            told = descend(cost(apply(judges, fake), 0) + cost(apply(judges, x), 1), judge)
            fooled = descend(cost(apply(judges, apply(makes, z)), 1), maker)
            losses.append([told, fooled])
    final = {"generator": {name: record(w) for name, w in makes.items()},
             "discriminator": {name: record(w) for name, w in judges.items()}}
    return {"given": given, "losses": losses, "final": final}


if __name__ == "__main__":
    write("adversarial.json", **run())
