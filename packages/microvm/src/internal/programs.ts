import { lstat, open, readdir, unlink } from "node:fs/promises";
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { join } from "node:path";
import { EmberboxError, errorCodes, type ErrorCode } from "@emberbox/core";
import { z } from "zod";
import { parseJson } from "../host/json.ts";
import { requireOwnDirectory } from "../host/own-directory.ts";
import { paths } from "../host/paths.ts";
import { programsIn } from "../provider/program-socket.ts";

/** A program of this user that has sandboxes, or had. */
export interface Program {
  readonly pid: number;
  /** Such as `agent.mjs`, or `emberbox serve`. */
  readonly name: string;
}

/** A sandbox that runs in some program of this user. */
export interface RunningSandbox {
  readonly sandboxId: string;
  readonly template: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly startedAt: Date;
  readonly endAt: Date;
  readonly cpuCount: number;
  readonly memoryMB: number;
  readonly diskMB: number;
  readonly program: Program;
}

/** A program's socket. */
export interface ProgramDoor extends Program {
  readonly path: string;
  readonly sandboxes: readonly RunningSandbox[];
}

/** How long a program may take to tell of its sandboxes, in ms: one that is busy, or stopped, is passed over. */
const ANSWER_MS = 3_000;
/** A socket that nobody listens at is no longer being opened after that, in ms. */
const STALE_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const answerSchema = z.object({
  pid: z.int().positive(),
  name: z.string().max(4096),
  sandboxes: z.array(
    z.object({
      sandboxId: z.string().regex(/^[a-z0-9]{1,64}$/),
      template: z.string(),
      metadata: z.record(z.string(), z.string()),
      startedAt: z.coerce.date(),
      endAt: z.coerce.date(),
      ...{ cpuCount: z.number(), memoryMB: z.number(), diskMB: z.number() },
    }),
  ),
});
const errorSchema = z.object({ code: z.string(), message: z.string() });

/** The programs that have sandboxes now. What killed ones have left is removed. */
export async function findPrograms(): Promise<ProgramDoor[]> {
  const { run } = paths();
  requireOwnDirectory(run);
  const directory = programsIn(run);
  const names = await readdir(directory).catch(() => []);
  const doors = await Promise.all(names.map((name) => look(join(directory, name))));
  return doors.filter((door) => door !== undefined);
}

/** The program that has a sandbox; `undefined` if none does. */
export async function findProgramOf(sandboxId: string): Promise<ProgramDoor | undefined> {
  const doors = await findPrograms();
  return doors.find(({ sandboxes }) => sandboxes.some((each) => each.sandboxId === sandboxId));
}

async function look(path: string): Promise<ProgramDoor | undefined> {
  try {
    const answer = answerSchema.parse(
      await ask(path, "GET", "/sandboxes", AbortSignal.timeout(ANSWER_MS)),
    );
    const program = { pid: answer.pid, name: answer.name };
    const sandboxes = answer.sandboxes.map((sandbox) => Object.assign(sandbox, { program }));
    return { ...program, path, sandboxes };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ECONNREFUSED") await removeStale(path);
    return undefined;
  }
}

async function removeStale(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isSocket() && Date.now() - stats.mtimeMs > STALE_MS)
    await unlink(path).catch(() => {});
}

/** Asks a program something. @throws what the program says, as an `EmberboxError` */
export async function ask(
  path: string,
  method: "GET" | "POST",
  route: string,
  signal?: AbortSignal,
): Promise<unknown> {
  using place = await reachable(path);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const sent = request({ socketPath: place.path, method, path: route, agent: false, signal });
  sent.once("error", reject).end();
  sent.once("response", (response) => {
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error("the answer is too long"));
    });
    textOf(response).then((body) => {
      const answer = parseJson(body);
      if (response.statusCode === 200) resolve(answer);
      else reject(errorIn(answer));
    }, reject);
  });
  return await promise;
}

/** Opens a way for bytes to a port of a sandbox that a program has. */
export async function tunnel(path: string, sandboxId: string, port: number): Promise<Duplex> {
  using place = await reachable(path);
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const route = `${sandboxId}:${port}`;
  const sent = request({ socketPath: place.path, method: "CONNECT", path: route, agent: false });
  sent.once("error", reject).end();
  sent.once("connect", (response, socket, head) => {
    if (response.statusCode === 200) {
      if (head.length > 0) socket.unshift(head);
      return resolve(socket);
    }
    socket.destroy();
    reject(new EmberboxError("sandbox_closed", "the sandbox does not run any more"));
  });
  return await promise;
}

/** What a program answered in place of a result, or told of a sandbox's end. */
export function errorIn(answer: unknown): EmberboxError {
  const parsed = errorSchema.safeParse(answer);
  const { code, message } = parsed.data ?? { code: "", message: "the program gave no answer" };
  const known = Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : "connection_failed";
  return new EmberboxError(known, message);
}

/** The same socket under a short name: paths of sockets have at most 107 bytes. */
async function reachable(path: string): Promise<{ path: string } & Disposable> {
  const at = path.lastIndexOf("/");
  const directory = await open(path.slice(0, at), "r");
  return {
    path: `/proc/self/fd/${directory.fd}/${path.slice(at + 1)}`,
    [Symbol.dispose]: () => void directory.close().catch(() => {}),
  };
}
