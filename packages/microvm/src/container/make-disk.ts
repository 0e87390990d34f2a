import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { Readable, Transform } from "node:stream";
import { EmberboxError, type Sandbox } from "@emberbox/core";
import { quote } from "@emberbox/core/template";
import { z } from "zod";
import { parseJson } from "../host/json.ts";
import { IMAGE_DISK_MB } from "../image/recipe.ts";
import { blobPath, broken, type FetchedImage, type ImageLayer, unsupported } from "./layout.ts";
import { programs, readProgram } from "./store.ts";
import { writePieces } from "./pieces.ts";

/** How large the disk of a machine is that makes one, MiB: the default template, a layer, the disk, and what is sent of it. */
export const MAKER_DISK_MB = 16_384;
/** What an image may have, unpacked: the rest of the disk is for what is added. */
const MOST_UNPACKED_BYTES = (IMAGE_DISK_MB - 768) * 1024 * 1024;
const MOST_ENTRIES = 300_000;
/** How long one layer may take, in ms: a hostile one could take for ever. */
const LAYER_MS = 1_800_000;

const PLACE = "/var/tmp/emberbox-image";
const ROOT = `${PLACE}/root`;
const MAKE = `set -e
mkdir -p ${ROOT}
truncate -s ${IMAGE_DISK_MB}M ${PLACE}/disk
mke2fs -q -F -t ext4 -b 4096 -m 0 -L emberbox -O ^has_journal,^metadata_csum -E lazy_itable_init=0,root_owner=0:0 ${PLACE}/disk
mount -o loop,noatime,nodev,nosuid ${PLACE}/disk ${ROOT}
rmdir ${ROOT}/lost+found`;

const unpacked = z.object({ bytes: z.number().min(0), entries: z.number().min(0) });
const adapted = z.object({ user: z.string().regex(/^[\w.-]{1,64}$/) });

export interface MakeDiskOptions {
  readonly image: FetchedImage;
  /** Where the layers are. */
  readonly blobs: string;
  /** A fresh sandbox of the default template, whose disk has `MAKER_DISK_MB`. */
  readonly sandbox: Sandbox;
  /** The file to write; not there yet. */
  readonly target: string;
  readonly onProgress: (step: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes the disk of a machine of an image's layers. They are unpacked in a sandbox, and what comes back is written as it
 * is: this machine parses none of it. Returns the account that the image's programs run as.
 * @throws `template_build_failed`, `unsupported`
 */
export async function makeDisk(options: MakeDiskOptions): Promise<{ user: string }> {
  const { image, sandbox, target, onProgress, signal } = options;
  const run = runner(sandbox, signal);
  await run(MAKE);
  for (const name of programs)
    await sandbox.files.write(`${PLACE}/${name}`, await readProgram(name), {
      user: "root",
      signal,
    });
  let [bytes, entries] = [MOST_UNPACKED_BYTES, MOST_ENTRIES];
  for (const [index, layer] of image.layers.entries()) {
    onProgress(`unpacking layer ${index + 1} of ${image.layers.length}`);
    await send(layer, options);
    const limits = `${bytes} ${entries}`;
    const said = await run(`python3 -I ${program("unpack")} ${ROOT} ${PLACE}/layer ${limits}`);
    const made = parse(unpacked, said);
    [bytes, entries] = [bytes - made.bytes, entries - made.entries];
  }
  onProgress("adding what sandboxes need");
  const path = image.envs["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  const given = [ROOT, path, image.user ?? "", image.workdir].map(quote).join(" ");
  const said = await run(`rm -f ${PLACE}/layer; python3 -I ${program("adapt")} ${given}`);
  const facts = parse(adapted, said);
  onProgress("writing the disk");
  const pieces = await run(
    `umount ${ROOT} && python3 -I ${program("pack")} ${PLACE}/disk ${PLACE}/packed`,
  );
  await receive(sandbox, pieces, target, signal);
  return facts;
}

/** `-I` leaves out the program's own directory, where the others are. */
const program = (name: string): string =>
  `-c "import sys; sys.path.insert(0, '${PLACE}'); import ${name}; ${name}.main(*sys.argv[1:])"`;

/** Runs as root, and returns what is printed. What fails is the image's fault, and says why in its last line. */
function runner(
  sandbox: Sandbox,
  signal: AbortSignal | undefined,
): (command: string) => Promise<string> {
  return async (command) => {
    const options = { user: "root", cwd: "/", timeoutMs: LAYER_MS, signal };
    const { exitCode, stdout, stderr } = await sandbox.commands.run(command, options);
    if (exitCode === 0) return stdout;
    const why = stderr.trim().split("\n").at(-1)?.slice(0, 500) ?? "";
    if (why.includes("No space left on device"))
      throw unsupported(`it does not fit on a disk of ${IMAGE_DISK_MB} MiB`);
    throw why.startsWith("it ")
      ? unsupported(why)
      : broken(why || `unpacking ended with ${exitCode}`);
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, said: string): z.output<Schema> {
  const parsed = schema.safeParse(parseJson(said));
  if (parsed.success) return parsed.data;
  throw broken("its machine did not say what it did");
}

/** Sends a layer, and checks meanwhile that it is what its name says: it may have been kept for long. */
async function send(layer: ImageLayer, { sandbox, blobs, signal }: MakeDiskOptions): Promise<void> {
  const path = blobPath(blobs, layer);
  const hash = createHash("sha256");
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const file = createReadStream(path);
  file.on("error", (error) => hashed.destroy(error));
  const stream = Readable.toWeb(file.pipe(hashed)) as ReadableStream<Uint8Array>;
  await sandbox.files.write(`${PLACE}/layer`, stream, { user: "root", signal });
  if (`sha256:${hash.digest("hex")}` === layer.digest) return;
  await rm(path, { force: true });
  throw broken(
    `the layer ${layer.digest} was damaged: it was removed, and the next build fetches it`,
  );
}

async function receive(
  sandbox: Sandbox,
  pieces: string,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(target, "wx", 0o644);
  try {
    const data = await sandbox.files.read(`${PLACE}/packed`, {
      ...{ format: "stream", user: "root", signal },
    });
    await writePieces(file, parseJson(pieces), data, IMAGE_DISK_MB * 1024 * 1024);
    await file.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    throw new EmberboxError("host_disk_full", `no space for ${target}`, { cause: error });
  } finally {
    await file.close();
  }
}
