"""What `pipelines/mnist.ts` does, in PyTorch: 784-30-30-10, batch 32, SGD 0.1, five epochs.

All 60,000 digits, shuffled each epoch, and the 10,000 test digits after each. The data set is
kept as bytes and converted batch by batch through one indexing operation, without a DataLoader,
whose workers would only add time. Prints the lines of design.md, section 5.
"""

import argparse
import json
import pathlib
import time

import numpy
import torch

functional = torch.nn.functional


def read_idx(path, header):
    """The bytes of an uncompressed IDX file."""
    return torch.from_numpy(numpy.fromfile(path, "uint8")[header:].copy())


def read_split(folder, prefix):
    """Images [count, 784] as bytes, and labels."""
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte", 16).reshape(-1, 784)
    return images, read_idx(folder / f"{prefix}-labels-idx1-ubyte", 8).long()


def emit(event, **fields):
    """Prints one JSON line at once."""
    print(json.dumps({"event": event, **fields}), flush=True)


def evaluate(network, images, labels):
    """Loss and accuracy over a whole split."""
    with torch.inference_mode():
        logits = network(images.float() / 255)
        loss = functional.cross_entropy(logits, labels).item()
        return loss, (logits.argmax(-1) == labels).float().mean().item()


def train_epoch(network, optimizer, images, labels, batch_size):
    """One epoch; yields after every step."""
    order = torch.randperm(len(images))
    for rows in order.split(batch_size):
        optimizer.zero_grad()
        logits = network(images[rows].float() / 255)
        loss = functional.cross_entropy(logits, labels[rows])
        loss.backward()
        optimizer.step()
        yield loss, logits, labels[rows]


def train(network, given, train_split, test_split):
    """All epochs, with validation after each."""
    optimizer = torch.optim.SGD(network.parameters(), lr=given.learning_rate)
    step = 0
    for epoch in range(1, given.epochs + 1):
        start, total, correct = time.perf_counter(), 0.0, 0
        for loss, logits, labels in train_epoch(network, optimizer, *train_split, 32):
            step += 1
            total += loss.detach() * len(labels)
            correct += (logits.detach().argmax(-1) == labels).sum()
            if step == 1:
                emit("step", epoch=epoch, step=step, loss=loss.item())
        count = len(train_split[0])
        val_loss, val_accuracy = evaluate(network, *test_split)
        emit("epoch", epoch=epoch, step=step, loss=total.item() / count,
             accuracy=correct.item() / count, val_loss=val_loss, val_accuracy=val_accuracy,
             seconds=time.perf_counter() - start)


def main():
    """Reads arguments and trains."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(42)
    splits = [read_split(given.data, prefix) for prefix in ("train", "t10k")]
    network = torch.nn.Sequential(
        torch.nn.Linear(784, 30), torch.nn.ReLU(), torch.nn.Linear(30, 30), torch.nn.ReLU(),
        torch.nn.Linear(30, 10))
    emit("start", device={"type": "cpu", "threads": given.threads})
    train(network, given, *splits)
    emit("end", reason="completed", epochs=given.epochs)


if __name__ == "__main__":
    main()
