"""Systems of linear equations and determinants by PyTorch: results and gradients."""

import numpy
import torch

from golden_values import record, uniform

# Function, shapes.
CASES = {
    "solve": (torch.linalg.solve, [[2, 4, 4], [2, 4, 3]]),
    "solve_vectors": (lambda a, b: torch.linalg.solve(a, b[..., None])[..., 0], [[3, 2, 2], [3, 2]]),
    "solve_of_one_matrix": (torch.linalg.solve, [[4, 4], [2, 4, 1]]),
    "inv": (torch.linalg.inv, [[3, 3, 3]]),
    "inv_of_9": (torch.linalg.inv, [[9, 9]]),
    "det": (torch.linalg.det, [[4, 3, 3]]),
    "det_of_7": (torch.linalg.det, [[7, 7]]),
    "det_of_1": (torch.linalg.det, [[2, 1, 1]]),
    "cholesky": (lambda a: torch.linalg.cholesky(a @ a.transpose(1, 2) + torch.eye(5)), [[2, 5, 5]]),
    "slogdet": (lambda a: torch.linalg.slogdet(a)[1], [[3, 6, 6]]),
}


def case(seed, function, shapes):
    """A case; gradients are of the sum of results times `upstream`."""
    generator = numpy.random.RandomState(seed)
    given = [uniform(generator, shape, 2) for shape in shapes]
    tensors = [torch.tensor(value, requires_grad=True) for value in given]
    output = function(*tensors)
    upstream = uniform(generator, list(output.shape), 2)
    slopes = torch.autograd.grad((output * torch.tensor(upstream)).sum(), tensors)
    return {"inputs": [record(value) for value in given], "upstream": record(upstream),
            "output": record(output), "gradients": [record(slope) for slope in slopes]}


def linear():
    """All cases."""
    return {"cases": {name: case(1500 + place, *given)
                      for place, (name, given) in enumerate(CASES.items())}}
