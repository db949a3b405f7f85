/** Millrace as a peer: `--threads N`, and the arguments that every peer takes. */

import { join } from "node:path";
import * as millrace from "../../mod.ts";
import { type PreparedRun, type PreparedSteps, runPeer } from "./peer.ts";
import { operands, readBatches, readDigits, readWeights, SAMPLES } from "./peer_data.ts";
import { runByWindows } from "./stream_windows.ts";
import type { Inference, MatrixProduct, Training } from "./workloads.ts";

/** The network with the weights that every peer starts from. */
function readModel(folder: string, network: Training | Inference) {
  const given = (values: Float32Array) => ({ name: "given", values: () => values });
  const layers = readWeights(folder, network).map(({ kernel, bias, outputs }, index, all) =>
    millrace.dense(outputs, {
      kernelInitializer: given(kernel),
      biasInitializer: given(bias),
      activation: index < all.length - 1 ? "relu" : "linear",
    })
  );
  return millrace.sequential([millrace.input([network.widths[0]]), ...layers]);
}

function training(workload: Training, folder: string): PreparedRun {
  const { batchSize, learningRate } = workload;
  const used = SAMPLES - SAMPLES % batchSize;
  const { images, labels } = readDigits(folder);
  const digits = millrace.arrays(images.subarray(0, used * 784), labels.subarray(0, used), {
    classes: 10,
    scale: 1 / 255,
  });
  const optimizer = workload.optimizer === "sgd"
    ? millrace.sgd({ learningRate })
    : millrace.adam({ learningRate });
  const steps = millrace.miniBatches(digits, { batchSize, epochs: Infinity, shuffle: false }).pipe(
    millrace.forward(readModel(folder, workload)),
    millrace.loss(millrace.sparseCategoricalCrossentropy({ fromLogits: true })),
    millrace.backward(),
    millrace.update(optimizer),
  );
  return runByWindows(steps);
}

function inference(workload: Inference, folder: string): PreparedSteps {
  const { pixels } = readBatches(folder, workload.batchSize)[0];
  const model = readModel(folder, workload);
  const batch = millrace.tensor(pixels, { shape: [workload.batchSize, 784] });
  let value = 0;
  return {
    async step() {
      value = (await model.call(batch).data())[0];
    },
    settle: () => value,
  };
}

function matmul(workload: MatrixProduct): PreparedSteps {
  const { left, leftShape, right, rightShape } = operands(workload);
  const a = millrace.tensor(left, { shape: leftShape });
  const b = millrace.tensor(right, { shape: rightShape });
  const product = (workload.transposeLeft ? a.transpose() : a)
    .matmul(workload.transposeRight ? b.transpose() : b);
  let value = 0;
  return {
    async step() {
      value = (await product.data()).at(-1)!;
    },
    settle: () => value,
  };
}

const { version } = JSON.parse(
  Deno.readTextFileSync(join(import.meta.dirname!, "../../deno.json")),
);
await runPeer({ name: "millrace", version, training, inference, matmul });
