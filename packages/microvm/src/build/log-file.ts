import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import type { TemplateLog } from "@emberbox/core/template";
import { templatesIn } from "./places.ts";

/** Where the log of a template's last build is. */
export const logFileOf = (state: string, name: string): string =>
  join(templatesIn(state), "logs", `${name}.log`);

/** What a log may have, in characters. */
const MOST = 4 * 1024 * 1024;

/** Writes down what a build does, instead of what the one before did. */
export interface LogFile {
  add(log: TemplateLog): void;
  end(error?: unknown): Promise<void>;
}

export async function openLogFile(path: string): Promise<LogFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = createWriteStream(path, { mode: 0o600 });
  // A log that cannot be written is no reason to fail.
  file.on("error", () => {});
  let written = 0;
  const write = (text: string): void => {
    if (written > MOST) return;
    written += text.length;
    file.write(written > MOST ? "\n[the rest was left out]\n" : text);
  };
  return {
    add: (log) => write(lineOf(log)),
    async end(error) {
      if (error !== undefined)
        file.write(`${error instanceof Error ? error.message : String(error)}\n`);
      file.end();
      await finished(file).catch(() => {});
    },
  };
}

function lineOf(log: TemplateLog): string {
  switch (log.type) {
    case "step":
      return `[${log.step}/${log.steps}] ${log.text}${log.isCached ? " (done before)" : ""}\n`;
    case "progress":
      return `${log.text}\n`;
    case "output":
      return log.text;
  }
}
