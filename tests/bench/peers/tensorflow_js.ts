/** TensorFlow.js; `--backend wasm` (the default), `--backend cpu` or `--backend webgpu`. */

import * as tf from "@tensorflow/tfjs";
import { parseArgs } from "node:util";
import { type PeerArguments, peerArguments, type PreparedSteps, runPeer } from "../peer.ts";
import { operands, readBatches, readLayers } from "../peer_data.ts";
import type { Inference, LayerShape, MatrixProduct, Network, Training } from "../workloads.ts";

type Variables = { layer: LayerShape; kernel?: tf.Variable; bias?: tf.Variable }[];

function readVariables(folder: string, network: Network): Variables {
  return readLayers(folder, network).map(({ layer, weights }) => ({
    layer,
    kernel: weights ? tf.variable(tf.tensor(weights.kernel, weights.kernelShape)) : undefined,
    bias: weights ? tf.variable(tf.tensor1d(weights.bias)) : undefined,
  }));
}

/** Bias and relu are fused into the product, as Keras layers of TensorFlow.js do it. */
function logits(layers: Variables, pixels: tf.Tensor): tf.Tensor2D {
  return layers.reduce((x, { layer, kernel, bias }, index) => {
    if (layer.kind === "maxPooling") {
      return tf.maxPool(x as tf.Tensor4D, layer.size, layer.size, "valid");
    }
    if (layer.kind === "dropout") return tf.dropout(x, layer.rate);
    const activation = index < layers.length - 1 ? "relu" : "linear";
    const filter = kernel as tf.Tensor;
    return layer.kind === "dense"
      ? tf.fused.matMul({
        a: x.reshape([-1, layer.inputs]) as tf.Tensor2D,
        b: filter as tf.Tensor2D,
        bias,
        activation,
      })
      : tf.fused.conv2d({
        x: x as tf.Tensor4D,
        filter: filter as tf.Tensor4D,
        strides: 1,
        pad: "valid",
        bias,
        activation,
      });
  }, pixels) as tf.Tensor2D;
}

function training(workload: Training, folder: string): PreparedSteps {
  const { batchSize, learningRate } = workload;
  const batches = readBatches(folder, batchSize).map(({ pixels, oneHot }) => ({
    pixels: tf.tensor(pixels, [batchSize, ...workload.sample]),
    oneHot: tf.tensor2d(oneHot, [batchSize, 10]),
  }));
  const layers = readVariables(folder, workload);
  const optimizer = workload.optimizer === "sgd"
    ? tf.train.sgd(learningRate)
    : tf.train.adam(learningRate, 0.9, 0.999, 1e-7);
  let last: tf.Scalar | null = null;
  return {
    step(index) {
      const { pixels, oneHot } = batches[index % batches.length];
      last?.dispose();
      last = optimizer.minimize(
        () => tf.losses.softmaxCrossEntropy(oneHot, logits(layers, pixels)),
        true,
      );
    },
    settle: async () => (await last!.data())[0],
  };
}

function inference(workload: Inference, folder: string): PreparedSteps {
  const { pixels } = readBatches(folder, workload.batchSize)[0];
  const batch = tf.tensor(pixels, [workload.batchSize, ...workload.sample]);
  const layers = readVariables(folder, workload);
  let value = 0;
  return {
    async step() {
      const result = tf.tidy(() => logits(layers, batch));
      value = (await result.data())[0];
      result.dispose();
    },
    settle: () => value,
  };
}

function matmul(workload: MatrixProduct): PreparedSteps {
  const { left, leftShape, right, rightShape } = operands(workload);
  const [a, b] = [tf.tensor2d(left, leftShape), tf.tensor2d(right, rightShape)];
  let last: tf.Tensor | undefined;
  return {
    step() {
      last?.dispose();
      last = tf.matMul(a, b, workload.transposeLeft, workload.transposeRight);
    },
    settle: async () => (await last!.data()).at(-1)!,
  };
}

const { backend } = parseArgs({
  options: { backend: { type: "string", default: "wasm" } },
  strict: false,
}).values as { backend: string };
const given: PeerArguments = peerArguments();
// A backend registers itself when it is imported; the others are left alone.
if (backend === "wasm") {
  (await import("@tensorflow/tfjs-backend-wasm")).setThreadsCount(given.threads);
} else if (backend === "webgpu") await import("@tensorflow/tfjs-backend-webgpu");
if (!await tf.setBackend(backend)) {
  throw new Error(`TensorFlow.js has no backend "${backend}" here`);
}
await tf.ready();
await runPeer(
  { name: `tensorflow.js ${backend}`, version: tf.version.tfjs, training, inference, matmul },
  given,
);
