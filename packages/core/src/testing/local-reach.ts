import { execFile } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Reach } from "../workspace/writer.ts";

/** Commands and files of this machine in the place of a sandbox's: the same shell, `find`, `sha256sum` and `tar`. */
export const localReach = {
  commands: {
    run: (command: string) =>
      new Promise((resolve) => {
        execFile("bash", ["-c", command], (error, stdout, stderr) => {
          resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
        });
      }),
  },
  files: {
    read: async (path: string) => Readable.toWeb(createReadStream(path)),
    write: async (target: unknown, data: unknown) => {
      const files = Array.isArray(target) ? target : [{ path: target, data }];
      for (const file of files as { path: string; data: Uint8Array | ReadableStream }[]) {
        const source = file.data instanceof ReadableStream ? file.data : Readable.from([file.data]);
        await pipeline(source as Readable, createWriteStream(file.path));
      }
    },
  },
} as unknown as Reach;
