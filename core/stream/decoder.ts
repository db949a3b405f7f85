import { type Inputs, isStored, type StoredInputs } from "../../data/data_set.ts";
import type { Executable, Storage } from "../graph/device.ts";
import { ShapeError } from "../graph/errors.ts";
import { topologicalOrder } from "../graph/differentiate.ts";
import { inputLeaf, iota, scalarLeaf, stateLeaf } from "../graph/leaf.ts";
import { type Assignment, createProgram } from "../graph/program.ts";
import { formatShape, type Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type AnyModel, isModel } from "../nn/connect.ts";
import type { Decoding } from "../nn/decoding.ts";
import { fromEntries, type Like, type Tensors } from "../nn/named.ts";
import { calledLayer } from "../nn/place_layer.ts";
import { withInputShape } from "../nn/with_input_shape.ts";
import { cast } from "../ops/cast.ts";
import { concat, slice } from "../ops/concat.ts";
import { equal } from "../ops/equal.ts";
import { gather } from "../ops/gather.ts";
import { reshape } from "../ops/reshape.ts";
import { select } from "../ops/select.ts";
import { broadcastTo } from "../ops/sum.ts";
import { hoist } from "./hoist.ts";
import { numbersOf } from "./request_batches.ts";
import { storedType } from "./resident_data.ts";
import type { Run } from "./run.ts";

/** What a {@link Decoder} decodes. */
export interface DecoderOptions {
  /** Sequences side by side. */
  readonly batch: number;
  /** Tokens of the longest sequence. */
  readonly length: number;
  /** Inputs besides the tokens, by name. */
  readonly inputs: Inputs;
  /** Name of the input of tokens; `null` for a model of one input. */
  readonly tokens: string | null;
  /** Whether a sequence may go on from another one's end, as in a beam search; default false. */
  readonly branches?: boolean;
}

/** One plan for so many tokens at a time. */
interface Step {
  readonly executable: Executable;
  readonly tokens: Storage;
  /** Which sequences they go on from, where they branch. */
  readonly parents?: Storage;
}

/** A model that is given sequences a few tokens at a time, and keeps what it needs of those before. */
export class Decoder {
  readonly #states = new Map<string, Tensor>();
  readonly #storages = new Map<Tensor, Storage>();
  readonly #position = scalarLeaf("position", "u32");
  readonly #others: ReadonlyMap<string | null, Tensor>;
  readonly #steps = new Map<number, Step>();
  #length = 0;

