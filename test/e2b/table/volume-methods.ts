import assert from "node:assert/strict";
import { type Context, type Method, method } from "./method.ts";

type Volume = InstanceType<Context["sdk"]["Volume"]>;

/** Each method with a volume of its own. */
const volumeMethod = (
  name: string,
  use: (volume: Volume, context: Context) => Promise<void>,
): Method =>
  method(
    `Volume.${name}`,
    async (context) => {
      const { sdk, options } = context;
      const volume = await sdk.Volume.create(`table-${Date.now()}`, options);
      try {
        await use(volume, context);
      } finally {
        await sdk.Volume.destroy(volume.volumeId, options);
      }
    },
    { needs: "volumes" },
  );

export const volumeMethods: readonly Method[] = [
  volumeMethod("create", async (volume) => assert.match(volume.volumeId, /^vol/)),
  volumeMethod("connect", async (volume, { sdk, options }) => {
    const connected = await sdk.Volume.connect(volume.volumeId, options);
    assert.equal(connected.name, volume.name);
  }),
  volumeMethod("getInfo", async (volume, { sdk, options }) => {
    assert.equal((await sdk.Volume.getInfo(volume.volumeId, options)).name, volume.name);
  }),
  volumeMethod("list", async (volume, { sdk, options }) => {
    const listed = await sdk.Volume.list(options);
    assert.ok(listed.some(({ volumeId }) => volumeId === volume.volumeId));
  }),
  volumeMethod("destroy", async (volume, { sdk, options }) => {
    assert.equal(await sdk.Volume.destroy(volume.volumeId, options), true);
    assert.equal(await sdk.Volume.destroy(volume.volumeId, options), false);
  }),
];
