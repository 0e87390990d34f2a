import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { EmberboxError } from "@emberbox/core";
import { besideModule } from "../host/own-files.ts";
import type { WriteNews, WriteRequest } from "./write-thread.ts";

/** Writes an image of folders on another thread. Resolves to what was left out, as a person reads it. */
export async function writeOnThread(
  request: WriteRequest,
  onProgress: (step: string) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const file = besideModule(import.meta.url, `write-thread${extname(import.meta.filename)}`);
  const worker = new Worker(file, { workerData: request, execArgv: [], env: {} });
  return new Promise<readonly string[]>((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    worker.on("error", (error) => reject(explained(error)));
    worker.on("exit", () => reject(new Error("the thread that writes an image ended")));
    worker.on("message", (news: WriteNews) => {
      if (news.kind === "done") resolve(news.missing);
      else if (news.kind === "progress")
        onProgress(`reading the folder: ${news.files} files, ${Math.round(news.bytes / 1e6)} MB`);
      else
        reject(
          new EmberboxError(
            "invalid_argument",
            `the folder cannot be a workspace: ${news.message}`,
            {
              hint: "Name what is to stay out by `ignore`, or in a file `.emberboxignore`.",
            },
          ),
        );
    });
  }).finally(() => void worker.terminate());
}

function explained(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== "ENOSPC") return error;
  return new EmberboxError(
    "host_disk_full",
    `there is no space for the folder's image: ${message}`,
  );
}
