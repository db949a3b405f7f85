export * from "../graph/threefry.ts";
