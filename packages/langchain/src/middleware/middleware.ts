import { randomUUID } from "node:crypto";
import { createMiddleware, type AgentMiddleware } from "langchain";
import { z } from "zod";
import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import { SandboxTools, type SandboxSessions, type SandboxSource } from "@emberbox/core/tools";
import { keepPlace, placeSchema } from "../checkpoints/middleware.ts";
import { PLACE } from "../checkpoints/place.ts";
import { threadOf, type ToolRuntimeConfig } from "../tool.ts";
import { LangChainTools, type LangChainToolOptions } from "../tools.ts";
import { withPictures } from "./pictures.ts";
import { withAnsweredCalls } from "./repair.ts";

/** Who shares a sandbox, and how many pictures the model sees. */
export interface SandboxMiddlewareOptions extends LangChainToolOptions {
  /**
   * Whether each `thread_id` has its own sandbox, or each run of the agent, whose sandbox ends with it.
   * @default "thread"
   */
  readonly scope?: "thread" | "run" | undefined;
  /** How many of the latest pictures a model is shown at a time; 0 for a model that cannot see. @default 8 */
  readonly shownPictures?: number | undefined;
}

/** Middleware for `createAgent` and its sandboxes. `await using` ends those created here. */
export type SandboxMiddleware = AgentMiddleware &
  AsyncDisposable & { readonly sessions: SandboxSessions };

type OwnOptions = Omit<SandboxMiddlewareOptions, keyof LangChainToolOptions>;

const optionsSchema = z.strictObject({
  scope: z.enum(["thread", "run"]).optional().describe("`thread` or `run`"),
  shownPictures: z.int().min(0).optional().describe("a whole number of at least 0"),
} satisfies FieldsOf<OwnOptions>);
const stateSchema = placeSchema.extend({ _sandboxRun: z.string().optional() });

/**
 * Adds the tools of `createSandboxTools`, shows their pictures to the model with every provider, and repairs the
 * history after aborted calls.
 * @throws `invalid_argument`, `unsupported`
 */
export function createSandboxMiddleware(
  source?: SandboxSource | SandboxSessions,
  options: SandboxMiddlewareOptions = {},
): SandboxMiddleware {
  const { scope, shownPictures, ...toolOptions } = options;
  const own = parseOptions(optionsSchema, { scope, shownPictures });
  const perRun = own.scope === "run";
  const core = new SandboxTools(source, toolOptions, "langchain");
  const sandbox = new LangChainTools(core, perRun ? runOf : threadOf);
  const { sessions } = sandbox;
  const middleware = createMiddleware({
    name: "SandboxMiddleware",
    tools: sandbox.tools,
    wrapModelCall: (request, handler) => {
      const messages = withAnsweredCalls(request.messages);
      return handler({ ...request, messages: withPictures(messages, own.shownPictures ?? 8) });
    },
    stateSchema,
    ...(sessions.checkpoints && { beforeModel: keepPlace }),
    ...(perRun && {
      beforeAgent: () => ({ _sandboxRun: `run-${randomUUID()}`, [PLACE]: null }),
      // Not called when a run is aborted or fails; the idle time then ends the sandbox.
      afterAgent: async ({ _sandboxRun }: { _sandboxRun?: string | undefined }) => {
        if (_sandboxRun !== undefined) await sessions.close(_sandboxRun);
        return undefined;
      },
    }),
  });
  return Object.assign(middleware as AgentMiddleware, {
    sessions,
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  });
}

function runOf(config: ToolRuntimeConfig): string | undefined {
  const { state } = config;
  const run =
    typeof state === "object" && state !== null && "_sandboxRun" in state && state._sandboxRun;
  return typeof run === "string" ? run : threadOf(config);
}
