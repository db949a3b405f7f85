/** Millrace as a peer: `--threads N --device NAME`, and the arguments that every peer takes. */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { createProgram } from "../../core/graph/program.ts";
import * as millrace from "../../mod.ts";
import { type PreparedRun, type PreparedSteps, runPeer } from "./peer.ts";
import {
  type GivenLayer,
  operands,
  readBatches,
  readDigits,
  readLayers,
  SAMPLES,
} from "./peer_data.ts";
import { StreamWindows } from "./stream_windows.ts";
import type { Inference, MatrixProduct, Network, Training } from "./workloads.ts";

const given = parseArgs({
  options: {
    threads: { type: "string", default: "2" },
    device: { type: "string", default: "cpu" },
  },
  strict: false,
}).values as { threads: string; device: "cpu" | "webgpu" };
const options = { device: given.device, threads: Number(given.threads) };

/** The network with the weights that every peer starts from. */
function readModel(folder: string, network: Network) {
  const layers = readLayers(folder, network).flatMap((given, index, all) =>
    makeLayers(given, index < all.length - 1 ? "relu" : "linear")
  );
  return millrace.sequential([millrace.input(network.sample), ...layers]);
}

function makeLayers({ layer, weights }: GivenLayer, activation: "relu" | "linear") {
  if (layer.kind === "maxPooling") return [millrace.maxPooling2d(layer.size)];
  if (layer.kind === "dropout") return [millrace.dropout(layer.rate)];
  const given = (values: Float32Array) => ({ name: "given", values: () => values });
  const options = {
    kernelInitializer: given(weights!.kernel),
    biasInitializer: given(weights!.bias),
    activation,
  };
  return layer.kind === "dense"
    ? [millrace.flatten(), millrace.dense(layer.units, options)]
    : [millrace.conv2d(layer.filters, layer.size, options)];
}

async function training(workload: Training, folder: string): Promise<PreparedRun> {
  const { batchSize, learningRate } = workload;
  const used = SAMPLES - SAMPLES % batchSize;
  const { images, labels } = readDigits(folder);
  const digits = millrace.arrays(images.subarray(0, used * 784), labels.subarray(0, used), {
    classes: 10,
    inputShape: workload.sample,
    scale: 1 / 255,
  });
  const optimizer = workload.optimizer === "sgd"
    ? millrace.sgd({ learningRate })
    : millrace.adam({ learningRate });
  const model = readModel(folder, workload);
  const opened = await millrace.openDevice(options);
  return new StreamWindows(
    opened.device,
    (device) =>
      millrace.miniBatches(digits, { batchSize, epochs: Infinity, shuffle: false, device }).pipe(
        millrace.forward(model),
        millrace.loss(millrace.sparseCategoricalCrossentropy({ fromLogits: true })),
        millrace.backward(),
        millrace.update(optimizer),
      ),
  );
}

/** A program of one output on the data it is bound to: what runs it, and what reads the output. */
async function replay(output: millrace.Tensor, bindings: Map<millrace.Tensor, Float32Array>) {
  const { device } = await millrace.openDevice(options);
  const storages = new Map([...bindings].map(([leaf, data]) => {
    const storage = device.allocate("f32", data.length, "bench");
    storage.write(data);
    return [leaf, storage];
  }));
  const program = createProgram([output], []);
  const executable = device.prepare(program, (leaf) => storages.get(leaf)!);
  return { run: () => void executable.run([]), read: () => executable.read(0) };
}

async function inference(workload: Inference, folder: string): Promise<PreparedSteps> {
  const { pixels } = readBatches(folder, workload.batchSize)[0];
  const model = readModel(folder, workload);
  const batch = inputLeaf("batch", [workload.batchSize, ...workload.sample], "f32");
  const weights = model.parameters.map((parameter) =>
    [parameter, inputLeaf(parameter.name, parameter.shape, "f32")] as const
  );
  // These layers ask for nothing else.
  const context = {
    training: false,
    masks: [] as millrace.Mask[],
  } as unknown as millrace.ApplyContext;
  const values = weights.map(([parameter, leaf]) => [leaf, parameter.value] as const);
  const { run, read } = await replay(
    model.apply(new Map(weights), batch, context),
    new Map([[batch, Float32Array.from(pixels)], ...values]),
  );
  let value = 0;
  return {
    step() {
      run();
      const result = read();
      if (result instanceof Promise) return result.then((data) => value = data[0]);
      value = result[0];
    },
    settle: () => value,
  };
}

async function matmul(workload: MatrixProduct): Promise<PreparedSteps> {
  const { left, leftShape, right, rightShape } = operands(workload);
  const a = inputLeaf("left", leftShape, "f32");
  const b = inputLeaf("right", rightShape, "f32");
  const product = (workload.transposeLeft ? a.transpose() : a)
    .matmul(workload.transposeRight ? b.transpose() : b);
  const { run, read } = await replay(product, new Map([[a, left], [b, right]]));
  return { step: run, settle: async () => (await read()).at(-1)! };
}

const { version } = JSON.parse(
  Deno.readTextFileSync(join(import.meta.dirname!, "../../deno.json")),
);
await runPeer({ name: "millrace", version, training, inference, matmul });
