"""State dictionaries of PyTorch as safetensors files, with inputs and what PyTorch makes of them.

`python3 tests/golden/golden_weights.py` writes pytorch_pictures.safetensors and
pytorch_sequences.safetensors; beside the weights each has the tensors "x" and "y".
"""

import json
import pathlib
import struct

import numpy
import torch

nn = torch.nn
HERE = pathlib.Path(__file__).parent
DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
          torch.float64: "F64", torch.int64: "I64"}


class Pictures(nn.Module):
    """A convolutional network."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.up = nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.fc = nn.Linear(2 * 6 * 4, 5)

    def forward(self, x):
        y = torch.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
        return self.fc(self.up(y).flatten(1))


class Sequences(nn.Module):
    """Recurrent layers and attention."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 6)
        self.lstm = nn.LSTM(6, 5, batch_first=True)
        self.gru = nn.GRU(5, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        y = self.gru(self.lstm(self.words(x.long()))[0])[0]
        return self.fc(self.norm(y + self.attention(y, y, y)[0]))


def fill(model, generator):
    """Weights that half precision holds exactly; variances are from a half on."""
    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        numbers = numpy.round(generator.uniform(-1, 1, value.shape) * 32) / 32
        if name.endswith("running_var"):
            numbers = numpy.abs(numbers) + 0.5
        value.copy_(torch.tensor(numbers))


def save(path, tensors):
    """A safetensors file: the length of the header, the header, the numbers."""
    header, parts, start = {}, [], 0
    for name, tensor in tensors.items():
        # NumPy has no bfloat16.
        bits = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
        data = bits.contiguous().numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [start, start + len(data)]}
        parts.append(data)
        start += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def main():
    """Writes both files; some weights are stored as halves and doubles, as others' files have them."""
    generator = numpy.random.default_rng(7)
    pictures = torch.tensor(generator.uniform(-1, 1, [2, 3, 6, 4]), dtype=torch.float32)
    words = torch.tensor(generator.integers(0, 9, [3, 4]), dtype=torch.float32)
    kinds = {"norm.weight": torch.bfloat16, "fc.weight": torch.float16, "fc.bias": torch.float64}
    for name, model, x in [("pictures", Pictures(), pictures), ("sequences", Sequences(), words)]:
        fill(model, generator)
        with torch.no_grad():
            y = model.eval()(x)
        stored = {key: value.to(kinds.get(key, value.dtype))
                  for key, value in model.state_dict().items()}
        save(HERE / f"pytorch_{name}.safetensors", {**stored, "x": x, "y": y})


main()
