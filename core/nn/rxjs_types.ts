import type * as rxjs from "rxjs";

// `deno doc --lint` takes the types of an npm package in a signature for private types of ours
// (https://github.com/denoland/deno/issues/27364). Under these names they are RxJS's own types, and
// have a place in the docs.

/** Where the names below find RxJS's types. */
export interface RxjsTypes<In, Out> {
  /**
   * `Observable<In>`.
   *
   * @internal
   */
  readonly observable: rxjs.Observable<In>;
  /**
   * `OperatorFunction<In, Out>`.
   *
   * @internal
   */
  readonly operator: rxjs.OperatorFunction<In, Out>;
}

/** RxJS's `Observable`: a stream of values, which begins when it is subscribed to. */
export type Observable<Value> = RxjsTypes<Value, Value>["observable"];

/** RxJS's `OperatorFunction`: makes one stream of another, in `pipe`. */
export type OperatorFunction<In, Out> = RxjsTypes<In, Out>["operator"];

/** RxJS's `MonoTypeOperatorFunction`: an operator whose values keep their type. */
export type MonoTypeOperatorFunction<Value> = RxjsTypes<Value, Value>["operator"];
