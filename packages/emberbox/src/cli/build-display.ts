import { oneLine } from "@emberbox/core/terminal";
import type { TemplateLog } from "@emberbox/core/template";
import { openOutput } from "./output.ts";

/** Shows on standard error what a template's build does. */
export interface BuildDisplay {
  show(log: TemplateLog): void;
  end(): void;
}

export function buildDisplay(): BuildDisplay {
  const output = openOutput();
  /** Whether the last line of a command's output has no end yet. */
  let isOpen = false;
  const line = (text: string): void => {
    if (isOpen) output.writeError("\n");
    isOpen = false;
    process.stderr.write(`emberbox: ${oneLine(text)}\n`);
  };
  return {
    show(log) {
      switch (log.type) {
        case "step":
          return line(
            `[${log.step}/${log.steps}] ${log.text}${log.isCached ? " (done before)" : ""}`,
          );
        case "progress":
          return line(log.text);
        case "output":
          output.writeError(log.text);
          isOpen = !log.text.endsWith("\n");
      }
    },
    end() {
      if (isOpen) output.writeError("\n");
      output[Symbol.dispose]();
    },
  };
}
