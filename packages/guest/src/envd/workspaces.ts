import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { open } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { type MountedWorkspace, mountedWorkspaces } from "../workspaces.ts";
import { parseMessage, readBody } from "./connect.ts";
import { sendMany } from "./download-many.ts";
import { demandFile } from "./download.ts";
import { HttpError, toHttpError } from "./http-error.ts";
import { sendChanges } from "./workspace-changes.ts";

const ROUTE = /^\/workspaces\/(\d{1,3})\/(changes|original|current|read)$/;
const MAX_PATH = 4096;

/**
 * Answers what the host asks about its folders, by their places in the list of all workspaces. Paths are relative to the
 * folder.
 *
 * - `GET /workspaces/N/changes`: what differs from the folder as it came, see `sendChanges`.
 * - `GET /workspaces/N/original?path=P`: the bytes of a file as it came; `/current`: as it is now. The bytes of the path
 *   are percent-encoded.
 * - `POST /workspaces/N/read` with `{"of": "original" | "current", "paths": […]}`, where each character of a path is one
 *   byte: several files, as `/emberbox/files/read` answers.
 *
 * False if it is something else that is asked.
 */
export async function answerWorkspace(
  path: string,
  query: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const [, number, what] = ROUTE.exec(path) ?? [];
  if (number === undefined) return false;
  const workspace = mountedWorkspaces().find((each) => each.number === Number(number));
  if (workspace === undefined) throw new HttpError(404, `there is no copy of a folder ${number}`);
  switch (`${request.method} ${what}`) {
    case "GET changes":
      await sendChanges(workspace, response);
      return true;
    case "GET original":
    case "GET current":
      await sendFile(openIn(workspace, what!, pathIn(query)), response);
      return true;
    case "POST read": {
      const { of, paths } = parseMessage((await readBody(request)).toString());
      await sendMany(paths, (each) => openIn(workspace, of, each), response);
      return true;
    }
    default:
      return false;
  }
}

function pathIn(query: string): string | undefined {
  const given = /(?:^|&)path=([^&]*)/.exec(query)?.[1];
  return given?.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function openIn(workspace: MountedWorkspace, of: unknown, path: unknown): number {
  const root = of === "original" ? workspace.original : workspace.path;
  if (typeof path !== "string" || path.length > MAX_PATH || !isWithin(path))
    throw new HttpError(400, "`path` is no path in the folder");
  try {
    const whole = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
    return openSync(whole, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    throw toHttpError(error, path);
  }
}

const isWithin = (path: string): boolean =>
  /^[^\0]+$/.test(path) && path.split("/").every((name) => !["", ".", ".."].includes(name));

async function sendFile(descriptor: number, response: ServerResponse): Promise<void> {
  try {
    const stats = fstatSync(descriptor);
    demandFile(stats, "");
    await using file = await open(`/proc/self/fd/${descriptor}`, "r");
    response.writeHead(200, {
      "content-type": "application/octet-stream",
      "content-length": stats.size,
    });
    if (stats.size === 0) return void response.end();
    await pipeline(file.createReadStream({ end: stats.size - 1, autoClose: false }), response);
  } finally {
    closeSync(descriptor);
  }
}
