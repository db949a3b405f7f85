"""Spectrograms of Keras's STFTSpectrogram: frames times its kernels, which are checked by an FFT."""

import math

import numpy
import torch

from golden_values import record, uniform

# Input [batch, samples, channels], options.
CASES = {
    "log": ([2, 17, 2], {"frameLength": 8, "frameStep": 3, "window": "hamming",
                         "scaling": "spectrum"}),
    "magnitude_same": ([1, 21, 1], {"mode": "magnitude", "frameLength": 8, "padding": "same",
                                    "periodic": True}),
    "psd": ([2, 20, 2], {"mode": "psd", "frameLength": 6, "fftLength": 10, "scaling": "none",
                         "expandDims": True}),
    "imag": ([1, 16, 3], {"mode": "imag", "frameLength": 4, "window": "none"}),
    "angle": ([2, 20, 1], {"mode": "angle", "frameLength": 7, "frameStep": 7}),
    "stft": ([1, 24, 2], {"mode": "stft", "frameLength": 8, "window": [1, 2, 3, 4, 4, 3, 2, 0.5]}),
}


def window_of(options):
    """The scaled window."""
    name, length = options.get("window", "hann"), options["frameLength"]
    if isinstance(name, list):
        window = torch.tensor(name, dtype=torch.float64)
    elif name == "none":
        return torch.ones(length, dtype=torch.float64)
    else:
        make = {"hann": torch.hann_window, "hamming": torch.hamming_window}[name]
        window = make(length, periodic=options.get("periodic", False), dtype=torch.float64)
    scaling = options.get("scaling", "density")
    if scaling == "density":
        return window / window.square().sum().sqrt()
    return window / window.abs().sum() if scaling == "spectrum" else window


def case(seed, shape, options):
    """One layer, with its first weights, and gradients of the sum of outputs times `upstream`."""
    mode, length = options.get("mode", "log"), options["frameLength"]
    size = options.get("fftLength", 2 ** math.ceil(math.log2(length)))
    step = options.get("frameStep", length // 2)
    generator = numpy.random.RandomState(seed)
    x = torch.tensor(uniform(generator, shape, 2), requires_grad=True)
    window = window_of(options)
    waves = torch.fft.rfft(torch.diag(window), size)  # of each sample of a frame alone
    kernels = {f"{side}_kernel": part[:, None].clone().requires_grad_()
               for side, part in (("real", waves.real), ("imag", waves.imag))
               if mode not in ("real", "imag") or mode == side}
    lines = x.transpose(1, 2)
    if options.get("padding") == "same":
        missing = max(0, (-(-shape[1] // step) - 1) * step + length - shape[1])
        lines = torch.nn.functional.pad(lines, [missing // 2, missing - missing // 2])
    frames = lines.unfold(2, length, step)  # [batch, channels, frames, samples]
    real, imag = [frames @ kernels[name][:, 0] if name in kernels else None
                  for name in ("real_kernel", "imag_kernel")]
    exact = torch.fft.rfft(frames * window, size)
    if mode in ("real", "imag"):
        y = real if mode == "real" else imag
        assert torch.allclose(y, exact.real if mode == "real" else exact.imag)
    elif mode == "stft":
        y = torch.cat([real, imag], -1)
    elif mode == "angle":
        y = torch.atan2(imag, real)
        assert torch.allclose(y, exact.angle())
    else:
        power = real ** 2 + imag ** 2
        assert torch.allclose(power, exact.abs() ** 2)
        y = torch.sqrt(torch.clamp(power, min=1e-7))
        if mode == "log":
            y = torch.log(torch.clamp(y, min=1e-7))
        if mode == "psd":
            twice = torch.ones(size // 2 + 1)
            twice[1:-1] = 2
            y = power * twice
    y = y.permute(0, 2, 3, 1) if options.get("expandDims") else y.permute(0, 2, 1, 3).flatten(2)
    upstream = uniform(generator, list(y.shape), 2)
    sources = {"input": x, **kernels}
    slopes = torch.autograd.grad((y * torch.tensor(upstream)).sum(), list(sources.values()))
    return {
        "layer": "stftSpectrogram", "arguments": [options], "input": record(x),
        "source": "torch.fft.rfft, as golden_stft.py says",
        "weights": {name: record(kernel) for name, kernel in kernels.items()},
        "upstream": record(upstream), "output": record(y),
        "gradients": {name: record(slope) for name, slope in zip(sources, slopes)},
    }


def stft():
    """All cases."""
    return {"cases": {name: case(1400 + place, *given)
                      for place, (name, given) in enumerate(CASES.items())}}
