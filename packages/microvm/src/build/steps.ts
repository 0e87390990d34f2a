import { posix } from "node:path";
import { EmberboxError, type Sandbox } from "@emberbox/core";
import { quote, type TemplateLog, type TemplateStep, USUAL_PATH } from "@emberbox/core/template";
import { copyInto } from "./copy-step.ts";
import { unpackInto } from "./unpack-step.ts";
import { checkLine } from "./users.ts";

/** What earlier steps have said for later ones, and for the template's sandboxes. */
export interface Settings {
  readonly user: string;
  readonly workdir: string;
  readonly envs: Readonly<Record<string, string>>;
}

export const initialSettings: Settings = { user: "user", workdir: "/home/user", envs: {} };

/** The settings after a step. */
export function settingsAfter(settings: Settings, step: TemplateStep): Settings {
  switch (step.type) {
    case "ENV":
      return {
        ...settings,
        envs: { ...settings.envs, ...step.envs, ...pathAfter(settings, step.envs) },
      };
    case "WORKDIR":
      return { ...settings, workdir: posix.resolve(settings.workdir, step.path) };
    case "USER":
      return { ...settings, user: step.user };
    default:
      return settings;
  }
}

/** A Dockerfile that adds to PATH means that of its base, which was not known when it was read. */
function pathAfter({ envs }: Settings, { PATH }: Settings["envs"]): Settings["envs"] {
  if (PATH === undefined || envs["PATH"] === undefined) return {};
  return { PATH: PATH.replace(USUAL_PATH, () => envs["PATH"]!) };
}

/** How a step is shown, on one line. */
export function textOf(step: TemplateStep): string {
  switch (step.type) {
    case "RUN":
      return `RUN ${step.command}`;
    case "COPY":
      return `COPY ${step.entries.length} to ${step.dest}`;
    case "UNPACK":
      return `COPY ${step.src} to ${step.dest}`;
    case "ENV":
      return `ENV ${Object.keys(step.envs).join(" ")}`;
    case "WORKDIR":
      return `WORKDIR ${step.path}`;
    case "USER":
      return `USER ${step.user}`;
  }
}

export interface StepContext {
  readonly sandbox: Sandbox;
  readonly settings: Settings;
  readonly log: (log: TemplateLog) => void;
  readonly signal: AbortSignal | undefined;
}

/** Does a step. @throws `template_build_failed` with what its command printed last */
export async function doStep(step: TemplateStep, context: StepContext): Promise<void> {
  const { sandbox, settings, signal } = context;
  switch (step.type) {
    case "RUN":
      return run(step, step.command, step.user ?? settings.user, context);
    case "COPY":
    case "UNPACK":
      try {
        const into = { sandbox, workdir: settings.workdir, signal };
        return await (step.type === "COPY" ? copyInto(step, into) : unpackInto(step, into));
      } catch (error) {
        signal?.throwIfAborted();
        throw failed(step, (error as Error).message, { cause: error });
      }
    case "WORKDIR": {
      const path = quote(posix.resolve(settings.workdir, step.path));
      const make = `[ -d ${path} ] || { mkdir -p -- ${path} && chown -- ${quote(settings.user)}: ${path}; }`;
      return run(step, make, "root", { ...context, settings: initialSettings });
    }
    case "USER":
      return run(step, checkLine(quote(step.user)), "root", {
        ...context,
        settings: initialSettings,
      });
    case "ENV":
      return undefined;
  }
}

async function run(
  step: TemplateStep,
  command: string,
  user: string,
  { sandbox, settings: { workdir, envs }, log, signal }: StepContext,
): Promise<void> {
  const output = (stream: "stdout" | "stderr") => (text: string) =>
    log({ type: "output", stream, text });
  const { exitCode, stdout, stderr } = await sandbox.commands.run(command, {
    ...{ user, cwd: workdir, envs, signal, timeoutMs: 0 },
    ...{ onStdout: output("stdout"), onStderr: output("stderr") },
  });
  if (exitCode === 0) return;
  const said = (stderr.trim() || stdout.trim()).split("\n").slice(-10).join("\n");
  throw failed(step, `it exited with ${exitCode}${said && `:\n${said}`}`, {
    details: { exitCode, stdout, stderr },
  });
}

/** The error of a step that failed. */
function failed(
  step: TemplateStep,
  why: string,
  { details, cause }: { details?: Record<string, unknown>; cause?: unknown } = {},
): EmberboxError {
  const where = step.origin === undefined ? "" : ` (${step.origin})`;
  return new EmberboxError(
    "template_build_failed",
    `${textOf(step).slice(0, 200)}${where}: ${why}`,
    {
      details: { ...details, ...(step.origin !== undefined && { origin: step.origin }) },
      cause,
    },
  );
}
