import { Observable } from "rxjs";
import { sizeOf } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { checkCount } from "../../nn/check_count.ts";
import type { Model } from "../../nn/model.ts";
import type { Tensors } from "../../nn/named.ts";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { oneHot } from "../../ops/one_hot.ts";
import { stopGradient } from "../../ops/stop_gradient.ts";
import { received } from "../../state/received.ts";
import type { InferenceRun } from "../inference_run.ts";
import type { Explanation, Prediction } from "../predictions.ts";
import { checkPrediction } from "../stage_order.ts";
import type { Attribution } from "./attribution.ts";
import { withLayer } from "./with_layer.ts";

/** Options of {@link explain}. */
export interface ExplainOptions {
  /**
   * Which output is explained: its number, one number for each sample of all batches, or `predicted`,
   * the largest output of each sample; default `predicted`.
   */
  readonly target?: "predicted" | number | readonly number[];
  /** Samples that are explained at once, from 1; default as many as make 1,024 rows. */
  readonly batchSize?: number;
  /** Under which name the explanation stands; default that of the method. */
  readonly name?: string;
}

/**
 * Adds to each batch of predictions which parts of an input made the model decide as it does.
 *
 * Several in a pipe add one explanation each, and the inputs are on the device once for all.
 *
 * @param method How: {@link saliency}, {@link inputTimesGradient}, {@link integratedGradients},
 * {@link smoothGrad}, {@link gradCam}, {@link occlusion}, {@link shapleySampling}, or one of yours.
 * @param options The output that is explained; name, batch size.
 * @returns An operator on {@link predictions} of a model with one input and outputs `[outputs]`; in
 * `explanations` is a number for each feature of each sample. A model that ends in logits is
 * explained better than one that ends in softmax, whose outputs hardly move where it is sure.
 * @throws {RangeError} on the error channel, when a target is not the number of an output, or there
 * is an explanation of that name.
 * @throws {TypeError} when there is no method; on the error channel when steps or epochs come to it.
 *
 * @example
 * ```ts
 * import {
 *   dense, explain, input, inputTimesGradient, predictions, saliency, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1)]);
 * model.parameters[0].set([3, -1]);
 * const inputs = { data: Float32Array.of(2, 5), shape: [1, 2] };
 * const explained = predictions(model, inputs, { device: "cpu", threads: 1 }).pipe(
 *   explain(saliency()),
 *   explain(inputTimesGradient(), { target: 0 }),
 * );
 * const { outputs, explanations } = await lastValueFrom(explained);
 * assert.deepEqual([...outputs.data], [1]);
 * assert.deepEqual([...explanations.saliency.data], [3, 1]);
 * assert.deepEqual([...explanations.inputTimesGradient.data], [6, -5]);
 * ```
 *
 * Keras has none; PyTorch: Captum's `attribute(inputs, target)`.
 */
export function explain(
  method: Attribution,
  options: ExplainOptions = {},
): MonoTypeOperatorFunction<Prediction> {
  if (typeof method?.apply !== "function") {
    throw new TypeError(
      `Cannot explain as explain takes a method, such as integratedGradients(): received ` +
        received(method),
    );
  }
  const { name = method.name } = options;
  const wished = options.batchSize ?? Math.max(1, Math.floor(1024 / method.copies));
  const batchSize = checkCount("the batchSize of explain", wished, 1);
  return (source) =>
    new Observable<Prediction>((subscriber) => {
      const explainer = new Explainer(method, options.target ?? "predicted", batchSize);
      let last: Promise<void> = Promise.resolve();
      subscriber.add(source.subscribe({
        next(prediction) {
          try {
            checkPrediction("explain", prediction);
          } catch (error) {
            return subscriber.error(error);
          }
          const { explanations } = prediction;
          last = last.then(async () => {
            if (subscriber.closed) return;
            if (name in explanations) {
              throw new RangeError(
                `Cannot explain a second time by "${name}": give one of the two another name`,
              );
            }
            const found = await explainer.explain(prediction);
            subscriber.next({ ...prediction, explanations: { ...explanations, [name]: found } });
          });
          prediction.hold(last);
        },
        error: (error) => subscriber.error(error),
        complete: () => last.then(() => subscriber.complete(), (error) => subscriber.error(error)),
      }));
    });
}

/** What one subscription knows: whose plans and targets lie on the device. */
class Explainer {
  #targets: Int32Array | null | undefined;

  constructor(
    private readonly method: Attribution,
    private readonly target: NonNullable<ExplainOptions["target"]>,
    private readonly batchSize: number,
  ) {}

  /** The explanation of a batch, a few samples after the others. */
  async explain({ run, start, samples }: Prediction): Promise<Explanation> {
    const model = run.model as Model;
    const outputs = checkModel(model);
    this.#targets ??= targetsOf(this.target, run.samples, outputs);
    const targets = this.#targets;
    const size = sizeOf(model.inputShape);
    const data = new Float32Array(samples * size);
    const scores = new Float32Array(samples);
    for (let done = 0; done < samples; done += this.batchSize) {
      const count = Math.min(this.batchSize, samples - done);
      const [values, score] = await run.compute(this, start + done, count, (x) => {
        const wanted = targets && run.targets(this, targets, count);
        return { tensors: attributed(run, model, x as Tensor, wanted, this.method) };
      });
      data.set(values.data, done * size);
      scores.set(score.data, done);
    }
    return { data, shape: [samples, ...model.inputShape], scores };
  }
}

/** The attributions and the scores of a batch, as symbols. */
function attributed(
  run: InferenceRun,
  model: Model,
  x: Tensor,
  targets: Tensor | null,
  method: Attribution,
): Tensor[] {
  const outputs = run.apply<Tensor>(x);
  const [batch, classes] = outputs.shape;
  // Which output it is does not vary smoothly: no gradient flows there.
  const chosen = stopGradient(oneHot(targets ?? outputs.argMax(-1), classes));
  const scoreOf = (made: Tensor) => made.mul(chosen).sum(-1);
  const values = method.apply({
    x,
    score: (rows) => scoreOf(run.apply<Tensor>(rows).reshape([-1, batch, classes])),
    layer: (name) => {
      const made = run.apply(x, withLayer(model, name));
      return { activations: made.layer, score: scoreOf(made.output) };
    },
  });
  return [values, scoreOf(outputs)];
}

/** Refuses models of other inputs and outputs; gives the number of outputs. */
function checkModel({ name, inputShape, outputShape }: Model<Tensors, Tensors>): number {
  if (Array.isArray(inputShape) && Array.isArray(outputShape) && outputShape.length === 1) {
    return outputShape[0];
  }
  throw new RangeError(
    `Cannot explain the model ${name} as it must have one input and one output of shape ` +
      `[outputs]: received ${JSON.stringify(inputShape)} and ${JSON.stringify(outputShape)}`,
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
