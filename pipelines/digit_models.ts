import {
  conv2d,
  dense,
  dropout,
  flatten,
  input,
  type Layer,
  lstm,
  maxPooling2d,
  type Model,
  reshapeLayer,
  type ScalarSource,
  sequential,
} from "../mod.ts";

/** Networks for digits that a command can name. */
export const digitModels = ["mlp", "sigmoid", "cnn", "lstm"] as const;

/** What a network for digits is made from. */
export interface DigitModelOptions {
  /** Shape of a digit, `[784]`. */
  readonly features: readonly number[];
  /** Units of the hidden layers; default 30, 30 for `mlp`, 16, 16 for `sigmoid`, none for the others. */
  readonly hidden?: readonly number[];
  /** Rate of dropout, before the last layer of `cnn` and `lstm`, else after each hidden one; 0 for none. */
  readonly dropout: ScalarSource;
  /** Seed of the first weights. */
  readonly seed: number;
}

/** The network of that name; `sigmoid` gives probabilities, the others logits. */
export function digitModel(
  name: typeof digitModels[number],
  { features, hidden, dropout: rate, seed }: DigitModelOptions,
): Model {
  const tossed = rate === 0 ? [] : [dropout(rate)];
  const units = (sizes: readonly number[], hiddenActivation: "relu" | "sigmoid"): Layer[] =>
    sizes.flatMap((size) => [dense(size, { activation: hiddenActivation }), ...tossed]);
  const layers: Record<typeof name, () => Layer[]> = {
    mlp: () => [...units(hidden ?? [30, 30], "relu"), dense(10)],
    sigmoid: () => [...units(hidden ?? [16, 16], "sigmoid"), dense(10, { activation: "sigmoid" })],
    cnn: () => [
      reshapeLayer([28, 28, 1]),
      conv2d(32, 3, { activation: "relu" }),
      maxPooling2d(),
      conv2d(64, 3, { activation: "relu" }),
      maxPooling2d(),
      flatten(),
      ...units(hidden ?? [], "relu"),
      ...(hidden ? [] : tossed),
      dense(10),
    ],
    // A digit is read row by row, from the top.
    lstm: () => [
      reshapeLayer([28, 28]),
      lstm(128),
      ...units(hidden ?? [], "relu"),
      ...(hidden ? [] : tossed),
      dense(10),
    ],
  };
  return sequential([input(features), ...layers[name]()], { name, seed });
}
