/** jax-js on WebAssembly with its own pool of workers, or with `--backend webgpu`; a step is one `jit`. */

import {
  type Array as JaxArray,
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy,
  random,
  tree,
  valueAndGrad,
} from "@jax-js/jax";
import { type PreparedSteps, runPeer } from "../peer.ts";
import { operands, readBatches, readLayers } from "../peer_data.ts";
import type { Inference, MatrixProduct, Network, Training } from "../workloads.ts";

type Layers = { kernel: JaxArray; bias: JaxArray }[];
type Moments = { first: Layers; second: Layers };

const BETA_1 = 0.9, BETA_2 = 0.999, EPSILON = 1e-7;

function array(values: Float32Array<ArrayBuffer>, shape: number[]): JaxArray {
  return numpy.array(values).reshape(shape);
}

/** Channels first, as `lax` wants them: kernels [filters, channels, ...], rows of an image too. */
function readWeights(folder: string, network: Network): Layers {
  let channels = network.sample.at(-1)!;
  return readLayers(folder, network).flatMap(({ layer, weights }) => {
    if (weights === null) return [];
    const { kernelShape, bias } = weights;
    let kernel = array(weights.kernel, kernelShape);
    if (layer.kind === "convolution") {
      kernel = numpy.transpose(kernel, [3, 2, 0, 1]);
      channels = layer.filters;
    } else if (network.sample.length > 1) {
      const [inputs, units] = kernelShape;
      kernel = numpy.transpose(kernel.reshape([inputs / channels, channels, units]), [1, 0, 2])
        .reshape([inputs, units]);
      channels = 1;
    }
    return [{ kernel, bias: array(bias, [bias.length]) }];
  });
}

/** [batch, 784], or [batch, 1, 28, 28]: one channel is first as it is last. */
function samplesOf(pixels: Float32Array<ArrayBuffer>, { sample, batchSize }: Network): JaxArray {
  return array(pixels, [batchSize, ...sample.slice(2), ...sample.slice(0, 2)]);
}

/** Zero with probability `rate`, else larger; the mean stays. */
function dropout(x: JaxArray, rate: number, key: JaxArray): JaxArray {
  const kept = random.bernoulli(key, 1 - rate, x.shape);
  return numpy.where(kept, x.mul(1 / (1 - rate)), 0);
}

/** What comes out for pixels; consumes its arguments, as jax-js asks. */
type Forward = (layers: Layers, pixels: JaxArray, key: JaxArray) => JaxArray;

/** The network as a function; relu between the layers. */
function forwardOf({ layers: shapes }: Network): Forward {
  return (layers, pixels, key) => {
    let [x, next] = [pixels, 0];
    for (const shape of shapes) {
      if (shape.kind === "maxPooling") {
        const window = [shape.size, shape.size];
        x = lax.reduceWindow(x, (values) => numpy.max(values), window, window);
      } else if (shape.kind === "dropout") x = dropout(x, shape.rate, key.ref);
      else {
        const { kernel, bias } = layers[next++];
        if (shape.kind === "dense") {
          x = numpy.matmul(x.reshape([-1, shape.inputs]), kernel).add(bias);
        } else x = lax.conv(x, kernel, [1, 1], "VALID").add(bias.reshape([-1, 1, 1]));
        if (next < layers.length) x = nn.relu(x);
      }
    }
    key.dispose();
    return x;
  };
}

function lossAndGradientsOf(network: Network) {
  const forward = forwardOf(network);
  return valueAndGrad((layers: Layers, pixels: JaxArray, oneHot: JaxArray, key: JaxArray) =>
    numpy.mean(nn.logSoftmax(forward(layers, pixels, key)).mul(oneHot).sum(-1)).neg()
  );
}

function sgdStep(workload: Training) {
  const lossAndGradients = lossAndGradientsOf(workload);
  return jit((
    layers: Layers,
    pixels: JaxArray,
    oneHot: JaxArray,
    key: JaxArray,
  ): [Layers, JaxArray] => {
    const [loss, gradients] = lossAndGradients(tree.ref(layers), pixels, oneHot, key);
    const move = (p: JaxArray, g: JaxArray) => p.sub(g.mul(workload.learningRate));
    return [tree.map(move, layers, gradients as Layers) as Layers, loss as JaxArray];
  });
}

/** Adam in Keras's form; `alpha` carries rate and bias corrections, so that one trace serves. */
function adamStep(workload: Training) {
  const lossAndGradients = lossAndGradientsOf(workload);
  return jit((
    layers: Layers,
    moments: Moments,
    alpha: JaxArray,
    pixels: JaxArray,
    oneHot: JaxArray,
    key: JaxArray,
  ): [Layers, Moments, JaxArray] => {
    const [loss, given] = lossAndGradients(tree.ref(layers), pixels, oneHot, key);
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
    const run = sgdStep(workload);
    return (index: number, pixels: JaxArray, oneHot: JaxArray) => {
      const [moved, loss] = run(layers, pixels, oneHot, random.key(index));
      layers = moved;
      return loss;
    };
  }
  const run = adamStep(workload);
  const zeros = () => tree.map((p: JaxArray) => numpy.zeros(p.shape), layers) as Layers;
  let moments: Moments = { first: zeros(), second: zeros() };
  return (index: number, pixels: JaxArray, oneHot: JaxArray) => {
    const corrected = Math.sqrt(1 - BETA_2 ** (index + 1)) / (1 - BETA_1 ** (index + 1));
    const alpha = numpy.array(workload.learningRate * corrected);
    const [moved, newMoments, loss] = run(
      layers,
      moments,
      alpha,
      pixels,
      oneHot,
      random.key(index),
    );
    [layers, moments] = [moved, newMoments];
    return loss;
  };
}

function training(workload: Training, folder: string): PreparedSteps {
  const batches = readBatches(folder, workload.batchSize).map(({ pixels, oneHot }) => ({
    pixels: samplesOf(pixels, workload),
    oneHot: array(oneHot, [workload.batchSize, 10]),
  }));
  const step = stepper(workload, readWeights(folder, workload));
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
  const batch = samplesOf(pixels, workload);
  const layers = readWeights(folder, workload);
  const run = jit(forwardOf(workload));
  const key = random.key(0); // for dropout, of which inference has none
  let value = 0;
  return {
    async step() {
      value = (await run(tree.ref(layers), batch.ref, key.ref).data())[0];
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
