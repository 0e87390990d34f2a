/** A thread that gives up FUSE mounts that keep the agent waiting. */
import { readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { VOLUME_SOURCE } from "./volumes.ts";

/** As the kernel's documentation of FUSE describes it: files of every connection, `waiting` and `abort` among them. */
const CONNECTIONS = "/sys/fs/fuse/connections";
const LOOK_MS = 1000;
/** How many looks long a connection may keep everything waiting: while the agent is stuck, no call is answered. */
const PATIENCE = 10;

/** A line of `mountinfo`: a connection's number is that of its device. */
const VOLUME = new RegExp(`^\\d+ \\d+ 0:(\\d+) .* - fuse ${VOLUME_SOURCE} .*user_id=0,`, "gm");

const beats = workerData as Int32Array;
let lastBeat = -1;
/** At how many looks in a row nothing had gone on, and the connection had unanswered requests. */
const suspicions = new Map<string, number>();

setInterval(look, LOOK_MS);

function look(): void {
  const beat = Atomics.load(beats, 0);
  if (beat !== lastBeat) suspicions.clear();
  else {
    const spared = volumes();
    for (const connection of readdirSync(CONNECTIONS))
      if (!spared.has(connection)) suspect(connection);
  }
  lastBeat = beat;
}

/** The connections of volumes: the host answers, however long a large file takes. Only root can mount the like. */
function volumes(): Set<string> {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  return new Set([...mounts.matchAll(VOLUME)].map(([, connection]) => connection!));
}

function suspect(connection: string): void {
  const looks = isWaitedFor(connection) ? (suspicions.get(connection) ?? 0) + 1 : 0;
  suspicions.set(connection, looks);
  if (looks < PATIENCE) return;
  writeSync(2, `emberbox: FUSE connection ${connection} does not answer: it is given up\n`);
  attempt(() => writeFileSync(`${CONNECTIONS}/${connection}/abort`, "1"));
}

function isWaitedFor(connection: string): boolean {
  return Number(attempt(() => readFileSync(`${CONNECTIONS}/${connection}/waiting`, "utf8"))) > 0;
}

/** A connection may end while it is looked at. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
