import { literal } from "../../graph/leaf.ts";
import type { ApplyContext } from "../layer.ts";

/** A context for functions that are called to learn the shape of what they give. */
export const shapeContext: ApplyContext = {
  training: true,
  trainable: true,
  masks: [],
  counter: literal(0, "u32"),
  scalar: () => literal(0),
  randomKey: () => ({ key0: literal(0, "u32"), key1: literal(0, "u32") }),
  assign: () => {},
  addLoss: () => {},
};
