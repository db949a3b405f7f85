import type { Shape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { type AnyLayer, isModel } from "../connect.ts";
import type { ApplyContext, Layer, LayerInitialization, LayerParameter } from "../layer.ts";
import { nameLayers } from "../layer_names.ts";
import type { Mask, Masked } from "../mask.ts";
import type { LoneMergeLayer } from "../merge_layer.ts";
import type { NamedKey } from "../named_key.ts";
import { withParameterFields } from "../parameter_fields.ts";
import { within } from "../place_layer.ts";
import { layerContext } from "./recurrent/inner_context.ts";

/** A layer within another one. */
export interface InnerLayer {
  /** Its name there; its weights are `name/kernel`. */
  readonly name: string;
  /** The layer. */
  readonly layer: Layer | LoneMergeLayer;
}

/** Names for layers within a layer, by type and count where they were given none. */
export function innerLayers(
  owner: string,
  layers: readonly (Layer | LoneMergeLayer)[],
): InnerLayer[] {
  for (const layer of layers as readonly AnyLayer[]) {
    if (typeof layer !== "object" || layer === null || typeof layer.apply !== "function") {
      throw new TypeError(`Cannot make ${owner} as it is made of layers: received ${typeof layer}`);
    }
    if (isModel(layer) || layer.type === "InputLayer" || ("merges" in layer && !layer.alone)) {
      const instead = isModel(layer) ? " (give the layers that the model is made of)" : "";
      throw new TypeError(
        `Cannot make ${owner} as it is made of layers of one input: received ` +
          `${isModel(layer) ? "the model " + layer.name : layer.type}${instead}`,
      );
    }
  }
  const names = nameLayers(layers);
  return layers.map((layer, place) => ({ name: names[place], layer }));
}

/** Weights and output shape of layers that follow one another. */
export function initInner(
  chain: readonly InnerLayer[],
  inputShape: Shape,
  key: NamedKey,
): LayerInitialization {
  const parameters: LayerParameter[] = [];
  let outputShape = inputShape;
  for (const { name, layer } of chain) {
    const made = within(
      name,
      () =>
        "merges" in layer
          ? layer.init([outputShape], key.fold(name))
          : layer.init(outputShape, key.fold(name)),
    );
    outputShape = made.outputShape;
    parameters.push(...made.parameters.map((parameter) =>
      withParameterFields(parameter, {
        name: `${name}/${parameter.name}`,
        trainable: parameter.trainable && layer.trainable !== false,
      })
    ));
  }
  return { outputShape, parameters };
}

/** What layers that follow one another make of a batch; each sees the mask of what it is given. */
export function applyInner(
  chain: readonly InnerLayer[],
  parameters: Readonly<Record<string, Tensor>>,
  given: Masked,
  context: ApplyContext,
): Masked {
  return chain.reduce(({ tensor, mask }, { name, layer }) =>
    within(name, () => {
      const prefix = `${name}/`;
      const own = Object.fromEntries(
        Object.entries(parameters).filter(([role]) => role.startsWith(prefix))
          .map(([role, value]) => [role.slice(prefix.length), value]),
      );
      const inner = layerContext(layer, context, prefix, mask);
      const output = "merges" in layer
        ? layer.apply(own, [tensor], inner)
        : layer.apply(own, tensor, inner);
      // What a mask is made of is known here alone, and the layer around asks for it elsewhere.
      if (maskAfter(layer, tensor, undefined)) {
        throw new TypeError(
          `expected a layer that passes a mask on, got ${layer.type}, which makes one: put it ` +
            `before the layer that holds it`,
        );
      }
      return { tensor: output, mask: maskAfter(layer, tensor, mask) };
    }), given);
}

/** The mask behind layers that follow one another and make none of their own. */
export function innerMask(chain: readonly InnerLayer[], x: Tensor, mask: Mask): Mask {
  return chain.reduce((before, { layer }) => maskAfter(layer, x, before), mask);
}

function maskAfter(layer: Layer | LoneMergeLayer, x: Tensor, mask: Mask): Mask {
  if ("merges" in layer) return layer.computeMask?.([x], [mask]);
  return layer.computeMask ? layer.computeMask(x, mask) : layer.supportsMasking ? mask : undefined;
}

/** Whether a layer knows of masks, be it to end them. */
export function knowsMasks({ layer }: InnerLayer): boolean {
  return layer.computeMask !== undefined || ("supportsMasking" in layer && !!layer.supportsMasking);
}

/** Whether a layer can take a sequence a few steps at a time. */
export function decodesInner({ layer }: InnerLayer): boolean {
  return layer.decodes ?? ("supportsMasking" in layer && !!layer.supportsMasking);
}