  /** Checks that the model can be given tokens one by one. */
  constructor(
    private readonly run: Run,
    private readonly model: AnyModel,
    private readonly options: DecoderOptions,
  ) {
    checkDecodes(model, [model.definition.inputKeys.indexOf(options.tokens)]);
    const { inputs, batch } = options;
    const given = isStored(inputs) ? [] : Object.entries(inputs);
    for (const [name, part] of given) checkInput(name, part, batch);
    this.#others = new Map(given.map(([name, part]) => {
      const leaf = inputLeaf(name, [...part.shape], "f32");
      this.#allocate(leaf).write(numbersOf(part));
      return [name, leaf];
    }));
  }

  /**
   * Goes on with one token more of each sequence, or with as many at the beginning.
   *
   * @param tokens The tokens, `[batch][steps]`.
   * @param parents The sequences that these tokens are behind, by their numbers, of a decoder that
   * branches; default each its own.
   * @returns What the model gives for the last of them, `[batch, classes]`.
   */
  async next(
    tokens: readonly (readonly number[])[],
    parents: readonly number[] = tokens.map((_, place) => place),
  ): Promise<Float32Array> {
    const [{ length: count }] = tokens;
    const step = this.#steps.get(count) ?? await this.#prepare(count);
    this.#steps.set(count, step);
    step.tokens.write(Float32Array.from(tokens.flat()));
    step.parents?.write(Float32Array.from(parents));
    await step.executable.run(this.#scalars(step.executable));
    this.#length += count;
    return await step.executable.read(0) as Float32Array;
  }

  /** Frees what was kept. */
  dispose(): void {
    for (const { executable } of this.#steps.values()) executable.dispose();
    for (const storage of this.#storages.values()) storage.dispose();
  }

  async #prepare(count: number): Promise<Step> {
    const { batch, length, branches = false, tokens: name } = this.options;
    const model = withInputShape(this.model, this.#shapes(count) as Like<Tensors, Shape>);
    const tokens = inputLeaf("tokens", [batch, count], "f32");
    // At the beginning all that is kept is zeros.
    const parents = branches && count === 1 ? inputLeaf("parents", [batch], "f32") : undefined;
    const rows = parents && cast(parents, "i32");
    const before = (role: string, shape: Shape): Tensor => {
      const state = this.#state(role, shape);
      return rows ? gather(state, rows) : state;
    };
    const assignments: Assignment[] = [];
    const decoding: Decoding = {
      position: cast(this.#position, "i32"),
      follows: followers(tokens),
      keep: (role, rows) => {
        const shape = [batch, length, ...rows.shape.slice(2)];
        const state = this.#state(role, shape);
        // More than one token comes at the beginning alone.
        const value = count === 1
          ? withRow(before(role, shape), rows, this.#position)
          : count === length
          ? rows
          : concat([rows, rest(state, count)], 1);
        assignments.push({ state, value });
        return value;
      },
      carried: (role, first) => select(equal(this.#position, 0), first, before(role, first.shape)),
      carry: (role, next) => {
        assignments.push({ state: this.#state(role, next.shape), value: next });
      },
    };
    const given = fromEntries<Tensor>(
      model.definition.inputKeys.map((
        key,
      ) => [key, key === name ? tokens : this.#others.get(key)!]),
    );
    const context = { ...this.run.context(false), trainable: model.trainable, decoding };
    const output = model.apply(this.run.weightTable.leaves, given, context);
    const last = slice(
      output as Tensor,
      [0, count - 1, 0],
      (output as Tensor).shape.with(1, count),
    );
    const values = assignments.map(({ value }) => value);
    const states = assignments.map(({ state }) => state);
    const hoisted = hoist(
      [last, ...values],
      new Set(this.#others.values()),
      new Set([tokens, this.#position, ...states, ...(parents ? [parents] : [])]),
    );
    await this.#keep(hoisted.kept);
    const [result, ...next] = hoisted.outputs;
    const program = createProgram(
      [reshape(result, [batch, result.shape[2]])],
      next.map((value, place) => ({ state: states[place], value })),
    );
    const storages = {
      tokens: this.#allocate(tokens),
      parents: parents && this.#allocate(parents),
    };
    return { executable: this.#executable(program), ...storages };
  }

  /** Computes what stays, once. */
  async #keep(kept: readonly Assignment[]): Promise<void> {
    if (kept.length === 0) return;
    for (const { state } of kept) this.#allocate(state);
    const once = this.#executable(createProgram([], kept));
    await once.run(this.#scalars(once));
    await this.run.device.idle();
    once.dispose();
  }

  #executable(program: ReturnType<typeof createProgram>): Executable {
    const { device, weightTable } = this.run;
    return device.prepare(
      program,
      (leaf) => weightTable.storage(leaf) ?? this.#storages.get(leaf)!,
    );
  }

  #scalars({ scalars }: Executable): number[] {
    return scalars.map((leaf) =>
      leaf === this.#position ? this.#length : this.run.scalars.provider(leaf)()
    );
  }

  #state(role: string, shape: Shape): Tensor {
    const known = this.#states.get(role);
    if (known) return known;
    const state = stateLeaf(role, shape);
    this.#states.set(role, state);
    this.#allocate(state);
    return state;
  }

  #allocate(leaf: Tensor): Storage {
    const storage = this.run.device.allocate(leaf.dtype, leaf.size, String(leaf.attributes.name));
    this.#storages.set(leaf, storage);
    return storage;
  }

  /** Shapes of the model's inputs, with so many tokens. */
  #shapes(count: number): unknown {
    return fromEntries<Shape>(
      this.model.definition.inputKeys.map((key) => [
        key,
        key === this.options.tokens ? [count] : this.#others.get(key)!.shape.slice(1),
      ]),
    );
  }
}

/** Refuses an input that does not hold what it says, a sample for each prompt. */
function checkInput(name: string, part: StoredInputs, batch: number): void {
  const { shape } = part;
  storedType(`input ${name}`, part);
  if (shape[0] === batch) return;
  throw new ShapeError(
    `Cannot generate as the input ${name} must have a sample for each of the ${batch} prompts: ` +
      `received ${formatShape(shape)}`,
  );
}

/** Tells which tensors follow from a leaf. */
function followers(leaf: Tensor): Decoding["follows"] {
  const known = new Map<Tensor, boolean>();
  return (tensors) => {
    for (const node of topologicalOrder(tensors, known)) {
      known.set(node, node === leaf || node.inputs.some((input) => known.get(input)));
    }
    return tensors.some((tensor) => known.get(tensor));
  };
}

/** A state with its row at `position` replaced. */
function withRow(state: Tensor, rows: Tensor, position: Tensor): Tensor {
  const here = equal(iota([state.shape[1]], 0), broadcastTo(position, [state.shape[1]]));
  const lined = reshape(here, [1, state.shape[1], ...state.shape.slice(2).map(() => 1)]);
  return select(lined, rows, state);
}

function rest(state: Tensor, from: number): Tensor {
  return slice(state, state.shape.map((_, axis) => axis === 1 ? from : 0), state.shape);
}

/** Refuses a model with a layer that has to see a sequence as a whole, given the places of its steps. */
function checkDecodes(model: AnyModel, steps: readonly number[]): void {
  const { graph, inputKeys } = model.definition;
  const touched = new Set(steps);
  let next = inputKeys.length;
  for (const { place, reverse, inputs, outputShape } of graph.calls) {
    const layer = calledLayer(place.layer, reverse);
    const outputs = Array.isArray(outputShape) ? 1 : Object.keys(outputShape).length;
    const reached = inputs.some((value) => touched.has(value));
    for (let output = 0; output < outputs; output++) if (reached) touched.add(next + output);
    next += outputs;
    if (!reached) continue;
    if (isModel(layer)) {
      checkDecodes(layer, inputs.flatMap((value, place) => touched.has(value) ? [place] : []));
      continue;
    }
    const decodes = layer.decodes ?? ("supportsMasking" in layer && layer.supportsMasking);
    if (decodes) continue;
    throw new Error(
      `Cannot generate as the layer ${place.name} (${layer.type}) has to see a sequence as a whole: use ` +
        `causal attention, recurrent layers that give each step as it comes (returnSequences, no ` +
        `goBackwards, no returnState), and layers that work on each step by itself`,
    );
  }
}
