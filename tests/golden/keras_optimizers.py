"""Twelve steps of Keras's optimizers on three weights under given gradients."""

import keras
import numpy

from keras_values import record, uniform

OPTIMIZERS = keras.optimizers
SHAPES = {"wide": (3, 4), "tall": (5, 3), "bias": (4,)}
STEPS = 12

# Name: Keras's class, its options; Millrace's are their camel case.
CASES = {
    "rmsprop": (OPTIMIZERS.RMSprop, {"learning_rate": 0.01}),
    "rmsprop_centered": (OPTIMIZERS.RMSprop, {"learning_rate": 0.01, "centered": True}),
    "rmsprop_all": (OPTIMIZERS.RMSprop, {"learning_rate": 0.01, "centered": True,
                                         "momentum": 0.8, "rho": 0.95, "weight_decay": 0.1}),
    "adam": (OPTIMIZERS.Adam, {}),
    "adam_amsgrad": (OPTIMIZERS.Adam, {"learning_rate": 0.02, "amsgrad": True, "beta_2": 0.9}),
    "adamw": (OPTIMIZERS.AdamW, {"learning_rate": 0.02}),
    "adamax": (OPTIMIZERS.Adamax, {}),
    "adamax_decay": (OPTIMIZERS.Adamax, {"learning_rate": 0.02, "beta_2": 0.8,
                                         "weight_decay": 0.1}),
    "nadam": (OPTIMIZERS.Nadam, {}),
    "nadam_decay": (OPTIMIZERS.Nadam, {"learning_rate": 0.02, "beta_1": 0.8,
                                       "weight_decay": 0.1}),
    "adagrad": (OPTIMIZERS.Adagrad, {}),
    "adagrad_decay": (OPTIMIZERS.Adagrad, {"learning_rate": 0.05, "weight_decay": 0.1,
                                           "initial_accumulator_value": 0.01}),
    "adadelta": (OPTIMIZERS.Adadelta, {}),
    "adadelta_one": (OPTIMIZERS.Adadelta, {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-4,
                                           "weight_decay": 0.01}),
    "adafactor": (OPTIMIZERS.Adafactor, {}),
    "adafactor_fast": (OPTIMIZERS.Adafactor, {"learning_rate": 0.5, "clip_threshold": 0.5,
                                              "beta_2_decay": -0.5, "weight_decay": 0.02}),
    "ftrl": (OPTIMIZERS.Ftrl, {}),
    "ftrl_all": (OPTIMIZERS.Ftrl, {"learning_rate": 0.1, "learning_rate_power": -0.7,
                                   "initial_accumulator_value": 0.2, "beta": 0.3,
                                   "l1_regularization_strength": 0.05,
                                   "l2_regularization_strength": 0.1,
                                   "l2_shrinkage_regularization_strength": 0.02}),
    "lion": (OPTIMIZERS.Lion, {}),
    "lion_decay": (OPTIMIZERS.Lion, {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95,
                                     "weight_decay": 0.1}),
    "lamb": (OPTIMIZERS.Lamb, {}),
    "lamb_decay": (OPTIMIZERS.Lamb, {"learning_rate": 0.05, "weight_decay": 0.1}),
    "muon": (OPTIMIZERS.Muon, {"learning_rate": 0.02}),
    "muon_all": (OPTIMIZERS.Muon, {"learning_rate": 0.02, "nesterov": False, "momentum": 0.8,
                                   "ns_steps": 4, "rms_rate": None, "adam_lr_ratio": 0.5,
                                   "weight_decay": 0.1, "adam_weight_decay": 0.3,
                                   "exclude_layers": ["tall"]}),
    "scheduleFreeAdamW": (OPTIMIZERS.ScheduleFreeAdamW, {}),
    "scheduleFreeAdamW_warm": (OPTIMIZERS.ScheduleFreeAdamW,
                               {"learning_rate": 0.05, "warmup_steps": 5, "beta_1": 0.8}),
    "scheduleFreeAdamW_decay": (OPTIMIZERS.ScheduleFreeAdamW,
                                {"learning_rate": 0.05, "weight_decay": 0.1}),
}


def camel(name):
    """`beta_1` as `beta1`, `learning_rate` as `learningRate`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def optimizers():
    """The weights after each step, side by side: wide, tall, bias."""
    generator = numpy.random.default_rng(2001)
    initial = {name: uniform(generator, shape, -1, 1) for name, shape in SHAPES.items()}
    gradients = [{name: uniform(generator, shape, -1, 1) for name, shape in SHAPES.items()}
                 for _ in range(STEPS)]
    # Awkward elements: a gradient that is always zero, and tiny ones, where epsilon decides.
    for gradient in gradients:
        gradient["wide"][0, 0] = gradient["bias"][0] = 0
        gradient["wide"][0, 1] *= 2.0**-20
    cases = {}
    for name, (factory, options) in CASES.items():
        variables = [keras.Variable(value, name=key) for key, value in initial.items()]
        optimizer, weights, iterates = factory(**options), [], []
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(value) for value in gradient.values()],
                            variables)
            weights.append(flat(variables))
            if name.startswith("scheduleFree"):
                iterates.append(flat(optimizer._momentums))
        cases[name] = {"options": {camel(key): value for key, value in options.items()},
                       "weights": weights}
        if iterates and not options.get("weight_decay"):
            # By the paper, what is evaluated is the plain average of all iterates.
            cases[name]["evaluation"] = numpy.mean(iterates, axis=0).tolist()
    return {"initial": {name: record(value) for name, value in initial.items()},
            "gradients": [flat(gradient.values()) for gradient in gradients], "cases": cases}


def flat(tensors):
    """The elements of tensors, one after the other."""
    return [float(x) for value in tensors for x in numpy.asarray(value).reshape(-1)]
