/** What was given in the place of something else, in words, for a message. */
export function received(value: unknown): string {
  if (typeof value === "function") {
    return value.name ? `the function ${value.name} (call it: ${value.name}())` : "a function";
  }
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object" || value === null) return String(value);
  const { type, name } = value as { readonly type?: unknown; readonly name?: unknown };
  if (typeof type === "string" && type !== "") return `a layer ${type}`;
  return typeof name === "string" && name !== "" ? `an object named ${name}` : "an object";
}
