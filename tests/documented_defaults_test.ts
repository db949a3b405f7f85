// What docstrings of options say of defaults, against what the code beside them takes.
import assert from "node:assert/strict";

function* files(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(`../${folder}`, import.meta.url))) {
    if (isDirectory && name !== "assembly") yield* files(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

const raised = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A number as docs write it, `−0.5`, `16,000` or `2¹⁵`, and anything else as it is. */
function documented(text: string): string {
  const [, whole, power] = text.match(/^([^⁰¹²³⁴⁵⁶⁷⁸⁹]*)(.*)$/)!;
  const number = Number(whole.replace("−", "-").replaceAll(",", ""));
  if (Number.isNaN(number)) return text;
  const exponent = [...power].map((digit) => raised.indexOf(digit)).join("");
  return `${exponent === "" ? number : number ** Number(exponent)}`;
}

/** A literal of the code, as `documented` gives it. */
function written(text: string): string {
  const [base, exponent = "1"] = text.replaceAll("_", "").split(" ** ");
  const number = Number(base) ** Number(exponent);
  return Number.isNaN(number) ? text : `${number}`;
}

const literal = String.raw`"[^"]*"|-?[\d._]+(?:e-?\d+)?(?: \*\* \d+)?|true|false`;
const option = /\/\*\*((?:(?!\*\/)[^])*?)\*\/\s*readonly (\w+)\?:/g;
const stated =
  /[Dd]efault (?:is )?`?("[^"]+"|[−-]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?[⁰¹²³⁴⁵⁶⁷⁸⁹]*|true|false)/;

let compared = 0;

for (const folder of ["core", "data", "gpu"]) {
  for (const file of files(folder)) {
    const source = Deno.readTextFileSync(new URL(`../${file}`, import.meta.url));
    for (const [, doc, name] of source.matchAll(option)) {
      const [, says] = doc.replace(/\s*\n\s*\*\s*/g, " ").match(stated) ?? [];
      const patterns = [`\\b${name}(?:: \\w+)? = `, `options\\??\\.${name} \\?\\? `];
      const taken = patterns.flatMap((before) =>
        Array.from(
          source.matchAll(new RegExp(`${before}(${literal})(?=[,; })])`, "g")),
          ([, x]) => x,
        )
      );
      if (says === undefined || taken.length === 0) continue;
      compared++;
      Deno.test(`${file}: the default of ${name} is ${says}`, () => {
        assert(taken.map(written).includes(documented(says)), `the code takes ${taken.join(", ")}`);
      });
    }
  }
}

Deno.test("most documented defaults are found in the code", () => {
  assert(compared > 350, `${compared} are`);
});
