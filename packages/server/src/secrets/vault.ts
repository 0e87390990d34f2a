import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Encrypts what is stored, with a key in a file of its own. What is wrong with that is for the server's log. */
export interface Vault {
  /** `about` says what it is: only under the same words can it be opened. */
  seal(about: string, text: string): Uint8Array;
  /** @throws for what was not sealed with this key, or about something else */
  open(about: string, sealed: Uint8Array): string;
}

const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export function openVault(directory: string): Vault {
  let key: Buffer | undefined;
  // Made with the first secret: a server that has none needs none.
  const theKey = (): Buffer => (key ??= readKey(join(directory, "secrets.key")));
  return {
    seal(about, text) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, theKey(), iv).setAAD(Buffer.from(about));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
    },
    open(about, sealed) {
      try {
        const bytes = Buffer.from(sealed);
        const iv = bytes.subarray(0, IV_BYTES);
        const decipher = createDecipheriv(ALGORITHM, theKey(), iv, { authTagLength: TAG_BYTES })
          .setAAD(Buffer.from(about))
          .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        const text = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8");
        return text + decipher.final("utf8");
      } catch (error) {
        throw new Error(
          "a secret cannot be read: secrets.key in the state directory is not the key that it was stored with",
          { cause: error },
        );
      }
    },
  };
}

/** Servers that share the directory share the key: whoever is first makes it, whole. */
function readKey(path: string): Buffer {
  const beside = `${path}.${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) !== 0) throw new Error(`others may read ${path}: give it the mode 0600`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    try {
      writeFileSync(beside, randomBytes(KEY_BYTES), { mode: 0o600, flag: "wx", flush: true });
      linkSync(beside, path);
    } catch (failure) {
      if ((failure as NodeJS.ErrnoException).code !== "EEXIST") throw failure;
    } finally {
      rmSync(beside, { force: true });
    }
  }
  const key = readFileSync(path);
  if (key.length === KEY_BYTES) return key;
  throw new Error(`${path} is no key of ${KEY_BYTES} bytes`);
}
