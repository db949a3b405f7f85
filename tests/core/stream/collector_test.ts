/** Values that steps of several plans have recorded, in the order of the steps. */
import assert from "node:assert/strict";
import type { Executable } from "../../../core/graph/device.ts";
import { Collector } from "../../../core/stream/collector.ts";
import type { Frame } from "../../../core/stream/frame.ts";
import type { RecordLayout } from "../../../core/stream/record_layout.ts";

/** A collector of two plans whose turns alternate, and the losses that it has added up. */
function alternating(losses: readonly number[]) {
  const added: number[] = [];
  const layout = {
    width: 1,
    add: (_sums: unknown, rows: Float64Array, at: number) => void added.push(rows[at]),
    values: (rows: Float64Array, at: number) => ({ loss: rows[at] }),
    nonFinite: (rows: Float64Array, at: number) =>
      Number.isFinite(rows[at]) ? null : { name: "loss", value: rows[at] },
    fault: () => null,
  } as unknown as RecordLayout;
  const collector = new Collector();
  const plans = [0, 1].map((turn) => ({
    drain: () => Float64Array.from(losses.filter((_, place) => place % 2 === turn)),
  } as unknown as Executable));
  for (const plan of plans) collector.register(plan, layout);
  losses.forEach((_, place) =>
    collector.ran(plans[place % 2], { step: place + 1, start: 0 } as Frame)
  );
  return { collector, added };
}

Deno.test("losses of several plans are added up in the order of their steps", async () => {
  const { collector, added } = alternating([1, 2, 3, 4, 5]);
  await collector.collect();
  assert.deepEqual(added, [1, 2, 3, 4, 5]);
});

Deno.test("of several losses that are not finite the first one is told, whichever plan it is of", async () => {
  const { collector } = alternating([1, NaN, Infinity, 4]);
  await assert.rejects(collector.collect(), { message: "loss is NaN at step 2", step: 2 });
});
