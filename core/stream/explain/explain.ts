import type { StoredInputs } from "../../../data/data_set.ts";
import type { Executable } from "../../graph/device.ts";
import { sizeOf } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { checkCount } from "../../nn/check_count.ts";
import type { Model } from "../../nn/model.ts";
import { oneHot } from "../../ops/one_hot.ts";
import { stopGradient } from "../../ops/stop_gradient.ts";
import { applyModel } from "../apply_model.ts";
import { type DeviceOptions, openDevice } from "../open_device.ts";
import { Run } from "../run.ts";
import { settled } from "../weight_table.ts";
import type { Attribution } from "./attribution.ts";
import { withLayer } from "./with_layer.ts";

/** Options of {@link explain}. */
export interface ExplainOptions extends DeviceOptions {
  /**
   * Which output is explained: its number, one number a sample, or `predicted`, the largest output
   * of each sample; default `predicted`.
   */
  readonly target?: "predicted" | number | readonly number[];
  /** Samples in a batch, from 1; default as many as make 1,024 rows. It does not change the result. */
  readonly batchSize?: number;
}

/** What {@link explain} gives. */
export interface Explanation {
  /** How much each feature counts for the target's output, sample by sample. */
  readonly data: Float32Array;
  /** `[samples, ...inputShape]`. */
  readonly shape: readonly number[];
  /** The output that was explained, `[samples]`. */
  readonly scores: Float32Array;
}

/**
 * Which parts of an input made a model decide as it does, in inference mode.
 *
 * @param model The model, with outputs `[outputs]`. A model that ends in logits is explained better
 * than one that ends in softmax, whose outputs hardly move where it is sure.
 * @param inputs `[samples, ...inputShape]`: the `x` of a data set, or arrays made with `arrays`.
 * @param method How: {@link saliency}, {@link inputTimesGradient}, {@link integratedGradients},
 * {@link smoothGrad}, {@link gradCam}, {@link occlusion}, {@link shapleySampling}, or one of yours.
 * @param options The output that is explained; batch size, device.
 * @returns A number for each feature of each sample.
 * @throws {RangeError} when a target is not the number of an output.
 *
 * @example
 * ```ts
 * import { dense, explain, input, inputTimesGradient, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1)]);
 * model.parameters[0].set([3, -1]);
 * const inputs = { data: Float32Array.of(2, 5), shape: [1, 2] };
 * const options = { device: "cpu", threads: 1 } as const;
 * const { data, scores } = await explain(model, inputs, inputTimesGradient(), options);
 * assert.deepEqual([...data], [6, -5]);
 * assert.deepEqual([...scores], [1]);
 * ```
 *
 * Keras has none; PyTorch: Captum's `attribute(inputs, target)`.
 */
export async function explain(
  model: Model,
  inputs: StoredInputs,
  method: Attribution,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const samples = inputs.shape[0];
  const outputs = checkOutputs(model);
  const targets = targetsOf(options.target ?? "predicted", samples, outputs);
  const wished = options.batchSize ?? Math.max(1, Math.floor(1024 / method.copies));
  const batchSize = checkCount("the batchSize of explain", wished, 1);
  await settled(model);
  const size = sizeOf(model.inputShape);
  const data = new Float32Array(samples * size);
  const scores = new Float32Array(samples);
  const { device, owned } = await openDevice(options, Math.ceil(samples / batchSize));
  const run = new Run(device, owned, { seed: 0, samples });
  const plans = new Map<number, Executable>();
  try {
    run.addModel(model);
    const resident = run.load(
      { x: inputs, y: { data: targets ?? new Int32Array(samples), shape: [samples] } },
      "inputs",
      batchSize,
    );
    for (let start = 0; start < samples; start += batchSize) {
      const count = Math.min(batchSize, samples - start);
      if (!plans.has(count)) {
        const { x, y } = resident.batch(count);
        const wanted = targets ? y as Tensor : null;
        plans.set(count, run.prepare(attributed(run, model, x as Tensor, wanted, method), 0));
      }
      const executable = plans.get(count)!;
      run.place(start);
      await executable.run(run.scalarValues(executable));
      data.set(await executable.read(0), start * size);
      scores.set(await executable.read(1), start);
    }
    return { data, shape: [samples, ...model.inputShape], scores };
  } finally {
    for (const executable of plans.values()) executable.dispose();
    await run.finish();
  }
}

/** The attributions and the scores of a batch, as symbols. */
function attributed(
  run: Run,
  model: Model,
  x: Tensor,
  targets: Tensor | null,
  method: Attribution,
): Tensor[] {
  const { leaves } = run.weightTable;
  const apply = (rows: Tensor) => applyModel(run, model, leaves, rows, false).outputs;
  const outputs = apply(x);
  const [batch, classes] = outputs.shape;
  // Which output it is does not vary smoothly: no gradient flows there.
  const chosen = stopGradient(oneHot(targets ?? outputs.argMax(-1), classes));
  const scoreOf = (made: Tensor) => made.mul(chosen).sum(-1);
  const values = method.apply({
    x,
    score: (rows) => scoreOf(apply(rows).reshape([-1, batch, classes])),
    layer: (name) => {
      const made = applyModel(run, withLayer(model, name), leaves, x, false).outputs;
      return { activations: made.layer, score: scoreOf(made.output) };
    },
  });
  return [values, scoreOf(outputs)];
}

function checkOutputs(model: Model): number {
  if (Array.isArray(model.outputShape) && model.outputShape.length === 1) {
    return model.outputShape[0];
  }
  throw new RangeError(
    `Cannot explain the model ${model.name} as it must have one output of shape [outputs]: ` +
      `received ${JSON.stringify(model.outputShape)}`,
  );
}

function targetsOf(
  target: NonNullable<ExplainOptions["target"]>,
  samples: number,
  outputs: number,
): Int32Array | null {
  if (target === "predicted") return null;
  const targets = typeof target === "number" ? Array<number>(samples).fill(target) : target;
  const wrong = targets.find((one) => !Number.isInteger(one) || one < 0 || one >= outputs);
  if (wrong !== undefined || targets.length !== samples) {
    throw new RangeError(
      `Cannot explain as target must be a number from 0 to ${outputs - 1}, or one for each of ` +
        `${samples} samples: received ${wrong ?? `${targets.length} numbers`}`,
    );
  }
  return Int32Array.from(targets);
}
