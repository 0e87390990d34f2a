import assert from "node:assert/strict";
import { volumeMethods } from "./volume-methods.ts";
import { type Context, type Method, method } from "./method.ts";

const unimplemented = { unimplemented: true } as const;

/** What the server answers to E2B's command line. */
async function ask({ options }: Context, path: string): Promise<unknown> {
  const headers = { "X-API-Key": options.apiKey };
  const answer = await fetch(`${options.apiUrl}${path}`, { headers });
  assert.equal(answer.status, 200);
  return answer.json();
}
/** Older SDKs ask for two processors unless told otherwise, for which a template is warmed first. */
const usualShape = { cpuCount: 1, memoryMB: 1024 };

/** Deletes a template, for which the SDKs have no method. */
async function forget({ options }: Context, name: string): Promise<void> {
  const headers = { "X-API-Key": options.apiKey };
  const answer = await fetch(`${options.apiUrl}/templates/${name}`, { method: "DELETE", headers });
  assert.equal(answer.status, 204);
}
/** How a build in the background ends. */
async function followed(context: Context, name: string) {
  const { Template } = context.sdk;
  const options = { ...context.options, ...usualShape };
  const build = await Template.buildInBackground(template(context), name, options);
  for (;;) {
    const status = await Template.getBuildStatus(build, context.options);
    if (status.status !== "waiting" && status.status !== "building") return status;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
const template = ({ sdk }: Context) => sdk.Template().fromTemplate("base").runCmd("true");

/** Templates, volumes and secrets, and E2B's command line. What is not here must be refused as such, not in any other way. */
export const otherMethods: readonly Method[] = [
  method("e2b template list", async (context) => {
    const listed = (await ask(context, "/templates")) as { aliases: string[]; createdAt: string }[];
    const base = listed.find(({ aliases }) => aliases.includes("base"));
    assert(base && Date.parse(base.createdAt) >= 0);
  }),
  method("e2b sandbox logs", async (context) => {
    const path = `/sandboxes/${context.sandbox.sandboxId}/logs`;
    const { logs } = (await ask(context, path)) as { logs: { line: string }[] };
    const { level, logger, message } = JSON.parse(logs[0]!.line) as Record<string, string>;
    assert.deepEqual([level, logger, message], ["info", "system", "created"]);
  }),
  method("GET /health inside", async ({ sandbox }) => {
    const ask = [49983, 49999]
      .map((port) => `curl -sf http://localhost:${port}/health`)
      .join(" && ");
    assert.equal((await sandbox.commands.run(ask)).stdout, '"OK"');
  }),
  method(
    "Sandbox.create({ mcp })",
    async ({ own }) => void (await own({ mcp: { exa: {} } })),
    unimplemented,
  ),
  method("Template.exists", async ({ sdk, options }) => {
    assert.equal(await sdk.Template.exists("base", options), true);
    assert.equal(await sdk.Template.exists("no-such", options), false);
  }),
  method("Template.aliasExists", async ({ sdk, options }) => {
    assert.equal(await sdk.Template.aliasExists("code-interpreter-v1", options), true);
  }),
  method("Template.toJSON", async (context) => {
    assert.match(await context.sdk.Template.toJSON(template(context)), /"base"/);
  }),
  method("Template.toDockerfile", async ({ sdk }) => {
    const built = sdk.Template().fromDebianImage("12").runCmd("true");
    assert.match(sdk.Template.toDockerfile(built), /^FROM debian:12/);
  }),
  method(
    "Template.build",
    async (context) => {
      const options = { ...context.options, ...usualShape };
      await context.sdk.Template.build(template(context), "in-the-table", options);
      await forget(context, "in-the-table");
    },
    { needs: "templates" },
  ),
  method(
    "Template.buildInBackground",
    async (context) => {
      assert.equal((await followed(context, "in-the-background")).status, "ready");
      await forget(context, "in-the-background");
    },
    { needs: "templates" },
  ),
  method(
    "Template.getBuildStatus",
    async (context) => {
      const { logEntries } = await followed(context, "asked-for");
      assert(logEntries.some(({ message }) => message.includes("RUN true")));
      await forget(context, "asked-for");
    },
    { needs: "templates" },
  ),
  method(
    "Template.assignTags",
    async ({ sdk, options }) => {
      await sdk.Template.assignTags("base", ["tag"], options);
    },
    unimplemented,
  ),
  method(
    "Template.removeTags",
    async ({ sdk, options }) => {
      await sdk.Template.removeTags("base", ["tag"], options);
    },
    unimplemented,
  ),
  method(
    "Template.getTags",
    async ({ sdk, options }) => {
      await sdk.Template.getTags("base", options);
    },
    unimplemented,
  ),
  ...volumeMethods,
  ...(["getInfo", "exists", "destroy"] as const).map((name) =>
    method(
      `Secret.${name}`,
      async ({ sdk, options }) => {
        await sdk.Secret[name]("some", options);
      },
      unimplemented,
    ),
  ),
  method(
    "Secret.create",
    async ({ sdk, options }) => {
      await sdk.Secret.create("some", "value", options as never);
    },
    unimplemented,
  ),
  method(
    "Secret.update",
    async ({ sdk, options }) => {
      await sdk.Secret.update("some", "value", options as never);
    },
    unimplemented,
  ),
  method(
    "Secret.list",
    async ({ sdk, options }) => {
      const listed: unknown = sdk.Secret.list(options);
      await ((listed as { nextItems?(): Promise<unknown> }).nextItems?.() ?? listed);
    },
    unimplemented,
  ),
];
