/**
 * A thousand layers: what residual connections are for.
 *
 *     deno run pipelines/very_deep.ts
 *     deno run pipelines/very_deep.ts --layers 100 --limit 5000
 *
 * Two networks of 1,000 narrow dense layers learn the MNIST digits. In the plain one a layer takes
 * what the layer before it gives, x ← W · relu(x) + b, and the gradient of the first layer is a
 * product of a thousand matrices: at depth it vanishes, the first layers do not move, and the
 * network learns next to nothing. In the residual one a layer adds to what it takes,
 * x ← x + W · relu(x) + b, and the gradient has a way round every matrix: it reaches the first layer
 * about as long as it left the last. The norms of the gradients, first layer and last, stand in the
 * line of each epoch; `gradientNorms` measures them in every step.
 *
 * With `--recompute 32` a step keeps what every 32nd layer gives for the backward pass, and computes
 * the rest again: the lines are the same to the last digit, what a step keeps falls from 10.3 MiB to
 * 1.3 (with batches of 256 from 79 to 5.6), and it takes a forward pass longer.
 */
import { map } from "rxjs";
import { mnist } from "../data/mnist.ts";
import {
  accuracy,
  activation,
  backward,
  dense,
  type Epoch,
  epochs,
  forward,
  gradientNorms,
  input,
  loss,
  measure,
  miniBatches,
  type Model,
  residual,
  sequential,
  sparseCategoricalCrossentropy,
  update,
  varianceScaling,
} from "../mod.ts";
import { commandLine, wholeNumber } from "./command_line.ts";
import { batchesBy, completed, failed, keepBest, optimizerBy, watchSteps } from "./reporting.ts";
import { checkTraining } from "./resuming.ts";
import { commonRecipe, limited, trainingOptions } from "./training_options.ts";

const options = commandLine(
  `
Trains a very deep network with residual connections on the MNIST digits, and one without.

  deno run pipelines/very_deep.ts
  deno run pipelines/very_deep.ts --layers 100 --limit 5000`,
  {
    "layers": { value: "N", help: "dense layers, from 3", default: "1000", parse: wholeNumber(3) },
    "width": { value: "N", help: "units of a layer", default: "16", parse: wholeNumber(1) },
    "recompute": {
      value: "N",
      help: "layers of a segment computed again in the backward pass; none unless given",
      parse: wholeNumber(1),
    },
    ...trainingOptions(
      { ...commonRecipe, epochs: 1, learningRate: 0.0001 },
      { samples: "digits", limit: 10_000, device: "cpu", several: true },
    ),
  },
);

/** A network of `options.layers` dense layers. */
function network(kind: "residual" | "plain"): Model {
  const { layers, width, seed, recompute } = options;
  // Each branch adds a little, so that all of them together do not blow up what flows: a variance
  // of 1/layers for each unit. Without the way round, He's variance keeps the signal best.
  const kernelInitializer = kind === "residual"
    ? varianceScaling({ scale: 1 / layers })
    : "heNormal" as const;
  const blocks = Array.from({ length: layers - 2 }, () => {
    const branch = [activation("relu"), dense(width, { kernelInitializer })];
    return kind === "residual" ? [residual(branch)] : branch;
  });
  return sequential([
    input([784]),
    dense(width, { name: "first" }),
    ...blocks.flat(),
    activation("relu"),
    dense(10, { name: "last" }),
  ], { name: kind, seed, recompute });
}

/** An epoch whose logs hold the gradient norms of the first layer and the last, and of all. */
function firstAndLast(epoch: Epoch): Epoch {
  const kept = Object.entries(epoch.logs).filter(([name]) =>
    !name.startsWith("gradient_norm/") || /\/(first|last)$/.test(name)
  );
  return { ...epoch, logs: Object.fromEntries(kept) };
}

try {
  checkTraining(options, ["plain"]);
  const train = limited(mnist.train, options);
  for (const kind of ["residual", "plain"] as const) {
    const about = { name: kind === "plain" ? kind : undefined, free: ["recompute"] };
    const steps = miniBatches(train, await batchesBy(options, about)).pipe(
      forward(network(kind)),
      loss(sparseCategoricalCrossentropy({ fromLogits: true })),
      backward(),
      gradientNorms(),
      update(optimizerBy(options, train)),
      measure(accuracy()),
      watchSteps(options, about),
    );
    const training = steps.pipe(
      epochs({ validation: mnist.test }),
      map(firstAndLast),
      keepBest(options, about),
    );
    if (!await completed(training)) break;
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
