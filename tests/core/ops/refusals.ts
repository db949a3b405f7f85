/** What ops refuse when the graph is built. */
import assert from "node:assert/strict";
import type { DTypeError, ShapeError } from "../../../core/graph/errors.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import type { DType } from "../../../core/graph/dtype.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";

/** A tensor of that shape. */
export const leaf = (shape: number[], dtype: DType = "f32"): Tensor => inputLeaf("x", shape, dtype);

/** Numbers of four rows. */
export const rows = leaf([4], "u32");

/** What is refused, by which error, and what the message must say. */
export type Refusal = [string, () => unknown, typeof ShapeError | typeof DTypeError, RegExp];

/** Tests that all are refused. */
export function testRefusals(refusals: readonly Refusal[]): void {
  for (const [name, call, kind, message] of refusals) {
    Deno.test(`refused: ${name}`, () => {
      assert.throws(call, (error: Error) => {
        assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
        assert.match(error.message, message);
        assert.match(error.message, /^[A-Z].*[^.]$/s, "sentence case, no full stop");
        return true;
      });
    });
  }
}
