/**
 * Compiles the AssemblyScript kernels and writes them, as base64, to `kernels.wasm.ts`.
 *
 * `deno run -A core/cpu/kernels/build.ts` writes; with `--check` it only compares, and exits 1
 * when the committed bytes are not what the sources give.
 */
import asc from "assemblyscript/asc";
import { sparseSumsSource } from "./sparse_sums.ts";
import { stripsSource } from "./strips.ts";
import { winogradPointsSource } from "./winograd_points.ts";

const here = new URL("./", import.meta.url);
const output = new URL("kernels.wasm.ts", here);

/** Sources that are written by functions. */
const written: Record<string, () => string> = {
  "strips.ts": () => stripsSource() + sparseSumsSource(),
  "winograd_points.ts": winogradPointsSource,
};

/** Compiles one variant of the kernels and returns the bytes of its module. */
export async function compileKernels(variant: "relaxed" | "plain"): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const features = variant === "relaxed" ? "simd,relaxed-simd,threads" : "simd,threads";
  // Not -O3: it nests the multiply-adds, which hoists the loads of all unrolled steps before the
  // first sum; V8 then spills, and 512³ falls from 41 to 30 GFLOP/s.
  const { error, stderr } = await asc.main([
    "index.ts",
    ...["--outFile", "kernels.wasm", "--runtime", "stub", "-O2", "--noAssert"],
    ...[
      "--enable",
      features,
      "--importMemory",
      "--noExportMemory",
      "--sharedMemory",
      "--importTable",
    ],
    ...["--initialMemory", "1", "--maximumMemory", "65536"],
  ], {
    readFile: (name) => {
      const file = name.replaceAll("\\", "/").replace(/^(\.\/)?/, "");
      if (file in written) return written[file]();
      try {
        return Deno.readTextFileSync(new URL(`assembly/${file}`, here));
      } catch {
        return null;
      }
    },
    writeFile: (name, contents) => {
      if (name.endsWith(".wasm")) binary = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(`Cannot compile the ${variant} kernels: ${stderr}`);
  return binary;
}

/** The text of `kernels.wasm.ts`. */
export async function kernelsSource(): Promise<string> {
  const relaxed = (await compileKernels("relaxed")).toBase64();
  const plain = (await compileKernels("plain")).toBase64();
  return `// Written by build.ts from assembly/ and strips.ts; do not edit.
/** The kernels with relaxed SIMD (fused multiply-add), a WebAssembly module in base64. */
export const relaxedKernels: string = "${relaxed}";
/** The kernels with plain SIMD (multiply, then add), a WebAssembly module in base64. */
export const plainKernels: string = "${plain}";
`;
}

if (import.meta.main) {
  const source = await kernelsSource();
  if (Deno.args.includes("--check")) {
    if (source !== await Deno.readTextFile(output)) {
      console.error(
        "Cannot accept kernels.wasm.ts as it must be what its sources compile to: run build.ts",
      );
      Deno.exit(1);
    }
  } else {
    await Deno.writeTextFile(output, source);
  }
}
