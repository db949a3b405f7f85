"""Learning-rate schedules by Keras's formulas (and PyTorch's StepLR), in NumPy float64."""

import warnings

import numpy
import torch


def exponential(step, options):
    """Keras's ExponentialDecay: rate * decayRate ^ (step / decaySteps), floored if staircase."""
    power = step / options["decaySteps"]
    power = numpy.floor(power) if options.get("staircase") else power
    return options["initialLearningRate"] * options["decayRate"] ** power


def piecewise(step, options):
    """Keras's PiecewiseConstantDecay: values[i] while step <= boundaries[i]."""
    for boundary, value in zip(options["boundaries"], options["values"]):
        if step <= boundary:
            return value
    return options["values"][-1]


def step_decay(step, options):
    """PyTorch's StepLR: rate * gamma ^ floor(step / stepSize)."""
    return options["initialLearningRate"] * options["gamma"] ** (step // options["stepSize"])


def cosine(step, options):
    """Keras's CosineDecay with an optional linear warm-up towards warmupTarget."""
    start, target = options["initialLearningRate"], options.get("warmupTarget")
    warm = options.get("warmupSteps", 0) if target is not None else 0
    if target is not None and step < warm:
        return start + (target - start) * step / warm
    peak = start if target is None else target
    completed = min(max(step - warm, 0), options["decaySteps"]) / options["decaySteps"]
    alpha = options.get("alpha", 0)
    return peak * ((1 - alpha) * 0.5 * (1 + numpy.cos(numpy.pi * completed)) + alpha)


def one_cycle(options):
    """PyTorch's OneCycleLR, step by step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options["maxLearningRate"], total_steps=options["totalSteps"],
        pct_start=options["pctStart"], div_factor=options["divFactor"],
        final_div_factor=options["finalDivFactor"], cycle_momentum=False)
    values = []
    for _ in range(options["totalSteps"]):
        values.append(float(schedule.get_last_lr()[0]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no optimizer step is taken
            if len(values) < options["totalSteps"]:
                schedule.step()
    return values


ONE_CYCLE = {"maxLearningRate": 0.5, "totalSteps": 121, "pctStart": 0.25, "divFactor": 10,
             "finalDivFactor": 100}


CASES = [
    ("exponential", exponential, "Keras ExponentialDecay",
     {"initialLearningRate": 0.1, "decaySteps": 20, "decayRate": 0.9}),
    ("exponential_staircase", exponential, "Keras ExponentialDecay",
     {"initialLearningRate": 0.1, "decaySteps": 20, "decayRate": 0.9, "staircase": True}),
    ("piecewise", piecewise, "Keras PiecewiseConstantDecay",
     {"boundaries": [10, 50], "values": [0.1, 0.03, 0.001]}),
    ("step", step_decay, "PyTorch StepLR",
     {"initialLearningRate": 0.1, "stepSize": 25, "gamma": 0.5}),
    ("cosine", cosine, "Keras CosineDecay", {"initialLearningRate": 0.1, "decaySteps": 80}),
    ("cosine_alpha", cosine, "Keras CosineDecay",
     {"initialLearningRate": 0.1, "decaySteps": 80, "alpha": 0.1}),
    ("cosine_warmup", cosine, "Keras CosineDecay",
     {"initialLearningRate": 0.001, "decaySteps": 80, "alpha": 0.05, "warmupTarget": 0.1,
      "warmupSteps": 20}),
]


def schedules():
    """Every schedule at steps 0 to 120."""
    cases = {
        name: {"source": f"{source}'s formula, NumPy float64", "options": options,
               "values": [float(formula(step, options)) for step in range(121)]}
        for name, formula, source, options in CASES
    }
    cases["one_cycle"] = {"source": "PyTorch OneCycleLR, float64", "options": ONE_CYCLE,
                          "values": one_cycle(ONE_CYCLE)}
    return {"steps": list(range(121)), "cases": cases}
