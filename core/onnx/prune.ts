import type { OnnxGraphMessage, OnnxNode } from "./messages.ts";

/** A graph without what leads to none of its outputs. */
export function prune(graph: OnnxGraphMessage): OnnxGraphMessage {
  const used = new Set(graph.outputs.map(({ name }) => name));
  const nodes: OnnxNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => used.has(name))) continue;
    nodes.push(node);
    for (const name of namesIn(node)) used.add(name);
  }
  return {
    ...graph,
    nodes: nodes.reverse(),
    initializers: graph.initializers.filter(({ name }) => used.has(name)),
  };
}

/** What a node takes, also within a graph that it runs. */
function namesIn({ inputs, attributes }: OnnxNode): string[] {
  const inner = Object.values(attributes).flatMap((value) =>
    "graph" in value
      ? [...value.graph.nodes.flatMap(namesIn), ...value.graph.outputs.map(({ name }) => name)]
      : []
  );
  return [...inputs, ...inner];
}
