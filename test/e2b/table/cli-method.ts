import type { Capabilities } from "@emberbox/core/provider";
import { runCli } from "../support/cli.ts";

/** Where commands run. They come in an order: later ones use what earlier ones made. */
export interface CliContext {
  readonly program: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Empty at first. */
  readonly directory: string;
  /** The sandbox that most commands are about, once there is one. */
  sandbox?: string;
  snapshot?: string;
}

/** A command of E2B's command line, and what shows that it works. */
export interface CliMethod {
  readonly name: string;
  readonly needs?: keyof Capabilities;
  run(context: CliContext, e2b: (...parameters: string[]) => Promise<string>): Promise<void>;
}

export function tryCommand(method: CliMethod, context: CliContext): Promise<void> {
  return method.run(context, (...parameters) =>
    // Where it looks for who has logged in.
    runCli(context.program, parameters, { ...context.variables, HOME: context.directory }),
  );
}

export function command(
  name: string,
  run: CliMethod["run"],
  rest: Pick<CliMethod, "needs"> = {},
): CliMethod {
  return { name: `e2b ${name}`, run, ...rest };
}

/** A command about the sandbox of the context. */
export function about(
  name: string,
  run: (
    sandbox: (...parameters: string[]) => Promise<string>,
    id: string,
    context: CliContext,
  ) => Promise<void>,
  rest: Pick<CliMethod, "needs"> = {},
): CliMethod {
  return command(
    `sandbox ${name}`,
    (context, e2b) =>
      run((...parameters) => e2b("sandbox", ...parameters), context.sandbox!, context),
    rest,
  );
}
