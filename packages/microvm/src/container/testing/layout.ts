import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export interface LayoutOptions {
  /** Archives, each a tar file's bytes. */
  readonly layers?: readonly Buffer[];
  readonly config?: object;
  /** Changes to what is right. */
  readonly manifest?: object;
  readonly mediaType?: string;
  readonly compress?: (data: Buffer) => Buffer;
}

const sha256 = (data: Buffer | string): string =>
  `sha256:${createHash("sha256").update(data).digest("hex")}`;

/** Writes an image as an OCI layout, under the tag `it`. */
export function writeLayout(directory: string, options: LayoutOptions = {}): string {
  const { layers = [tar([["a", "text"]])], config = {}, compress = gzipSync } = options;
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
  const put = (data: Buffer | string, mediaType: string): object => {
    const digest = sha256(data);
    writeFileSync(join(directory, "blobs", digest.replace(":", "/")), data);
    return { mediaType, digest, size: Buffer.byteLength(data) };
  };
  const type = options.mediaType ?? "application/vnd.oci.image.layer.v1.tar+gzip";
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: put(
      JSON.stringify({
        ...{ architecture: process.arch === "arm64" ? "arm64" : "amd64", os: "linux" },
        rootfs: { type: "layers", diff_ids: layers.map(sha256) },
        ...config,
      }),
      "application/vnd.oci.image.config.v1+json",
    ),
    layers: layers.map((layer) => put(compress(layer), type)),
    ...options.manifest,
  };
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        ...put(JSON.stringify(manifest), "application/vnd.oci.image.manifest.v1+json"),
        annotations: { "org.opencontainers.image.ref.name": "it" },
      },
    ],
  };
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, "index.json"), JSON.stringify(index));
  return directory;
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");

/** A tar archive of files with these contents, and of links. */
export function tar(
  files: readonly (readonly [name: string, content: string, link?: string])[],
): Buffer {
  const blocks = files.flatMap(([name, content, link = ""]) => {
    const data = Buffer.from(content);
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write(`${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
    head.write(
      `${octal(data.length, 11)}\0${octal(0, 11)}\0        ${link === "" ? 0 : 2}${link}`,
      124,
    );
    head.write("ustar\x0000", 257);
    const sum = head.reduce((total, byte) => total + byte, 0);
    head.write(`${octal(sum, 6)}\0 `, 148);
    return [head, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
