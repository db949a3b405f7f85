/** Small models that generate, and what they are given. */
import type { AnyModel } from "../../../core/nn/connect.ts";
import {
  addLayer,
  connect,
  dense,
  dropout,
  embedding,
  functional,
  groupedQueryAttention,
  gru,
  input,
  layerNormalization,
  lstm,
  type Model,
  type RecurrentCell,
  residual,
  rnn,
  rotaryEmbedding,
  sequential,
  simpleRnn,
  sinePositionEncoding,
  tokenAndPositionEmbedding,
  transformerDecoder,
  transformerEncoder,
} from "../../../mod.ts";
import { mulberry32 } from "../ops/generator.ts";

/** The longest sequence. */
export const steps = 7;
/** Tokens that there are. */
export const classes = 11;

/** A language model; weights are drawn anew, as biases of zeros would hide mistakes. */
export function language(): Model {
  return shaken(sequential([
    input([steps]),
    tokenAndPositionEmbedding(classes, steps, 6),
    transformerDecoder(9, 2),
    dropout(0.5),
    transformerDecoder(5, 3, {
      normalizeFirst: true,
      activation: "gelu",
      ropeMaxWavelength: 50,
      ropeScalingFactor: 2,
    }),
    dense(classes),
  ]));
}

/** Padding, shared heads, waves and rotations. */
export function odd(): AnyModel {
  const tokens = input([steps]);
  const vectors = connect(tokens, embedding(classes, 6, { maskZero: true }));
  const placed = connect([vectors, connect(vectors, sinePositionEncoding())], addLayer());
  const turned = connect(placed, rotaryEmbedding({ maxWavelength: 10 }));
  const seen = connect(
    turned,
    groupedQueryAttention(4, 4, 2, { useCausalMask: true, ropeMaxWavelength: 20 }),
  );
  const sum = connect([placed, seen], addLayer());
  return shaken(functional({
    inputs: tokens,
    outputs: connect(sum, layerNormalization(), dense(classes)),
  }));
}

/** A translator. */
export function translator() {
  const letters = input([5]);
  const sounds = input([steps]);
  const encoded = connect(
    letters,
    tokenAndPositionEmbedding(classes, 5, 6, { maskZero: true }),
    transformerEncoder(7, 2),
  );
  const vectors = connect(sounds, tokenAndPositionEmbedding(classes, steps, 6));
  const decoded = connect([vectors, encoded], transformerDecoder(7, 2));
  return shaken(functional({
    inputs: { letters, sounds },
    outputs: connect(decoded, dense(classes)),
  }));
}

/** A cell that keeps a mean of what it has seen, and how many steps there were. */
const meanCell: RecurrentCell<"mean" | "steps"> = {
  type: "RunningMean",
  states: ["mean", "steps"],
  stateShapes: (shape) => ({ mean: shape, steps: [1] }),
  outputShape: (shape) => shape,
  parameters: () => [],
  step(_parameters, x, { mean, steps }) {
    const next = mean.add(x.sub(mean).div(steps.add(1)));
    return { output: next.add(x), states: { mean: next, steps: steps.add(1) } };
  },
};

/** Recurrent layers, one of which begins with what an encoder has left; some rows begin with padding. */
export function listener() {
  const letters = input([5]);
  const sounds = input([steps]);
  const read = connect(letters, embedding(classes, 3, { maskZero: true }));
  const { h, c } = connect(read, lstm(4, { returnState: true }));
  const vectors = connect(sounds, embedding(classes, 3, { maskZero: true }));
  const decoded = connect([vectors, h, c], lstm(4, { returnSequences: true }));
  const around = residual([gru(4, { returnSequences: true })]);
  return shaken(functional({
    inputs: { letters, sounds },
    outputs: connect(
      decoded,
      around,
      simpleRnn(5, { returnSequences: true }),
      rnn(meanCell, { returnSequences: true }),
      dense(classes),
    ),
  }));
}

/** A model with weights drawn anew, as biases of zeros would hide mistakes. */
export function shaken<M extends AnyModel>(model: M): M {
  const random = mulberry32(9);
  for (const { value } of model.parameters) {
    value.set(value.map(() => 2 * random() - 1));
  }
  return model;
}

/** Two sequences. */
export const sequences = [[3, 5, 1, 2, 9, 4, 7], [8, 1, 0, 10, 6, 6, 2]];
/** Rows as a model takes them. */
export const stored = (rows: number[][]) => ({
  data: Float32Array.from(rows.flat()),
  shape: [rows.length, rows[0].length],
});
/** What is translated. */
export const words = stored([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]]);
