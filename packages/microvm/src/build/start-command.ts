import { setTimeout as sleep } from "node:timers/promises";
import { EmberboxError } from "@emberbox/core";
import type { StartCommands } from "../saved/manifest.ts";
import type { StepContext } from "./steps.ts";

/** How long what a template starts may take to be ready, in ms. */
const READY_MS = 600_000;
const AGAIN_MS = 500;
/** What is waited for where nothing says what ready means, as in E2B. */
const USUAL_READY = "sleep 20";
const SAID_CHARACTERS = 4000;

/** Starts what is to run in every sandbox of the template, and waits until it is ready. @throws `template_build_failed` */
export async function startAndWait(
  { startCommand, readyCommand }: StartCommands,
  { sandbox, settings: { user, workdir: cwd, envs }, log, signal }: StepContext,
): Promise<void> {
  if (startCommand === undefined && readyCommand === undefined) return;
  const as = { user, cwd, envs };
  let said = "";
  let exitCode: number | undefined;
  /** Aborted when there is nothing left to be waited for. */
  const failed = new AbortController();
  const output = (stream: "stdout" | "stderr") => (text: string) => {
    said = (said + text).slice(-SAID_CHARACTERS);
    log({ type: "output", stream, text });
  };
  if (startCommand !== undefined) {
    log({ type: "progress", text: `starting ${startCommand}` });
    const handle = await sandbox.commands.run(startCommand, {
      ...{ ...as, signal, background: true, timeoutMs: 0 },
      ...{ onStdout: output("stdout"), onStderr: output("stderr") },
    });
    // What it prints once it is ready is nobody's here.
    handle.wait().then(
      (result) => {
        exitCode = result.exitCode;
        if (exitCode !== 0) failed.abort();
      },
      () => {},
    );
  }
  const fail = (why: string): EmberboxError =>
    new EmberboxError("template_build_failed", `${why}${said && `; it said:\n${said}`}`, {
      details: { exitCode, output: said },
    });
  log({ type: "progress", text: "waiting until it is ready" });
  const late = AbortSignal.timeout(READY_MS);
  const ended = AbortSignal.any([failed.signal, late, ...(signal ? [signal] : [])]);
  try {
    const ask = { ...as, signal: ended, timeoutMs: 0 };
    while ((await sandbox.commands.run(readyCommand ?? USUAL_READY, ask)).exitCode !== 0)
      await sleep(AGAIN_MS, undefined, { signal: ended });
    ended.throwIfAborted();
  } catch (error) {
    signal?.throwIfAborted();
    if (failed.signal.aborted) throw fail(`the start command exited with ${exitCode}`);
    if (!late.aborted) throw error;
    throw fail(`what the start command starts was not ready after ${READY_MS / 60_000} minutes`);
  }
}
