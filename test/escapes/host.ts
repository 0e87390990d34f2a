import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createEmberboxSandbox } from "../../packages/ai-sdk/src/harness/index.ts";
import { reachable } from "../../packages/ai-sdk/src/testing/reachable.ts";
import type { Attempt } from "./attempt.ts";
import type { Outcome, World } from "./world.ts";

const launcher = join(import.meta.dirname, "../../packages/emberbox/bin/emberbox.mjs");

/** Runs code by the command line in a terminal, and says what the terminal got. */
async function inTerminal(code: string, ...parameters: string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "emberbox-attempt-"));
  try {
    const file = join(directory, "code.py");
    await writeFile(file, code);
    const line = [process.execPath, launcher, "run", file, ...parameters].join(" ");
    const child = spawn("script", ["-qec", line, "/dev/null"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    return await text(child.stdout);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** What steers a terminal, each between letters by which it is found again. */
const steering: Readonly<Record<string, string>> = {
  clipboard: "\\x1b]52;c;aGFybQ==\\x07",
  nested: "\\x1b\\x1b[0m]52;c;aGFybQ==\\x07",
  strings: "\\x1b_apc\\x1b\\\\\\x1b^pm\\x1b\\\\\\x1bXsos\\x1b\\\\",
  erase: "\\x1b[2J\\x1b[1;1H\\x1b[3J",
  overwrite: "rm -rf /\\rls      \\b\\b\\b",
  second: "\\x9b2J\\x9d52;c;aGFybQ==\\x9c",
  direction: "\\u202egnp.exe\\u2066",
};
const parts = Object.entries(steering).map(([name, what]) => `"<${name}>${what}</${name}>"`);
const printed = `
import sys, time
parts = [${parts.join(", ")}]
for stream in (sys.stdout, sys.stderr):
    for part in parts: print(part, file=stream, flush=True)
    # In pieces that are nothing by themselves.
    for piece in "<split>\\x1b", "]52;c;", "aGFybQ==\\x07</split>\\n":
        stream.write(piece); stream.flush(); time.sleep(0.05)
`;
const raised = `raise ValueError("".join(parts))`;

/** What steers in what a terminal got; a line's end and its colours do not. */
function steered(screen: string): string {
  const rest = screen
    .replaceAll("\r\n", "\n")
    // oxlint-disable-next-line no-control-regex
    .replaceAll(/\u001B\[[\d:;]*m/g, "");
  // oxlint-disable-next-line no-control-regex
  const found = rest.match(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g);
  if (found === null) return "nothing that steers";
  const codes = new Set(found.map((character) => character.charCodeAt(0).toString(16)));
  return `characters ${[...codes].join(" ")}`;
}

function arrived(screen: string, names: readonly string[]): string {
  const found = names.filter((name) => screen.includes(`<${name}>`));
  return found.length === names.length ? `${found.length} kinds printed` : "";
}

async function output(): Promise<Outcome> {
  const screen = await inTerminal(`${printed}\n${raised}`);
  const isWhole = screen.includes("ValueError") && screen.split("<clipboard>").length >= 3;
  const delivered = isWhole ? arrived(screen, [...Object.keys(steering), "split"]) : "";
  return { delivered, seen: steered(screen) };
}

async function json(): Promise<Outcome> {
  const screen = await inTerminal(`${printed}\n${raised}`, "--json");
  return { delivered: arrived(screen, Object.keys(steering)), seen: steered(screen) };
}

/** More pictures, and larger ones, than `--out` takes; the names of the first are links to other files. */
const manyPictures = `
from IPython.display import display
import base64
def show(size): display({"image/png": base64.b64encode(b"x" * size).decode()}, raw=True)
show(33 * 1024 * 1024)
for _ in range(1100): show(100)
print("shown")
`;

async function pictures(): Promise<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), "emberbox-attempt-"));
  try {
    const [out, outside] = [join(directory, "out"), join(directory, "outside")];
    await mkdir(out);
    for (const number of [1, 2]) await symlink(outside, join(out, `picture-${number}.png`));
    const screen = await inTerminal(manyPictures, "--out", out);
    const files = (await readdir(out)).filter((name) => !/-[12]\.png$/.test(name));
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(out, name))).size));
    const linked = await stat(outside).then(
      () => "written through a link",
      () => "no link followed",
    );
    const largest = Math.max(...sizes) <= 100 ? "none too large" : "one too large";
    return {
      delivered: screen.includes("shown") ? "1101 pictures displayed" : "",
      seen: `${files.length} files, ${largest}, ${linked}`,
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** From what a harness is given of a sandbox, to what is its owner's: by whatever leads from one object to another. */
async function restricted({ sandbox }: World): Promise<Outcome> {
  const session = await createEmberboxSandbox(sandbox).createSession();
  const narrow = session.restricted();
  const { stdout } = await narrow.run({ command: "echo used" });
  const process = await narrow.spawn({ command: "sleep 600", stdin: true });
  const objects = new Set([...reachable(narrow), ...reachable(process)]);
  await process.kill();
  const owners = ["updateNetwork", "pause", "createSnapshot", "fork", "getHost", "destroy"];
  const found = owners.filter((name) => [...objects].some((object) => name in object));
  if (objects.has(sandbox)) found.push("the sandbox itself");
  return {
    delivered: stdout === "used\n" ? `${objects.size} objects looked into` : "",
    seen: found.length === 0 ? "only what uses it" : `reached: ${found.join(", ")}`,
  };
}

/** On the program that reads what a sandbox says, and on who sees it. */
export const hostAttempts: readonly Attempt[] = [
  {
    id: "host.terminal-output",
    tries: "set the clipboard, write over lines and more by what is printed and raised",
    refusedBy: "the command line",
    run: output,
    refused: /^nothing that steers$/,
  },
  {
    id: "host.terminal-json",
    tries: "do the same through --json",
    refusedBy: "the command line",
    run: json,
    refused: /^nothing that steers$/,
  },
  {
    id: "host.out-bound",
    tries: "fill the disk by pictures, and write through links to other files",
    refusedBy: "the command line",
    run: pictures,
    refused: /^1000 files, none too large, no link followed$/,
  },
  {
    id: "host.restricted-session",
    tries: "end the sandbox, or change its network, from a session that may only use it",
    refusedBy: "the AI SDK session",
    run: restricted,
    refused: /^only what uses it$/,
  },
];
