import { ShapeError } from "../../graph/errors.ts";
import { formatShape, type Shape } from "../../graph/shape.ts";

/** Letters of the axes of inputs, kernel and outputs; `.` stands for axes that are left out. */
export interface Equation {
  /** Letters of the inputs. */
  readonly inputs: string;
  /** Letters of the kernel. */
  readonly kernel: string;
  /** Letters of the outputs. */
  readonly outputs: string;
}

/** Reads `ab,bc->ac` or `...x,xy->...y`; refuses what is no such equation. */
export function readEquation(text: string): Equation {
  const found = /^([a-zA-Z.]+),([a-zA-Z]+)->([a-zA-Z.]+)$/.exec(text.replace(/\s+/g, ""));
  const [inputs, kernel, outputs] = (found ?? []).slice(1).map((part) => part.replace("...", "."));
  const wrong = found === null
    ? "must be like ab,bc->ac or ...x,xy->...y"
    : [inputs, outputs].some((part) => !/^(\.?[a-zA-Z]+|[a-zA-Z]+\.)$/.test(part)) ||
        places(inputs) !== places(outputs)
    ? "may leave axes out by ... at the same end of inputs and outputs alone"
    : [inputs, kernel, outputs].some((part) => new Set(part).size < part.length)
    ? "may name an axis of inputs, kernel or outputs once"
    : [...outputs].some((letter) => !(inputs + kernel).includes(letter))
    ? "may give outputs axes of inputs and kernel alone"
    : !inputs.startsWith(".") && (kernel.includes(inputs[0]) || outputs[0] !== inputs[0])
    ? "must keep the first axis, that of samples, in its place, and out of the kernel"
    : null;
  if (!wrong) return { inputs, kernel, outputs };
  throw new RangeError(
    `Cannot make einsumDense as its equation ${wrong}: received ${JSON.stringify(text)}`,
  );
}

/** Where axes are left out: -1 nowhere, 0 in front, 1 at the end. */
function places(letters: string): number {
  return Math.sign(letters.indexOf("."));
}

/** The equation with letters for the axes that it leaves out, for inputs of so many axes. */
export function spelledOut({ inputs, kernel, outputs }: Equation, rank: number): Equation {
  const left = inputs.includes(".") ? rank - inputs.length + 1 : 0;
  // Where samples are among the axes left out, at least one is.
  if (inputs.replace(".", "").length + left !== rank || left < (inputs.startsWith(".") ? 1 : 0)) {
    throw new ShapeError(
      `expected input with the axes ${inputs.replace(".", "...")}, that of samples included, got ` +
        `${rank} axes`,
    );
  }
  const used = inputs + kernel + outputs;
  const free = [..."0123456789"].filter((letter) => !used.includes(letter)).slice(0, left).join("");
  const spell = (letters: string) => letters.replace(".", free);
  return { inputs: spell(inputs), kernel, outputs: spell(outputs) };
}

/** Sizes of the kernel's axes, and of all axes of the outputs but that of samples. */
export function equationShapes(
  equation: Equation,
  given: Shape,
  outputSizes: readonly (number | null)[],
): { kernel: Shape; outputs: Shape } {
  // The size of a batch is nothing that a kernel hangs on.
  const { inputs, kernel, outputs } = spelledOut(equation, given.length + 1);
  const sizes = new Map([...inputs.slice(1)].map((letter, axis) => [letter, given[axis]]));
  const named = [...outputs.slice(1)].filter((letter) => /[a-zA-Z]/.test(letter));
  if (outputSizes.length !== named.length) {
    throw new ShapeError(
      `expected an outputShape of sizes for ${named.join(", ")}, got ${outputSizes.length} sizes`,
    );
  }
  named.forEach((letter, place) => {
    const size = outputSizes[place];
    const known = sizes.get(letter);
    if (known === undefined ? size !== null : size === null || size === known) {
      return void sizes.set(letter, size ?? known!);
    }
    throw new ShapeError(
      `expected an outputShape of ${
        known ?? "a number"
      } for ${letter}, got ${size} for inputs of ` +
        formatShape(given),
    );
  });
  const unknown = [...kernel].find((letter) => !sizes.has(letter));
  if (unknown !== undefined) {
    throw new ShapeError(`expected a kernel of known sizes, got none for its axis ${unknown}`);
  }
  const of = (letters: string) => [...letters].map((letter) => sizes.get(letter)!);
  return { kernel: of(kernel), outputs: of(outputs.slice(1)) };
}

/** Shape of a bias for the given letters of the outputs; 1 for those between them. */
export function biasShape(equation: Equation, axes: string, outputs: Shape): Shape {
  const letters = spelledOut(equation, outputs.length + 1 - equationGrowth(equation)).outputs;
  const first = Math.min(...[...axes].map((letter) => letters.indexOf(letter)));
  return [...letters].slice(first).map((letter, place) =>
    axes.includes(letter) ? outputs[first + place - 1] : 1
  );
}

/** How many axes more the outputs have than the inputs. */
function equationGrowth({ inputs, outputs }: Equation): number {
  return outputs.length - inputs.length;
}
