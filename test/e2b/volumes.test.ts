import { text } from "node:stream/consumers";
import type { EmberboxServer } from "@emberbox/server";
import { Sandbox, Volume, VolumeNotFoundError, VolumePathNotFoundError } from "e2b";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SdkOptions, sdkOptions, startServer, temporaryDirectory } from "../support/server.ts";

let server: EmberboxServer;
let options: SdkOptions;
let blue: SdkOptions;
let volume: Volume;

beforeAll(async () => {
  server = await startServer({
    stateDirectory: temporaryDirectory(),
    apiKeys: { red: "e2b_redredred", blue: "e2b_blueblue" },
  });
  options = { ...sdkOptions(server), apiKey: "e2b_redredred" };
  blue = { ...options, apiKey: "e2b_blueblue" };
  process.env["E2B_VOLUME_API_URL"] = server.url;
  volume = await Volume.create("data", options);
});
afterAll(async () => {
  await Volume.destroy(volume.volumeId, options);
  delete process.env["E2B_VOLUME_API_URL"];
});

test("the SDK works on files without a sandbox", async () => {
  await volume.makeDir("/a/b", { force: true, mode: 0o750 });
  const written = await volume.writeFile("/a/b/c.txt", "hello", { mode: 0o640 });
  expect(written).toMatchObject({ name: "c.txt", path: "/a/b/c.txt", type: "file", size: 5 });
  expect(written.mtime).toBeInstanceOf(Date);
  expect(await volume.readFile("/a/b/c.txt")).toBe("hello");
  expect(await volume.readFile("/a/b/c.txt", { format: "bytes" })).toEqual(
    new Uint8Array(Buffer.from("hello")),
  );
  const large = new Blob(["x".repeat(3_000_000)]);
  await volume.writeFile("/large", large.stream());
  const stream = await volume.readFile("/large", { format: "stream" });
  expect((await text(stream as never)).length).toBe(3_000_000);
  await volume.writeFile("/empty", "");
  expect(await volume.readFile("/empty")).toBe("");
  const all = await volume.list("/", { depth: 3 });
  expect(all.map(({ path }) => path)).toEqual(["/a", "/a/b", "/a/b/c.txt", "/empty", "/large"]);
  expect(await volume.updateMetadata("/empty", { mode: 0o600 })).toMatchObject({ mode: 0o600 });
  await expect(volume.updateMetadata("/empty", { uid: 0 })).rejects.toThrow("belongs to the user");
  await volume.remove("/large");
  expect(await volume.exists("/large")).toBe(false);
  await expect(volume.readFile("/large")).rejects.toBeInstanceOf(VolumePathNotFoundError);
  await expect(volume.readFile("/a/../../secret")).rejects.toThrow("400");
});

test("a volume is its tenant's, and its files are its token's", async () => {
  await expect(Volume.create("data", options)).rejects.toThrow("409");
  const other = await Volume.create("data", blue);
  expect((await Volume.list(blue)).map(({ volumeId }) => volumeId)).toEqual([other.volumeId]);
  await expect(Volume.connect(volume.volumeId, blue)).rejects.toBeInstanceOf(VolumeNotFoundError);
  expect(await Volume.destroy(volume.volumeId, blue)).toBe(false);
  for (const token of [other.token, "", options.apiKey, "x".repeat(64)])
    await expect(
      new Volume(volume.volumeId, "data", token).readFile("/a/b/c.txt"),
      token,
    ).rejects.toThrow();
  expect(await Volume.destroy(other.volumeId, blue)).toBe(true);
  const foreign = Sandbox.create({ ...blue, volumeMounts: { "/mnt/data": "data" } });
  await expect(foreign).rejects.toThrow("404");
});

test("a sandbox has it mounted", async () => {
  const sandbox = await Sandbox.create({ ...options, volumeMounts: { "/mnt/data": volume } });
  try {
    const { stdout } = await sandbox.commands.run("cat a/b/c.txt; echo more >> a/b/c.txt", {
      cwd: "/mnt/data",
    });
    expect(stdout).toBe("hello");
    expect(await volume.readFile("/a/b/c.txt")).toBe("hellomore\n");
    const { volumeMounts } = await sandbox.getInfo();
    expect(volumeMounts).toEqual([{ name: "data", path: "/mnt/data" }]);
    await expect(Volume.destroy(volume.volumeId, options)).rejects.toThrow("409");
  } finally {
    await sandbox.kill();
  }
});
