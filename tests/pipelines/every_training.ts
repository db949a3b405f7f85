/** A run of a pipeline that takes seconds: some epochs of some steps each. */
export interface ShortRun {
  /** The file, as `mnist`. */
  readonly pipeline: string;
  /** Options that make it short. */
  readonly options: string;
  /** Steps from one save to the next, so that the last save is in the middle of each training. */
  readonly every: number;
  /** Words in the names of the files of further networks. */
  readonly others?: readonly string[];
  /** Whether it is resumed, too: those of whom a second run takes little time. */
  readonly resumes?: boolean;
  /** Names of its events beside those of trainings. */
  readonly events: readonly string[];
  /** A permission beside those of its files. */
  readonly flag?: string;
  /** Shared options that it has no use for. */
  readonly lacks?: readonly string[];
}

/** Every pipeline that trains, but `tune`, whose trials are trainings. */
export const everyTraining: readonly ShortRun[] = [
  { pipeline: "mnist", events: [], options: "--limit 320 --epochs 3 --dropout 0.1", every: 16 },
  {
    pipeline: "autoencoder",
    events: ["restored"],
    options: "--kind variational --limit 512 --epochs 2",
    every: 5,
  },
  {
    pipeline: "bird_strikes",
    events: ["result"],
    options: "--limit 640 --epochs 3",
    every: 16,
    others: ["logistic_1", "network_1", "logistic_5"],
  },
  {
    pipeline: "decision_boundary",
    events: [],
    options: "--limit 128 --epochs 4",
    every: 9,
  },
  {
    pipeline: "explain",
    events: ["explanation", "favourite"],
    options: "--limit 320 --epochs 2 --digits 1",
    every: 6,
    others: ["dense"],
  },
  {
    pipeline: "graph_nodes",
    events: ["result"],
    resumes: true,
    options: "--limit 600 --epochs 6 --units 8 --known 8",
    every: 4,
    others: ["words"],
    lacks: ["batch-size"],
  },
  {
    pipeline: "logistic_regression",
    events: ["weights"],
    options: "--limit 640 --epochs 3",
    every: 25,
  },
  {
    pipeline: "molecules",
    events: ["result"],
    resumes: true,
    options: "--limit 40 --epochs 4 --units 8 --batch-size 8",
    every: 7,
  },
  {
    pipeline: "names",
    events: ["result", "sample"],
    resumes: true,
    options: "--limit 192 --epochs 3 --features 8 --blocks 1 --samples 2",
    every: 4,
  },
  {
    pipeline: "pronunciation",
    events: ["result", "sample"],
    options: "--limit 192 --epochs 3 --features 8 --blocks 1 --test 20",
    every: 4,
  },
  {
    pipeline: "spam",
    events: ["result"],
    options: "--limit 160 --words 500 --length 12 --units 8 --epochs 1",
    every: 3,
    others: ["bag_of_words"],
  },
  {
    pipeline: "speech",
    events: ["result"],
    options: "--speakers 4 --takes 1 --units 8 --epochs 3 --batch-size 8",
    every: 5,
    others: ["mean_of_frames"],
    flag: "--allow-run=espeak-ng",
  },
  {
    pipeline: "two_inputs",
    events: ["result"],
    options: "--limit 64 --epochs 1 --batch-size 16",
    every: 3,
    others: ["never_missed", "picture_alone", "table_alone"],
  },
  {
    pipeline: "very_deep",
    events: [],
    resumes: true,
    options: "--layers 12 --limit 320 --epochs 3",
    every: 16,
    others: ["plain"],
  },
  {
    pipeline: "weather",
    events: ["result", "coefficient"],
    resumes: true,
    options: "--limit 128 --linear-epochs 20 --epochs 10 --runs 2",
    every: 12,
    others: ["linear", "hidden_43"],
  },
];
