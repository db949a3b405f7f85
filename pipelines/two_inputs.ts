/**
 * Two kinds of input in one network, a picture and a table, where one of them is often missing.
 *
 *     deno run pipelines/two_inputs.ts
 *
 * Of each MNIST digit the picture shows the upper half alone, and the table has 21 measurements of the
 * lower half: ink, edges, slant, strokes that are crossed. (The digits are real; that one half is
 * seen and the other measured is made up here, so that neither tells it all.) In three of ten rows
 * one of the two is missing. A layer then puts a vector in the place of the branch's features, which
 * is learnt as all weights are: each half then says nearly as much as it can alone, and next to
 * nothing is lost where both are there.
 *
 * Beside it stand a network that was trained on whole rows and never missed anything, and one for
 * each kind of input alone. With seed 42, the share of the 10,000 unseen digits that is right:
 *
 * | trained on                 | given both | the picture | the table | one missing in 3 of 10 rows |
 * | -------------------------- | ---------- | ----------- | --------- | --------------------------- |
 * | rows that lack one of both | 0.980      | 0.911       | 0.842     | 0.948                       |
 * | whole rows                 | 0.981      | 0.684       | 0.666     | 0.888                       |
 * | pictures alone             |            | 0.922       |           |                             |
 * | tables alone               |            |             | 0.859     |                             |
 */
import { mnist } from "../data/mnist.ts";
import {
  accuracy,
  clip,
  concatenate,
  connect,
  conv2d,
  dense,
  evaluate,
  fit,
  flatten,
  functional,
  input,
  lambda,
  maxPooling2d,
  type MergeLayer,
  type Model,
  normalization,
  type Shape,
  sparseCategoricalCrossentropy,
  type Tensor,
} from "../mod.ts";
import { commandLine, number } from "./command_line.ts";
import { completed, failed, fitBy, print } from "./reporting.ts";
import { type HalfDigitData, halfDigits, measurements, withMissing } from "./half_digits.ts";
import { checkTraining } from "./resuming.ts";
import { commonRecipe, limited, trainingOptions } from "./training_options.ts";

const options = commandLine(
  `
Trains a network of two inputs, a picture and a table, one of which is often missing; metrics go to
stdout as JSON lines.

  deno run pipelines/two_inputs.ts
  deno run pipelines/two_inputs.ts --missing 0.6 --epochs 8`,
  {
    "missing": {
      value: "X",
      help: "share of the rows that lack one of their inputs",
      default: "0.3",
      parse: number(0, 1),
    },
    ...trainingOptions({ ...commonRecipe, epochs: 5, batchSize: 64 }, {
      samples: "digits",
      several: true,
    }),
  },
);

const device = { device: options.device, threads: options.threads };
const relu = { activation: "relu" } as const;

/** Inputs by name; a network takes those that it has branches for. */
type HalfInputs = Readonly<Record<"picture" | "table" | "present", Tensor>>;
type HalfModel = Model<HalfInputs, Tensor>;

/**
 * y = p · x + (1 − p) · s: features where the input of that number is present, else a vector that is
 * learnt.
 */
function standIn(number: number, name: string): MergeLayer {
  return {
    merges: true,
    type: "StandIn",
    name,
    init: ([features]: readonly Shape[]) => ({
      outputShape: features,
      parameters: [{
        name: "stand_in",
        shape: features,
        values: new Float32Array(features[0]),
        trainable: true,
      }],
    }),
    apply({ stand_in }, [features, present]) {
      const known = present.slice([0, number], [present.shape[0], number + 1]);
      return features.mul(known).add(stand_in.mul(known.mul(-1).add(1)));
    },
  };
}

/** The network of both inputs. */
function joined(name: string, data: HalfDigitData): HalfModel {
  const picture = input([14, 28, 1]);
  const table = input([measurements.length]);
  const present = input([2]);
  const features = connect(
    [
      connect([seen(picture), present], standIn(0, "no_picture")),
      connect([measured(table, data), present], standIn(1, "no_table")),
    ],
    concatenate(),
  );
  return functional({
    inputs: { picture, table, present },
    outputs: connect(features, dense(64, relu), dense(10)),
    name,
    seed: options.seed,
  });
}

/** The network of one input. It is given the others, too, and leaves them alone. */
function alone(name: "picture" | "table", data: HalfDigitData): HalfModel {
  const picture = input([14, 28, 1]);
  const table = input([measurements.length]);
  const features = name === "picture" ? seen(picture) : measured(table, data);
  return functional({
    inputs: { picture, table, present: input([2]) },
    outputs: connect(features, dense(64, relu), dense(10)),
    name: `${name}_alone`,
    seed: options.seed,
  });
}

/** Features of a picture. */
function seen(picture: ReturnType<typeof input>) {
  return connect(
    picture,
    conv2d(8, 3, relu),
    maxPooling2d(),
    conv2d(16, 3, relu),
    maxPooling2d(),
    flatten(),
    dense(64, relu),
  );
}

/** Features of a table, whose columns are brought to one scale. */
function measured(table: ReturnType<typeof input>, { x }: HalfDigitData) {
  // A column that hardly varies in training would drown all others where it once does.
  const bounded = lambda((columns) => clip(columns, -5, 5));
  return connect(table, normalization().adapt(x.table), bounded, dense(64, relu), dense(64, relu));
}

const loss = sparseCategoricalCrossentropy({ fromLogits: true });
const others = ["never_missed", "picture_alone", "table_alone"];

try {
  checkTraining(options, others);
  const { missing, seed } = options;
  const whole = halfDigits(limited(mnist.train, options));
  const training = withMissing(whole, { picture: missing / 2, table: missing / 2 }, seed);
  const test = halfDigits(mnist.test);
  const given: Record<string, HalfDigitData> = {
    both: test,
    picture: withMissing(test, { picture: 0, table: 1 }, seed),
    table: withMissing(test, { picture: 1, table: 0 }, seed),
    one_often_missing: withMissing(test, { picture: missing / 2, table: missing / 2 }, seed + 1),
  };
  const networks: [HalfModel, HalfDigitData, string[]][] = [
    [joined("joined", whole), training, Object.keys(given)],
    [joined("never_missed", whole), whole, Object.keys(given)],
    [alone("picture", whole), whole, ["picture"]],
    [alone("table", whole), whole, ["table"]],
  ];
  for (const [model, data, judged] of networks) {
    const training = fit(model, data, {
      ...await fitBy(options, data, { name: others.find((name) => name === model.name) }),
      loss,
      metrics: [accuracy()],
      validation: given[judged[0]],
    });
    if (!await completed(training)) break;
    for (const name of judged) {
      const { accuracy: right } = await evaluate(model, given[name], {
        loss,
        metrics: [accuracy()],
        ...device,
      });
      print("result", { model: model.name, given: name, accuracy: right });
    }
  }
} catch (error) {
  Deno.exitCode = failed(error);
}
