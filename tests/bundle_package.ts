import { join } from "node:path";
import * as rxjs from "rxjs";

const root = new URL("../", import.meta.url);

/**
 * Bundles the package, and RxJS beside it, for the examples of the docs: each of them would load a
 * thousand files, which takes longer than most of them run.
 *
 * @param folder Where to.
 * @returns A configuration for Deno, in which the names of both stand for the bundle; the project's own
 * where Deno cannot bundle, as it fetches its bundler from npm: examples load the sources then.
 */
export async function bundlePackage(folder: string): Promise<string> {
  const own = new URL("deno.json", root);
  const { name, exports, imports, unstable } = JSON.parse(await Deno.readTextFile(own));
  // Bundled CommonJS has no names to import: they are written down.
  const names = Object.keys(rxjs).filter((key) => /^(?!default$)\w+$/.test(key));
  const entries = [
    ["rxjs", `import * as rxjs from "${imports.rxjs}"; export const { ${names} } = rxjs;`],
    ...Object.entries<string>(exports).map(([path, file]) => [
      path.replace(/^\./, name),
      `export * from "${new URL(file, root)}";`,
    ]),
  ];
  const files = entries.map((_, place) => join(folder, `${place}.ts`));
  await Promise.all(files.map((file, place) => Deno.writeTextFile(file, entries[place][1])));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--code-splitting", "--outdir", folder, ...files],
    cwd: root,
  }).output();
  if (!success) {
    console.error(`Examples are not bundled: ${new TextDecoder().decode(stderr).trim()}`);
    return own.pathname;
  }
  const bundled = Object.fromEntries(entries.map(([key], place) => [key, `./${place}.js`]));
  const config = join(folder, "deno.json");
  await Deno.writeTextFile(
    config,
    JSON.stringify({ imports: { ...imports, ...bundled }, unstable }),
  );
  // The same versions of what else examples import.
  await Deno.copyFile(new URL("deno.lock", root), join(folder, "deno.lock"));
  return config;
}
