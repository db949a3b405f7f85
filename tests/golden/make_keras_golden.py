"""Writes what Keras itself computes, in float64: losses, metrics, optimizers, schedules and more.

Run `python3 tests/golden/make_keras_golden.py [FOLDER]` with keras==3.15.1 and jax installed (no
PyTorch is needed); without FOLDER the files beside this script are written anew. Nothing here is
random from run to run, and all given numbers are exact in float32. README.md describes the files.
"""

import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"
sys.dont_write_bytecode = True  # no __pycache__ in the repository

import keras

from keras.src.backend.common import dtypes

keras.config.set_floatx("float64")
promoted = dtypes.result_type
# Keras takes means and some other results in float32 where float64 meets a number.
dtypes.result_type = lambda *types: "float64" if "float64" in types else promoted(*types)

import keras_functions
import keras_losses
import keras_optimizers
import keras_schedules
import keras_vector_metrics


def main():
    """Writes the files."""
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    makers = {"functions": keras_functions.functions, "losses": keras_losses.losses,
              "metrics": keras_losses.metrics,
              "optimizers": keras_optimizers.optimizers,
              "schedules": keras_schedules.schedules,
              "vector_metrics": keras_vector_metrics.vector_metrics}
    for name, make in makers.items():
        value = {"source": f"Keras {keras.__version__} on JAX, float64", **make()}
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
        (folder / f"keras_{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
