// What another user of the machine does; each of these is called in a process of that user's.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect as connectTo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const code = (deed: () => unknown): string => {
  try {
    deed();
    return "GOT";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "GOT";
  }
};

/** Lays what looks like an abandoned program's scratch, and swaps a link to `target` in and out of it. */
export async function swapLinks(target: string, ms: number): Promise<string> {
  const base = join(tmpdir(), "emberbox-save-4194303-abcdef");
  const [deep, aside, link] = [join(base, "deep"), join(base, "aside"), join(base, "link")];
  let swaps = 0;
  try {
    mkdirSync(deep, { recursive: true });
    symlinkSync(target, link);
    for (const until = Date.now() + ms; Date.now() < until && existsSync(base); swaps++) {
      for (let file = 0; file < 20; file++) writeFileSync(join(deep, `${file}`), "");
      renameSync(deep, aside);
      renameSync(link, deep);
      renameSync(deep, link);
      renameSync(aside, deep);
      if (swaps % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch {
    // It was cleared away meanwhile, which is what this is for.
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
  return swaps === 0 ? "" : `${swaps} swaps`;
}

export function squatScratch(target: string): string {
  const scratch = mkdtempSync("/var/tmp/emberbox-build-");
  mkdirSync(join(scratch, "root"));
  writeFileSync(join(scratch, "root/file"), "");
  symlinkSync(target, join(scratch, "payload"));
  return scratch;
}

export function clear(path: string): string {
  rmSync(path, { recursive: true, force: true });
  return "laid and removed again";
}

export function link(target: string, at: string): string {
  symlinkSync(target, at);
  return "a link is there";
}

export const connect = (socket: string): Promise<string> =>
  new Promise((resolve) => {
    const connection = connectTo(socket);
    connection.once("connect", () => resolve("GOT in"));
    connection.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "GOT"));
  });

const deeds: Readonly<Record<string, (pid: number) => unknown>> = {
  mem: (pid) => openSync(`/proc/${pid}/mem`, "r"),
  fd: (pid) => readdirSync(`/proc/${pid}/fd`),
  root: (pid) => readdirSync(`/proc/${pid}/root/`),
  environ: (pid) => readFileSync(`/proc/${pid}/environ`),
  signal: (pid) => process.kill(pid, "SIGSTOP"),
};

/** Of machines that are there to the end: one that ended meanwhile was not refused by anything. */
export const touch = (pids: readonly number[]): string =>
  pids
    .map((pid) => ({
      pid,
      seen: Object.entries(deeds).map(([name, deed]) => `${name} ${code(() => deed(pid))}`),
    }))
    .filter(
      ({ pid, seen }) => existsSync(`/proc/${pid}`) || seen.some((one) => one.includes("GOT")),
    )
    .flatMap(({ seen }) => seen)
    .join(" ");

export const list = (paths: readonly string[]): string =>
  paths.map((path) => code(() => readdirSync(path))).join(" ");
