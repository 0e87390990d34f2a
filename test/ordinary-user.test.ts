import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openEngine } from "../packages/microvm/src/provider/engine.ts";
import { resolveCreateOptions } from "../packages/microvm/src/restore/create-options.ts";
import { live } from "./support/ordinary-life.ts";
import { asOrdinaryUser, ORDINARY_ID } from "./support/ordinary-user.ts";

const isRoot = process.getuid?.() === 0;
const home = isRoot ? mkdtempSync(join(tmpdir(), "emberbox-ordinary-")) : undefined;
afterAll(() => home && rmSync(home, { recursive: true, force: true }));

/** A copy of a directory that is all the ordinary user's, as if he had made it. */
function give(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  execFileSync("cp", ["--recursive", "--sparse=always", "--reflink=auto", from, to]);
  execFileSync("chown", ["--recursive", `${ORDINARY_ID}:${ORDINARY_ID}`, dirname(to)]);
}

test("an ordinary user has sandboxes, under an account that is neither root's nor the jail's", async () => {
  if (home === undefined) {
    expect(await live()).toEqual({ users: [String(process.getuid?.())], answers: ["42", "43"] });
    return;
  }
  const engine = openEngine({});
  const { directory, image } = await engine.template(resolveCreateOptions({}));
  chownSync(home, ORDINARY_ID, ORDINARY_ID);
  give(image.directory, join(home, "images", basename(image.directory)));
  give(directory, join(home, "templates", basename(directory)));
  expect(await liveIn(home)).toEqual({ users: [String(ORDINARY_ID)], answers: ["42", "43"] });
});

test("so has one with an odd home: spaces, umlauts, commas, a long path, a strict umask, an ASCII locale, noexec", async ({
  skip,
}) => {
  if (home === undefined) return skip("only root can mount a directory for temporary files");
  const odd = join(home, 'Zoë Müller’s $PROJECTS, 100 % "own"; a=b', "long".repeat(30));
  const temporary = join(home, "temporary");
  for (const path of [odd, temporary]) mkdirSync(path, { recursive: true });
  for (const name of ["images", "templates"]) renameSync(join(home, name), join(odd, name));
  execFileSync("chown", ["--recursive", `${ORDINARY_ID}:${ORDINARY_ID}`, home]);
  execFileSync("mount", ["-t", "tmpfs", "-o", "noexec,mode=1777", "tmpfs", temporary]);
  try {
    const settings = { LC_ALL: "C", TMPDIR: temporary };
    const life = await liveIn(odd, settings, 0o077);
    expect(life).toEqual({ users: [String(ORDINARY_ID)], answers: ["42", "43"] });
  } finally {
    execFileSync("umount", [temporary]);
  }
});

const liveIn = (
  place: string,
  settings: Readonly<Record<string, string>> = {},
  umask = 0o022,
): Promise<unknown> =>
  asOrdinaryUser(join(import.meta.dirname, "support/ordinary-life.ts"), "live", [umask], {
    EMBERBOX_HOME: place,
    HOME: place,
    ...settings,
  });
