import { DTypeError, ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { stopGradient } from "../ops/stop_gradient.ts";
import { type AnyLayer, type AnyModel, isModel } from "./connect.ts";
import { innerDecoding } from "./decoding.ts";
import type { ApplyContext, Layer, LayerInitialization } from "./layer.ts";
import type { Mask, Masked } from "./mask.ts";
import type { MergeLayer } from "./merge_layer.ts";
import { entriesOf, fromEntries, type OneOrNamed, tensorEntries, type Tensors } from "./named.ts";
import { namedKey } from "./named_key.ts";
import { Parameter } from "./parameter.ts";

/** A layer in its place in a model. */
export interface ModelLayer {
  /** Its name, unique in the model. */
  readonly name: string;
  /** The layer. */
  readonly layer: AnyLayer;
  /** Shapes of what it takes, without the batch, where it is called first. */
  readonly inputShapes: readonly Shape[];
  /** Shape of what it gives, without the batch, where it is called first; of a model, by name. */
  readonly outputShape: OneOrNamed<Shape>;
  /** Its weights, in the layer's order. */
  readonly parameters: readonly Parameter[];
  /** Its weights by their names within the layer: `kernel`; of a model, `dense_1/kernel`. */
  readonly weights: ReadonlyMap<string, Parameter>;
}

/** A layer with the weights that it has in a model of this seed; they are yet to be drawn. */
export function placeLayer(
  layer: AnyLayer,
  name: string,
  inputShapes: readonly Shape[],
  seed: number,
  reverse = false,
): ModelLayer {
  return within(name, () => {
    if (isModel(layer)) {
      const { weights, parameters } = layer;
      const outputShape = outputShapeOf(layer, inputShapes);
      return { name, layer, inputShapes, outputShape, parameters, weights };
    }
    const { outputShape, parameters } = initialize(
      ...[calledLayer(layer, reverse), name, inputShapes, seed] as const,
    );
    const weights = new Map(parameters.map((made) => [
      made.name,
      new Parameter({
        name: `${name}/${made.name}`,
        shape: made.shape,
        values: () => made.values,
        trainable: made.trainable && layer.trainable !== false,
        state: made.state,
        regularizer: made.regularizer,
        constraint: made.constraint,
      }),
    ]));
    return { name, layer, inputShapes, outputShape, parameters: [...weights.values()], weights };
  });
}

/** Draws the first values of a layer's weights. */
export function drawWeights({ parameters }: ModelLayer): void {
  for (const parameter of parameters) within(parameter.name, () => parameter.value);
}

/**
 * What a layer gives for a further call, which shares the weights of the first.
 *
 * @throws {ShapeError} when inputs of that shape would need other weights.
 */
export function callAgain(
  place: ModelLayer,
  inputShapes: readonly Shape[],
  seed: number,
  reverse = false,
): OneOrNamed<Shape> {
  const { name } = place;
  const layer = calledLayer(place.layer, reverse);
  return within(name, () => {
    if (isModel(layer)) return outputShapeOf(layer, inputShapes);
    const { outputShape, parameters } = initialize(layer, name, inputShapes, seed);
    const other = parameters.find((made) =>
      !sameShape(made.shape, place.weights.get(made.name)?.shape ?? [])
    );
    if (!other) return outputShape;
    throw new ShapeError(
      `expected inputs that fit the weights it shares, got ${
        inputShapes.map(formatShape).join(", ")
      }, which needs ${other.name} ${formatShape(other.shape)} where it is ${
        formatShape(place.weights.get(other.name)?.shape ?? [])
      } (use a layer for each)`,
    );
  });
}

/** What a call of a layer calls: the layer, or the way back through it. */
export function calledLayer<Called extends AnyLayer>(layer: Called, reverse: boolean): Called {
  if (!reverse || !("reverse" in layer) || !layer.reverse) return layer;
  const { inputShape: _, ...others } = layer;
  return { ...others, computeMask: undefined, ...layer.reverse } as Called;
}

function initialize(
  layer: Layer | MergeLayer<Tensors>,
  name: string,
  inputShapes: readonly Shape[],
  seed: number,
): LayerInitialization<OneOrNamed<Shape>> {
  const key = namedKey(seed, name);
  const [inputShape] = inputShapes;
  if (layer.inputShape && !sameShape(layer.inputShape, inputShape)) {
    throw new ShapeError(
      `expected input of shape ${formatShape(layer.inputShape)}, as its option inputShape says, ` +
        `got ${formatShape(inputShape)} from the layer before it`,
    );
  }
  return "merges" in layer ? layer.init(inputShapes, key) : layer.init(inputShape, key);
}

function outputShapeOf(model: AnyModel, given: readonly Shape[]): OneOrNamed<Shape> {
  const expected = entriesOf<Shape>(model.inputShape, Array.isArray);
  expected.forEach(([name, shape], place) => {
    if (sameShape(shape, given[place])) return;
    const input = name === null ? "input" : `its input ${name}`;
    throw new ShapeError(
      `expected ${input} of shape ${formatShape(shape)}, got ${formatShape(given[place])}`,
    );
  });
  return model.outputShape;
}

/** A use of a layer with weights. */
export interface PlacedCall {
  /** The layer in its place. */
  readonly place: ModelLayer;
  /** Number of the call among those of the layer, from 1. */
  readonly call: number;
  /** Whether it goes the way back through the layer. */
  readonly reverse: boolean;
  /** What it gives, without the batch. */
  readonly outputShape: OneOrNamed<Shape>;
}

/** The outputs of a call, in order; `onLostMask` hears of a mask that ends in it unknowingly. */
export function applyCall(
  { place, call, reverse, outputShape }: PlacedCall,
  values: ReadonlyMap<Parameter, Tensor>,
  taken: readonly Masked[],
  context: ApplyContext,
  onLostMask: (place: ModelLayer) => void,
): Masked[] {
  const { name } = place;
  const layer = calledLayer(place.layer, reverse);
  const inputs = taken.map(({ tensor }) => tensor);
  const masks = taken.map(({ mask }) => mask);
  return within(name, () => {
    const scoped = scopedContext(context, place, call, masks, inputs);
    if (isModel(layer)) return applyModel(layer, values, inputs, scoped);
    const given: Record<string, Tensor> = {};
    for (const [role, parameter] of place.weights) {
      const value = values.get(parameter);
      if (!value) throw new Error(`expected a tensor for the weight ${parameter.name}, got none`);
      given[role] = value;
    }
    const outputs = "merges" in layer
      ? layer.apply(given, inputs, scoped)
      : layer.apply(given, inputs[0], scoped);
    const lasting = outputMasks(layer, inputs, masks, () => onLostMask(place));
    return entriesOf<Shape>(outputShape, Array.isArray).map(([key, shape]) => {
      const tensor = key === null ? outputs as Tensor : (outputs as Named<Tensor>)[key];
      const expected = [inputs[0].shape[0], ...shape];
      if (!sameShape(tensor.shape, expected)) {
        throw new ShapeError(
          `expected outputs of shape ${formatShape(expected)}, as its init says, got ` +
            `${formatShape(tensor.shape)}`,
        );
      }
      // A layer may give its input back, which belongs to the layer before it.
      if (!inputs.includes(tensor)) labelAs(name, tensor, inputs);
      const mask = key === null ? lasting as Mask : (lasting as Named<Mask>)?.[key];
      return { tensor, mask: checkMask(mask, tensor) };
    });
  });
}

/** Says whose a tensor is; and that before it, as a reshape of the next layer goes past one at the end. */
function labelAs(name: string, tensor: Tensor, given: readonly Tensor[]): void {
  tensor.label ??= name;
  const [source, ...others] = tensor.inputs;
  const isSole = source && others.length === 0 && source.size === tensor.size;
  if (isSole && !given.includes(source)) source.label ??= name;
}

type Named<Value> = Readonly<Record<string, Value>>;

function applyModel(
  model: AnyModel,
  values: ReadonlyMap<Parameter, Tensor>,
  inputs: readonly Tensor[],
  context: ApplyContext,
): Masked[] {
  const names = entriesOf<Shape>(model.inputShape, Array.isArray).map(([name]) => name);
  const x = fromEntries(names.map((name, place) => [name, inputs[place]] as const));
  const weights = context.training && !model.trainable ? still(values, model) : values;
  const { outputs, masks } = model.applyMasked(weights, x, context);
  return tensorEntries(outputs).map(([name, tensor]) => ({ tensor, mask: masks.get(name) }));
}

/** The weights of a frozen model as they are: another call of it may let the same ones learn. */
function still(
  values: ReadonlyMap<Parameter, Tensor>,
  { parameters }: AnyModel,
): ReadonlyMap<Parameter, Tensor> {
  return new Map(parameters.map((parameter) => {
    const value = values.get(parameter);
    return [parameter, value && stopGradient(value)] as [Parameter, Tensor];
  }));
}

/** The masks of a layer's outputs; one that it does not know of is lost. */
function outputMasks(
  layer: Layer | MergeLayer<Tensors>,
  inputs: readonly Tensor[],
  masks: readonly Mask[],
  onLost: () => void,
): Mask | Named<Mask> {
  if ("merges" in layer) {
    if (layer.computeMask) return layer.computeMask(inputs, masks);
  } else {
    if (layer.computeMask) return layer.computeMask(inputs[0], masks[0]);
    if (layer.supportsMasking) return masks[0];
  }
  if (masks.some((mask) => mask)) onLost();
}

/** Refuses a mask that does not fit what it goes with. */
function checkMask(mask: Mask, { shape }: Tensor): Mask {
  if (!mask || (mask.dtype === "bool" && sameShape(mask.shape, shape.slice(0, mask.rank)))) {
    return mask;
  }
  throw new ShapeError(
    `expected a mask of bool, and of the first axes of the outputs ${formatShape(shape)}, got ` +
      mask.describe(),
  );
}

/** The context with the layer's name before the names of scalars and keys. */
function scopedContext(
  context: ApplyContext,
  { name: layer, layer: { trainable } }: ModelLayer,
  call: number,
  masks: readonly Mask[],
  inputs: readonly Tensor[],
): ApplyContext {
  // Each call of a shared layer has random numbers of its own.
  const keys = call === 1 ? layer : `${layer}/call_${call}`;
  return {
    training: context.training,
    trainable: context.trainable && trainable !== false,
    masks,
    decoding: context.decoding?.follows(inputs)
      ? innerDecoding(context.decoding, `${keys}/`)
      : undefined,
    get counter() {
      return context.counter;
    },
    scalar: (source, name, range) => context.scalar(source, `${layer}/${name}`, range),
    randomKey: (name) => context.randomKey(`${keys}/${name}`),
    assign: (name, value) => context.assign(`${layer}/${name}`, value),
    addLoss: (penalty) => context.addLoss(penalty),
  };
}

/** Runs `body`; errors begin with the layer's name. */
export function within<Result>(layer: string, body: () => Result): Result {
  try {
    return body();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const message = `${layer}: ${cause.message}`;
    if (cause instanceof ShapeError) throw new ShapeError(message, { cause });
    if (cause instanceof DTypeError) throw new DTypeError(message, { cause });
    if (cause instanceof TypeError) throw new TypeError(message, { cause });
    throw new Error(message, { cause });
  }
}
