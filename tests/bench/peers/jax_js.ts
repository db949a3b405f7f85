/** jax-js on WebAssembly with its own pool of workers, or with `--backend webgpu`; a step is one `jit`. */

import {
  type Array as JaxArray,
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  nn,
  numpy,
  tree,
  valueAndGrad,
} from "@jax-js/jax";
import { type PreparedSteps, runPeer } from "../peer.ts";
import { operands, readBatches, readWeights } from "../peer_data.ts";
import type { Inference, MatrixProduct, Training } from "../workloads.ts";

type Layers = { kernel: JaxArray; bias: JaxArray }[];
type Moments = { first: Layers; second: Layers };

const BETA_1 = 0.9, BETA_2 = 0.999, EPSILON = 1e-7;

function array(values: Float32Array<ArrayBuffer>, shape: number[]): JaxArray {
  return numpy.array(values).reshape(shape);
}

function readLayers(folder: string, network: Training | Inference): Layers {
  return readWeights(folder, network).map(({ kernel, bias, inputs, outputs }) => ({
    kernel: array(kernel, [inputs, outputs]),
    bias: array(bias, [outputs]),
  }));
}

/** Relu between the layers; consumes its arguments, as jax-js asks. */
function logits(layers: Layers, pixels: JaxArray): JaxArray {
  return layers.reduce((x, { kernel, bias }, index) => {
    const y = numpy.matmul(x, kernel).add(bias);
    return index < layers.length - 1 ? nn.relu(y) : y;
  }, pixels);
}

function crossEntropy(layers: Layers, pixels: JaxArray, oneHot: JaxArray): JaxArray {
  return numpy.mean(nn.logSoftmax(logits(layers, pixels)).mul(oneHot).sum(-1)).neg();
}

const lossAndGradients = valueAndGrad(crossEntropy);

function sgdStep(rate: number) {
  return jit((layers: Layers, pixels: JaxArray, oneHot: JaxArray): [Layers, JaxArray] => {
    const [loss, gradients] = lossAndGradients(tree.ref(layers), pixels, oneHot);
    const move = (p: JaxArray, g: JaxArray) => p.sub(g.mul(rate));
    return [tree.map(move, layers, gradients as Layers) as Layers, loss as JaxArray];
  });
}

/** Adam in Keras's form; `alpha` carries rate and bias corrections, so that one trace serves. */
function adamStep() {
  return jit((
    layers: Layers,
    moments: Moments,
    alpha: JaxArray,
    pixels: JaxArray,
    oneHot: JaxArray,
  ): [Layers, Moments, JaxArray] => {
    const [loss, given] = lossAndGradients(tree.ref(layers), pixels, oneHot);
    const gradients = given as Layers;
    const first = tree.map(
      (m: JaxArray, g: JaxArray) => m.mul(BETA_1).add(g.ref.mul(1 - BETA_1)),
      moments.first,
      tree.ref(gradients),
    ) as Layers;
    const second = tree.map(
      (v: JaxArray, g: JaxArray) => v.mul(BETA_2).add(numpy.square(g).mul(1 - BETA_2)),
      moments.second,
      gradients,
    ) as Layers;
    const move = (p: JaxArray, m: JaxArray, v: JaxArray) =>
      p.sub(alpha.ref.mul(m).div(numpy.sqrt(v).add(EPSILON)));
    const moved = tree.map(move, layers, tree.ref(first), tree.ref(second)) as Layers;
    alpha.dispose();
    return [moved, { first, second }, loss as JaxArray];
  });
}

/** A function that trains on one batch and returns the loss as an array. */
function stepper(workload: Training, initial: Layers) {
  let layers = initial;
  if (workload.optimizer === "sgd") {
    const run = sgdStep(workload.learningRate);
    return (_: number, pixels: JaxArray, oneHot: JaxArray) => {
      const [moved, loss] = run(layers, pixels, oneHot);
      layers = moved;
      return loss;
    };
  }
  const run = adamStep();
  const zeros = () => tree.map((p: JaxArray) => numpy.zeros(p.shape), layers) as Layers;
  let moments: Moments = { first: zeros(), second: zeros() };
  return (index: number, pixels: JaxArray, oneHot: JaxArray) => {
    const corrected = Math.sqrt(1 - BETA_2 ** (index + 1)) / (1 - BETA_1 ** (index + 1));
    const alpha = numpy.array(workload.learningRate * corrected);
    const [moved, newMoments, loss] = run(layers, moments, alpha, pixels, oneHot);
    [layers, moments] = [moved, newMoments];
    return loss;
  };
}

function training(workload: Training, folder: string): PreparedSteps {
  const batches = readBatches(folder, workload.batchSize).map(({ pixels, oneHot }) => ({
    pixels: array(pixels, [workload.batchSize, 784]),
    oneHot: array(oneHot, [workload.batchSize, 10]),
  }));
  const step = stepper(workload, readLayers(folder, workload));
  let last: JaxArray | undefined;
  return {
    step(index) {
      const { pixels, oneHot } = batches[index % batches.length];
      last?.dispose();
      last = step(index, pixels.ref, oneHot.ref);
    },
    settle: async () => (await last!.ref.data())[0],
  };
}

function inference(workload: Inference, folder: string): PreparedSteps {
  const { pixels } = readBatches(folder, workload.batchSize)[0];
  const batch = array(pixels, [workload.batchSize, 784]);
  const layers = readLayers(folder, workload);
  const run = jit(logits);
  let value = 0;
  return {
    async step() {
      value = (await run(tree.ref(layers), batch.ref).data())[0];
    },
    settle: () => value,
  };
}

function matmul(workload: MatrixProduct): PreparedSteps {
  const { left, leftShape, right, rightShape } = operands(workload);
  const [a, b] = [array(left, leftShape), array(right, rightShape)];
  const run = jit((x: JaxArray, y: JaxArray) =>
    numpy.matmul(
      workload.transposeLeft ? numpy.transpose(x) : x,
      workload.transposeRight ? numpy.transpose(y) : y,
    )
  );
  const products: JaxArray[] = [];
  return {
    step: () => void products.push(run(a.ref, b.ref)),
    async settle() {
      await blockUntilReady(products);
      const last = (await products.at(-1)!.ref.data()).at(-1)!;
      for (const finished of products.splice(0)) finished.dispose();
      return last;
    },
  };
}

const device = Deno.args.includes("webgpu") ? "webgpu" : "wasm";
await init(device);
defaultDevice(device);
await runPeer({ name: `jax-js ${device}`, version: "0.1.25", training, inference, matmul });
