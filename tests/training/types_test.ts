/** The compiler checks the order of stages; `deno check` fails where a line below compiles. */
import assert from "node:assert/strict";
import { type Observable, of, type OperatorFunction, toArray } from "rxjs";
import {
  accuracy,
  backward,
  type Batch,
  checkpoint,
  clipGradients,
  type Differentiated,
  earlyStopping,
  type Epoch,
  epochs,
  exponentialMovingAverage,
  fit,
  forward,
  type Forwarded,
  history,
  hyperparameter,
  jsonLines,
  loss,
  maxTime,
  measure,
  miniBatches,
  type predict,
  profile,
  progressBar,
  type Scored,
  sgd,
  stochasticWeightAveraging,
  stopOnNaN,
  stopOnSignal,
  tensorBoard,
  update,
  type Updated,
  updateTarget,
} from "../../mod.ts";
import { crossentropy, points, smallModel } from "./pipes.ts";

const model = smallModel();
const batches = miniBatches(points(10), { device: "cpu", threads: 1 });
const forwarded = batches.pipe(forward(model));
const scored = forwarded.pipe(loss(crossentropy));
const differentiated = scored.pipe(backward());
const updated = differentiated.pipe(update(sgd()));
const gathered = updated.pipe(epochs());

/** True when two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only for `true`. */
function same<_Result extends true>(): void {}

Deno.test("each stage gives its own type", () => {
  same<Same<typeof batches, Observable<Batch>>>();
  same<Same<typeof forwarded, Observable<Forwarded>>>();
  same<Same<typeof scored, Observable<Scored>>>();
  same<Same<typeof differentiated, Observable<Differentiated>>>();
  same<Same<typeof updated, Observable<Updated>>>();
  same<Same<typeof gathered, Observable<Epoch>>>();
  same<Same<ReturnType<typeof fit>, Observable<Epoch>>>();
  const stage = update(sgd());
  same<Same<typeof stage, OperatorFunction<Differentiated, Updated>>>();
});

Deno.test("nine operators in one pipe keep their types", () => {
  const pipe = batches.pipe(
    forward(model),
    loss(crossentropy),
    backward(),
    clipGradients({ norm: 1 }),
    clipGradients({ value: 1 }),
    update(sgd()),
    measure(accuracy()),
    epochs(),
    history(),
  );
  assert.ok(pipe);
  same<
    Same<
      typeof pipe extends Observable<infer Value> ? unknown extends Value ? false : true : 0,
      true
    >
  >();
});

Deno.test("measure keeps the type of the step it stands behind", () => {
  const [one, two, three] = [
    forwarded.pipe(measure(accuracy())),
    scored.pipe(measure(accuracy())),
    updated.pipe(measure(accuracy())),
  ];
  same<Same<typeof one, Observable<Forwarded>>>();
  same<Same<typeof two, Observable<Scored>>>();
  same<Same<typeof three, Observable<Updated>>>();
});

Deno.test("a second group may follow the first", () => {
  const second = updated.pipe(forward(model), loss(crossentropy), backward(), update(sgd()));
  same<Same<typeof second, Observable<Updated>>>();
});

// Never called: only the compiler looks at it.
function _listsMadeBefore() {
  const callbacks = [
    earlyStopping(),
    checkpoint("a.safetensors"),
    tensorBoard(),
    jsonLines(Deno.stdout),
    maxTime({ hours: 1 }),
    stopOnNaN(),
    stopOnSignal(),
  ];
  const stepOperators = [
    progressBar(Deno.stderr),
    profile(),
    exponentialMovingAverage(),
    stochasticWeightAveraging(hyperparameter(0.1), { swaLearningRate: 0.05 }),
    updateTarget(model, model),
    checkpoint<Updated>("a.safetensors", { everySteps: 9 }),
  ];
  const options = { loss: crossentropy, optimizer: sgd(), callbacks, stepOperators };
  return fit(model, points(10), options);
}

// Never called: only the compiler looks at it.
function _wrongOrders(): void {
  // @ts-expect-error loss needs outputs: forward comes first
  batches.pipe(loss(crossentropy));
  // @ts-expect-error backward needs a loss
  batches.pipe(backward());
  // @ts-expect-error update needs gradients
  batches.pipe(update(sgd()));
  // @ts-expect-error there is nothing to gather before update
  batches.pipe(epochs());
  // @ts-expect-error metrics judge outputs
  batches.pipe(measure(accuracy()));
  // @ts-expect-error there are no gradients to clip
  batches.pipe(clipGradients({ norm: 1 }));
  // @ts-expect-error backward needs a loss
  forwarded.pipe(backward());
  // @ts-expect-error update needs gradients
  forwarded.pipe(update(sgd()));
  // @ts-expect-error there is nothing to gather before update
  forwarded.pipe(epochs());
  // @ts-expect-error there are no gradients to clip
  forwarded.pipe(clipGradients({ norm: 1 }));
  // @ts-expect-error update needs gradients
  scored.pipe(update(sgd()));
  // @ts-expect-error there is nothing to gather before update
  scored.pipe(epochs());
  // @ts-expect-error there are no gradients to clip
  scored.pipe(clipGradients({ norm: 1 }));
  // @ts-expect-error epochs gather updates
  differentiated.pipe(epochs());
  // @ts-expect-error an epoch is no batch
  gathered.pipe(forward(model));
  // @ts-expect-error an epoch has no outputs
  gathered.pipe(loss(crossentropy));
  // @ts-expect-error an epoch has no loss to differentiate
  gathered.pipe(backward());
  // @ts-expect-error an epoch has no gradients
  gathered.pipe(update(sgd()));
  // @ts-expect-error an epoch has no outputs
  gathered.pipe(measure(accuracy()));
  // @ts-expect-error epochs are gathered once
  gathered.pipe(epochs());
  // @ts-expect-error callbacks stand behind epochs
  updated.pipe(history());
  // @ts-expect-error what is no batch has no way in
  of(1).pipe(forward(model));
  // @ts-expect-error exactly one of the names is known
  clipGradients({ nrom: 1 });
  // @ts-expect-error a loss is no metric
  measure(crossentropy);
  // @ts-expect-error an optimizer is no loss
  loss(sgd());
  // @ts-expect-error devices have names
  miniBatches(points(1), { device: "tpu" });
}

Deno.test("results are typed", () => {
  const events = gathered.pipe(toArray());
  same<Same<typeof events, Observable<Epoch[]>>>();
  type Data = Awaited<ReturnType<typeof predict>>["data"];
  same<Same<Data, Float32Array>>();
  same<Same<Epoch["logs"], Readonly<Record<string, number>>>>();
});
