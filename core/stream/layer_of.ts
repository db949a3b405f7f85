/** The name of a weight's layer: `dense_1` for `dense_1/kernel`. */
export function layerOf(name: string): string {
  return name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : name;
}
