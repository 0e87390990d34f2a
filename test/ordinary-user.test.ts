import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openEngine } from "../packages/microvm/src/provider/engine.ts";
import { resolveCreateOptions } from "../packages/microvm/src/restore/create-options.ts";
import { type Life, live } from "./support/ordinary-life.ts";
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
  const life = (await asOrdinaryUser(
    join(import.meta.dirname, "support/ordinary-life.ts"),
    "live",
    [],
    { EMBERBOX_HOME: home, HOME: home },
  )) as Life;
  expect(life).toEqual({ users: [String(ORDINARY_ID)], answers: ["42", "43"] });
});
