import { type Shape, sizeOf } from "../../graph/shape.ts";
import { RandomStream } from "../../state/random_stream.ts";
import type { NamedKey } from "../named_key.ts";

/** As many numbers as `shape` has elements, each drawn from the stream of `key` by `draw`. */
export function drawValues(
  shape: Shape,
  key: NamedKey,
  draw: (stream: RandomStream) => number,
): Float32Array {
  const stream = new RandomStream([key.key0, key.key1]);
  const values = new Float32Array(sizeOf(shape));
  for (let index = 0; index < values.length; index++) values[index] = draw(stream);
  return values;
}

/** A standard normal number within two standard deviations: others are drawn again. */
export function truncatedStandardNormal(stream: RandomStream): number {
  for (;;) {
    const value = stream.normal();
    if (Math.abs(value) < 2) return value;
  }
}
