import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { HOST_ARCHITECTURE } from "../host/architecture.ts";
import { findProgram } from "../host/programs.ts";
import { blobsIn, fetchImage, type FetchOptions } from "./fetch.ts";
import { type FetchedImage, MOST_BYTES } from "./layout.ts";
import { parseReference } from "./reference.ts";
import { type LayoutOptions, tar, writeLayout } from "./testing/layout.ts";
import { digestOf, startFalseRegistry, startRegistry } from "./testing/registry.ts";

const missing = ["skopeo", "docker-registry"].filter((name) => !findProgram(name));
if (missing.length > 0)
  console.warn(`NOT TESTED: fetching container images, for lack of ${missing.join(" and ")}`);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "emberbox-fetch-"));
  mkdirSync(join(directory, "cache"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

const get = (text: string, options: Partial<FetchOptions> = {}): Promise<FetchedImage> =>
  fetchImage(parseReference(text), {
    ...{ directory: join(directory, "cache"), architecture: HOST_ARCHITECTURE },
    ...options,
  });
const layout = (options?: LayoutOptions): string =>
  `oci:${writeLayout(join(directory, "layout"), options)}:it`;
/** What a fetch leaves, besides layers. */
const left = (): string[] =>
  readdirSync(join(directory, "cache")).filter((name) => name !== "blobs");

describe.skipIf(missing.length > 0)("a fetch", () => {
  test("brings the layers of a layout and what its configuration says, once", async () => {
    const config = {
      config: {
        Env: ["PATH=/opt/bin", "A=b=c", "odd name=1", "EMPTY="],
        WorkingDir: "/srv",
        User: "node:node",
        Entrypoint: ["/bin/false"],
      },
    };
    const image = layout({ layers: [tar([["a", "one"]]), tar([["b", "two"]])], config });
    const fetched = await get(image);
    expect(fetched).toMatchObject({
      envs: { PATH: "/opt/bin", A: "b=c", EMPTY: "" },
      workdir: "/srv",
      user: "node:node",
    });
    const blobs = readdirSync(join(blobsIn(join(directory, "cache")), "sha256"));
    expect(blobs).toEqual(
      expect.arrayContaining(fetched.layers.map(({ digest }) => digest.slice(7))),
    );
    expect(await get(image)).toEqual(fetched);
    expect(left()).toEqual([]);
  });

  test("reads what `docker save` wrote", async () => {
    const archive = `docker-archive:${join(directory, "it.tar")}`;
    await promisify(execFile)("skopeo", ["--insecure-policy", "copy", layout(), `${archive}:it:1`]);
    expect((await get(`${archive}:it:1`)).layers).toHaveLength(1);
  });

  test("takes a layer of zstd", async () => {
    const { zstdCompressSync } = await import("node:zlib");
    const mediaType = "application/vnd.oci.image.layer.v1.tar+zstd";
    const image = layout({ mediaType, compress: (data) => zstdCompressSync(data) });
    expect((await get(image)).layers).toHaveLength(1);
  });

  test("shows a registry who asks, and to others only whether it is there", async () => {
    await using registry = await startRegistry(directory);
    const { host, username, password } = registry;
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    writeFileSync(join(directory, "auth"), JSON.stringify({ auths: { [host]: { auth } } }));
    const push = ["--insecure-policy", "copy", "--dest-tls-verify=false"];
    await promisify(execFile)("skopeo", [
      ...[...push, "--authfile", join(directory, "auth"), layout(), `docker://${host}/it:1`],
    ]);
    const credentials = { username, password };
    const fetched = await get(`${host}/it:1`, { credentials });
    expect(await get(`${host}/it@${fetched.digest}`, { credentials })).toEqual(fetched);
    await expect(get(`${host}/it:1`)).rejects.toMatchObject({
      code: "template_build_failed",
      hint: expect.stringContaining("docker login") as unknown,
    });
    const wrong = get(`${host}/it:1`, { credentials: { username, password: "wrong" } });
    await expect(wrong).rejects.toThrow(/unauthorized|authentication required/);
    await expect(get(`${host}/none:1`, { credentials })).rejects.toThrow(/cannot be fetched/);
  });

  test("takes credentials neither through arguments nor into an error", async () => {
    await using registry = await startFalseRegistry((_path, request) => (response) => {
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
      request.resume();
    });
    const credentials = { username: "reader", password: "very-secret" };
    const failed = await get(`${registry.host}/it`, { credentials }).catch(
      (error: unknown) => error,
    );
    expect(JSON.stringify(failed) + String(failed)).not.toContain("very-secret");
    expect(left()).toEqual([]);
  });
});

const config = Buffer.from(
  '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
);
const layer = tar([["a", "text"]]);
const part = (mediaType: string, data: Buffer, size = data.length): object => ({
  ...{ mediaType: `application/vnd.oci.image.${mediaType}`, digest: digestOf(data), size },
});
const manifestOf = (more: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: part("config.v1+json", config),
      layers: [part("layer.v1.tar", layer)],
      ...more,
    }),
  );

