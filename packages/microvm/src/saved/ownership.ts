import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { paths } from "../host/paths.ts";
import { unfinished } from "../host/unfinished.ts";

/*
 * What is saved may name folders of this machine, and may come from anybody. What this user has saved is told by a seal,
 * made with a key that is in nothing that is saved.
 */

const BYTES = 32;
const keyFile = (): string => join(paths().state, "workspace-key");

export async function sealOf(text: string): Promise<string> {
  return seal(text, (await readKey()) ?? (await makeKey()));
}

export async function isSealed(text: string, given: string): Promise<boolean> {
  const key = await readKey();
  if (key === undefined) return false;
  const [own, other] = [seal(text, key), given].map((each) => Buffer.from(each)) as [
    Buffer,
    Buffer,
  ];
  return own.length === other.length && timingSafeEqual(own, other);
}

const seal = (text: string, key: Buffer): string =>
  createHmac("sha256", key).update(text).digest("hex");

async function readKey(): Promise<Buffer | undefined> {
  try {
    const key = await readFile(keyFile());
    return key.length === BYTES ? key : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Another program may make one at the same time: whichever is there first is the key. */
async function makeKey(): Promise<Buffer> {
  const { state } = paths();
  await mkdir(state, { recursive: true, mode: 0o700 });
  const making = unfinished(state, "new");
  const key = randomBytes(BYTES);
  try {
    const file = await open(making, "wx", 0o600);
    try {
      await file.writeFile(key);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(making, keyFile()).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(making, { force: true });
  }
  return (await readKey()) ?? key;
}
