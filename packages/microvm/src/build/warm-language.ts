import { EmberboxError } from "@emberbox/core";
import type { StepContext } from "./steps.ts";

/** Names the language of code for which nobody names one. */
export const LANGUAGE_VARIABLE = "EMBERBOX_LANGUAGE";

/** Under emulation, a JVM's first cell alone takes half a minute. */
const WARM_MS = 900_000;

/** Starts what runs the template's usual language, so that sandboxes begin with it running. @throws `template_build_failed` */
export async function warmLanguage({ sandbox, settings, log, signal }: StepContext): Promise<void> {
  const language = settings.envs[LANGUAGE_VARIABLE];
  if (!language) return;
  log({ type: "progress", text: `starting ${language} for cells` });
  const fail = (why: string): never => {
    throw new EmberboxError("template_build_failed", `cells in ${language} do not run: ${why}`);
  };
  try {
    const { error } = await sandbox.runCode("", { language, timeoutMs: WARM_MS, signal });
    if (error) fail(`${error.name}: ${error.value}`);
  } catch (error) {
    signal?.throwIfAborted();
    if (!EmberboxError.isInstance(error) || error.code !== "invalid_argument") throw error;
    fail(error.message);
  }
}
