// `npm run test:containers`: builds examples/container/Dockerfile and runs what it makes with the rights that container
// engines give to a program: without more, and with those that the jail needs. No container engine takes part.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { everything, packAll, root as workspace } from "../support/pack.ts";
import { inContainer } from "./container.ts";
import { build } from "./dockerfile.ts";
import { makeNodeRoot, run } from "./root.ts";
import { scratchDirectory } from "./scratch.ts";

const directory = scratchDirectory();
const root = join(directory, "root");
const context = join(directory, "context");
for (const each of [root, context]) mkdirSync(each);
const environment = makeNodeRoot(root);

// What somebody has who follows docs/containers.md.
run(process.execPath, join(workspace, "scripts/dist.mjs"));
const packed = join(root, "packed");
mkdirSync(packed);
const tarballs = Object.entries(packAll(packed, everything)).map(([name, file]) => [
  name,
  file.replace(root, ""),
]);
const manifest = { type: "module", dependencies: Object.fromEntries(tarballs) };
writeFileSync(join(context, "package.json"), JSON.stringify(manifest));
copyFileSync(join(workspace, "examples/first.ts"), join(context, "first.ts"));
emberbox("image", "export", join(context, "emberbox.image"));

const file = readFileSync(join(workspace, "examples/container/Dockerfile"), "utf8");
const base = { root, user: "root", directory: "/", environment };
const { container, command } = await build(file, context, base);

console.log("> as it is: refused, and what to do is said");
const refused = await inContainer(container, command);
assert.notEqual(refused.code, 0);
assert.match(refused.said, /docs\/containers\.md/);

console.log("> without the jail");
const without = `import { Sandbox } from "emberbox"; import { microvm } from "@emberbox/microvm";
await using provider = microvm({ jail: false });
await using sandbox = await Sandbox.create({ provider });
console.log((await sandbox.runCode("6 * 7")).text);`;
const unjailed = await inContainer(container, ["node", "--input-type=module", "--eval", without]);
assert.deepEqual([unjailed.code, unjailed.said.includes("42")], [0, true]);

const unconfined = { ...container, unconfined: true };
console.log("> with what the jail needs");
const jailed = await inContainer(unconfined, command);
assert.deepEqual([jailed.code, /count +3\.0/.test(jailed.said)], [0, true]);

console.log("> as root");
const [its, roots] = ["home/node/.cache", "root/.cache"].map((name) => join(root, name));
run("mv", its!, roots!);
run("chown", "--recursive", "0:0", roots!);
const asRoot = { ...unconfined, user: "root", environment: { ...environment, HOME: "/root" } };
const rooted = await inContainer(asRoot, command);
assert.deepEqual([rooted.code, /count +3\.0/.test(rooted.said)], [0, true]);

function emberbox(...words: string[]): void {
  const bin = join(workspace, "packages/emberbox/bin/emberbox.mjs");
  execFileSync(process.execPath, [bin, ...words], { stdio: ["ignore", 2, 2] });
}
