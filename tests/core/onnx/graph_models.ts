/** Models of graphs' nodes and edges. */
import * as m from "../../../mod.ts";
import { changed, type ExportedModel, noise } from "./exported_model.ts";

/** A network of nodes and edges; inputs are those of four small graphs. */
export function graphModel(
  layer: m.MergeLayer,
  readout: m.MergeLayer,
  withFeatures = false,
): ExportedModel {
  const sizes = [3, 4, 5];
  const graphs = sizes.map((size, graph) => ({
    nodes: Array.from({ length: size }, (_, node) => [...noise(3, 10 * graph + node)]),
    edges: Array.from({ length: size - 1 }, (_, node) => [node, node + 1] as [number, number]),
    edgeFeatures: Array.from({ length: size - 1 }, (_, edge) => [...noise(2, 50 + edge)]),
  }));
  const data = m.graphDataSet(graphs, sizes.map((size) => [size]), { undirected: true });
  const inputOf = (name: keyof typeof data.x) => m.input(data.x[name]!.shape.slice(1));
  const [nodes, edges, mask] = [inputOf("nodes"), inputOf("edges"), inputOf("mask")];
  const features = inputOf("edgeFeatures");
  const made = m.connect(withFeatures ? [nodes, edges, features] : [nodes, edges], layer);
  const inputs = { nodes, edges, mask, ...(withFeatures && { edgeFeatures: features }) };
  const model = changed(m.functional({ inputs, outputs: m.connect([made, mask], readout) }));
  const value = (_: number, place: number, name: string) =>
    data.x[name as keyof typeof data.x]!.data[place];
  return { model, value };
}
