import assert from "node:assert/strict";
import { volumeMethods } from "./volume-methods.ts";
import { type Context, type Method, method } from "./method.ts";

/** What the server answers to requests that the SDKs have no method for. */
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

/** Templates and volumes, and what is asked without an SDK. What is not here must be refused as such, not in any other way. */
export const otherMethods: readonly Method[] = [
  method("GET /templates", async (context) => {
    const listed = (await ask(context, "/templates")) as { aliases: string[]; createdAt: string }[];
    const base = listed.find(({ aliases }) => aliases.includes("base"));
    assert(base && Date.parse(base.createdAt) >= 0);
  }),
  method("GET /sandboxes/{id}/logs", async (context) => {
    const path = `/sandboxes/${context.sandbox.sandboxId}/logs`;
    await context.sandbox.commands.run("echo in the log");
    const { logs } = (await ask(context, path)) as { logs: { line: string }[] };
    const lines = logs.map(({ line }) => JSON.parse(line) as Record<string, string>);
    const { level, logger, message } = lines[0]!;
    assert.deepEqual([level, logger, message], ["info", "system", "created"]);
    assert(lines.some((line) => line["logger"] === "process" && line["message"] === "in the log"));
  }),
  method("GET /sandboxes/{id}/metrics", async (context) => {
    const path = `/sandboxes/${context.sandbox.sandboxId}/metrics`;
    const metrics = (await ask(context, path)) as { timestampUnix: number; memTotal: number }[];
    assert(metrics.at(-1)!.memTotal > 0 && metrics.at(-1)!.timestampUnix > 0);
  }),
  method("GET /events/sandboxes", async (context) => {
    const path = `/events/sandboxes/${context.sandbox.sandboxId}?orderAsc=true`;
    const [first] = (await ask(context, path)) as { type: string }[];
    assert.equal(first!.type, "sandbox.lifecycle.created");
  }),
  method("POST /events/webhooks", async (context) => {
    const { apiUrl, apiKey } = context.options;
    const path = `${apiUrl}/events/webhooks`;
    const headers = { "X-API-Key": apiKey };
    const body = JSON.stringify({
      ...{ name: "in the table", url: "http://192.0.2.1/", signatureSecret: "secret" },
      events: ["sandbox.lifecycle.killed"],
    });
    // That address is nobody's, and so not public.
    assert.equal((await fetch(path, { method: "POST", headers, body })).status, 400);
    const made = await fetch(path, {
      ...{ method: "POST", headers },
      body: body.replace("192.0.2.1", "8.8.8.8"),
    });
    assert.equal(made.status, 201);
    const { id } = (await made.json()) as { id: string };
    assert.equal((await fetch(`${path}/${id}`, { method: "DELETE", headers })).status, 200);
  }),
  method("GET /teams", async (context) => {
    const [team] = (await ask(context, "/teams")) as { teamID: string; isDefault: boolean }[];
    assert(team!.isDefault);
    const path = `/teams/${team!.teamID}/metrics`;
    const metrics = (await ask(context, path)) as { concurrentSandboxes: number }[];
    assert(metrics.at(-1)!.concurrentSandboxes > 0);
  }),
  method("GET /health inside", async ({ sandbox }) => {
    const ask = [49983, 49999]
      .map((port) => `curl -sf http://localhost:${port}/health`)
      .join(" && ");
    assert.equal((await sandbox.commands.run(ask)).stdout, '"OK"');
  }),
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
  method("Template.getTags", async ({ sdk, options }) => {
    const tags = await sdk.Template.getTags("base", options);
    assert.deepEqual(
      tags.map(({ tag }) => tag),
      ["default"],
    );
  }),
  method(
    "Template.assignTags",
    async (context) => {
      const { sdk, options } = context;
      const shaped = { ...options, ...usualShape };
      const built = await sdk.Template.build(template(context), "tagged:v1", shaped);
      const assigned = await sdk.Template.assignTags("tagged:v1", ["v2"], options);
      assert.deepEqual(assigned, { buildId: built.buildId, tags: ["v2"] });
      await forget(context, "tagged");
    },
    { needs: "templates" },
  ),
  method(
    "Template.removeTags",
    async (context) => {
      const { sdk, options } = context;
      const tags = ["v1", "v2"];
      await sdk.Template.build(template(context), "untagged", { ...options, ...usualShape, tags });
      await sdk.Template.removeTags("untagged", "v1", options);
      const left = await sdk.Template.getTags("untagged", options);
      assert.deepEqual(
        left.map(({ tag }) => tag),
        ["v2"],
      );
      await forget(context, "untagged");
    },
    { needs: "templates" },
  ),
  method("PATCH /v2/templates/{id}", async ({ options }) => {
    const answer = await fetch(`${options.apiUrl}/v2/templates/base`, {
      method: "PATCH",
      headers: { "X-API-Key": options.apiKey },
      body: JSON.stringify({ public: true }),
    });
    assert.deepEqual(await answer.json(), { names: ["default"] });
  }),
  method("GET /templates/{id}", async (context) => {
    const { builds } = (await ask(context, "/templates/base")) as { builds: unknown[] };
    assert.deepEqual(builds, []);
  }),
  ...volumeMethods,
];
