import assert from "node:assert/strict";
import fc from "fast-check";
import {
  file,
  flag,
  number,
  oneOf,
  type OptionDefinition,
  parseOptions,
  UsageError,
  wholeNumber,
  wholeNumbers,
} from "../../pipelines/command_line.ts";
import { runPipeline } from "./run_pipeline.ts";

const table = {
  "epochs": { value: "N", help: "passes over the data", default: "5", parse: wholeNumber(0) },
  "learning-rate": { value: "X", help: "of sgd", parse: number() },
  "device": { value: "NAME", help: "where", default: "cpu", parse: oneOf("cpu", "webgpu") },
  "weights": { value: "FILE", help: "begin with these", parse: file },
};

const withFlag = { ...table, "profile": { value: "", help: "time the steps", parse: flag } };

const parse = (...texts: string[]) => parseOptions(table, texts);

/** Options that are left out and have no default. */
const unset = { "learning-rate": undefined, "weights": undefined };

Deno.test("options left out have their defaults, or are undefined", () => {
  assert.deepEqual(parse(), { epochs: 5, device: "cpu", ...unset });
});

Deno.test("values stand behind their option or after an equals sign, in any order", () => {
  const expected = { "epochs": 3, "learning-rate": 0.5, "device": "webgpu", "weights": "a b" };
  assert.deepEqual(
    parse("--weights", "a b", "--device", "webgpu", "--epochs", "3", "--learning-rate", "0.5"),
    expected,
  );
  assert.deepEqual(
    parse("--learning-rate=0.5", "--device=webgpu", "--weights=a b", "--epochs=3"),
    expected,
  );
  // Only the first equals sign parts the name from the value.
  assert.equal(parse("--weights=a=b").weights, "a=b");
});

Deno.test("an option without a value is true where it is given, and takes none", () => {
  const given = (...texts: string[]) => parseOptions(withFlag, texts);
  assert.equal(given().profile, undefined);
  assert.equal(given("--profile").profile, true);
  const both = given("--profile", "--epochs", "2");
  assert.deepEqual([both.profile, both.epochs], [true, 2]);
  assert.throws(
    () => given("--profile=yes"),
    (error) =>
      error instanceof UsageError &&
      error.message === 'Option --profile takes no value: received "yes"',
  );
  assert.throws(() => given("--profile", "--profile"), /^UsageError: .*--profile is given twice/);
  assert.throws(() => given("--profile", "yes"), /Unexpected argument "yes"/);
});

Deno.test("a value may begin with a dash, as numbers below zero do", () => {
  assert.equal(parse("--learning-rate", "-1")["learning-rate"], -1);
  assert.equal(parse("--learning-rate=-1e-3")["learning-rate"], -0.001);
  assert.equal(parse("--weights", "-").weights, "-");
  // What begins with two is another option, unless an equals sign says that it is the value.
  assert.equal(parse("--weights=--epochs").weights, "--epochs");
});

/** Wrong usage, and all that the message must say. */
const refused: [texts: string[], message: RegExp][] = [
  [["--epoch", "3"], /^Unknown option --epoch \(did you mean --epochs\?\)$/],
  [["--learnin-rate=3"], /^Unknown option --learnin-rate \(did you mean --learning-rate\?\)$/],
  [["--learning_rate", "3"], /did you mean --learning-rate\?/],
  [["--ecophs", "3"], /did you mean --epochs\?/],
  [["--deviec", "cpu"], /did you mean --device\?/],
  [["--xyzzy", "3"], /^Unknown option --xyzzy$/],
  [["--constructor", "3"], /^Unknown option --constructor$/],
  [["--__proto__=3"], /^Unknown option --__proto__$/],
  [["-e", "3"], /^Unknown option -e$/],
  [["--no-epochs"], /^Unknown option --no-epochs/],
  [["train"], /^Unexpected argument "train": options begin with --$/],
  [["--", "--epochs"], /^Unexpected argument "--epochs"/],
  [["--epochs", "1", "2"], /^Unexpected argument "2"/],
  [["--epochs", "1", "--epochs=2"], /^Option --epochs is given twice$/],
  [["--epochs"], /^Option --epochs needs a value: N$/],
  [["--weights", "--epochs", "3"], /^Option --weights needs a value: FILE$/],
  [["--epochs="], /^Option --epochs expects a whole number of at least 0: received ""$/],
  [["--weights="], /^Option --weights expects the name of a file: received ""$/],
  [["--epochs", "-1"], /^Option --epochs expects a whole number of at least 0: received "-1"$/],
  [["--learning-rate", "abc"], /^Option --learning-rate expects a number: received "abc"$/],
  [
    ["--device", "cup"],
    /^Option --device expects one of cpu, webgpu \(did you mean cpu\?\): received "cup"$/,
  ],
  [["--device", "gpu"], /\(did you mean webgpu\?\): received "gpu"$/],
  [["--device", "tpu9"], /^Option --device expects one of cpu, webgpu: received "tpu9"$/],
];

