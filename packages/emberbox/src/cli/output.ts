import { once } from "node:events";
import type { WriteStream } from "node:tty";
import { TerminalText } from "@emberbox/core/terminal";

/**
 * Where a sandbox's output goes. A terminal gets only what cannot steer it; anything else, such as a pipe or a file,
 * gets the output unchanged.
 */
export interface Output extends Disposable {
  /** Aborted when nobody reads standard output any more. */
  readonly broken: AbortSignal;
  /** Writes to standard output. Resolves when there is room for more. */
  write(text: string | Uint8Array): Promise<void> | undefined;
  writeError(text: string | Uint8Array): void;
  /** Call it after the sandbox's last output: a terminal gets its own colours back. */
  end(): void;
}

export function openOutput(): Output {
  const controller = new AbortController();
  const onError = (error: NodeJS.ErrnoException): void => controller.abort(error);
  process.stdout.on("error", onError);
  const stdout = printer(process.stdout);
  const stderr = printer(process.stderr);
  const end = (): void => {
    stdout.end();
    stderr.end();
  };
  process.on("exit", end);
  return {
    broken: controller.signal,
    end,
    writeError: (text) => void stderr.write(text),
    write(text) {
      if (controller.signal.aborted || stdout.write(text)) return undefined;
      return once(process.stdout, "drain", { signal: controller.signal }).then(
        () => {},
        () => {},
      );
    },
    [Symbol.dispose]() {
      end();
      process.off("exit", end);
      process.stdout.off("error", onError);
      // What is still in flight may fail later; there is nobody left to tell.
      process.stdout.on("error", () => {});
    },
  };
}

interface Printer {
  /** False when there is no room for more. */
  write(text: string | Uint8Array): boolean;
  end(): void;
}

function printer(stream: WriteStream): Printer {
  if (!stream.isTTY) return { write: (text) => stream.write(text), end: () => {} };
  const text = new TerminalText();
  const decoder = new TextDecoder();
  const inText = (more: string | Uint8Array): string =>
    typeof more === "string" ? more : decoder.decode(more, { stream: true });
  return {
    write: (more) => stream.write(text.push(inText(more))),
    end: () => void stream.write(text.end()),
  };
}
