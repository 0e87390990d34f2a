import { createHash } from "node:crypto";
import { closeSync, constants, createReadStream, openSync, readSync } from "node:fs";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { MountedWorkspace } from "../workspaces.ts";
import { type Entry, entriesIn, placeOf } from "./changed-entries.ts";
import { Frames } from "./frames.ts";

/** A file's digest, as hex, or the number of the frame with its bytes. */
type Content = { readonly digest: string } | { readonly content: number };

/** Read at once; larger files are read in pieces, while other work goes on. */
/** Larger ones are told of without a digest: one with a hole would take days. As core has it. */
const MAX_READ = 16 * 1024 ** 3;
const SMALL = 256 * 1024;
/** What all bytes of small files may have that go to the host as they are. */
const CONTENTS = 32 * 1024 * 1024;
/** Others have their turn after so many entries. */
const TURN = 200;
/** How much JSON is gathered before it is sent. */
const TEXT = 16 * 1024;

/** More than a host takes. */
const MAX_ENTRIES = 200_000;

/**
 * Answers with what may differ from the folder as it came: overlayfs has that in its upper directory. First
 * `removed` goes, with everything in it; then come `entries`, parents before what is in them, and what is no directory
 * takes the place of one with all that was in it. Files are among them that were opened to be written and are as they
 * were; a directory is if it is new, or its permissions are.
 *
 * The answer is in frames: a byte says of what kind one is, and four, the highest first, how long. There is JSON in
 * some, and a small file's bytes in each of the others, which the JSON numbers in their order: an emulated processor
 * sends them ten times faster than it sums them up. With `isTooMuch`, not all was told.
 */
export async function sendChanges(
  workspace: MountedWorkspace,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(200, { "content-type": "application/octet-stream" });
  const frames = new Frames(response);
  const removed: string[] = [];
  let text = '{"entries":[';
  let count = 0;
  let contents = 0;
  let room = CONTENTS;
  for (const entry of workspace.isWritable ? entriesIn(workspace, removed) : []) {
    if (count + removed.length >= MAX_ENTRIES) break;
    let content: Content | undefined;
    if (entry.type === "file" && entry.size <= Math.min(SMALL, room)) {
      room -= entry.size;
      await frames.makeRoom(SMALL);
      if (frames.putContent((piece, at) => readSmall(workspace, entry, piece, at)))
        content = { content: contents++ };
    } else content = await digestOf(workspace, entry);
    text += `${count === 0 ? "" : ","}${JSON.stringify({ ...entry, ...content })}`;
    if (++count % TURN === 0) await setImmediate();
    if (text.length >= TEXT) {
      await frames.putText(text);
      text = "";
    }
    if (response.destroyed) return;
  }
  const isTooMuch = count + removed.length >= MAX_ENTRIES;
  const rest = isTooMuch ? { removed: [], isTooMuch } : { removed };
  await frames.putText(`${text}],${JSON.stringify(rest).slice(1)}`);
  await frames.send();
  response.end();
}

/** Answers nobody. */
export const rehearseChanges = (workspace: MountedWorkspace): Promise<void> =>
  sendChanges(workspace, new ServerResponse(new IncomingMessage(new Socket())));

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Reads a small file, as long as it was; nothing of one that was cut or removed meanwhile. Returns where that ends. */
function readSmall(
  { changed }: MountedWorkspace,
  { path, size }: Entry,
  piece: Buffer,
  begin: number,
): number | undefined {
  try {
    const file = openSync(placeOf(changed, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      let end = begin;
      while (end < begin + size) {
        const read = readSync(file, piece, end, begin + size - end, end - begin);
        if (read === 0) return undefined;
        end += read;
      }
      return end;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

async function digestOf(
  { changed }: MountedWorkspace,
  { type, path, size }: Entry,
): Promise<Content | undefined> {
  if (type !== "file" || size > MAX_READ) return undefined;
  const hash = createHash("sha256");
  try {
    for await (const piece of createReadStream(placeOf(changed, path)))
      hash.update(piece as Buffer);
  } catch {
    return undefined; // It was removed meanwhile.
  }
  return { digest: hash.digest("hex") };
}
