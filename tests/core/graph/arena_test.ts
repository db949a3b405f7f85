import assert from "node:assert/strict";
import fc from "fast-check";
import { planArena } from "../../../core/graph/arena.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import type { BufferSpec, Call } from "../../../core/graph/call.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import type { ScheduledCall } from "../../../core/graph/schedule.ts";
import { mulberry32 } from "../ops/generator.ts";
import { randomProgram } from "./random_program.ts";

interface Life {
  readonly first: number;
  readonly last: number;
  readonly elements: number;
}

const lives = fc.array(
  fc.record({ first: fc.nat(9), length: fc.nat(6), elements: fc.nat(500) }),
  { maxLength: 40 },
).map((list) =>
  list.map(({ first, length, elements }) => ({ first, last: first + length, elements }))
);

/** Phases in which each buffer is written first and read last. */
function arrange(list: readonly Life[]): { phases: ScheduledCall[][]; buffers: BufferSpec[] } {
  const phases: ScheduledCall[][] = Array.from({ length: 17 }, () => []);
  const buffers = list.map(({ elements }): BufferSpec => {
    return { leaf: null, dtype: "f32", elements, offset: 0 };
  });
  const touch = (phase: number, reads: number[], writes: number[]) => {
    const map = (list: number[]) => new Map(list.map((buffer) => [buffer, false]));
    const partition = { units: 1, replicated: false, reads: map(reads), writes: map(writes) };
    phases[phase].push({ call: { partition } as unknown as Call, after: new Set() });
  };
  list.forEach(({ first, last }, buffer) => {
    touch(first, [], [buffer]);
    touch(last, [buffer], []);
  });
  return { phases, buffers };
}

const end = ({ offset, elements }: BufferSpec) => offset + elements * 4;

Deno.test("buffers that are alive in one phase never overlap, and a line lies between them", () => {
  fc.assert(
    fc.property(lives, (list) => {
      const { phases, buffers } = arrange(list);
      const bytes = planArena(phases, buffers, []);
      buffers.forEach((buffer, place) => {
        assert.equal(buffer.offset % 64, 0);
        assert.ok(end(buffer) + 64 <= bytes, "kernels may read a line past the last one");
        for (let other = 0; other < place; other++) {
          const [a, b] = [list[place], list[other]];
          if (a.first > b.last || b.first > a.last) continue;
          const apart = end(buffer) + 64 <= buffers[other].offset ||
            end(buffers[other]) + 64 <= buffer.offset;
          assert.ok(apart, `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
        }
      });
    }),
    { seed: 6, numRuns: 200 },
  );
});

Deno.test("lives one after the other share memory; the arena is not the sum of all", () => {
  const list = Array.from(
    { length: 16 },
    (_, phase) => ({ first: phase, last: phase, elements: 100 }),
  );
  const { phases, buffers } = arrange(list);
  assert.equal(planArena(phases, buffers, []), 512);
});

Deno.test("the arena is at least what is alive at once, and at most twice that here", () => {
  fc.assert(
    fc.property(lives, (list) => {
      const { phases, buffers } = arrange(list);
      const bytes = planArena(phases, buffers, []);
      const padded = ({ elements }: Life) => Math.ceil(elements / 16) * 64 + 64;
      const peaks = phases.map((_, phase) =>
        list.filter(({ first, last }) => first <= phase && phase <= last)
          .reduce((sum, life) => sum + padded(life), 0)
      );
      const peak = Math.max(0, ...peaks);
      assert.ok(bytes >= peak && bytes <= peak * 2, `${bytes} bytes for ${peak}`);
    }),
    { seed: 7 },
  );
});

Deno.test("outputs outlive the last phase, and leaves take no place", () => {
  const { phases, buffers } = arrange([
    { first: 0, last: 0, elements: 64 },
    { first: 5, last: 5, elements: 64 },
  ]);
  buffers.push({ leaf: inputLeaf("x", [1000], "f32"), dtype: "f32", elements: 1000, offset: 0 });
  phases[1].push({
    call: { partition: { reads: new Map([[2, false]]), writes: new Map() } } as unknown as Call,
    after: new Set(),
  });
  const output = { buffer: 0, offset: 0, shape: [64], strides: [1], dtype: "f32" } as const;
  assert.equal(planArena(phases, buffers, [output]), 640);
  assert.notEqual(buffers[0].offset, buffers[1].offset);
});

Deno.test("random programs: outputs and the last phase's buffers lie apart", () => {
  for (let seed = 0; seed < 60; seed++) {
    const plan = planProgram(randomProgram(mulberry32(seed), 20).program);
    const outputs = [...new Set(plan.outputs.map(({ buffer }) => plan.buffers[buffer]))]
      .filter(({ leaf }) => leaf === null).sort((a, b) => a.offset - b.offset);
    outputs.forEach((buffer, place) => {
      if (place > 0) assert.ok(end(outputs[place - 1]) <= buffer.offset, `seed ${seed}`);
      assert.ok(end(buffer) <= plan.arenaBytes);
    });
  }
});
