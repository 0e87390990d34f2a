/** A thread that gives up FUSE mounts that keep the agent waiting. */
import { readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { workerData } from "node:worker_threads";

/** As the kernel's documentation of FUSE describes it: files of every connection, `waiting` and `abort` among them. */
const CONNECTIONS = "/sys/fs/fuse/connections";
const LOOK_MS = 1000;
/** How many looks long a connection may keep everything waiting: while the agent is stuck, no call is answered. */
const PATIENCE = 10;

const beats = workerData as Int32Array;
let lastBeat = -1;
/** At how many looks in a row nothing had gone on, and the connection had unanswered requests. */
const suspicions = new Map<string, number>();

setInterval(look, LOOK_MS);

function look(): void {
  const beat = Atomics.load(beats, 0);
  if (beat !== lastBeat) suspicions.clear();
  else for (const connection of readdirSync(CONNECTIONS)) suspect(connection);
  lastBeat = beat;
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
