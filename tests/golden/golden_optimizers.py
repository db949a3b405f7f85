"""Ten steps of every optimizer under given gradients; and PyTorch's classes for trajectories.

Where Keras and PyTorch differ, both forms are written: PyTorch's by PyTorch's own class, Keras's
by its formula in NumPy.
"""

import numpy
import torch

from golden_values import record, uniform

RATE, RHO, BETA_1, BETA_2, EPSILON = 0.01, 0.9, 0.9, 0.999, 1e-7
ADAM = {"betas": (BETA_1, BETA_2), "eps": EPSILON}


def keras_sgd_decay(parameter, gradient, state, step, rate):
    """Keras: decoupled weight decay, then the plain step."""
    parameter = parameter - rate * 0.1 * parameter
    return parameter - rate * gradient


def keras_rmsprop(parameter, gradient, state, step, rate):
    """Keras: epsilon stands under the root."""
    state["v"] = RHO * state.get("v", 0) + (1 - RHO) * gradient**2
    return parameter - rate * gradient / numpy.sqrt(state["v"] + EPSILON)


def keras_adam(parameter, gradient, state, step, rate):
    """Keras: the bias corrections stand in alpha, epsilon is not corrected."""
    state["m"] = BETA_1 * state.get("m", 0) + (1 - BETA_1) * gradient
    state["v"] = BETA_2 * state.get("v", 0) + (1 - BETA_2) * gradient**2
    alpha = rate * numpy.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
    return parameter - alpha * state["m"] / (numpy.sqrt(state["v"]) + EPSILON)


def keras_adamw(decay):
    """Keras: decoupled weight decay, then Adam."""
    def rule(parameter, gradient, state, step, rate):
        return keras_adam(parameter - rate * decay * parameter, gradient, state, step, rate)
    return rule


def torch_case(name, options, make, source):
    """An optimizer computed by a class of PyTorch."""
    return {"name": name, "options": options, "make": make, "source": f"PyTorch {source}"}


def keras_case(name, options, rule, source):
    """An optimizer computed by Keras's formula in NumPy."""
    source = f"Keras's formula, NumPy: {source}"
    return {"name": name, "options": options, "rule": rule, "source": source}


def base(**more):
    """Options as Millrace names them."""
    return {"learningRate": RATE, **more}


def sgd(rate, **more):
    """Makes torch.optim.SGD."""
    return lambda parameters: torch.optim.SGD(parameters, lr=rate, **more)


CASES = [
    torch_case("sgd", base(), sgd(RATE), "optim.SGD"),
    torch_case("sgd_momentum", base(momentum=0.9), sgd(RATE, momentum=0.9), "optim.SGD"),
    torch_case("sgd_nesterov", base(momentum=0.9, nesterov=True),
               sgd(RATE, momentum=0.9, nesterov=True), "optim.SGD"),
    torch_case("sgd_weightDecay_pytorch", base(weightDecay=0.1), sgd(RATE, weight_decay=0.1),
               "optim.SGD: the decay is added to the gradient"),
    keras_case("sgd_weightDecay_keras", base(weightDecay=0.1), keras_sgd_decay,
               "p -= rate * decay * p before the step"),
    keras_case("rmsprop_keras", base(rho=RHO, epsilon=EPSILON), keras_rmsprop,
               "p -= rate * g / sqrt(v + epsilon)"),
    torch_case("rmsprop_pytorch", base(rho=RHO, epsilon=EPSILON),
               lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=RHO, eps=EPSILON),
               "optim.RMSprop: p -= rate * g / (sqrt(v) + epsilon)"),
    keras_case("adam_keras", base(beta1=BETA_1, beta2=BETA_2, epsilon=EPSILON), keras_adam,
               "p -= rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)"),
    torch_case("adam_pytorch", base(beta1=BETA_1, beta2=BETA_2, epsilon=EPSILON),
               lambda p: torch.optim.Adam(p, lr=RATE, **ADAM),
               "optim.Adam: p -= rate * m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon)"),
    keras_case("adamw_keras", base(beta1=BETA_1, beta2=BETA_2, epsilon=EPSILON, weightDecay=0.004),
               keras_adamw(0.004), "p -= rate * decay * p, then adam_keras"),
    torch_case("adamw_pytorch",
               base(beta1=BETA_1, beta2=BETA_2, epsilon=EPSILON, weightDecay=0.004),
               lambda p: torch.optim.AdamW(p, lr=RATE, weight_decay=0.004, **ADAM),
               "optim.AdamW: p *= 1 - rate * decay, then adam_pytorch"),
]


