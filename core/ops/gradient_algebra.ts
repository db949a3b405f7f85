import type { GradientAlgebra } from "../graph/differentiate.ts";
import { literal } from "../graph/leaf.ts";
import { add } from "./add.ts";
import { broadcastTo } from "./sum.ts";

/** How gradients begin and add up. */
export const algebra: GradientAlgebra = {
  onesLike: (like) => broadcastTo(literal(1, like.dtype), like.shape),
  zerosLike: (like) => broadcastTo(literal(0, like.dtype), like.shape),
  add,
};
