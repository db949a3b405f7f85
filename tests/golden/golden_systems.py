"""Systems whose losses go beyond outputs and targets, by PyTorch in float64.

`python3 tests/golden/golden_systems.py` writes `systems.json`: a physics-informed network, MAML, a
DQN with a target network, and sharpness-aware minimisation. All have two dense layers, tanh between
them, and batches in the order of the data.
"""

import math

import torch

from golden_cases import rounded, write
from golden_values import record


def weights(inputs, units, outputs):
    """The weights of two dense layers."""
    return {"dense_1/kernel": rounded(inputs, units), "dense_1/bias": rounded(units),
            "dense_2/kernel": rounded(units, outputs), "dense_2/bias": rounded(outputs)}


def apply(w, x):
    """Two dense layers, tanh between them."""
    hidden = torch.tanh(x @ w["dense_1/kernel"] + w["dense_1/bias"])
    return hidden @ w["dense_2/kernel"] + w["dense_2/bias"]


def grown(w):
    """Weights with gradients."""
    return {name: value.clone().requires_grad_() for name, value in w.items()}


def records(w):
    return {name: record(value) for name, value in w.items()}


def slopes(y, x):
    """The slopes of each row of y by those of x, to be differentiated again."""
    return torch.autograd.grad(y.sum(), x, create_graph=True)[0]


def burgers():
    """u_t + u·u_x = ν·u_xx within, u = −sin(πx) at t = 0: Raissi and others, 2019."""
    torch.manual_seed(1)
    start = weights(2, 8, 1)
    inside, edge = rounded(12, 2), rounded(12, 2)
    edge[:, 1] = 0
    w = grown(start)
    optimizer = torch.optim.Adam(w.values(), lr=0.01, eps=1e-12)
    losses = []
    for _ in range(5):
        for at in range(0, 12, 4):
            x = inside[at:at + 4].clone().requires_grad_()
            u = apply(w, x)
            first = slopes(u, x)
            second = slopes(first[:, :1], x)[:, :1]
            residual = first[:, 1:] + u * first[:, :1] - 0.01 / math.pi * second
            known = edge[at:at + 4]
            wrong = apply(w, known) + torch.sin(math.pi * known[:, :1])
            loss = (residual ** 2).mean() + (wrong ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return {"start": records(start), "inside": record(inside), "edge": record(edge),
            "losses": losses, "final": records(w)}


def maml():
    """Each sample is a task of three points to learn from and three to be judged by: Finn, 2017."""
    torch.manual_seed(2)
    start = weights(1, 6, 1)
    support, query = rounded(12, 3), rounded(12, 3)
    targets, judged = rounded(12, 3), rounded(12, 3)
    w = grown(start)
    optimizer = torch.optim.SGD(w.values(), lr=0.1, momentum=0.9)
    losses = []
    for step in range(6):
        at = step % 3 * 4
        total = 0
        for task in range(at, at + 4):
            inner = (apply(w, support[task, :, None]) - targets[task, :, None]) ** 2
            found = torch.autograd.grad(inner.mean(), list(w.values()), create_graph=True)
            fast = {name: w[name] - 0.05 * g for name, g in zip(w, found)}
            total = total + ((apply(fast, query[task, :, None]) - judged[task, :, None]) ** 2).mean()
        loss = total / 4
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"start": records(start), "support": record(support), "query": record(query),
            "targets": record(targets), "judged": record(judged), "losses": losses,
            "final": records(w)}


def dqn():
    """A target network that follows by a tenth, or is copied at every third step: Mnih, 2015."""
    torch.manual_seed(3)
    start, aim = weights(4, 6, 2), weights(4, 6, 2)
    states, following, rewards = rounded(12, 4), rounded(12, 4), rounded(12)
    actions = [0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0]
    done = [0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    result = {}
    for name in ["follows", "copied"]:
        w, target = grown(start), {key: value.clone() for key, value in aim.items()}
        optimizer = torch.optim.RMSprop(w.values(), lr=0.01, alpha=0.9, eps=1e-12)
        losses = []
        for step in range(1, 10):
            rows = slice((step - 1) % 3 * 4, (step - 1) % 3 * 4 + 4)
            q = apply(w, states[rows])[range(4), actions[rows]]
            with torch.no_grad():
                best = apply(target, following[rows]).max(1).values
                goal = rewards[rows] + 0.9 * (1 - torch.tensor(done[rows])) * best
            loss = torch.nn.functional.huber_loss(q, goal, delta=0.5)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            share = 0.1 if name == "follows" else float(step % 3 == 0)
            with torch.no_grad():
                for key, value in target.items():
                    value.lerp_(w[key], share)
        result[name] = {"losses": losses, "final": records(w), "target": records(target)}
    return {"start": records(start), "aim": records(aim), "states": record(states),
            "next": record(following), "rewards": record(rewards), "actions": actions,
            "done": done, **result}


def sharpness():
    """The gradient at w + ρ·g/‖g‖: Foret and others, 2021."""
    torch.manual_seed(4)
    start = weights(3, 5, 2)
    x, y = rounded(12, 3), rounded(12, 2)
    w = grown(start)
    optimizer = torch.optim.SGD(w.values(), lr=0.2, momentum=0.9)
    losses = []
    for step in range(6):
        rows = slice(step % 3 * 4, step % 3 * 4 + 4)
        loss = ((apply(w, x[rows]) - y[rows]) ** 2).mean()
        found = torch.autograd.grad(loss, list(w.values()))
        length = torch.sqrt(sum((g ** 2).sum() for g in found))
        moved = {name: (w[name] + 0.1 * g / length).detach().requires_grad_()
                 for name, g in zip(w, found)}
        ((apply(moved, x[rows]) - y[rows]) ** 2).mean().backward()
        for name in w:
            w[name].grad = moved[name].grad
        optimizer.step()
        losses.append(loss.item())
    return {"start": records(start), "x": record(x), "y": record(y), "losses": losses,
            "final": records(w)}


if __name__ == "__main__":
    write("systems.json", burgers=burgers(), maml=maml(), dqn=dqn(), sharpness=sharpness())
