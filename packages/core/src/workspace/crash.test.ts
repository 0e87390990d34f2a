import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { Directory } from "./directory.ts";
import { foundAt } from "./host-folder.ts";
import { Apply, recover } from "./journal.ts";
import { type Step, forward } from "./steps.ts";
import { temporary } from "../testing/temporary.ts";

const ROUNDS = 50;
const FILES = 60;

/** All of a directory, as text. */
function stateOf(directory: string): string {
  const list = "find . -printf '%P %y %m %l\\n' | sort; find . -type f | sort | xargs sha256sum";
  return execFileSync("sh", ["-c", list], { cwd: directory, encoding: "utf8" });
}

function linesBetween(before: string, after: string): string[] {
  const [one, other] = [before.split("\n"), after.split("\n")];
  const gone = one.filter((line) => !other.includes(line)).map((line) => `- ${line}`);
  return gone.concat(other.filter((line) => !one.includes(line)).map((line) => `+ ${line}`));
}

/** One of two states that differ in every way that a change can be. */
async function fill(directory: string, which: 0 | 1): Promise<void> {
  await mkdir(join(directory, `only-${which}`, "deep"), { recursive: true });
  for (let index = 0; index < FILES; index++) {
    const path = join(directory, `only-${which}`, "deep", `file-${index}`);
    await writeFile(path, `own ${which} ${index}`);
    await writeFile(join(directory, `shared-${index}`), `${which} `.repeat(1000 + index));
  }
  await writeFile(join(directory, "run"), "", { mode: which ? 0o755 : 0o644 });
  await symlink(`shared-${which}`, join(directory, "link"));
  if (which === 0) await writeFile(join(directory, "kind"), "a file");
  else await mkdir(join(directory, "kind"));
  if (which === 0) await mkdir(join(directory, "other"));
  else await symlink("run", join(directory, "other"));
}

test(`an apply that is killed leaves a folder that is as it was or as it should be (${ROUNDS} times)`, async () => {
  vi.stubEnv("EMBERBOX_HOME", await temporary());
  const [host, first, second] = [await temporary(), await temporary(), await temporary()];
  for (const directory of [host, first, second]) await chmod(directory, 0o755);
  await fill(first, 0);
  await fill(second, 1);
  await fill(host, 0);
  const states = [stateOf(first), stateOf(second)];
  const program = fileURLToPath(new URL("../testing/apply-program.ts", import.meta.url));
  const ends = { "as it was": 0, "as it should be": 0 };
  /** How long one that is not killed takes, in milliseconds. */
  let usual = 0;
  for (let round = 0, now = 0; round <= ROUNDS; round++) {
    const child = spawn(
      process.execPath,
      ["--conditions=@emberbox/source", program, host, now === 0 ? second : first],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    const exit = once(child, "exit");
    await Promise.race([once(child.stdout, "data"), exit.then(() => expect.unreachable())]);
    if (round === 0) usual = Number(String((await once(child.stdout, "data"))[0]));
    else {
      await sleep((round / ROUNDS) * usual * 1.2);
      child.kill("SIGKILL");
    }
    await exit;
    await recover(host);
    const state = stateOf(host);
    // What differs from the nearer one.
    const [differences] = states
      .map((each) => linesBetween(each, state))
      .toSorted((one, other) => one.length - other.length);
    expect(differences, `round ${round}`).toEqual([]);
    const is = states.indexOf(state);
    ends[is === now ? "as it was" : "as it should be"] += 1;
    now = is;
  }
  // Both happened: it was killed neither always too early nor always too late.
  expect(ends["as it was"]).toBeGreaterThan(0);
  expect(ends["as it should be"]).toBeGreaterThan(1);
}, 300_000);

test("steps that were done in part are done to the end, wherever they were interrupted", async () => {
  vi.stubEnv("EMBERBOX_HOME", await temporary());
  const steps = 6;
  for (let done = 0; done <= steps; done++) {
    const host = await temporary();
    await writeFile(join(host, "put"), "old");
    await writeFile(join(host, "gone"), "old");
    await mkdir(join(host, "empty"));
    await fillDirectory(host);
    const plan = await planned(host);
    expect(plan).toHaveLength(steps);
    const interrupted = await begun(host, plan);
    for (const step of plan.slice(0, done)) forward(step, interrupted.root, interrupted.staging);
    await recover(host);
    expect(execFileSync("ls", ["-A", host], { encoding: "utf8" })).toBe("made\nput\n");
    expect(await readFile(join(host, "put"), "utf8")).toBe("new");
  }
});

test.each([2, 6])(
  "what somebody else has written after %i steps is left alone, and the rest is as it was",
  async (done) => {
    vi.stubEnv("EMBERBOX_HOME", await temporary());
    const host = await temporary();
    await writeFile(join(host, "put"), "old");
    await writeFile(join(host, "gone"), "old");
    await mkdir(join(host, "empty"));
    await fillDirectory(host);
    const plan = await planned(host);
    const { root, staging } = await begun(host, plan);
    for (const step of plan.slice(0, done)) forward(step, root, staging);
    await rm(join(host, "put"));
    await writeFile(join(host, "put"), "somebody else's");
    await recover(host);
    expect(execFileSync("ls", ["-A", host], { encoding: "utf8" })).toBe("empty\nfull\ngone\nput\n");
    expect(await readFile(join(host, "put"), "utf8")).toBe("somebody else's");
    expect(await readFile(join(host, "gone"), "utf8")).toBe("old");
    expect(await readFile(join(host, "full/file"), "utf8")).toBe("old");
  },
);

async function fillDirectory(host: string): Promise<void> {
  await mkdir(join(host, "full"));
  await writeFile(join(host, "full/file"), "old");
}

const idOf = (root: Directory, name: string): string => foundAt(root, name)!.id;

async function planned(host: string): Promise<Step[]> {
  using root = Directory.root(host);
  return [
    { does: "remove", path: "gone", kept: "old-0", id: idOf(root, "gone") },
    { does: "remove-directory", path: "empty", mode: 0o755 },
    { does: "make-directory", path: "made", mode: 0o700 },
    { does: "put", path: "put", staged: "new-1", kept: "old-1", id: "", old: idOf(root, "put") },
    { does: "remove", path: "full/file", kept: "old-2", id: idOf(root.open("full"), "file") },
    { does: "remove-directory", path: "full", mode: 0o755 },
  ];
}

/** As if the program had been killed once the steps were written down; `id`s that are missing are found. */
async function begun(host: string, plan: Step[]): Promise<Apply> {
  const apply = await Apply.begin(host);
  await writeFile(apply.staging.at("new-1"), "new");
  const put = plan[3] as Extract<Step, { does: "put" }>;
  plan[3] = { ...put, id: idOf(apply.staging, "new-1") };
  apply.write(plan);
  return apply;
}