for (const [texts, message] of refused) {
  Deno.test(`wrong usage: ${texts.join(" ")}`, () => {
    assert.throws(() => parse(...texts), (error) => {
      assert(error instanceof UsageError, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

/** A parser, texts that it takes with their values, and texts that it refuses. */
const parsers: [string, OptionDefinition<unknown>["parse"], [string, unknown][], string[]][] = [
  ["wholeNumber(1)", wholeNumber(1), [["1", 1], ["007", 7], ["9007199254740991", 2 ** 53 - 1]], [
    ...["0", "-1", "+1", "1.0", "1e3", "0x10", " 1", "1 ", "", "one", "NaN", "Infinity"],
    "9007199254740992",
  ]],
  ["number(0, 1)", number(0, 1), [["0", 0], ["1", 1], [".5", 0.5], ["1e-3", 0.001]], [
    ...["-0.1", "1.1", "", " ", "abc", "NaN", "Infinity", "1e999", "0,5", "0.5.5", "50%"],
  ]],
  ["number()", number(), [["-3", -3], ["1e300", 1e300]], ["", "Infinity", "-Infinity", "NaN"]],
  ["oneOf", oneOf("a", "b"), [["a", "a"], ["b", "b"]], ["", "A", "a ", "ab", "toString"]],
  ["wholeNumbers", wholeNumbers, [["30", [30]], ["30,20,65536", [30, 20, 65536]]], [
    ...["", ",", "30,", ",30", "30,,30", "30, 30", "0", "30,0", "65537", "-1", "1.5", "a", "[30]"],
  ]],
  ["file", file, [["a", "a"], ["a b/ü.idx", "a b/ü.idx"]], ["", "a\0b"]],
];

for (const [name, parser, taken, rejected] of parsers) {
  Deno.test(`${name} takes its texts and no others`, () => {
    for (const [text, value] of taken) assert.deepEqual(parser(text), value, text);
    for (const text of rejected) {
      assert.throws(() => parser(text), UsageError, `${JSON.stringify(text)} was taken`);
    }
  });
}

Deno.test("whatever is typed gives options or a UsageError", () => {
  const texts = fc.array(fc.oneof(
    fc.string(),
    fc.string().map((text) => `--${text}`),
    fc.constantFrom("--epochs", "--epochs=1", "--device", "cpu", "-1", "--", "--weights"),
  ));
  fc.assert(fc.property(texts, (typed) => {
    try {
      const { epochs } = parse(...typed);
      assert(Number.isSafeInteger(epochs) && epochs >= 0);
    } catch (error) {
      assert(error instanceof UsageError, String(error));
    }
  }));
});

Deno.test("--help, or -h among other things, lists every option and ends with 0", async () => {
  const [help, short] = await Promise.all([
    runPipeline("mnist", ["--help"]),
    runPipeline("mnist", ["--nonsense", "-h"]),
  ]);
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  assert.deepEqual(short, help);
  for (
    const name of ("model hidden epochs batch-size optimizer learning-rate momentum dropout " +
      "schedule patience seed device threads limit log-every checkpoint weights train-images " +
      "train-labels test-images test-labels").split(" ")
  ) {
    assert.match(help.stdout, new RegExp(`^  --${name} [A-Z,]+  +\\S`, "m"), name);
  }
  assert.match(help.stdout, /--epochs N .*\(default 5; 8 for cnn; 14 for deep\)/);
  assert.match(help.stdout, /--seed N .*\(default 42\)/);
  assert.match(help.stdout, /deno run pipelines\/mnist\.ts/);
  for (const line of help.stdout.split("\n")) assert(line.length <= 100, line);
});
