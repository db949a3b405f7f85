import assert from "node:assert/strict";
import { inputLeaf, scalarLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import type { Assignment } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { gather, gradients, isFinite, select } from "../../core/ops/mod.ts";
import { arenaMemory } from "../../gpu/call.ts";
import { defaultTuning, type Tuning } from "../../gpu/tuning.ts";
import { classifier, compile, dense, software } from "./compiled.ts";

Deno.test("bias and activation run in the product's kernel", () => {
  const { dispatches, arenas } = compile([dense(inputLeaf("x", [4, 8], "f32"), "a", 6)]);
  assert.equal(dispatches.length, 1);
  // The product itself is never stored: the arena holds the activation alone.
  assert.equal(arenas.get(arenaMemory), Math.ceil(4 * 6 * 4 / 64) * 64);
});

Deno.test("equal layers have equal shaders", () => {
  let x = inputLeaf("x", [4, 8], "f32");
  for (const name of ["a", "b", "c", "d"]) x = dense(x, name, 8);
  const texts = compile([x]).dispatches.map(({ shader }) => shader.wgsl);
  assert.equal(texts.length, 4);
  assert.equal(new Set(texts.slice(1)).size, 1);
});

Deno.test("an update runs in the kernel of its gradient, after the last read of the weight", () => {
  const first = stateLeaf("first", [8, 6]);
  const second = stateLeaf("second", [6, 4]);
  const x = inputLeaf("x", [5, 8], "f32");
  const rate = scalarLeaf("rate");
  const loss = x.matmul(first).relu().matmul(second).square().sum();
  const assignments = gradients(loss, [first, second]).map((gradient, place) => {
    const state = [first, second][place];
    return { state, value: state.sub(gradient.mul(rate)) };
  });
  const labels = compile([loss], assignments).dispatches.map(({ label }) => label);
  assert.deepEqual(labels, [
    "matmul [5,8]×[8,6] + relu",
    "matmul [5,6]×[6,4] + mul",
    "matmul [5,4]×[4,6] + greater + select | square + sum [5,4]→[]",
    "matmul [8,5]×[5,6] + mul + sub (first) | matmul [6,5]×[5,4] + mul + sub (second)",
  ]);
});

Deno.test("an update waits until the product that reads the weight everywhere is done", () => {
  const weight = stateLeaf("weight", [40, 40]);
  const value = weight.sub(weight.matmul(weight));
  const labels = compile([], [{ state: weight, value }]).dispatches.map(({ label }) => label);
  assert.deepEqual(labels, ["matmul [40,40]×[40,40]", "sub [40,40] (weight)"]);
});

Deno.test("calls that do not depend on each other share a dispatch, within the limit", () => {
  const states = Array.from({ length: 20 }, (_, place) => stateLeaf(`s${place}`, [3 + place]));
  const assignments = states.map((state) => ({ state, value: state.mul(2) }));
  assert.equal(compile([], assignments).dispatches.length, Math.ceil(20 / 8));
  const wide = compile([], assignments, { ...defaultTuning, storageBuffers: 32 });
  assert.equal(wide.dispatches.length, 1);
  for (const { shader } of compile([], assignments).dispatches) {
    assert.ok(shader.memories.length <= 8);
  }
});

Deno.test("a dispatch has no more calls than its shader is soon ready for", () => {
  const x = inputLeaf("x", [5, 12], "f32");
  const { dispatches } = compile(Array.from({ length: 150 }, (_, at) => x.mul(at + 2).sum(0)));
  assert.deepEqual(dispatches.map(({ calls }) => calls.length), [64, 64, 22]);
});

Deno.test("a value that is read again is stored beside its tails", () => {
  const x = inputLeaf("x", [4, 8], "f32");
  const product = x.matmul(stateLeaf("w", [8, 8]));
  const { dispatches } = compile([product, product.mul(2)]);
  assert.equal(dispatches.length, 1);
  assert.equal(dispatches[0].shader.wgsl.match(/memory\d\[.*\] = /g)?.length, 2);
});

Deno.test("memory is used again when nobody needs it any more", () => {
  let x = inputLeaf("x", [64, 64], "f32");
  for (let layer = 0; layer < 9; layer++) x = dense(x, `layer_${layer}`, 64);
  assert.equal(compile([x]).arenas.get(arenaMemory), 2 * 64 * 64 * 4);
});

Deno.test("small layers, their loss and their gradients are one dispatch", () => {
  const { loss, assignments } = classifier(32, [784, 30, 30, 10]);
  const labels = (rowWork: number) =>
    compile([loss], assignments, { ...defaultTuning, storageBuffers: 16, rowWork })
      .dispatches.map(({ label }) => label);
  assert.deepEqual(labels(8192), [
    "gather [50,784]→[32,784] | gather [50]→[32]",
    "matmul [32,784]×[784,30] + relu",
    "matmul [32,30]×[30,30] + relu; matmul [32,30]×[30,10]; max [32,10]→[32]; " +
    "sub + exp [32,10]; sum [32,10]→[32]; equal + sub + select + sum [32,10]→[32]; " +
    "div + equal + castF32 + sub + mul [32,10]; matmul [32,10]×[10,30] + greater + select; " +
    "matmul [32,30]×[30,30] + greater + select",
    "log + sub + sum [32]→[] + mul | matmul [784,32]×[32,30] + sub (w0) | " +
    "matmul [30,32]×[32,30] + sub (w1) | matmul [30,32]×[32,10] + sub (w2)",
  ]);
  // What is too much for one thread is left to many.
  assert.ok(labels(500).some((label) => /^matmul [^;]*; max.*mul \[32,10\]$/.test(label)));
  assert.ok(labels(0).every((label) => !label.includes("; max")));
});

Deno.test("on a software adapter small products share a dispatch, and large ones do not", () => {
  const { loss, assignments } = classifier(32, [784, 30, 30, 10]);
  const small = compile([loss], assignments, software).dispatches.map(({ label }) => label);
  assert.equal(small.length, 5, small.join("\n"));
  assert.match(small[3], /sum .* \| matmul .* \| matmul /);
  const wide = classifier(32, [784, 512, 300, 10]);
  const large = compile([wide.loss], wide.assignments, software).dispatches
    .map(({ label }) => label);
  assert.ok(large.length > 7, large.join("\n"));
  assert.ok(large.every((label) => !/matmul .* \| matmul /.test(label)), large.join("\n"));
});

Deno.test("each thread of a software adapter gets workgroups of every call", () => {
  const { loss, assignments } = classifier(32, [784, 30, 30, 10]);
  for (const processors of [2, 3]) {
    const tuning = { ...software, processors };
    const { shader, groups } = compile([loss], assignments, tuning).dispatches[3];
    const [, run] = shader.wgsl.match(/let number = workgroup.x % (\d+)u \* /)!;
    assert.equal(groups[0], Number(run) * processors);
    // Those behind the last have nothing to do.
    assert.match(shader.wgsl, /^ *if \(number < \d+u\) \{\n *if \(number < /m);
  }
});

Deno.test("what a dispatch reads lies in other arenas than what it writes, where that is faster", () => {
  const tuning = { ...software, uniformBytes: 65536 };
  const { loss, assignments } = classifier(32, [784, 30, 30, 10]);
  const { dispatches } = compile([loss], assignments, tuning);
  const arenas = dispatches.map(({ shader }) =>
    shader.memories.filter(({ memory }) => memory < 0)
      .map(({ memory, type }) => `${type} ${memory}`).sort()
  );
  // The gather, the first layer, all that becomes of a row, and the updates with the loss.
  assert.deepEqual(arenas, [
    ["write -1"],
    ["write -1"],
    ["uniform -1", "write -4"],
    ["uniform -1", "uniform -4", "write -5"],
    ["uniform -4"],
  ]);
  const plain = compile([loss], assignments, software).dispatches[3];
  assert.ok(plain.shader.memories.some(({ memory, type }) => memory === -1 && type === "write"));
});

Deno.test("an update reads a copy of a large state where that is faster", () => {
  const tuning = { ...software, uniformBytes: 65536 };
  const mirrors = (shape: number[], twice = false, given = tuning) => {
    const state = stateLeaf("state", shape);
    const gradient = inputLeaf("x", [5, shape[0]], "f32").transpose()
      .matmul(inputLeaf("y", [5, shape[1]], "f32"));
    const momentum = stateLeaf("momentum", shape);
    const velocity = momentum.mul(0.9).add(gradient);
    const assignments = [
      { state: momentum, value: velocity },
      { state, value: twice ? state.sub(state.matmul(velocity)) : state.sub(velocity) },
    ];
    const { buffers, dispatches } = compile([], assignments, given);
    const copies = buffers.flatMap(({ mirrored }) => mirrored === undefined ? [] : [mirrored]);
    const types = dispatches.flatMap(({ shader }) =>
      shader.memories.filter(({ memory }) => buffers[memory]?.mirrored !== undefined)
        .map(({ type }) => type)
    );
    assert.ok(types.length >= copies.length && types.every((type) => type === "uniform"));
    return copies.map((number) => (buffers[number].leaf as Tensor).attributes.name).sort();
  };
  assert.deepEqual(mirrors([80, 60]), ["momentum", "state"]);
  assert.deepEqual(mirrors([80, 60], false, software), []);
  assert.deepEqual(mirrors([20, 30]), []);
  assert.deepEqual(mirrors([300, 200]), [], "more than two bindings hold");
});

Deno.test("a thread adds up more columns of a row at once on a software adapter", () => {
  const { loss, assignments } = classifier(32, [20, 30, 30, 10]);
  const columns = (tuning: Tuning) => {
    const { dispatches } = compile([loss], assignments, tuning);
    const { shader } = dispatches.find(({ label }) => label.includes("; max"))!;
    return Math.max(...[...shader.wgsl.matchAll(/c(\d+) = c\d+ \+ x/g)].map(([, c]) => Number(c)));
  };
  // Thirty columns: two times fifteen, or four times eight.
  assert.equal(columns(software), 14);
  assert.equal(columns({ ...software, software: false, processors: 1 }), 7);
});

Deno.test("too few rows are not worth a thread each", () => {
  const { loss, assignments } = classifier(7, [20, 6, 5]);
  const { dispatches } = compile([loss], assignments);
  assert.ok(dispatches.every(({ label }) => !label.includes("; max")));
});

Deno.test("a product with a matrix made by the rows themselves waits for all of them", () => {
  const x = inputLeaf("x", [8, 8], "f32");
  const y = x.matmul(stateLeaf("w", [8, 8]));
  const labels = compile([y.matmul(y)]).dispatches.map(({ label }) => label);
  assert.deepEqual(labels, ["matmul [8,8]×[8,8]", "matmul [8,8]×[8,8]"]);
});

Deno.test("bytes stay bytes until a product reads them, four to a word", () => {
  const { loss, assignments } = classifier(32, [784, 30, 10]);
  const { arenas, dispatches, buffers } = compile([loss], assignments);
  assert.ok(arenas.get(arenaMemory)! < 32 * 784 * 4);
  assert.equal(buffers.filter(({ dtype, leaf }) => dtype === "u8" && leaf === null).length, 1);
  const forward = dispatches.find(({ label }) => label === "matmul [32,784]×[784,30] + relu")!;
  assert.match(forward.shader.wgsl, />> 24u/);
});

Deno.test("small memories are read through uniform bindings where that is faster", () => {
  const tuning = { ...defaultTuning, uniformBytes: 1024 };
  const x = inputLeaf("x", [9, 40], "f32"); // Two windows: 1,440 bytes.
  const types = (w: Tensor) => {
    const { shader } = compile([x.matmul(w)], [], tuning).dispatches[0];
    return shader.memories.map(({ memory, type }) => memory < 0 ? `arena ${type}` : type);
  };
  assert.deepEqual(types(stateLeaf("w", [40, 3])), [
    "arena write",
    "uniform",
    "uniform",
    "uniform",
  ]);
  // 3,200 bytes are too many.
  assert.deepEqual(types(stateLeaf("w", [40, 20])), ["arena write", "uniform", "uniform", "read"]);
  // What is written in the same dispatch is storage.
  const s = stateLeaf("s", [8]);
  const { shader } = compile([], [{ state: s, value: s.add(1) }], tuning).dispatches[0];
  assert.deepEqual(shader.memories.map(({ type }) => type), ["write"]);
});

Deno.test("each result of a block has its own code where that is short", () => {
  const gradient = inputLeaf("x", [8, 40], "f32").transpose().matmul(
    inputLeaf("y", [8, 32], "f32"),
  );
  const [state, momentum] = ["state", "momentum"].map((name) => stateLeaf(name, [40, 32]));
  const velocity = momentum.mul(0.9).add(gradient);
  const inTurn = (assignments: Assignment[]) => {
    const { dispatches } = compile([], assignments, software);
    const { wgsl } = dispatches.find(({ label }) => label.includes("matmul"))!.shader;
    return /var sums = array<f32, 64>/.test(wgsl);
  };
  const next = state.sub(gradient.mul(scalarLeaf("rate")));
  assert.ok(!inTurn([{ state, value: next }]));
  // A loss that guards the update is read once for all.
  const sound = isFinite(inputLeaf("losses", [5], "f32").sum());
  assert.ok(!inTurn([{ state, value: select(sound, next, state) }]));
  assert.ok(inTurn([{ state: momentum, value: velocity }, { state, value: state.sub(velocity) }]));
});

Deno.test("a product reads each of its terms from one of two uniform bindings", () => {
  const wgslOf = (x: Tensor, y: Tensor) => {
    const tuning = { ...software, uniformBytes: 1024 };
    const { shader } = compile([x.matmul(y)], [], tuning).dispatches[0];
    assert.equal(shader.memories.filter(({ type }) => type === "uniform").length, 3);
    return shader.wgsl;
  };
  const x = inputLeaf("x", [4, 61], "f32");
  const cut = wgslOf(x, inputLeaf("y", [61, 5], "f32"));
  // 204 words hold 51 rows of five, of which four are read at a time.
  const before = cut.match(/while \(k < (\d+)u\)/)!;
  assert.equal(before[1], "48");
  assert.ok(/read_memory2_0\(/.test(cut) && /read_memory2_1\(/.test(cut));
  assert.ok(!/select\(memory2/.test(cut));
  // Each column has terms in both.
  assert.match(wgslOf(x, inputLeaf("y", [5, 61], "f32").transpose()), /select\(memory2/);
});

Deno.test("shaders", async (context) => {
  const x = inputLeaf("x", [5, 40], "f32");
  const data = inputLeaf("data", [10, 8], "u8");
  const order = inputLeaf("order", [10], "u32");
  const start = scalarLeaf("start", "u32");
  const shaders: [string, Tensor][] = [
    ["a dense layer", dense(x, "layer", 3)],
    ["a transposed loop", x.transpose().mul(2).add(inputLeaf("row", [5], "f32"))],
    ["short sums", x.exp().sum(1)],
    ["long maxima", inputLeaf("long", [3, 500], "f32").max(1)],
    ["a batch of bytes", gather(data, order, { start, count: 4, scale: 1 / 255 })],
    ["a large product", inputLeaf("a", [128, 64], "f32").matmul(inputLeaf("b", [64, 256], "f32"))],
  ];
  for (const [name, output] of shaders) {
    const texts = compile([output]).dispatches.map(({ shader }) => shader.wgsl);
    await context.step(name, (step) => step.assertSnapshot(texts.join("\n")));
  }
});
