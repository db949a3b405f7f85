"""Keras's schedules at steps 0 to 120."""

import keras

from keras_optimizers import camel

SCHEDULES = keras.optimizers.schedules
RATE = {"initial_learning_rate": 0.1}

# Name: Keras's class, its options; Millrace's are their camel case.
CASES = {
    "exponentialDecay": (SCHEDULES.ExponentialDecay,
                         {**RATE, "decay_steps": 20, "decay_rate": 0.9}),
    "cosineDecay_warm": (SCHEDULES.CosineDecay,
                         {**RATE, "decay_steps": 60, "alpha": 0.1, "warmup_target": 0.5,
                          "warmup_steps": 25}),
    "polynomialDecay": (SCHEDULES.PolynomialDecay, {**RATE, "decay_steps": 50}),
    "polynomialDecay_cycle": (SCHEDULES.PolynomialDecay,
                              {**RATE, "decay_steps": 30, "end_learning_rate": 0.01, "power": 1.5,
                               "cycle": True}),
    "inverseTimeDecay": (SCHEDULES.InverseTimeDecay,
                         {**RATE, "decay_steps": 20, "decay_rate": 0.5}),
    "inverseTimeDecay_staircase": (SCHEDULES.InverseTimeDecay,
                                   {**RATE, "decay_steps": 20, "decay_rate": 0.5,
                                    "staircase": True}),
    "cosineDecayRestarts": (SCHEDULES.CosineDecayRestarts, {**RATE, "first_decay_steps": 10}),
    "cosineDecayRestarts_even": (SCHEDULES.CosineDecayRestarts,
                                 {**RATE, "first_decay_steps": 30, "t_mul": 1.0, "m_mul": 0.5,
                                  "alpha": 0.1}),
    "cosineDecayRestarts_longer": (SCHEDULES.CosineDecayRestarts,
                                   {**RATE, "first_decay_steps": 16, "t_mul": 1.5, "m_mul": 0.8,
                                    "alpha": 0.05}),
}


def schedules():
    """The rates of every case."""
    return {"cases": {
        name: {"options": {camel(key): value for key, value in options.items()},
               "values": [float(factory(**options)(step)) for step in range(121)]}
        for name, (factory, options) in CASES.items()
    }}