def torch_steps(case, initial, gradients):
    """Parameters after each step of a PyTorch class."""
    parameter = torch.tensor(initial, requires_grad=True)
    optimizer = case["make"]([parameter])
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        yield parameter.detach().clone()


def keras_steps(case, initial, gradients):
    """Parameters after each step of a formula."""
    parameter, state = initial, {}
    for index, gradient in enumerate(gradients):
        parameter = case["rule"](parameter, gradient, state, index + 1, RATE)
        yield parameter


def optimizers():
    """Ten steps of every case from the same parameters under the same gradients."""
    generator = numpy.random.default_rng(1000)
    initial = uniform(generator, (3, 4), 1)
    gradients = [uniform(generator, (3, 4), 1) for _ in range(10)]
    # Awkward columns: a gradient that is always zero, and tiny ones, where epsilon decides.
    for gradient in gradients:
        gradient[0, 0] = 0
        gradient[0, 1] *= 2.0**-20
    cases = {}
    for case in CASES:
        steps = keras_steps if "rule" in case else torch_steps
        cases[case["name"]] = {
            "source": f"{case['source']}, float64",
            "options": case["options"],
            "parameters": [record(value) for value in steps(case, initial, gradients)],
        }
    return {"initial": record(initial), "gradients": [record(value) for value in gradients],
            "cases": cases}


class KerasOptimizer:
    """A formula of Keras behind the two methods of a PyTorch optimizer."""

    def __init__(self, parameters, rule, rate):
        self.parameters, self.rule, self.rate = parameters, rule, rate
        self.states, self.count = [{} for _ in parameters], 0

    def zero_grad(self):
        """Forgets the gradients of the last step."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self):
        """Applies the formula to every parameter."""
        self.count += 1
        for parameter, state in zip(self.parameters, self.states):
            value, gradient = parameter.detach().numpy().copy(), parameter.grad.numpy()
            moved = self.rule(value, gradient, state, self.count, self.rate)
            parameter.data.copy_(torch.from_numpy(moved))


def keras_trajectory(name, options, rule):
    """A trajectory of one of Keras's formulas."""
    rate = options["learningRate"]
    return {"name": name, "options": options, "source": "gradients; Keras's formula, NumPy",
            "make": lambda parameters: KerasOptimizer(parameters, rule, rate)}


def trajectory_options(rate, **more):
    """Options of a trajectory's optimizer, as Millrace names them."""
    return {"learningRate": rate, **more}


BETAS = {"beta1": BETA_1, "beta2": BETA_2, "epsilon": EPSILON}

TRAJECTORY_OPTIMIZERS = [
    torch_case("sgd", trajectory_options(0.1), sgd(0.1), "optim.SGD"),
    torch_case("momentum", trajectory_options(0.05, momentum=0.9), sgd(0.05, momentum=0.9),
               "optim.SGD"),
    torch_case("nesterov", trajectory_options(0.05, momentum=0.9, nesterov=True),
               sgd(0.05, momentum=0.9, nesterov=True), "optim.SGD"),
    # So small an epsilon that it does not matter on which side of the root it stands.
    torch_case("rmsprop", trajectory_options(0.005, rho=RHO, epsilon=1e-14),
               lambda p: torch.optim.RMSprop(p, lr=0.005, alpha=RHO, eps=1e-14), "optim.RMSprop"),
    torch_case("adam", trajectory_options(0.01, **BETAS),
               lambda p: torch.optim.Adam(p, lr=0.01, **ADAM), "optim.Adam"),
    torch_case("adamw", trajectory_options(0.01, **BETAS, weightDecay=0.1),
               lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, **ADAM), "optim.AdamW"),
    keras_trajectory("rmsprop_keras", trajectory_options(0.005, rho=RHO, epsilon=EPSILON),
                     keras_rmsprop),
    keras_trajectory("adam_keras", trajectory_options(0.01, **BETAS), keras_adam),
    keras_trajectory("adamw_keras", trajectory_options(0.01, **BETAS, weightDecay=0.1),
                     keras_adamw(0.1)),
]