describe.skipIf(missing.length > 0)("a hostile registry", () => {
  /** Fetches from a registry with this manifest, where layers are what `send` says. */
  async function fetchFrom(
    manifest: Buffer,
    send: Parameters<typeof startFalseRegistry>[0] = () => layer,
    options: Partial<FetchOptions> = {},
  ): Promise<FetchedImage> {
    await using registry = await startFalseRegistry((path, request) => {
      if (path.startsWith("manifests/")) return manifest;
      return path === `blobs/${digestOf(config)}` ? config : send(path, request);
    });
    return await get(`${registry.host}/it:1`, options);
  }

  test("is no different while it says what is so", async () => {
    expect((await fetchFrom(manifestOf())).layers).toHaveLength(1);
  });

  test("cannot give other layers than its manifest names", async () => {
    const other = fetchFrom(manifestOf(), () => tar([["a", "evil"]]));
    await expect(other).rejects.toThrow(/cannot be fetched: .*digest/i);
    expect(left()).toEqual([]);
  });

  test.each([-1, 0, 1, MOST_BYTES + 1])("cannot lie: a layer of %d bytes", async (bytes) => {
    const manifest = manifestOf({ layers: [part("layer.v1.tar", layer, bytes)] });
    const sizes = await fetchFrom(manifest).then(
      (image) => image.layers.map((each) => each.bytes),
      () => [layer.length],
    );
    expect(sizes).toEqual([layer.length]);
  });

  test("cannot send without end", async () => {
    const endless = fetchFrom(
      manifestOf(),
      () => (response) => {
        const more = (): void => {
          while (response.write(Buffer.alloc(65_536)));
        };
        response.on("drain", more);
        more();
      },
      { mostBytes: 20 * 1024 * 1024 },
    );
    await expect(endless).rejects.toMatchObject({ code: "template_build_failed" });
    expect(left()).toEqual([]);
  });

  test("cannot keep a build waiting", async () => {
    const stalled = fetchFrom(manifestOf(), () => (response) => void response.write("x"), {
      stallMs: 1500,
    });
    await expect(stalled).rejects.toThrow("nothing arrived for 2 seconds");
    expect(left()).toEqual([]);
  });

  test("is left when the caller says so", async () => {
    const abort = new AbortController();
    const aborted = fetchFrom(
      manifestOf(),
      () => () => void setTimeout(() => abort.abort(new Error("enough")), 100),
      { signal: abort.signal },
    );
    await expect(aborted).rejects.toThrow("enough");
    expect(left()).toEqual([]);
  });

  test.each([
    ["that is not JSON", Buffer.from("<html>")],
    ["that is huge", Buffer.alloc(8 * 1024 * 1024, " ")],
    ["without layers", manifestOf({ layers: [] })],
    ["with very many layers", manifestOf({ layers: Array(300).fill(part("layer.v1.tar", layer)) })],
    [
      "with layers that are elsewhere",
      manifestOf({ layers: [part("layer.nondistributable.v1.tar", layer)] }),
    ],
  ])("has a manifest %s, and is refused", async (_what, manifest) => {
    const failed = await fetchFrom(manifest).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: expect.stringMatching(/^(template_build_failed|unsupported)$/) as unknown,
    });
    expect(left()).toEqual([]);
  });

  test.each([
    ["another architecture", { architecture: "s390x" }, /linux\/s390x/],
    ["Windows", { os: "windows" }, /windows\//],
  ])("has an image for %s, and is refused", async (_what, config, why) => {
    const failed = get(layout({ config }));
    await expect(failed).rejects.toMatchObject({ code: "unsupported" });
    await expect(failed).rejects.toThrow(why);
  });
});
