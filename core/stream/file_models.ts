import { DataError } from "../graph/errors.ts";
import { listNames } from "../nn/named.ts";

/** A model of a run: its weights by their names in it, with their names in the run and its files. */
export interface FileModel {
  /** The model's name. */
  readonly name: string;
  /** Names in the file by names in the model. */
  readonly weights: Readonly<Record<string, string>>;
}

/** What a file says of its models, where one has other names in it than its own. */
export function modelsText(models: readonly FileModel[]): Readonly<Record<string, string>> {
  const isPlain = models.every(({ weights }) =>
    Object.entries(weights).every(([own, name]) => own === name)
  );
  return isPlain ? {} : { models: JSON.stringify(models) };
}

/**
 * The names that weights of a model have in a file of several models.
 *
 * @param text What the file says of its models; undefined of a file of one.
 * @param model The model's name.
 * @param names Names of its weights.
 * @param partly Whether it is enough that one of them is in the file.
 * @throws {DataError} when several models of the file might be meant.
 */
export function namesInFile(
  path: string,
  text: string | undefined,
  model: string,
  { names, partly }: { readonly names: readonly string[]; readonly partly: boolean },
): (name: string) => string {
  const fitting = parse(text).filter(({ weights }) =>
    partly ? names.some((name) => name in weights) : names.every((name) => name in weights)
  );
  const isNamed = ({ name }: FileModel) => name === model;
  const isWhole = ({ weights }: FileModel) => Object.keys(weights).length === names.length;
  const whole = fitting.filter(isWhole);
  const meant = [whole.filter(isNamed), fitting.filter(isNamed), whole, fitting]
    .find((models) => models.length > 0) ?? [];
  const unclear = names.find((name) =>
    meant.some(({ weights }) => weights[name] !== meant[0].weights[name])
  );
  if (unclear === undefined) return (name) => meant[0]?.weights[name] ?? name;
  const others = [...new Set(fitting.map(({ name }) => name))];
  throw new DataError(
    `Cannot load ${path} as several of its models have a weight "${unclear}": received a model ` +
      `"${model}" for ${listNames(others)} (give each model a name of its own, as ` +
      `sequential(layers, { name: "critic" }), in the run and here)`,
    { file: path },
  );
}

/** What a file says of its models; nothing where another program has said something else. */
function parse(text: string | undefined): FileModel[] {
  if (text === undefined) return [];
  try {
    const models = JSON.parse(text);
    return Array.isArray(models) ? models.filter(isFileModel) : [];
  } catch {
    return [];
  }
}

function isFileModel(value: unknown): value is FileModel {
  const { name, weights } = (value ?? {}) as Partial<FileModel>;
  return typeof name === "string" && typeof weights === "object" && weights !== null;
}
