import { Busboy, type BusboyInstance } from "@fastify/busboy";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { HttpError } from "./http-error.ts";
import { resolvePath } from "./paths.ts";
import { claim, receive, smallBytes, storing, type Target, type WrittenFile } from "./store.ts";
import type { User } from "./users.ts";

/** Longest name of a multipart part: room for a path. */
const maxFieldNameBytes = 4096;

/**
 * Stores the file or files in a request; `path` is put before the names in the parts. Files are written in place; on
 * failure, those that did not exist before are removed.
 */
export function upload(
  request: IncomingMessage,
  path: string | undefined,
  user: User,
): Promise<WrittenFile[]> {
  return storing(request, user, (target) => receiveAll(request, path, target));
}

async function receiveAll(
  request: IncomingMessage,
  path: string | undefined,
  target: Target,
): Promise<WrittenFile[]> {
  const type = request.headers["content-type"] ?? "";
  const body = decodedBody(request);
  if (type.startsWith("multipart/form-data")) return receiveParts(body, type, path, target);
  if (!type.startsWith("application/octet-stream")) {
    throw new HttpError(
      400,
      `unsupported content type '${type}': use multipart/form-data or application/octet-stream`,
    );
  }
  if (path === undefined) throw new HttpError(400, "the path query parameter is missing");
  return [await receive(body, resolvePath(path, target.user), target)];
}

function decodedBody(request: IncomingMessage): Readable {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return request;
  if (encoding !== "gzip")
    throw new HttpError(400, `unsupported Content-Encoding '${encoding}': use gzip or identity`);
  const body = createGunzip();
  // The error is reported where the body is read, if it still is.
  body.on("error", () => {});
  request.on("aborted", () => body.destroy(new Error("the request ended early")));
  request.on("error", (error) => body.destroy(error));
  return request.pipe(body);
}

/**
 * Stores each part called `file` under its file name, one after the other. Other values of a form are passed over, but
 * other files are refused: they would be lost.
 */
async function receiveParts(
  body: Readable,
  type: string,
  path: string | undefined,
  target: Target,
): Promise<WrittenFile[]> {
  const parser = createParser(type);
  const written: WrittenFile[] = [];
  let last: Promise<void> = Promise.resolve();
  let current: Readable | undefined;
  parser.on("file", (field, part, name) => {
    current = part;
    // An error in a part is reported where the part is read.
    part.on("error", () => {});
    last = last.then(async () => {
      if (field !== "file")
        throw new HttpError(
          400,
          `a file is called '${field}': only parts called 'file' are stored`,
        );
      if (path === undefined && name === undefined) {
        throw new HttpError(400, "a part has no file name, and there is no path");
      }
      const file = resolvePath(path ?? name, target.user);
      claim(file, target);
      written.push(await receive(part, file, target));
    });
    last.catch((error: Error) => parser.destroy(error));
  });
  try {
    await pipeline(body, parser);
  } catch (error) {
    // The parser gives up without telling the part that it is in.
    current?.destroy(error as Error);
    await last;
    throw new HttpError(400, `error parsing multipart form: ${(error as Error).message}`);
  }
  await last;
  if (written.length === 0)
    throw new HttpError(400, "nothing was stored: the form has no part called 'file'");
  return written;
}

function createParser(type: string): BusboyInstance {
  try {
    return new Busboy({
      headers: { "content-type": type },
      preservePath: true,
      // The one that has no file name is for the request's path.
      isPartAFile: (field, _type, name) => field === "file" || name !== undefined,
      fileHwm: smallBytes,
      limits: { fieldNameSize: maxFieldNameBytes, fieldSize: smallBytes },
    });
  } catch (error) {
    throw new HttpError(400, `error parsing multipart form: ${(error as Error).message}`);
  }
}
