"""Mel spectrograms: PyTorch's stft, and the bands of Keras's MelSpectrogram written out."""

import numpy
import torch

from golden_values import record, uniform

# Samples and options, as in Keras.
CASES = {
    "short_frames": (700, {"fftLength": 128, "sequenceStride": 50, "sequenceLength": 100,
                           "samplingRate": 8000, "numMelBins": 20}),
    "hamming": (300, {"fftLength": 64, "sequenceStride": 32, "window": "hamming", "numMelBins": 7,
                      "minFreq": 125, "maxFreq": 3800, "samplingRate": 8000, "topDb": 30}),
    "magnitudes": (200, {"fftLength": 64, "sequenceStride": 64, "window": "none", "magExp": 1,
                         "powerToDb": False, "numMelBins": 5}),
    "reference": (200, {"fftLength": 64, "sequenceStride": 48, "refPower": 4, "minPower": 0.01,
                        "numMelBins": 5}),
}


def mel(hertz):
    """HTK's scale."""
    return 1127 * numpy.log(1 + hertz / 700)


def bands(bins, count, rate, low, high):
    """Weights, [frequencies, bands]."""
    frequencies = mel(numpy.linspace(0, rate / 2, bins))[1:, None]
    edges = numpy.linspace(mel(low), mel(high), count + 2)
    lower, center, upper = edges[None, :-2], edges[None, 1:-1], edges[None, 2:]
    rising = (frequencies - lower) / (center - lower)
    falling = (upper - frequencies) / (upper - center)
    weights = numpy.maximum(0, numpy.minimum(rising, falling))
    return numpy.pad(weights, [[1, 0], [0, 0]])


def spectrogram(samples, options):
    """Keras's formula."""
    fft = options.get("fftLength", 2048)
    length = options.get("sequenceLength", fft)
    rate = options.get("samplingRate", 16000)
    windows = {"hann": torch.hann_window, "hamming": torch.hamming_window}
    name = options.get("window", "hann")
    window = windows[name](length, periodic=True, dtype=torch.float64) if name in windows \
        else torch.ones(length, dtype=torch.float64)
    spectrum = torch.stft(torch.tensor(samples), fft, options.get("sequenceStride", 512), length,
                          window, center=True, pad_mode="reflect", return_complex=True)
    values = spectrum.abs().numpy().T ** options.get("magExp", 2)
    values = values @ bands(fft // 2 + 1, options.get("numMelBins", 128), rate,
                            options.get("minFreq", 20), options.get("maxFreq", rate / 2))
    if not options.get("powerToDb", True):
        return values
    smallest = options.get("minPower", 1e-10)
    levels = 10 * numpy.log10(numpy.maximum(values, smallest))
    levels -= 10 * numpy.log10(max(options.get("refPower", 1), smallest))
    return numpy.maximum(levels, levels.max() - options.get("topDb", 80))


def sound():
    """All cases."""
    cases = {}
    for place, (name, (count, options)) in enumerate(CASES.items()):
        generator = numpy.random.RandomState(1300 + place)
        wave = numpy.sin(numpy.arange(count) ** 1.5 / 40)
        samples = numpy.round((wave + uniform(generator, [count], 0.5)) * 4096) / 8192
        cases[name] = {"options": options, "samples": record(samples),
                       "output": record(spectrogram(samples, options))}
    return {"cases": cases}
