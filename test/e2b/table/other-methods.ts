import assert from "node:assert/strict";
import { type Context, type Method, method } from "./method.ts";

const unimplemented = { unimplemented: true } as const;
const template = ({ sdk }: Context) => sdk.Template().fromTemplate("base").runCmd("true");

/** Templates, volumes and secrets. What is not here must be refused as such, not in any other way. */
export const otherMethods: readonly Method[] = [
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
      await context.sdk.Template.build(template(context), "mine", context.options);
    },
    unimplemented,
  ),
  method(
    "Template.buildInBackground",
    async (context) => {
      await context.sdk.Template.buildInBackground(template(context), "mine", context.options);
    },
    unimplemented,
  ),
  method(
    "Template.getBuildStatus",
    async ({ sdk, options }) => {
      await sdk.Template.getBuildStatus({ templateId: "t", buildId: "b" } as never, options);
    },
    unimplemented,
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
  ...(["create", "connect", "getInfo", "destroy"] as const).map((name) =>
    method(
      `Volume.${name}`,
      async ({ sdk, options }) => {
        await sdk.Volume[name]("some", options);
      },
      unimplemented,
    ),
  ),
  method(
    "Volume.list",
    async ({ sdk, options }) => {
      await sdk.Volume.list(options);
    },
    unimplemented,
  ),
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
