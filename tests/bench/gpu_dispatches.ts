/**
 * Where the time of a training step goes on WebGPU: the step as a whole, then each of its dispatches.
 *
 * `deno run -A tests/bench/gpu_dispatches.ts [--widths 784,30,30,10] [--batch 32] [--rounds 5]`:
 * a network of dense layers with relu, cross-entropy and SGD over stored bytes. A dispatch is run
 * many times in one submit; the wait that Deno adds to each submit is measured and taken off.
 * Figures are minima, as other work on the machine only adds to them. A software adapter will do.
 */

import { parseArgs } from "node:util";
import { allocateData } from "../../core/graph/dtype.ts";
import { inputLeaf, scalarLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import { createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { gather, gradients, sparseSoftmaxCrossEntropy } from "../../core/ops/mod.ts";
import { openGpuDevice } from "../../gpu/gpu_device.ts";
import type { GpuStorage } from "../../gpu/storage.ts";

const { values } = parseArgs({
  options: {
    widths: { type: "string", default: "784,30,30,10" },
    batch: { type: "string", default: "32" },
    rounds: { type: "string", default: "5" },
  },
});
const widths = values.widths.split(",").map(Number);
const batch = Number(values.batch);
const rounds = Number(values.rounds);
const samples = 64 * batch;

const device = await openGpuDevice({ allowSoftware: true });
if (!device) throw new Error("Cannot measure as there is no WebGPU adapter");

const images = inputLeaf("images", [samples, widths[0]], "u8");
const labels = inputLeaf("labels", [samples], "u8");
const order = inputLeaf("order", [samples], "u32");
const start = scalarLeaf("start", "u32");
const weights: Tensor[] = [];
let x = gather(images, order, { start, count: batch, dtype: "f32", scale: 1 / 255 });
widths.slice(1).forEach((units, layer) => {
  const kernel = stateLeaf(`kernel ${layer}`, [widths[layer], units]);
  const bias = stateLeaf(`bias ${layer}`, [units]);
  weights.push(kernel, bias);
  x = (layer > 0 ? x.relu() : x).matmul(kernel).add(bias);
});
const targets = gather(labels, order, { start, count: batch, dtype: "u32" });
const loss = sparseSoftmaxCrossEntropy(x, targets).mean();
const assignments = gradients(loss, weights).map((gradient, place) => ({
  state: weights[place],
  value: weights[place].sub(gradient.mul(0.1)),
}));

const storages = new Map<Tensor, GpuStorage>();
const bind = (leaf: Tensor): GpuStorage => {
  const known = storages.get(leaf);
  if (known) return known;
  const storage = device.allocate(leaf.dtype, leaf.size, String(leaf.attributes.name));
  const data = allocateData(leaf.dtype, leaf.size);
  // No zeros and no patterns: every 7919th number of a small range.
  const limit = leaf === labels ? widths.at(-1)! : leaf === order ? samples : 256;
  for (let place = 0; place < data.length; place++) {
    const number = (place * 7919) % limit;
    data[place] = leaf.dtype === "f32" ? (number / limit - 0.5) / Math.sqrt(widths[0]) : number;
  }
  storage.write(data);
  storages.set(leaf, storage);
  return storage;
};
const executable = device.prepare(createProgram([loss], assignments), bind, { recorded: 1 });

/** One command of a step, taken down as the executable encodes it. */
interface Command {
  pipeline: GPUComputePipeline;
  group?: GPUBindGroup;
  size: [number, number?, number?];
}
const commands: Command[] = [];
let scalars: [GPUBindGroup, Uint32Array] | undefined;
let pipeline: GPUComputePipeline;
let group: GPUBindGroup;
executable.encode(
  {
    setPipeline: (given: GPUComputePipeline) => void (pipeline = given),
    setBindGroup: (index: number, given: GPUBindGroup, offsets?: Uint32Array) => {
      if (index === 0) scalars = [given, offsets!.slice()];
      else group = given;
    },
    dispatchWorkgroups: (...size: Command["size"]) => void commands.push({ pipeline, group, size }),
  } as unknown as GPUComputePassEncoder,
  0,
);

const { queue } = device.resources.device;

/** A part of a step: commands, and before them the copies of states that its updates read. */
interface Part {
  readonly commands: readonly Command[];
  readonly copies: boolean;
}

/** Milliseconds from the submit of `repeats` of a part until they are done. */
async function submit({ commands: chosen, copies }: Part, repeats: number): Promise<number> {
  const encoder = device!.resources.device.createCommandEncoder();
  const begin = () => {
    const pass = encoder.beginComputePass();
    pass.setBindGroup(0, scalars![0], scalars![1], 0, 1);
    return pass;
  };
  let pass = begin();
  for (let repeat = 0; repeat < repeats; repeat++) {
    if (copies) {
      pass.end();
      executable.encodeMirrors(encoder);
      pass = begin();
    }
    for (const { pipeline, group, size } of chosen) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(1, group!);
      pass.dispatchWorkgroups(...size);
    }
  }
  pass.end();
  const finished = encoder.finish();
  const start = performance.now();
  queue.submit([finished]);
  await queue.onSubmittedWorkDone();
  return performance.now() - start;
}

const first = performance.now();
const copies = executable.hasMirrors;
await submit({ commands, copies }, 1);
console.log(`${device.name}: first step ${(performance.now() - first).toFixed(0)} ms`);
let wait = Infinity;
for (let round = 0; round < 2 * rounds; round++) {
  wait = Math.min(wait, await submit({ commands: [], copies }, 0));
}

const repeats = 200;
const parts: { part: Part; name: string }[] = [
  { part: { commands, copies }, name: "the whole step" },
  ...(copies ? [{ part: { commands: [], copies }, name: "copies of states" }] : []),
  ...commands.map((command, place) => ({
    part: { commands: [command], copies: false },
    name: executable.dispatchLabels[place],
  })),
];
const best = parts.map(() => Infinity);
for (let round = 0; round < rounds; round++) {
  for (const [place, { part }] of parts.entries()) {
    best[place] = Math.min(best[place], (await submit(part, repeats) - wait) / repeats * 1000);
  }
}
best.forEach((time, place) => {
  const { part, name } = parts[place];
  const groups = part.commands.length === 1 ? `${part.commands[0].size.join("x")} groups` : "";
  console.log(`${time.toFixed(0).padStart(7)} µs ${groups.padStart(16)}  ${name}`);
});
await device.idle();
device.dispose();
await device.idle();
