import { literal } from "../graph/leaf.ts";
import type { ApplyContext } from "../nn/layer.ts";

/** What layers of a model that is exported may ask for: what they do in inference, and nothing else. */
export const exportContext: ApplyContext = {
  training: false,
  trainable: false,
  masks: [],
  scalar(source, name) {
    if (typeof source === "number") return literal(source);
    if ("value" in source && typeof source.value === "number") return literal(source.value);
    throw new TypeError(
      `Cannot export a model to ONNX as "${name}" changes while it runs: received a stream or a ` +
        `function (make the layer with a number)`,
    );
  },
  randomKey(name) {
    throw new TypeError(
      `Cannot export a model to ONNX as "${name}" is drawn at random in inference, too: leave the ` +
        `layer out`,
    );
  },
  counter: literal(0, "u32"),
  assign: () => {},
  addLoss: () => {},
};
