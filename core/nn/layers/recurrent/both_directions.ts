import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { concat } from "../../../ops/concat.ts";
import { flip } from "../../../ops/flip.ts";
import { greater } from "../../../ops/greater.ts";
import { mul } from "../../../ops/mul.ts";
import type { ApplyContext, Layer } from "../../layer.ts";
import type { Mask } from "../../mask.ts";
import type { NamedKey } from "../../named_key.ts";
import { withParameterFields } from "../../parameter_fields.ts";
import { layerContext } from "./inner_context.ts";
import type { RecurrentLayer, ReturnsState } from "./recurrent_layer.ts";

/** How the outputs of both directions become one. */
export type BidirectionalMerge = "concat" | "sum" | "mul" | "ave";

const merges: Readonly<Record<BidirectionalMerge, (a: Tensor, b: Tensor) => Tensor>> = {
  concat: (a, b) => concat([a, b], a.rank - 1),
  sum: (a, b) => add(a, b),
  mul: (a, b) => mul(a, b),
  ave: (a, b) => mul(add(a, b), 0.5),
};

/** Every way to make one of both outputs. */
export const mergeModes = Object.keys(merges) as readonly BidirectionalMerge[];

/** A direction's prefix of the names of its weights. */
const directions = ["forward_", "backward_"] as const;

/** Names of both outputs, where they do not become one. */
export const apart = ["forward", "backward"] as const;

/** What a layer gives: its outputs, and states by name. */
type Given<Value> = { readonly outputs: Value; readonly [state: string]: Value };

/** How both directions of a layer begin, and what they make of a batch. */
export function bothDirections(
  layer: Layer | ReturnsState,
  mergeMode: BidirectionalMerge | null,
) {
  const takesStates = "merges" in layer;
  const several = "outputNames" in layer && layer.outputNames !== undefined;
  const states = several ? layer.outputNames!.filter((name) => name !== "outputs") : [];
  // One that takes states takes a list, and one that gives them gives values by name.
  const inner = layer as unknown as RecurrentLayer;
  const asked = <Value>(sequence: Value, own: readonly Value[]) =>
    (takesStates ? [sequence, ...own] : sequence) as never;
  const named = <Value>(made: unknown) => (several ? made : { outputs: made }) as Given<Value>;
  const together = <Value>(
    outputs: readonly Value[],
    made: readonly Given<Value>[],
  ): Readonly<Record<string, Value>> => ({
    ...Object.fromEntries(outputs.map((output, place) => [outputNames[place], output])),
    ...Object.fromEntries(
      directions.flatMap((prefix, place) =>
        states.map((state) => [camel(prefix, state), made[place][state]])
      ),
    ),
  });
  const outputNames = mergeMode === null ? apart : ["outputs"] as const;
  const says = saysSequences(layer);
  return {
    outputNames,
    stateNames: directions.flatMap((prefix) => states.map((state) => camel(prefix, state))),
    maskOf: maskOf(layer, takesStates),
    init(given: Shape | readonly Shape[], key: NamedKey) {
      const isList = given.length > 0 && given.every((one) => Array.isArray(one));
      const [sequence, ...rest] = (isList ? given : [given]) as readonly Shape[];
      const halves = inHalves(rest, takesStates);
      const made = directions.map((prefix, place) =>
        inner.init(asked(sequence, halves[place]), key.fold(prefix))
      );
      const shapes = made.map(({ outputShape }) => named<Shape>(outputShape));
      const [{ outputs }] = shapes;
      const axes = sequence.length - outputs.length;
      const fits = says !== undefined || (sequence.length > 1 && (axes === 0 || axes === 1));
      if (!fits || outputs.length === 0) {
        throw new ShapeError(
          `expected input of steps and features, and a layer that gives units or steps and units, ` +
            `got ${formatShape(sequence)} to ${formatShape(outputs)}`,
        );
      }
      const width = outputs[outputs.length - 1] * (mergeMode === "concat" ? 2 : 1);
      const merged = outputNames.map((): Shape => [...outputs.slice(0, -1), width]);
      return {
        outputShape: together(merged, shapes),
        parameters: made.flatMap(({ parameters }, place) =>
          parameters.map((parameter) =>
            withParameterFields(parameter, {
              name: `${directions[place]}${parameter.name}`,
              trainable: parameter.trainable && layer.trainable !== false,
            })
          )
        ),
      };
    },
    apply(
      parameters: Readonly<Record<string, Tensor>>,
      inputs: Tensor | readonly Tensor[],
      context: ApplyContext,
    ): Readonly<Record<string, Tensor>> {
      const [x, ...rest] = inputs instanceof Tensor ? [inputs] : inputs;
      const halves = inHalves(rest, takesStates);
      const [mask] = context.masks;
      const made = directions.map((prefix, place) => {
        const own = Object.fromEntries(
          Object.entries(parameters).filter(([role]) => role.startsWith(prefix))
            .map(([role, value]) => [role.slice(prefix.length), value]),
        );
        const [sequence, counted] = place === 0
          ? [x, mask]
          : [flip(x, 1), mask && turnedMask(mask)];
        const within = layerContext(layer, context, prefix, counted);
        return named<Tensor>(inner.apply(own, asked(sequence, halves[place]), within));
      });
      const [forward, backward] = made.map(({ outputs }) => outputs);
      const met = says ?? backward.rank === x.rank ? flip(backward, 1) : backward;
      return together(mergeMode ? [merges[mergeMode](forward, met)] : [forward, met], made);
    },
  };
}

/** Whether it gives a sequence, where its options say so; else a sequence has as many axes as x. */
function saysSequences({ config }: Layer | ReturnsState): boolean | undefined {
  const says = config?.returnSequences;
  return typeof says === "boolean" ? says : undefined;
}

/** What makes the mask of the outputs; `undefined` for a layer that does not know of masks. */
function maskOf(layer: Layer | ReturnsState, takesStates: boolean) {
  const ofInner = layer.computeMask?.bind(layer) as
    | ((inputs: unknown, masks: unknown) => Mask | { readonly outputs: Mask })
    | undefined;
  if (!ofInner && !("supportsMasking" in layer && layer.supportsMasking)) return undefined;
  return (inputs: Tensor | readonly Tensor[], masks: Mask | readonly Mask[]): Mask => {
    const [x] = inputs instanceof Tensor ? [inputs] : inputs;
    const mask = (Array.isArray(masks) ? masks[0] : masks) as Mask;
    if (!ofInner) return mask;
    const found = takesStates ? ofInner([x], [mask]) : ofInner(x, mask);
    return found instanceof Tensor || !found ? found : found.outputs;
  };
}

/** States of the one direction, and then those of the other. */
function inHalves<Value>(states: readonly Value[], takesStates: boolean): [Value[], Value[]] {
  if (states.length % 2 === 1 || (states.length > 0 && !takesStates)) {
    throw new ShapeError(
      takesStates
        ? `expected states for both directions, those of forward and then as many of backward, got ` +
          `${states.length} behind the input`
        : `expected one input, as its layer takes no states, got ${states.length + 1}`,
    );
  }
  const half = states.length / 2;
  return [states.slice(0, half), states.slice(half)];
}

/** `forward_` and `h` give `forwardH`. */
function camel(prefix: string, state: string): string {
  return prefix.slice(0, -1) + state[0].toUpperCase() + state.slice(1);
}

function turnedMask(mask: Tensor): Tensor {
  return greater(flip(cast(mask, "f32"), 1), 0);
}
