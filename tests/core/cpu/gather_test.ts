/** Gathering rows in WebAssembly: every kind of stored data, and rows out of range. */
import assert from "node:assert/strict";
import { controlWords, ownWord, recordWords } from "../../../core/cpu/kernels/load.ts";
import { canary, variants, world } from "./kernel_world.ts";

for (const relaxed of variants) {
  const name = relaxed ? "relaxed" : "plain";

  Deno.test(`gather (${name}): every kind of data, with rows out of range`, () => {
    const { kernels, words, floats, memory, control, scratch } = world(relaxed);
    const bytes = new Uint8Array(memory.buffer);
    const plan = 2 ** 20 * 4;
    const [data, order, first, out] = [1, 2, 3, 4].map((i) => plan + i * 65536);
    words[control / 4 + controlWords.scratch] = scratch;
    kernels.setControl(control);
    for (const length of [1, 3, 4, 17, 35]) {
      for (const kind of [0, 1, 2, 3]) {
        for (let i = 0; i < length * 20; ++i) bytes[data + i] = (i * 37) & 255;
        if (kind !== 1 && kind !== 2) {
          for (let i = 0; i < length * 5; ++i) floats[data / 4 + i] = i / 4 - 3;
        }
        const picks = [4, 0, 9, 2, 5, 1];
        words.set(picks, order / 4);
        words[first / 4] = 1;
        floats.fill(canary, out / 4, out / 4 + 8 * length);
        words.fill(0, plan / 4, plan / 4 + 2 * recordWords);
        words.set([3, 0, 5, length, data, kind, order, first, length, out], plan / 4);
        floats.set([0.5, 0.25], plan / 4 + 10);
        words.set([5, picks.length], plan / 4 + 12);
        words[plan / 4 + ownWord] = 1;
        kernels.walk(plan, 0, 2);
        kernels.walk(plan, 1, 2);
        for (let i = 0; i < 5; ++i) {
          for (let j = 0; j < length; ++j) {
            const pick = picks[i + 1];
            const at = out / 4 + i * length + j;
            const from = pick * length + j;
            if (pick >= 5) {
              assert.equal(kind < 2 ? floats[at] : words[at], kind < 2 ? NaN : 2 ** 32 - 1);
            } else if (kind === 0) assert.equal(floats[at], floats[data / 4 + from] * 0.5 + 0.25);
            else if (kind === 1) assert.equal(floats[at], bytes[data + from] * 0.5 + 0.25);
            else if (kind === 2) assert.equal(words[at], bytes[data + from]);
            else assert.equal(words[at], words[data / 4 + from]);
          }
        }
        assert.equal(floats[out / 4 + 5 * length], canary);
      }
    }
  });
}
