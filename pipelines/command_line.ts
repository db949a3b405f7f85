import { parseArgs, type ParseArgsConfig } from "node:util";

/** A default that follows from another option, as the number of epochs from the model. */
export interface DefaultBy {
  /** The name of the other option, which must have a default of its own. */
  readonly option: string;
  /** The default as it would be written, by the value of that option. */
  readonly values: Readonly<Record<string, string>>;
}

/** One option of a command: how it is written, what it means. */
export interface OptionDefinition<Value> {
  /** What stands for the value in the help, as `N` or `FILE`; `""` for an option without one. */
  readonly value: string;
  /** What it does, in a line. */
  readonly help: string;
  /** The default as it would be written; left out, the option is `undefined` unless given. */
  readonly default?: string | DefaultBy;
  /** The value from its text; throws when the text is not one. */
  parse(text: string): Value;
}

/** What {@link commandLine} gives for a table of options. */
export type Options<Table> = {
  [Name in keyof Table]: Table[Name] extends OptionDefinition<infer Value>
    ? Table[Name] extends { readonly default: string | DefaultBy } ? Value : Value | undefined
    : never;
};

/** Wrong usage: the message says what was given and what is expected. */
export class UsageError extends Error {
  /** The class's name. */
  override name = "UsageError";
}

/** A whole number from `minimum` to `maximum`. */
export function wholeNumber(minimum: number, maximum = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const isWhole = /^\d+$/.test(text) && Number.isSafeInteger(value);
    if (isWhole && value >= minimum && value <= maximum) return value;
    const range = maximum < Infinity ? `from ${minimum} to ${maximum}` : `of at least ${minimum}`;
    throw new UsageError(`a whole number ${range}`);
  };
}

/** A finite number from `minimum` to `maximum`. */
export function number(minimum = -Infinity, maximum = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value) && value >= minimum && value <= maximum) {
      return value;
    }
    const range = maximum < Infinity
      ? ` from ${minimum} to ${maximum}`
      : minimum > -Infinity
      ? ` of at least ${minimum}`
      : "";
    throw new UsageError(`a number${range}`);
  };
}

/** One of `names`. */
export function oneOf<Name extends string>(...names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const near = nearest(text, names);
    throw new UsageError(`one of ${names.join(", ")}${near ? ` (did you mean ${near}?)` : ""}`);
  };
}

/** Whole numbers from 1 with commas between them. */
export function wholeNumbers(text: string): number[] {
  if (/^\d+(,\d+)*$/.test(text)) {
    const values = text.split(",").map(Number);
    if (values.every((value) => value >= 1 && value <= 65536)) return values;
  }
  throw new UsageError("whole numbers from 1 to 65536, as 30,30");
}

/** An option without a value: true where it is given. */
export function flag(_text: string): true {
  return true;
}

/** Any text but the empty one. */
export function file(text: string): string {
  if (text !== "" && !text.includes("\0")) return text;
  throw new UsageError("the name of a file");
}

/**
 * Reads the options of a command. `--help` prints them and ends with exit code 0; wrong usage says
 * what is wrong on stderr and ends with 2.
 *
 * @param usage What the command does, with examples; stands before the options in the help.
 * @param table The options by name, as `learning-rate`.
 * @param texts The arguments; by default those of the process.
 */
