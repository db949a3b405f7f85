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
import type { DefaultBy } from "./command_line.ts";
import type { Recipe } from "./training_options.ts";

/** Networks for digits that a command can name. */
export const digitModels = ["mlp", "sigmoid", "cnn", "deep", "lstm"] as const;

/** How a network for digits is trained unless a command says otherwise. */
export interface DigitRecipe extends Recipe {
  /** Rate of dropout. */
  readonly dropout: number;
}

const simple: DigitRecipe = {
  epochs: 5,
  batchSize: 32,
  optimizer: "sgd",
  learningRate: 0.1,
  schedule: "constant",
  dropout: 0,
};

/** The recipe of each network. */
export const digitRecipes: Readonly<Record<typeof digitModels[number], DigitRecipe>> = {
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

/** What the recipes say, as the default of an option. */
export function byModel(name: keyof DigitRecipe): DefaultBy {
  const values = Object.entries(digitRecipes).map(([model, recipe]) => [model, `${recipe[name]}`]);
  return { option: "model", values: Object.fromEntries(values) };
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
