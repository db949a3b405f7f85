"""PyTorch on the CPU or on CUDA (`--device cuda`): the same measuring loop as tests/bench/peer.ts, line for line."""

import argparse
import json
import pathlib
import statistics
import time

import numpy
import torch

MINIMUM_SECONDS, MAXIMUM_SECONDS, SAMPLES = 0.5, 30, 10_000
functional = torch.nn.functional
DEVICE = "cpu"


def take_weights(values, layer, image):
    """A layer with the first of the values, and those after them; `image` is what it is given."""
    if layer["kind"] == "dense":
        module, outputs = torch.nn.Linear(layer["inputs"], layer["units"]), layer["units"]
    else:
        module = torch.nn.Conv2d(layer["channels"], layer["filters"], layer["size"])
        outputs = layer["filters"]
    size = module.weight.numel()
    kernel, bias, rest = values[:size], values[size:size + outputs], values[size + outputs:]
    # Kernels are stored with outputs last and, as images, with channels last.
    if layer["kind"] == "dense":
        height, width, channels = image
        kernel = kernel.reshape(height, width, channels, outputs).permute(3, 2, 0, 1)
    else:
        kernel = kernel.reshape(layer["size"], layer["size"], -1, outputs).permute(3, 2, 0, 1)
    module.weight.data.copy_(kernel.reshape(module.weight.shape))
    module.bias.data.copy_(bias)
    return module, rest


def read_network(folder, workload):
    """The layers, from the weights that every peer starts with."""
    values = torch.from_numpy(numpy.fromfile(folder / f"{workload['name']}.f32", "float32"))
    modules, height, width, channels = [], *(1, 1, *workload["sample"])[-3:]
    for layer in workload["layers"]:
        if layer["kind"] == "maxPooling":
            modules.append(torch.nn.MaxPool2d(layer["size"]))
            height, width = height // layer["size"], width // layer["size"]
            continue
        if layer["kind"] == "dropout":
            modules.append(torch.nn.Dropout(layer["rate"]))
            continue
        if layer["kind"] == "dense":
            modules.append(torch.nn.Flatten())
        module, values = take_weights(values, layer, (height, width, channels))
        modules += [module, torch.nn.ReLU()]
        if layer["kind"] == "dense":
            height, width, channels = 1, 1, layer["units"]
        else:
            height, width = height - layer["size"] + 1, width - layer["size"] + 1
            channels = layer["filters"]
    return torch.nn.Sequential(*modules[:-1]).to(DEVICE)  # no relu after the last


def as_samples(pixels, workload):
    """Rows of pixels in the shape of a sample, with channels first."""
    *sizes, channels = workload["sample"]
    return pixels.reshape(-1, channels, *sizes) if sizes else pixels


def read_digits(folder):
    """Pixels in 0..1 as [10000, 784] and classes."""
    images = numpy.fromfile(folder / "images.u8", "uint8").reshape(SAMPLES, 784)
    labels = numpy.fromfile(folder / "labels.u8", "uint8")
    pixels, classes = torch.from_numpy(images).float() / 255, torch.from_numpy(labels).long()
    return pixels.to(DEVICE), classes.to(DEVICE)


