import assert from "node:assert/strict";
import { type Context, type Method, method } from "./method.ts";

interface SecretInfo {
  readonly secretId: string;
  readonly name: string;
  readonly version: number;
}

/** Does something with a secret, and destroys it. */
async function withSecret(
  { sdk, options }: Context,
  work: (secret: SecretInfo) => Promise<void>,
): Promise<void> {
  const secret = await sdk.Secret.create("in-the-table", "the value", {
    ...options,
    metadata: { made: "here" },
  });
  try {
    await work(secret);
  } finally {
    await sdk.Secret.destroy(secret.secretId, options);
  }
}

/** Values that only the gateway knows. */
export const secretMethods: readonly Method[] = [
  method("Secret.create", (context) =>
    withSecret(context, async (secret) => {
      assert.deepEqual([secret.name, secret.version], ["in-the-table", 1]);
      assert(!JSON.stringify(secret).includes("the value"));
      const again = context.sdk.Secret.create("in-the-table", "another", context.options);
      await assert.rejects(again, /already/);
    }),
  ),
  method("Secret.update", (context) =>
    withSecret(context, async ({ name }) => {
      const { sdk, options } = context;
      const updated = await sdk.Secret.update(name, "another value", options);
      assert.deepEqual([updated.version, updated.metadata], [2, { made: "here" }]);
      await assert.rejects(sdk.Secret.update("none", "x", options), sdk.SecretNotFoundError);
    }),
  ),
  method("Secret.getInfo", (context) =>
    withSecret(context, async ({ secretId, name }) => {
      const { sdk, options } = context;
      const info = await sdk.Secret.getInfo(name, options);
      assert.deepEqual([info.secretId, info.metadata], [secretId, { made: "here" }]);
      assert(!JSON.stringify(info).includes("the value"));
    }),
  ),
  method("Secret.exists", (context) =>
    withSecret(context, async ({ secretId }) => {
      const { sdk, options } = context;
      assert.equal(await sdk.Secret.exists(secretId, options), true);
      assert.equal(await sdk.Secret.exists("none", options), false);
    }),
  ),
  method("Secret.list", (context) =>
    withSecret(context, async ({ secretId }) => {
      const { sdk, options } = context;
      const other = await sdk.Secret.create("another-one", "x", options);
      const paginator = sdk.Secret.list({ ...options, limit: 1 });
      const listed = [];
      while (paginator.hasNext) listed.push(...(await paginator.nextItems()));
      await sdk.Secret.destroy("another-one", options);
      const ids = listed.map((secret) => secret.secretId);
      assert.deepEqual(ids.toSorted(), [secretId, other.secretId].toSorted());
    }),
  ),
  method("Secret.destroy", (context) =>
    withSecret(context, async ({ name }) => {
      const { sdk, options } = context;
      assert.equal(await sdk.Secret.destroy(name, options), true);
      assert.equal(await sdk.Secret.destroy(name, options), false);
    }),
  ),
  method("rules with a secret", (context) =>
    withSecret(context, async ({ name }) => {
      const { sdk, own } = context;
      const ruled = (secret: string) => ({
        network: {
          rules: { "a.example": [{ transform: { headers: { a: sdk.Secret.fill(secret) } } }] },
        },
      });
      await own(ruled(name));
      await assert.rejects(own(ruled("none")), /no secret 'none'/);
    }),
  ),
];
