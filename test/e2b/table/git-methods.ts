import assert from "node:assert/strict";
import { type Context, type Method, method } from "./method.ts";

/** A repository with one commit, in the method's directory. */
async function repository({ sandbox, directory }: Context): Promise<string> {
  const path = `${directory}/repository`;
  await sandbox.git.init(path, { initialBranch: "main" });
  await sandbox.git.configureUser("A Person", "person@example.com", { scope: "local", path });
  await sandbox.files.write(`${path}/file`, "one");
  await sandbox.git.add(path);
  await sandbox.git.commit(path, "the first");
  return path;
}

/** A repository and an empty one that it can push to. */
async function pair(context: Context): Promise<{ path: string; remote: string }> {
  const path = await repository(context);
  const remote = `${context.directory}/remote.git`;
  await context.sandbox.git.init(remote, { bare: true, initialBranch: "main" });
  await context.sandbox.git.remoteAdd(path, "origin", remote);
  return { path, remote };
}

/** The SDK's git, which is commands in the sandbox. */
export const gitMethods: readonly Method[] = [
  method("git.init", async (context) => {
    const path = await repository(context);
    assert.equal(await context.sandbox.files.exists(`${path}/.git/HEAD`), true);
  }),
  method("git.add", async (context) => {
    const path = await repository(context);
    await context.sandbox.files.write(`${path}/new`, "x");
    await context.sandbox.git.add(path, { files: ["new"] });
    assert.equal((await context.sandbox.git.status(path)).hasStaged, true);
  }),
  method("git.commit", async (context) => {
    const path = await repository(context);
    assert.equal((await context.sandbox.git.status(path)).isClean, true);
  }),
  method("git.status", async (context) => {
    const path = await repository(context);
    await context.sandbox.files.write(`${path}/file`, "two");
    const status = await context.sandbox.git.status(path);
    assert.deepEqual([status.currentBranch, status.hasChanges], ["main", true]);
  }),
  method("git.branches", async (context) => {
    const path = await repository(context);
    assert.deepEqual((await context.sandbox.git.branches(path)).branches, ["main"]);
  }),
  method("git.createBranch", async (context) => {
    const path = await repository(context);
    await context.sandbox.git.createBranch(path, "topic");
    assert.equal((await context.sandbox.git.branches(path)).currentBranch, "topic");
  }),
  method("git.checkoutBranch", async (context) => {
    const path = await repository(context);
    await context.sandbox.git.createBranch(path, "topic");
    await context.sandbox.git.checkoutBranch(path, "main");
    assert.equal((await context.sandbox.git.branches(path)).currentBranch, "main");
  }),
  method("git.deleteBranch", async (context) => {
    const path = await repository(context);
    await context.sandbox.git.createBranch(path, "topic");
    await context.sandbox.git.checkoutBranch(path, "main");
    await context.sandbox.git.deleteBranch(path, "topic");
    assert.deepEqual((await context.sandbox.git.branches(path)).branches, ["main"]);
  }),
  method("git.reset", async (context) => {
    const path = await repository(context);
    await context.sandbox.files.write(`${path}/file`, "two");
    await context.sandbox.git.reset(path, { mode: "hard" });
    assert.equal(await context.sandbox.files.read(`${path}/file`), "one");
  }),
  method("git.restore", async (context) => {
    const path = await repository(context);
    await context.sandbox.files.write(`${path}/file`, "two");
    await context.sandbox.git.restore(path, { paths: ["file"] });
    assert.equal(await context.sandbox.files.read(`${path}/file`), "one");
  }),
  method("git.remoteAdd", async (context) => {
    const { path, remote } = await pair(context);
    assert.equal(await context.sandbox.git.remoteGet(path, "origin"), remote);
  }),
  method("git.remoteGet", async (context) => {
    const path = await repository(context);
    assert.equal(await context.sandbox.git.remoteGet(path, "origin"), undefined);
  }),
  method("git.push", async (context) => {
    const { path, remote } = await pair(context);
    await context.sandbox.git.push(path, { remote: "origin", branch: "main", setUpstream: true });
    const { stdout } = await context.sandbox.commands.run("git log --format=%s main", {
      cwd: remote,
    });
    assert.equal(stdout, "the first\n");
  }),
  method("git.clone", async (context) => {
    const { path, remote } = await pair(context);
    await context.sandbox.git.push(path, { remote: "origin", branch: "main", setUpstream: true });
    const copy = `${context.directory}/copy`;
    await context.sandbox.git.clone(remote, { path: copy });
    assert.equal(await context.sandbox.files.read(`${copy}/file`), "one");
  }),
  method("git.pull", async (context) => {
    const { path, remote } = await pair(context);
    await context.sandbox.git.push(path, { remote: "origin", branch: "main", setUpstream: true });
    const copy = `${context.directory}/copy`;
    await context.sandbox.git.clone(remote, { path: copy });
    await context.sandbox.files.write(`${path}/file`, "two");
    await context.sandbox.git.add(path);
    await context.sandbox.git.commit(path, "the second");
    await context.sandbox.git.push(path);
    await context.sandbox.git.pull(copy);
    assert.equal(await context.sandbox.files.read(`${copy}/file`), "two");
  }),
  method("git.setConfig", async (context) => {
    const path = await repository(context);
    await context.sandbox.git.setConfig("some.thing", "set", { scope: "local", path });
    const value = await context.sandbox.git.getConfig("some.thing", { scope: "local", path });
    assert.equal(value, "set");
  }),
  method("git.getConfig", async (context) => {
    const path = await repository(context);
    const value = await context.sandbox.git.getConfig("no.such", { scope: "local", path });
    assert.equal(value, undefined);
  }),
  method("git.configureUser", async (context) => {
    const path = await repository(context);
    const value = await context.sandbox.git.getConfig("user.name", { scope: "local", path });
    assert.equal(value, "A Person");
  }),
  method("git.dangerouslyAuthenticate", async ({ sandbox }) => {
    await sandbox.git.dangerouslyAuthenticate({
      username: "someone",
      password: "secret",
      host: "git.example",
    });
    const { stdout } = await sandbox.commands.run("cat ~/.git-credentials; rm ~/.git-credentials");
    assert.match(stdout, /someone:secret@git\.example/);
  }),
];