def training(workload, folder):
    """Step and settle for training; batches are views, cut before the clock starts."""
    pixels, labels = read_digits(folder)
    pixels = as_samples(pixels, workload)
    size = workload["batchSize"]
    count = SAMPLES // size
    batches = [(pixels[i * size:(i + 1) * size], labels[i * size:(i + 1) * size])
               for i in range(count)]
    network, rate = read_network(folder, workload), workload["learningRate"]
    if workload["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    else:
        optimizer = torch.optim.Adam(network.parameters(), lr=rate, eps=1e-7)
    last = [None]

    def step(index):
        x, y = batches[index % count]
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        last[0] = loss

    return step, lambda: last[0].item()


def inference(workload, folder):
    """Step and settle for prediction; every step reads its result."""
    pixels, _ = read_digits(folder)
    batch, network = as_samples(pixels, workload)[:workload["batchSize"]], read_network(folder, workload)
    network.eval()
    last = [0.0]

    def step(_):
        with torch.inference_mode():
            last[0] = network(batch).cpu().numpy()[0, 0].item()

    return step, lambda: last[0]


def operand(rows, columns, factor, transposed):
    """The given numbers; a transposed operand is stored the other way and seen as a view."""
    values = (torch.arange(rows * columns, device=DEVICE) * factor % 1000) / 1000 - 0.5
    return values.reshape(columns, rows).T if transposed else values.reshape(rows, columns)


def matmul(workload, _):
    """Step and settle for a matrix product."""
    rows, inner, columns = workload["rows"], workload["inner"], workload["columns"]
    left = operand(rows, inner, 7919, workload["transposeLeft"])
    right = operand(inner, columns, 6007, workload["transposeRight"])
    last = [None]

    def step(_):
        last[0] = left @ right

    return step, lambda: last[0][-1, -1].item()


def run_steps(prepared, first, count):
    """Runs steps and returns the value read after the last."""
    step, settle = prepared
    for index in range(first, first + count):
        step(index)
    return settle()


def late_loss(workload, losses, first_loss):
    """Mean of the losses read in the second half of the learning steps, or the last one."""
    if workload["kind"] != "training":
        return first_loss
    limit = workload["learningSteps"]
    within = [(step, loss) for step, loss in losses if step <= limit]
    second = [loss for step, loss in within if step > limit / 2]
    return statistics.fmean(second or [within[-1][1]])


def half_rows(workload):
    """The same workload on half the rows: another signature."""
    key = "rows" if workload["kind"] == "matmul" else "batchSize"
    return {**workload, key: max(2, workload[key] // 2)}


def measure(workload, prepare, given):
    """Runs the workload and returns the line to print."""
    prepared = prepare(workload, given.data)
    before = time.perf_counter()
    first_loss = run_steps(prepared, 0, 1)
    first_step, cold_start = time.perf_counter() - before, time.time() * 1000 - given.started
    run_steps(prepared, 1, workload["warmUp"] - 1)
    learning_steps = workload.get("learningSteps", 0)
    times, losses, steps, seconds = [], [], workload["warmUp"], 0.0
    while seconds < MAXIMUM_SECONDS and (
        seconds < MINIMUM_SECONDS or len(times) < workload["windows"] or steps < learning_steps
    ):
        start = time.perf_counter()
        loss = run_steps(prepared, steps, workload["window"])
        elapsed = time.perf_counter() - start
        steps, seconds = steps + workload["window"], seconds + elapsed
        times.append(elapsed * 1e6 / workload["window"])
        losses.append((steps, loss))
    halved = prepare(half_rows(workload), given.data)
    asked = time.perf_counter()
    run_steps(halved, 0, 1)
    new_signature = time.perf_counter() - asked
    middle = statistics.median(times)
    return {
        "peer": "pytorch", "version": torch.__version__, "network": workload["name"],
        "threads": given.threads, "medianMicrosecondsPerStep": middle,
        "fastestMicrosecondsPerStep": min(times), "slowestMicrosecondsPerStep": max(times),
        "stepsPerSecond": 1e6 / middle, "steps": steps, "coldStartMilliseconds": cold_start,
        "firstStepMilliseconds": first_step * 1000,
        "newSignatureMilliseconds": new_signature * 1000, "firstLoss": first_loss,
        "lastLoss": late_loss(workload, losses, first_loss),
    }


def main():
    """Reads the arguments, measures, prints one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", type=json.loads, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--started", type=float, default=time.time() * 1000)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    given = parser.parse_args()
    global DEVICE
    DEVICE = given.device
    torch.backends.cudnn.allow_tf32 = False  # everybody computes in float32
    torch.set_num_threads(given.threads)  # OpenBLAS's own are set by the caller's environment
    torch.manual_seed(0)
    prepare = {"training": training, "inference": inference, "matmul": matmul}
    print(json.dumps(measure(given.workload, prepare[given.workload["kind"]], given)))


if __name__ == "__main__":
    main()
