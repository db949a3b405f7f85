import { Tensor } from "../../graph/tensor.ts";
import { type AnyLayer, isModel } from "../../nn/connect.ts";
import type { Layer } from "../../nn/layer.ts";
import type { MergeLayer } from "../../nn/merge_layer.ts";
import { Model } from "../../nn/model.ts";
import { mapNamed, type Tensors } from "../../nn/named.ts";

/**
 * A model of the same layers and weights that gives what one of its layers gives as well, such that
 * the output can be differentiated by it.
 */
export function withLayer(
  model: Model,
  name: string,
): Model<Tensor, { readonly layer: Tensor; readonly output: Tensor }> {
  const place = model.getLayer(name);
  const { definition } = model;
  const { graph } = definition;
  let value = graph.inputNames.length;
  for (const call of graph.calls) {
    if (call.place === place) break;
    value += Array.isArray(call.outputShape) ? 1 : Object.keys(call.outputShape).length;
  }
  const layer = withNode(place.layer);
  const calls = graph.calls.map((call) =>
    call.place === place ? { ...call, place: { ...place, layer } } : call
  );
  return new Model({
    ...definition,
    graph: { ...graph, calls, outputs: [value, ...graph.outputs] },
    outputKeys: ["layer", "output"],
  });
}

/**
 * The layer with a node of its own at its end. Without it a reshape at the end, followed by one at
 * the beginning of the next layer, would be one reshape that goes past what the layer gives.
 */
function withNode(layer: AnyLayer): AnyLayer {
  if (isModel(layer)) return layer;
  if ("merges" in layer) {
    const apply: MergeLayer<Tensors>["apply"] = (...given) =>
      mapNamed<Tensor, Tensor>(
        layer.apply(...given),
        (outputs) => outputs instanceof Tensor,
        (output) => output.add(0),
      );
    return { ...layer, apply };
  }
  const apply: Layer["apply"] = (...given) => layer.apply(...given).add(0);
  return { ...layer, apply };
}
