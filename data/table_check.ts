import type { FeatureColumn, FittedColumn } from "./table_columns.ts";
import type { TableEncoderOptions } from "./table_encoder.ts";

const refuse = (what: string, received: unknown): never => {
  throw new RangeError(
    `Cannot make tableEncoder as ${what}: received ${JSON.stringify(received) ?? String(received)}`,
  );
};

/**
 * Refuses a description that is none: it may come from a file.
 *
 * @throws {RangeError} At the first thing that is wrong.
 */
export function checkTable({ features, target, fitted }: TableEncoderOptions): void {
  if (!isRecord(features) || Object.keys(features).length === 0) {
    refuse("features must describe a column or more", features);
  }
  for (const [name, column] of Object.entries(features)) checkFeature(name, column);
  checkTarget(target);
  if (Object.hasOwn(features, target.column)) {
    refuse("the target must not be among the features", target.column);
  }
  if (fitted === undefined) return;
  if (!isRecord(fitted) || !isRecord(fitted.features)) {
    refuse("fitted must be what adapt has found", fitted);
  }
  for (const [name, column] of Object.entries(features)) {
    const found = Object.hasOwn(fitted.features, name) ? fitted.features[name] : undefined;
    if (!fits(column, found)) refuse(`fitted must say what adapt has found of "${name}"`, found);
  }
  if (target.type === "categorical" && !isTexts(fitted.classes)) {
    refuse("fitted must name the classes of the target, each once", fitted.classes);
  }
}

function checkFeature(name: string, column: FeatureColumn): void {
  if (column?.type === "numeric") {
    const { impute = "mean", indicator = true, standardise = true } = column;
    if (impute !== "mean" && impute !== "median" && !isNumber(impute)) {
      refuse(`the impute of "${name}" must be mean, median or a number`, impute);
    }
    for (const flag of [indicator, standardise]) {
      if (typeof flag !== "boolean") {
        refuse(`the indicator and standardise of "${name}" must be true or false`, flag);
      }
    }
  } else if (column?.type === "categorical") {
    const { maxCategories = 1, dropFirst = false } = column;
    if (typeof dropFirst !== "boolean") {
      refuse(`the dropFirst of "${name}" must be true or false`, dropFirst);
    }
    if (!Number.isSafeInteger(maxCategories) || maxCategories < 1) {
      refuse(`the maxCategories of "${name}" must be a whole number from 1`, maxCategories);
    }
  } else {
    refuse(`the type of "${name}" must be numeric or categorical`, (column as FeatureColumn)?.type);
  }
}

function checkTarget(target: TableEncoderOptions["target"]): void {
  if (typeof target?.column !== "string") refuse("target must name its column", target);
  if (target.type === "numeric" || target.type === "categorical") return;
  if (target.type !== "binary") {
    refuse("the type of the target must be numeric, categorical or binary", target);
  }
  const named = ["positive", "negative"].filter((name) => name in target);
  if (named.length !== 1) refuse("a binary target needs either positive or negative", named);
  const values = Object.entries(target).find(([name]) => name === named[0])?.[1];
  if (!isTexts([values].flat())) {
    refuse(`the ${named[0]} of the target must be a cell, or a list of them`, values);
  }
}

function fits(column: FeatureColumn, found: FittedColumn | undefined): boolean {
  if (!isRecord(found)) return false;
  if (column.type === "categorical") {
    const { vocabulary, others } = found as Record<string, unknown>;
    return isTexts(vocabulary) && typeof others === "boolean";
  }
  const { fill, mean, std, indicator } = found as Record<string, unknown>;
  return isNumber(fill) && isNumber(mean) && isNumber(std) && std !== 0 &&
    typeof indicator === "boolean";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && new Set(value).size === value.length &&
    value.every((item) => typeof item === "string");
}
