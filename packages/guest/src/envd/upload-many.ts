import type { IncomingMessage } from "node:http";
import { HttpError } from "./http-error.ts";
import { resolvePath } from "./paths.ts";
import { claim, storeWhole, storing, type Target, type WrittenFile } from "./store.ts";
import type { User } from "./users.ts";

/** Before each file: how many bytes its path has, and how many its content. */
const headerBytes = 2 + 4;
const largestBytes = 1024 * 1024;

/**
 * Stores the files of a request, one after the other: of each the lengths of path and content, as 2 and 4 bytes with the
 * highest first, then the path and the content. Files are written in place; on failure, those that did not exist before
 * are removed.
 */
export function uploadMany(request: IncomingMessage, user: User): Promise<WrittenFile[]> {
  return storing(request, user, (target) => receiveFiles(request, target));
}

async function receiveFiles(request: IncomingMessage, target: Target): Promise<WrittenFile[]> {
  const written: WrittenFile[] = [];
  let pending: Buffer[] = [];
  let length = 0;
  let needed = headerBytes;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    pending.push(chunk);
    length += chunk.length;
    if (length < needed) continue;
    let rest = pending.length === 1 ? chunk : Buffer.concat(pending);
    while (rest.length >= (needed = bytesOfFirst(rest))) {
      const content = headerBytes + rest.readUInt16BE(0);
      const path = resolvePath(rest.toString("utf8", headerBytes, content), target.user);
      claim(path, target);
      written.push(storeWhole(rest.subarray(content, needed), path, target));
      rest = rest.subarray(needed);
    }
    pending = [rest];
    length = rest.length;
  }
  if (length > 0) throw new HttpError(400, "the request ends within a file");
  return written;
}

/** How many bytes are needed for the first file, or to know that. */
function bytesOfFirst(rest: Buffer): number {
  if (rest.length < headerBytes) return headerBytes;
  const content = rest.readUInt32BE(2);
  if (content > largestBytes)
    throw new HttpError(413, `a file of more than ${largestBytes} bytes has to be sent by itself`);
  return headerBytes + rest.readUInt16BE(0) + content;
}
