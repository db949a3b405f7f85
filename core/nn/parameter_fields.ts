import type { LayerParameter } from "./layer.ts";

/**
 * A weight as another layer describes it, under another name or held still; its first values are not
 * made by that, which may take long.
 */
export function withParameterFields(
  parameter: LayerParameter,
  fields: { readonly name?: string; readonly trainable?: boolean },
): LayerParameter {
  const { name, shape, trainable, state, regularizer, constraint } = parameter;
  return {
    name,
    shape,
    get values() {
      return parameter.values;
    },
    trainable,
    state,
    regularizer,
    constraint,
    ...fields,
  };
}
