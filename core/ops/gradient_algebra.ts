import type { GradientAlgebra } from "../graph/differentiate.ts";
import { literal } from "../graph/leaf.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { laidAmidZeros, type Piece, pieceOf } from "./concat.ts";
import { broadcastTo } from "./sum.ts";

/** How gradients begin and add up. */
export const algebra: GradientAlgebra = {
  onesLike: (like) => broadcastTo(literal(1, like.dtype), like.shape),
  zerosLike: (like) => broadcastTo(literal(0, like.dtype), like.shape),
  sum: (parts) => (parts.length < many ? parts : laidTogether(parts)).reduce((a, b) => add(a, b)),
};

/** Gradients from which on those of slices are laid beside each other. */
const many = 5;

/**
 * Fewer gradients of the same sum: those of slices that do not overlap are one. Each is as large as
 * what the slices are of, so that for a slice a step the cost would grow with the square of the steps.
 */
function laidTogether(parts: readonly Tensor[]): Tensor[] {
  const pieces = parts.map((part) => ({ part, piece: pieceOf(part) }));
  const others = pieces.flatMap(({ part, piece }) => piece ? [] : [part]);
  const byAxis = Map.groupBy(pieces.flatMap(({ piece }) => piece ?? []), ({ axis }) => axis);
  const laid = [...byAxis].flatMap(([axis, ofAxis]) => {
    const size = parts[0].shape[axis];
    return layersOf(ofAxis).map((layer) => laidAmidZeros(layer, size));
  });
  return [...others, ...laid];
}

/** As few layers of pieces as there can be of which no two in one layer overlap. */
function layersOf(pieces: readonly Piece[]): Piece[][] {
  const layers: { end: number; pieces: Piece[] }[] = [];
  for (const piece of pieces.toSorted((a, b) => a.begin - b.begin)) {
    const end = piece.begin + piece.value.shape[piece.axis];
    const layer = layers.find((each) => each.end <= piece.begin);
    if (layer) {
      layer.pieces.push(piece);
      layer.end = end;
    } else layers.push({ end, pieces: [piece] });
  }
  return layers.map((layer) => layer.pieces);
}
