/**
 * A pipeline with everything that a checkpoint holds, for `kill_test.ts` to kill: it goes on from the
 * latest file in its folder, and writes `final.safetensors` when it is done.
 *
 *     deno run -A tests/training/kill_child.ts cpu 2 128 6000 6
 */
import { lastValueFrom, tap } from "rxjs";
import {
  accuracy,
  arrays,
  auc,
  backward,
  batchNormalization,
  binaryCrossentropy,
  checkpoint,
  csvLog,
  decodeSafetensors,
  dense,
  type DeviceChoice,
  dropout,
  earlyStopping,
  epochs,
  exponentialMovingAverage,
  forward,
  hyperparameter,
  input,
  jsonLines,
  loss,
  measure,
  miniBatches,
  reduceOnPlateau,
  saveWeights,
  sequential,
  sgd,
  update,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";

/** Two classes on a plane that cannot be told apart where they overlap. */
function classes(samples: number, seed: number) {
  const random = mulberry32(seed);
  const labels = Array.from({ length: samples }, () => Math.floor(random() * 2));
  return arrays(
    labels.map((label) => [2 * random() + label - 1, random() + 0.3 * label]),
    labels,
    { classes: 2 },
  );
}

/** The file of the latest step, if there is any. */
function latest(...paths: string[]): string | undefined {
  const steps = paths.flatMap((path) => {
    try {
      return [{ path, step: Number(decodeSafetensors(Deno.readFileSync(path)).metadata.step) }];
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
  return steps.toSorted((a, b) => b.step - a.step)[0]?.path;
}

const [device, threads, width, validationSamples, patience] = Deno.args;
const rate = hyperparameter(0.3);
const units = Number(width);
const model = sequential([
  input([2]),
  dense(units, { activation: "relu" }),
  batchNormalization(),
  dropout(0.3),
  dense(units, { activation: "relu" }),
  dense(1),
], { seed: 3 });
const say = (event: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify({ event })}\n`));

const steps = miniBatches(classes(200, 1), {
  batchSize: 16,
  epochs: 40,
  seed: 8,
  device: device as DeviceChoice,
  ...(device === "cpu" ? { threads: Number(threads) } : {}),
  resume: latest("step.safetensors", "best.safetensors", "best.last.safetensors"),
}).pipe(
  forward(model),
  loss(binaryCrossentropy({ fromLogits: true })),
  backward(),
  update(sgd({ learningRate: rate, momentum: 0.9 })),
  exponentialMovingAverage({ momentum: 0.9 }),
  measure(accuracy(), auc({ fromLogits: true })),
  checkpoint("step.safetensors", { save: "last", everySteps: 5 }),
  tap(({ stepInEpoch, stepsPerEpoch }) => {
    if (stepInEpoch === stepsPerEpoch) say("validation");
  }),
);
const training = steps.pipe(
  epochs({ validation: classes(Number(validationSamples), 2), validationBatchSize: 500 }),
  reduceOnPlateau(rate, { patience: 2, factor: 0.5 }),
  checkpoint("best.safetensors", { saveLast: true }),
  csvLog("log.csv"),
  earlyStopping({ patience: Number(patience), restoreBest: true }),
  jsonLines(Deno.stdout),
);
await lastValueFrom(training, { defaultValue: null });
await saveWeights(model, "final.safetensors");
