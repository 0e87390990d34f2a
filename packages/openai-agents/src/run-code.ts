import {
  resolveToolOptions,
  type SandboxTool,
  SandboxTools,
  type ToolContext,
  type ToolOptions,
  type ToolResult,
} from "@emberbox/core/tools";
import type { Sandbox } from "@emberbox/core";
import { languageName } from "@emberbox/core/code";
import { parseOptions } from "@emberbox/core/options";
import type { Tool } from "@openai/agents-core";
import { Capability, SandboxUnsupportedFeatureError } from "@openai/agents-core/sandbox";
import { z } from "zod";
import { ADAPTER } from "./options.ts";
import { adaptingFields, asFunctionTool, type AsFunctionToolOptions } from "./parts.ts";
import { EmberboxSandboxSession } from "./session.ts";

/** Limits of `run_code`, and when it asks for approval. */
export interface RunCodeOptions
  extends
    Pick<
      ToolOptions,
      | "timeoutMs"
      | "maxTimeoutMs"
      | "maxOutputBytes"
      | "maxPictureBytes"
      | "maxPictures"
      | "reportFiles"
    >,
    Pick<AsFunctionToolOptions, "needsApproval" | "onOutput"> {}

const { needsApproval, onOutput } = adaptingFields;
const schema = z.strictObject({ needsApproval, onOutput });

/** Code that runs before the first code in a language: it enters the workspace and sets the manifest's variables. */
const beginnings: Readonly<Record<string, (root: string, envs: string) => string>> = {
  python: (root, envs) =>
    `import os as _os; _os.chdir(${root}); _os.environ.update(${envs}); del _os`,
  javascript: (root, envs) =>
    `process.chdir(${root}); Object.assign(process.env, ${envs}); undefined`,
};

/**
 * A capability that runs code like a notebook, in the sandbox's languages; pictures are returned as pictures.
 * @throws `invalid_argument`
 */
export function runCode(options: RunCodeOptions = {}): Capability {
  return new RunCode(options);
}

class RunCode extends Capability {
  override readonly type = "run_code";
  readonly options: RunCodeOptions;

  constructor(options: RunCodeOptions) {
    super();
    const { needsApproval, onOutput, ...limits } = options;
    parseOptions(schema, { needsApproval, onOutput });
    resolveToolOptions(limits);
    this.options = options;
  }

  override tools(): Tool<unknown>[] {
    const session = this._session;
    if (!(session instanceof EmberboxSandboxSession)) {
      throw new SandboxUnsupportedFeatureError(
        "The capability `runCode()` needs a session of EmberboxSandboxClient.",
        {
          feature: "runCode",
        },
      );
    }
    const { needsApproval, onOutput, ...limits } = this.options;
    const facts = { workingDirectory: session.state.manifest.root };
    const { checkpoints } = session;
    const own = { ...limits, include: ["run_code"], facts, checkpoints } as const;
    const set = new SandboxTools(session.sandbox, own, ADAPTER);
    const tool = set.get("run_code");
    const begun = new Set<string>();
    const execute: SandboxTool["execute"] = async (input, context) => {
      await session.lifecycle.ready();
      const language = languageOf(input);
      if (!begun.has(language)) await begin(session, language, context);
      begun.add(language);
      const result = await tool.execute(input, context);
      session.leftAt(result.data.position);
      if (mayHaveRestarted(result)) begun.delete(language);
      return result;
    };
    return [asFunctionTool({ ...tool, execute }, { needsApproval, onOutput }) as Tool<unknown>];
  }

  override instructions(): string {
    return "Use `run_code` to calculate, to work with data and to draw; its variables stay. Use `exec_command` for programs.";
  }
}

async function begin(
  { sandbox, state }: EmberboxSandboxSession,
  language: string,
  context: ToolContext | undefined,
): Promise<void> {
  const beginning = beginnings[language === "typescript" ? "javascript" : language];
  if (beginning === undefined) return;
  const code = beginning(
    JSON.stringify(state.manifest.root),
    JSON.stringify(state.environment ?? {}),
  );
  // If this fails, so does the call itself, which tells the model.
  await run(sandbox, code, language, context).catch(() => context?.signal?.throwIfAborted());
}

async function run(
  sandbox: Sandbox,
  code: string,
  language: string,
  context: ToolContext | undefined,
): Promise<void> {
  await sandbox.runCode(code, {
    ...(language !== "python" && { language }),
    ...(context?.signal && { signal: context.signal }),
  });
}

function languageOf(input: unknown): string {
  const { language } = (input ?? {}) as { readonly language?: unknown };
  return (typeof language === "string" && languageName(language)) || "python";
}

function mayHaveRestarted({ data }: ToolResult): boolean {
  return data.timedOut || data.outOfMemory;
}
