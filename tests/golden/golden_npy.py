"""Arrays of every type as NumPy saves them; `python3 tests/golden/golden_npy.py` writes numpy*.npz."""

import pathlib

import numpy

HERE = pathlib.Path(__file__).parent
NUMBERS = numpy.arange(24).reshape(2, 3, 4) * 5


def main():
    """Of signed and float types a half is taken off, so that signs and fractions are seen."""
    arrays = {}
    for name in ["u1", "u2", "u4", "u8"]:
        arrays[name] = NUMBERS.astype(name)
    for name in ["i1", "i2", "i4", "i8"]:
        arrays[name] = (NUMBERS - 60).astype(name)
    for name in ["f2", "f4", "f8"]:
        arrays[name] = ((NUMBERS - 60) / 8).astype(name)
    arrays["b1"] = NUMBERS % 2 == 1
    for name in ["u2", "i4", "i8", "f2", "f4", "f8"]:
        arrays[f"{name}_big"] = arrays[name].astype(f">{name}")
    arrays["fortran"] = numpy.asfortranarray(arrays["f4"])
    arrays["line"] = numpy.asfortranarray(arrays["u1"].reshape(-1))
    arrays["single"] = numpy.array(2.5, dtype="f4")
    arrays["empty"] = numpy.zeros((0, 3), dtype="f4")
    numpy.savez(HERE / "numpy.npz", **arrays)
    numpy.savez_compressed(HERE / "numpy_compressed.npz", x=arrays["f4"], y=arrays["i8"])
    numpy.savez(HERE / "numpy_refused.npz", text=numpy.array(["a", "b"]),
                complex=numpy.ones(2, dtype="c8"), pairs=numpy.zeros(2, dtype="i4,f4"),
                large=numpy.array([1, 2**40]), unsigned=numpy.array([2**31], dtype="u4"))


main()