export function commandLine<Table extends Record<string, OptionDefinition<unknown>>>(
  usage: string,
  table: Table,
  texts: readonly string[] = Deno.args,
): Options<Table> {
  try {
    if (texts.includes("--help") || texts.includes("-h")) {
      console.log(helpText(usage, table));
      Deno.exit(0);
    }
    return parseOptions(table, texts);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nRun with --help for all options`);
    Deno.exit(2);
  }
}

/** The options, or a {@link UsageError}. */
export function parseOptions<Table extends Record<string, OptionDefinition<unknown>>>(
  table: Table,
  texts: readonly string[],
): Options<Table> {
  const names = Object.keys(table);
  const typeOf = (name: string) => table[name].value === "" ? "boolean" : "string";
  const options = Object.fromEntries(names.map((name) => [name, { type: typeOf(name) } as const]));
  const config: ParseArgsConfig = { args: [...texts], options, strict: false, tokens: true };
  const { tokens = [] } = parseArgs(config);
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === "positional") {
      throw new UsageError(`Unexpected argument "${token.value}": options begin with --`);
    }
    if (token.kind !== "option") continue;
    if (!names.includes(token.name)) {
      const near = nearest(token.name, names);
      throw new UsageError(
        `Unknown option ${token.rawName}${near ? ` (did you mean --${near}?)` : ""}`,
      );
    }
    if (given.has(token.name)) throw new UsageError(`Option --${token.name} is given twice`);
    if (table[token.name].value === "") {
      if (token.value !== undefined) {
        throw new UsageError(
          `Option --${token.name} takes no value: received "${token.value}"`,
        );
      }
      given.set(token.name, "");
      continue;
    }
    // After --epochs the parser takes whatever comes next, even another option. A number below zero
    // begins with one dash.
    if (token.value === undefined || !token.inlineValue && token.value.startsWith("--")) {
      throw new UsageError(`Option --${token.name} needs a value: ${table[token.name].value}`);
    }
    given.set(token.name, token.value);
  }
  return Object.fromEntries(names.map((name) => {
    const text = given.get(name) ?? defaultText(table, name, given);
    return [name, text === undefined ? undefined : parseValue(name, text, table[name])];
  })) as Options<Table>;
}

function defaultText(
  table: Readonly<Record<string, OptionDefinition<unknown>>>,
  name: string,
  given: ReadonlyMap<string, string>,
): string | undefined {
  const text = table[name].default;
  if (typeof text !== "object") return text;
  return text.values[given.get(text.option) ?? table[text.option].default as string];
}

function parseValue<Value>(name: string, text: string, option: OptionDefinition<Value>): Value {
  try {
    return option.parse(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`Option --${name} expects ${error.message}: received "${text}"`);
  }
}

function helpText(usage: string, table: Record<string, OptionDefinition<unknown>>): string {
  const rows = Object.entries(table).map(([name, option]) => ({
    left: `  --${name} ${option.value}`.trimEnd(),
    right: option.help + helpOfDefault(table, option.default),
  }));
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2;
  const lines = rows.map(({ left, right }) => left.padEnd(width) + right);
  return `${usage.trim()}\n\nOptions:\n${lines.join("\n")}`;
}

/** ` (default 5; 8 for cnn)`, or nothing. */
function helpOfDefault(
  table: Readonly<Record<string, OptionDefinition<unknown>>>,
  text: string | DefaultBy | undefined,
): string {
  if (typeof text !== "object") return text === undefined ? "" : ` (default ${text})`;
  const usual = text.values[table[text.option].default as string];
  const others = [...new Set(Object.values(text.values))].filter((value) => value !== usual);
  const namesOf = (value: string) =>
    Object.keys(text.values).filter((name) => text.values[name] === value).join(", ");
  return ` (default ${
    [usual, ...others.map((value) => `${value} for ${namesOf(value)}`)].join("; ")
  })`;
}

/** The only name that holds `text` whole, or the closest one, if at most a third of it is wrong. */
function nearest(text: string, names: readonly string[]): string | undefined {
  const holders = names.filter((name) => name.includes(text));
  if (text.length > 2 && holders.length === 1) return holders[0];
  const [best] = names.map((name) => ({ name, distance: distance(text, name) }))
    .sort((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.max(1, best.name.length / 3) ? best.name : undefined;
}

/** Damerau's distance: letters to insert, remove, replace, or exchange with the next one. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        ? before[j - 2] + 1
        : Infinity;
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, replaced, exchanged));
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
