import { readBytes } from "../core/state/read_bytes.ts";
import { readFolder } from "../core/state/read_folder.ts";
import { parseWav, permutation, type Sound } from "../mod.ts";

/** Digits that somebody says. */
export interface Utterance {
  /** The digits in order. */
  readonly digits: readonly number[];
  /** Who says them. */
  readonly speaker: string;
  /** The sound. */
  readonly sound: Sound;
}

/** What {@link synthesise} is to make. */
export interface SpeechOptions {
  /** Voices. */
  readonly speakers: number;
  /** How often each of them says each digit, or as many strings of digits. */
  readonly takes: number;
  /** Most digits in a string; 1 for digits alone. */
  readonly strings: number;
  /** Seed of voices, speeds, pitches and strings. */
  readonly seed: number;
}

const words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/** espeak-ng's English accents. */
const accents = [
  ...["en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd"],
  "en-029",
];
/** Its variants of a voice that sound like people: men, women, children, old ones. */
const variants = [
  ...["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5"],
  ...["klatt", "klatt2", "klatt3", "klatt4", "Alex", "Alicia", "Andrea", "Andy", "Annie", "Diogo"],
  ...["Gene", "Henrique", "Hugo", "Jacky", "Lee", "Mario", "Michael", "Mike", "Nguyen", "Tweaky"],
  ...["adam", "anika", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed"],
  ...[
    "edward",
    "grandma",
    "grandpa",
    "iven",
    "john",
    "linda",
    "marcelo",
    "max",
    "michel",
    "miguel",
  ],
  ...["norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph"],
  ...["travis", "victor", "zac"],
];

/** All voices: each variant in each accent. */
export const voices = accents.flatMap((accent) =>
  variants.map((variant) => `${accent}+${variant}`)
);

/** Calls of espeak-ng at a time. */
const together = 4;

/**
 * Digits spoken by espeak-ng in many voices, accents, speeds and pitches. It is a speech synthesizer:
 * nobody's recordings, but sound in which the same word is hardly twice the same.
 *
 * @throws {Error} when there is no espeak-ng, or no permission to run it.
 */
export async function synthesise(options: SpeechOptions): Promise<Utterance[]> {
  const jobs = plan(options);
  const utterances = new Array<Utterance>(jobs.length);
  let next = 0;
  const work = async () => {
    for (let job = next++; job < jobs.length; job = next++) {
      const { digits, speaker, speed, pitch } = jobs[job];
      utterances[job] = {
        digits,
        speaker,
        sound: await speak(digits.map((digit) => words[digit]).join(" "), [
          ...["-v", speaker, "-s", `${speed}`, "-p", `${pitch}`],
        ]),
      };
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  return utterances;
}

interface Job extends Pick<Utterance, "digits" | "speaker"> {
  /** Words a minute. */
  readonly speed: number;
  /** From 0 to 99. */
  readonly pitch: number;
}

/** What is to be said, by whom and how: it depends on the options alone. */
function plan({ speakers, takes, strings, seed }: SpeechOptions): Job[] {
  const chosen = permutation(voices.length, seed).subarray(0, speakers);
  // Each number is drawn from a permutation of its own.
  let draws = 0;
  const draw = (count: number) => permutation(count, seed, ++draws)[0];
  return [...chosen].flatMap((voice) =>
    Array.from({ length: 10 * takes }, (_, place) => ({
      speaker: voices[voice],
      digits: strings === 1
        ? [place % 10]
        : Array.from({ length: 1 + draw(strings) }, () => draw(10)),
      speed: 120 + draw(80),
      pitch: 20 + draw(60),
    }))
  );
}

/** What espeak-ng says of a text. */
async function speak(text: string, options: readonly string[]): Promise<Sound> {
  try {
    const { success, stdout, stderr } = await new Deno.Command("espeak-ng", {
      args: [...options, "-z", "--stdout", text],
      stdin: "null",
    }).output();
    if (success) return parseWav(stdout, { file: `espeak-ng ${options.join(" ")}` });
    throw new Error(`Cannot speak as espeak-ng failed: ${new TextDecoder().decode(stderr).trim()}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new Error(
        "Cannot speak as there is no espeak-ng: install it (Debian: apt-get install espeak-ng), or " +
          "name a folder of recordings with --recordings",
        { cause },
      );
    }
    if (cause instanceof Deno.errors.NotCapable) {
      throw new Error(
        "Cannot speak without the permission to run espeak-ng: run it again with " +
          "--allow-run=espeak-ng",
        { cause },
      );
    }
    throw cause;
  }
}

/**
 * Recordings of a folder, named as in the Free Spoken Digit Dataset: `7_jackson_32.wav` for a seven
 * that jackson says. A name with several digits, `731_jackson_0.wav`, is a string of them.
 *
 * @throws {Error} when there are none.
 */
export async function readRecordings(folder: string): Promise<Utterance[]> {
  const utterances: Utterance[] = [];
  const names = (await readFolder(folder)).map(({ name }) => name);
  for (const name of names) {
    const [, digits, speaker] = /^(\d+)_(.+)_\d+\.wav$/i.exec(name) ?? [];
    if (!digits) continue;
    const file = `${folder}/${name}`;
    const sound = parseWav(await readBytes(file), { file });
    utterances.push({ digits: [...digits].map(Number), speaker, sound });
  }
  if (utterances.length > 0) return utterances;
  throw new Error(
    `Cannot learn from the folder "${folder}" as it must hold files named as 7_jackson_32.wav: ` +
      `received ${names.slice(0, 3).join(", ") || "none"}`,
  );
}
