import { open, readFile, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { Command } from "commander";
import {
  exportImage,
  imageKey,
  type Imported,
  importImage,
  type Progress,
} from "@emberbox/microvm/internal";
import { oneLine } from "@emberbox/core/terminal";
import { EXIT, type Finish, say, UsageError } from "./failure.ts";
import { imageDisplay } from "./image-display.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { inMiB, printJson } from "./print.ts";
import { parseTemplate, templateNames } from "./template-name.ts";
import { writeWhole } from "./whole-file.ts";

interface ExportFlags {
  readonly template: string;
  readonly sign?: string;
  readonly json?: true;
}

interface ImportFlags {
  readonly verify?: string;
  readonly json?: true;
}

export function addImage(program: Command, finish: Finish): void {
  const image = program
    .command("image")
    .summary("take a built image to other machines, in one file")
    .description("Takes a template's disk image, once it is built, to other machines.")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox image export emberbox.image
  $ emberbox image import emberbox.image`,
    );
  const template = ["--template <NAME>", `one of: ${templateNames.join(", ")}`] as const;
  image
    .command("key")
    .summary("print what a cache is to call the image")
    .description(
      "Prints the name of a template's image, built or not. It changes when this version would build another one.",
    )
    .option(...template, parseTemplate, "default")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox image key
  $ emberbox image key --template r`,
    )
    .action(async (flags: { readonly template: string }) => {
      process.stdout.write(`${await imageKey(flags.template)}\n`);
    });
  image
    .command("export")
    .summary("write a built image to a file")
    .description("Writes a template's image, which must have been built, to one compressed file.")
    .argument("<FILE>", "what to write, or `-` for standard output")
    .option(...template, parseTemplate, "default")
    .option("--sign <KEYFILE>", "sign it by an ed25519 private key, as PEM")
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox image export emberbox.image
  $ emberbox image export r.image --template r --sign image.key
  $ emberbox image export - | ssh other emberbox image import -

A pair of keys to sign and verify with:
  $ openssl genpkey -algorithm ed25519 -out image.key
  $ openssl pkey -in image.key -pubout -out image.pub`,
    )
    .action(async (file: string, flags: ExportFlags) => finish(await exportTo(file, flags)));
  image
    .command("import")
    .summary("take an image from a file, instead of building it")
    .description(
      "Takes an image that `emberbox image export` wrote. A file that is damaged or not for this version is refused.",
    )
    .argument("<FILE>", "what to read, or `-` for standard input")
    .option("--verify <KEYFILE>", "refuse what is not signed by the key whose public half this is")
    .option("--json", "print what was imported as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox image import emberbox.image
  $ emberbox image import emberbox.image --verify image.pub`,
    )
    .action(async (file: string, flags: ImportFlags) => finish(await importFrom(file, flags)));
}

async function exportTo(file: string, { template, sign, json }: ExportFlags): Promise<number> {
  const toStdout = file === "-";
  if (toStdout && json) throw new UsageError("`-` and --json both want standard output");
  if (toStdout && process.stdout.isTTY)
    throw new UsageError("an image is not for a terminal", "Name a file, or pipe it on.");
  const signingKey = await readKey(sign);
  process.stdout.on("error", () => {}); // The write that failed tells.
  const exitCode = await attended(async (shown) => {
    const work = (write: Write): Promise<void> =>
      exportImage({ template, write, signingKey, ...shown });
    await (toStdout ? work(writeStdout) : writeWhole(file, work));
  });
  if (toStdout || exitCode !== EXIT.ok) return exitCode;
  const { size: bytes } = await stat(file);
  const key = await imageKey(template);
  if (json) printJson({ file, bytes, key, signed: sign !== undefined });
  else process.stdout.write(`file   ${oneLine(file)}, ${inMiB(bytes)}\nimage  ${key}\n`);
  return EXIT.ok;
}

async function importFrom(file: string, { verify, json }: ImportFlags): Promise<number> {
  if (file === "-" && process.stdin.isTTY)
    throw new UsageError("an image cannot be typed", "Name a file, or pipe it in.");
  const publicKey = await readKey(verify);
  const stream = file === "-" ? process.stdin : await openFile(file);
  let imported: Imported | undefined;
  const exitCode = await attended(async (shown) => {
    imported = await importImage({ file: stream, publicKey, ...shown });
  });
  if (imported === undefined) return exitCode;
  const { isNew, image } = imported;
  const { directory } = image;
  if (!json && !isNew) say("it was there already");
  if (json) printJson({ directory, isNew, verified: verify !== undefined });
  else process.stdout.write(`image  ${oneLine(directory)}\n`);
  return EXIT.ok;
}

type Write = (bytes: Buffer) => Promise<void>;

interface Shown {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Does work and shows its progress. Resolves to the exit code. */
async function attended(work: (shown: Shown) => Promise<void>): Promise<number> {
  using interrupt = listenForInterrupt();
  const display = imageDisplay();
  const onProgress = (progress: Progress): void => display.show(progress);
  try {
    await work({ signal: interrupt.signal, onProgress });
    return EXIT.ok;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return EXIT.brokenPipe;
    throw error;
  } finally {
    display.end();
  }
}

/** Resolves when there is room for more. */
function writeStdout(bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

async function openFile(path: string): Promise<Readable> {
  try {
    const file = await open(path);
    if ((await file.stat()).isDirectory()) throw new Error("it is a directory");
    return file.createReadStream({ highWaterMark: 1024 * 1024 });
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function readKey(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, error: unknown): UsageError =>
  new UsageError(`${path} cannot be read: ${(error as Error).message}`);
