import {
  batchNormalization,
  conv2d,
  dense,
  dropout,
  flatten,
  input,
  type Layer,
  lstm,
  maxPooling2d,
  type Model,
  randomAffine,
  reluLayer,
  reshapeLayer,
  type ScalarSource,
  sequential,
} from "../mod.ts";
import type { optimizerNames, scheduleNames } from "./training_options.ts";

/** Networks for digits that a command can name. */
export const digitModels = ["mlp", "sigmoid", "cnn", "deep", "lstm"] as const;

/** How a network is trained unless a command says otherwise. */
export interface Recipe {
  /** Passes over the data. */
  readonly epochs: number;
  /** Samples in a step. */
  readonly batchSize: number;
  /** The optimizer's name. */
  readonly optimizer: typeof optimizerNames[number];
  /** The learning rate, or the largest one of a schedule. */
  readonly learningRate: number;
  /** How the learning rate goes. */
  readonly schedule: typeof scheduleNames[number];
  /** Rate of dropout. */
  readonly dropout: number;
}

const simple: Recipe = {
  epochs: 5,
  batchSize: 32,
  optimizer: "sgd",
  learningRate: 0.1,
  schedule: "constant",
  dropout: 0,
};

/** The recipe of each network. */
export const digitRecipes: Readonly<Record<typeof digitModels[number], Recipe>> = {
  mlp: simple,
  sigmoid: { ...simple, learningRate: 3 },
  cnn: {
    epochs: 8,
    batchSize: 64,
    optimizer: "adam",
    learningRate: 0.004,
    schedule: "oneCycle",
    dropout: 0.25,
  },
  deep: {
    epochs: 14,
    batchSize: 64,
    optimizer: "adam",
    learningRate: 0.003,
    schedule: "oneCycle",
    dropout: 0.3,
  },
  lstm: simple,
};

/** What a recipe says where a command does not, for the help: ` (default 0.1; 3 for sigmoid)`. */
export function byModel(name: keyof Recipe): string {
  const others = digitModels.filter((model) => digitRecipes[model][name] !== simple[name])
    .map((model) => `; ${digitRecipes[model][name]} for ${model}`);
  return ` (default ${simple[name]}${others.join("")})`;
}

/** What a network for digits is made from. */
export interface DigitModelOptions {
  /** Shape of a digit, `[784]`. */
  readonly features: readonly number[];
  /** Units of the hidden layers; default 30, 30 for `mlp`, 16, 16 for `sigmoid`, 128 for `deep`, else none. */
  readonly hidden?: readonly number[];
  /** Rate of dropout, after each hidden dense layer, else before the last layer; 0 for none. */
  readonly dropout: ScalarSource;
  /** Whether digits are shifted, turned, leant and zoomed in training. */
  readonly augment?: boolean;
  /** Seed of the first weights. */
  readonly seed: number;
}

/** The network of that name; `sigmoid` gives probabilities, the others logits. */
export function digitModel(
  name: typeof digitModels[number],
  { features, hidden, dropout: rate, augment = false, seed }: DigitModelOptions,
): Model {
  const tossed = rate === 0 ? [] : [dropout(rate)];
  const units = (sizes: readonly number[], hiddenActivation: "relu" | "sigmoid"): Layer[] =>
    sizes.flatMap((size) => [dense(size, { activation: hiddenActivation }), ...tossed]);
  const wobble = augment
    ? [
      randomAffine({
        heightFactor: 0.08,
        widthFactor: 0.08,
        rotationFactor: 0.04,
        shearFactor: 0.2,
        zoomFactor: 0.12,
        fillMode: "constant",
      }),
    ]
    : [];
  const picture = () => [reshapeLayer([28, 28, 1]), ...wobble];
  const row = () => augment ? [...picture(), flatten()] : [];
  const end = () => [...units(hidden ?? [], "relu"), ...(hidden ? [] : tossed), dense(10)];
  const normalized = () => [batchNormalization(), reluLayer()];
  const layers: Record<typeof name, () => Layer[]> = {
    mlp: () => [...row(), ...units(hidden ?? [30, 30], "relu"), dense(10)],
    sigmoid: () => [
      ...row(),
      ...units(hidden ?? [16, 16], "sigmoid"),
      dense(10, { activation: "sigmoid" }),
    ],
    cnn: () => [
      ...picture(),
      conv2d(32, 3, { activation: "relu" }),
      maxPooling2d(),
      conv2d(64, 3, { activation: "relu" }),
      maxPooling2d(),
      flatten(),
      ...end(),
    ],
    // The largest of four is normalized, at a quarter of the work of normalizing all four.
    deep: () => [
      ...picture(),
      conv2d(24, 3, { useBias: false }),
      maxPooling2d(),
      ...normalized(),
      conv2d(48, 3, { useBias: false }),
      ...normalized(),
      conv2d(48, 3, { useBias: false }),
      maxPooling2d(),
      ...normalized(),
      flatten(),
      ...units(hidden ?? [128], "relu"),
      dense(10),
    ],
    // A digit is read row by row, from the top.
    lstm: () => [...row(), reshapeLayer([28, 28]), lstm(128), ...end()],
  };
  return sequential([input(features), ...layers[name]()], { name, seed });
}
