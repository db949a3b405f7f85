"""TFLOP/s of PyTorch's square float32 products on CUDA, a line of JSON each: sizes as arguments."""

import json
import sys

import torch

if not torch.cuda.is_available():
    sys.exit("PyTorch finds no CUDA here")
torch.backends.cuda.matmul.allow_tf32 = False
for size in map(int, sys.argv[1:] or ["4096", "2048", "1024"]):
    left, right = (torch.rand(size, size, device="cuda") - 0.5 for _ in range(2))
    times = []
    for _ in range(10):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        left @ right
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    rate = 2 * size**3 / (min(times) / 1000) / 1e12
    print(json.dumps({"peer": "pytorch", "product": f"{size}x{size}x{size}-nn", "teraflops": rate}))
