import type { Sandbox } from "@e2b/code-interpreter";
import type { Capabilities } from "@emberbox/core/provider";
import type { SdkOptions } from "../../support/endpoints.ts";

export type Sdk = typeof import("@e2b/code-interpreter");

export interface Context {
  readonly sdk: Sdk;
  readonly options: SdkOptions;
  /** One that all methods of a version share, and leave as it was. */
  readonly sandbox: Sandbox;
  /** A directory of the method's own in it. */
  readonly directory: string;
  /** A sandbox that is killed after the method. */
  own(options?: object): Promise<Sandbox>;
}

/** One public method of the SDKs, and what shows that it works. */
export interface Method {
  readonly name: string;
  /** What the engine must be able to do for it. */
  readonly needs?: keyof Capabilities;
  /** The server says of it that it is not implemented. */
  readonly unimplemented?: true;
  run(context: Context): Promise<void>;
}

export function method(
  name: string,
  run: Method["run"],
  rest: Pick<Method, "needs" | "unimplemented"> = {},
): Method {
  return { name, run, ...rest };
}

/** The SDK does not have what the row is about. */
export class NotInSdk extends Error {}
