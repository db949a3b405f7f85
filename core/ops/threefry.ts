import { commonDType } from "../graph/tensor.ts";
import { threefryBody } from "../graph/threefry.ts";
import { elementwise } from "./elementwise.ts";
import type { Tensor, TensorLike } from "../graph/tensor.ts";

const rotations = [[13, 15, 26, 6], [17, 29, 16, 24]];
const parity = 0x1bd11bda;

function reference(counter0: number, counter1: number, key0: number, key1: number): number {
  const keys = [key0 | 0, key1 | 0, parity ^ key0 ^ key1];
  let a = (counter0 + key0) | 0;
  let b = (counter1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const turn = rotations[(round >> 2) % 2][round % 4];
    a = (a + b) | 0;
    b = ((b << turn) | (b >>> (32 - turn))) ^ a;
    if (round % 4 === 3) {
      const group = (round >> 2) + 1;
      a = (a + keys[group % 3]) | 0;
      b = (b + keys[(group + 1) % 3] + group) | 0;
    }
  }
  return a >>> 0;
}

/**
 * First word of Threefry-2x32 with 20 rounds, element by element, broadcast to one shape: random bits
 * that depend on nothing but two words of counter and two of key. `randomBits` is its public face.
 *
 * @param counter0 First word of the counter, u32.
 * @param counter1 Second word of the counter, u32.
 * @param key0 First word of the key, u32.
 * @param key1 Second word of the key, u32.
 * @returns u32.
 *
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011); known answers of
 * Random123
 */
export const threefryWord: (
  counter0: TensorLike,
  counter1: TensorLike,
  key0: TensorLike,
  key1: TensorLike,
) => Tensor = elementwise({
  name: "threefry2x32",
  types: (name, inputs) => commonDType(name, inputs, ["u32"]),
  wgsl: threefryBody,
  reference,
  samples: [{
    inputs: [
      [0, 0xffffffff, 0x243f6a88],
      [0, 0xffffffff, 0x85a308d3],
      [0, 0xffffffff, 0x13198a2e],
      [0, 0xffffffff, 0x03707344],
    ],
    expected: [0x6b200159, 0x1cb996fc, 0xc4923a9c],
    source: "Random123 1.14, kat_vectors, threefry2x32 20",
  }],
  cost: 120,
  tolerance: 0,
});
