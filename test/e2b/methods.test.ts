import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { provider } from "../support/sandboxes.ts";
import { startServer } from "../support/server.ts";
import { methods } from "./table/methods.ts";
import { expectedOf, openSession, type Session } from "./table/run.ts";
import { openServers } from "./table/servers.ts";
import { versions } from "./table/versions.ts";

/** Not for callers: parts of how the SDKs are made, and what does without a server. */
const inner = new Set([
  ...["Sandbox.createSandbox", "Sandbox.forkSandbox", "Sandbox.connectSandbox"],
  ...["Sandbox.defaultTemplate", "Sandbox.defaultMcpTemplate", "Sandbox.defaultSandboxTimeoutMs"],
  ...["sandbox.resolveApiOpts", "sandbox.fileUrl", "sandbox.jupyterUrl", "commands.start"],
  ...["sandbox.getJupyterRequestUrl", "sandbox.includeDiagnostics", "sandbox.handleRequestError"],
  ...["git.runGit", "git.runShell", "git.getRemoteUrl", "git.resolveRemoteName"],
  ...["git.withRemoteCredentials", "git.hasUpstream", "Secret.fill", "Secret.iamToken"],
]);

const [[newest]] = versions as [(typeof versions)[number]];

let servers: Awaited<ReturnType<typeof openServers>>;
beforeAll(async () => {
  servers = await openServers(startServer);
});

describe.each(versions)("E2B's SDKs %s, by %s", (version, way, sdk) => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession(sdk, servers[way]);
  });
  afterAll(() => session?.[Symbol.asyncDispose]());

  test("every public method is known", () => {
    const sandbox = new sdk.Sandbox({
      sandboxId: "isome",
      envdVersion: "0.6.1",
      apiKey: `e2b_${"0".repeat(40)}`,
    } as never);
    const { files, commands, pty, git } = sandbox;
    const instances = { sandbox, files, commands, pty, git };
    const classes = {
      Sandbox: sdk.Sandbox,
      Template: sdk.Template,
      Volume: sdk.Volume,
      Secret: sdk.Secret,
    };
    const names = [
      ...Object.entries(instances).flatMap(([name, object]) =>
        methodsOf(Object.getPrototypeOf(object)).map((each) => `${name}.${each}`),
      ),
      ...Object.entries(classes).flatMap(([name, object]) =>
        methodsOf(object).map((each) => `${name}.${each}`),
      ),
    ];
    const known = new Set(methods.map(({ name }) => name));
    expect(names.filter((name) => !known.has(name) && !inner.has(name))).toEqual([]);
  });

  test.for(methods)("$name", async (method, context) => {
    const { result, error } = await session.try(method);
    if (result === "absent" && version !== newest) return context.skip("this SDK has it not");
    const expected = expectedOf(method, provider.capabilities);
    if (result === "fails" || (result === "unimplemented" && expected === "works")) throw error;
    expect(result).toBe(expected);
  });
});

/** Names of the methods of an object and of what it inherits from. */
function methodsOf(object: object): string[] {
  const names: string[] = [];
  const ends = new Set<object | null>([null, Object.prototype, Function.prototype]);
  for (let at = object; !ends.has(at); at = Object.getPrototypeOf(at) as object)
    names.push(...Object.getOwnPropertyNames(at));
  const notMethods = new Set([
    "constructor",
    "length",
    "name",
    "prototype",
    "boundOpts",
    "resolveOpts",
  ]);
  return [...new Set(names)].filter((name) => !name.startsWith("_") && !notMethods.has(name));
}
