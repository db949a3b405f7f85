import { resultSize } from "../../core/graph/attention.ts";
import { indent } from "../shader_builder.ts";
import {
  attentionLanes,
  attentionParts,
  eachComponent,
  placeQuery,
  throughKeys,
} from "./attention_parts.ts";
import { keepNaN } from "./body.ts";
import { emitFinish } from "./finish.ts";
import type { GpuKernel } from "./kernel.ts";
import { literalExpression } from "./literal.ts";

/** Stands for −∞, with which WGSL lets an adapter do what it likes. */
const lowest = "-3.0e38";

/**
 * Attention, a query a thread: keys and values come through the memory that a workgroup shares, a tile
 * at a time, and the softmax goes with them.
 */
export const attentionKernel: GpuKernel = {
  ownLanes: () => attentionLanes,
  emit: (shader, call, tuning) => {
    const parts = attentionParts(shader, call, tuning);
    const { operands: { query }, sizes, attributes, shared } = parts;
    const { vectors, valueVectors, each } = parts;
    const { batch, queries, heads, valueSize } = sizes;
    const tiles = parts.declareTiles();
    const [keyTile, valueTile] = tiles;
    const finish = emitFinish(shader, call);
    const blocks = Math.ceil(queries / attentionLanes);
    const bias = parts.bias("sample", "head", "place", "at");
    const factor = parts.factor("number", "place", "at");
    const tile = [
      `var scores: array<f32, ${shared}>;`,
      "var top = most;",
      `for (var j = 0u; j < ${shared}u; j++) {`,
      indent([
        "let at = start + j;",
        `var score = ${lowest};`,
        "if (at < limit) {",
        indent([
          "var products = vec4<f32>();",
          each(
            vectors,
            (c) => `products = fma(q[${c}], ${keyTile}[j * ${vectors}u + ${c}], products);`,
          ),
          "score = (products.x + products.y + products.z + products.w) * " +
          `${literalExpression(shader, attributes.scale, "f32")}${bias ? ` + ${bias}` : ""};`,
        ].join("\n")),
        "}",
        "scores[j] = score;",
        // A query of which all scores are NaN has to show it, too.
        keepNaN(shader, "top = max(top, score);"),
      ].join("\n")),
      "}",
      "if (!(top < -1.0e38)) {",
      indent([
        "let change = exp(most - top);",
        "most = top;",
        "total = total * change;",
        each(valueVectors, (c) => `result[${c}] = result[${c}] * change;`),
        `for (var j = 0u; j < ${shared}u; j++) {`,
        indent([
          "let at = start + j;",
          "if (scores[j] < -1.0e38) { continue; }",
          "let power = exp(scores[j] - top);",
          "total += power;",
          `let weight = power${factor ? ` * ${factor}` : ""};`,
          each(
            valueVectors,
            (c) =>
              `result[${c}] = fma(vec4<f32>(weight), ${valueTile}[j * ${valueVectors}u + ${c}], ` +
              `result[${c}]);`,
          ),
        ].join("\n")),
        "}",
      ].join("\n")),
      "}",
    ];
    const code = [
      ...placeQuery(parts),
      `var q: array<vec4<f32>, ${vectors}>;`,
      `var result: array<vec4<f32>, ${valueVectors}>;`,
      `var most = ${lowest};`,
      "var total = 0.0;",
      "var limit = 0u;",
      `if (place < ${queries}u) {`,
      indent(each(vectors, (c) => `q[${c}] = ${parts.vector(query, "row", c)};`)),
      `  limit = ${parts.visible("place")};`,
      "}",
      ...throughKeys(parts, tiles, [`if (start < limit) {\n${indent(tile.join("\n"))}\n}`]),
      `if (place < ${queries}u) {`,
      indent([
        // A query that sees nothing gives zeros, and no weight to anything on the way back.
        "let share = select(1.0 / total, 0.0, total == 0.0);",
        each(valueVectors, (c) =>
          eachComponent(
            valueSize,
            c,
            (index, part) =>
              `${finish}(row * ${valueSize}u + ${index}, result[${c}].${part} * share);`,
          )),
        `${finish}(${resultSize(sizes)}u + number * ${queries}u + place, ` +
        "select(most + log(total), 3.0e38, total == 0.0));",
      ].join("\n")),
      "}",
    ];
    return { groups: batch * heads * blocks, code: code.join("\n"), lanes: attentionLanes };
  },
};
