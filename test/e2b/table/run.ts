import type { Sandbox } from "@e2b/code-interpreter";
import type { Capabilities } from "@emberbox/core/provider";
import type { SdkOptions } from "../../support/endpoints.ts";
import { type Context, type Method, NotInSdk, type Sdk } from "./method.ts";

export interface Outcome {
  readonly result: "works" | "unimplemented" | "fails" | "absent";
  readonly error?: unknown;
}

/** One version of the SDKs, and a sandbox for all its methods that need none of their own. */
export interface Session extends AsyncDisposable {
  try(method: Method): Promise<Outcome>;
}

export async function openSession(sdk: Sdk, options: SdkOptions): Promise<Session> {
  const sandbox = await sdk.Sandbox.create({ ...options, timeoutMs: 3_600_000 });
  let directories = 0;
  return {
    async try(method) {
      const made: Sandbox[] = [];
      const context: Context = {
        sdk,
        options,
        sandbox,
        directory: `/tmp/method-${directories++}`,
        async own(more) {
          const own = await sdk.Sandbox.create({ ...options, ...more });
          made.push(own);
          return own;
        },
      };
      try {
        await sandbox.files.makeDir(context.directory);
        await method.run(context);
        return { result: "works" };
      } catch (error) {
        if (error instanceof NotInSdk) return { result: "absent" };
        return { result: isUnimplemented(error) ? "unimplemented" : "fails", error };
      } finally {
        await Promise.all(made.map((own) => own.kill().catch(() => {})));
      }
    },
    async [Symbol.asyncDispose]() {
      await sandbox.kill();
    },
  };
}

/** What must come out. */
export function expectedOf(
  method: Method,
  capabilities: Readonly<Capabilities>,
): Outcome["result"] {
  const isThere = method.needs === undefined || capabilities[method.needs];
  return isThere && !method.unimplemented ? "works" : "unimplemented";
}

function isUnimplemented(error: unknown): boolean {
  return error instanceof Error && /\bunimplemented: /.test(error.message);
}
