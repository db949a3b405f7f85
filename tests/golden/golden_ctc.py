"""Connectionist temporal classification by PyTorch: losses and their gradients by the logits."""

import numpy
import torch

from golden_values import record, uniform

# Batch, steps, classes, label lengths, lengths of the logits, blank, size of the logits.
CASES = {
    "plain": (3, 7, 5, [3, 1, 2], [7, 7, 7], 0, 2),
    "lengths": (4, 9, 4, [4, 2, 0, 1], [9, 6, 5, 1], 0, 2),
    "repeated": (3, 8, 3, [3, 4, 2], [8, 8, 4], 0, 2),
    "blank_last": (2, 6, 4, [2, 3], [6, 5], 3, 2),
    "long": (2, 150, 6, [40, 12], [150, 131], 0, 6),
}


def ctc_case(seed, batch, steps, classes, label_lengths, lengths, blank, size):
    """One case; labels are padded with the blank, and repeated ones stand side by side."""
    generator = numpy.random.RandomState(seed)
    logits = uniform(generator, [batch, steps, classes], size)
    others = [index for index in range(classes) if index != blank]
    labels = numpy.full([batch, max(label_lengths)], blank)
    for row, length in enumerate(label_lengths):
        labels[row, :length] = generator.choice(others, length)
        if length > 1:
            labels[row, 1] = labels[row, 0]
    x = torch.tensor(logits, requires_grad=True)
    losses = torch.nn.functional.ctc_loss(
        torch.log_softmax(x, -1).transpose(0, 1), torch.tensor(labels), torch.tensor(lengths),
        torch.tensor(label_lengths), blank=blank, reduction="none")
    upstream = uniform(generator, [batch], 2)
    (slope,) = torch.autograd.grad((losses * torch.tensor(upstream)).sum(), [x])
    return {
        "logits": record(logits), "labels": record(labels.astype(float)), "lengths": lengths,
        "maskIndex": blank, "upstream": record(upstream), "losses": record(losses),
        "gradient": record(slope),
    }


def ctc():
    """All cases."""
    return {"cases": {name: ctc_case(1200 + place, *case)
                      for place, (name, case) in enumerate(CASES.items())}}
