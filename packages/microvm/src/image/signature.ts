import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { EmberboxError } from "@emberbox/core";

const HINT =
  "Make a pair with: openssl genpkey -algorithm ed25519 -out image.key && openssl pkey -in image.key -pubout -out image.pub";

/** Makes the signature of a text, as base64. */
export type Signer = (text: string) => string;

/** Signs by an ed25519 key. @throws `invalid_argument` */
export function signer(privateKey: string): Signer {
  const key = readKey("a private", () => createPrivateKey(privateKey));
  return (text) => sign(null, Buffer.from(text), key).toString("base64");
}

/** Whether that signature is by the other half of that key. @throws `invalid_argument` */
export function isSigned(text: string, signature: string, publicKey: string): boolean {
  const key = readKey("a public", () => createPublicKey(publicKey));
  return verify(null, Buffer.from(text), key, Buffer.from(signature, "base64"));
}

function readKey(which: string, read: () => KeyObject): KeyObject {
  const refuse = (cause?: unknown): EmberboxError =>
    new EmberboxError("invalid_argument", `the key is not ${which} ed25519 key as PEM`, {
      hint: HINT,
      cause,
    });
  let key: KeyObject;
  try {
    key = read();
  } catch (error) {
    throw refuse(error);
  }
  if (key.asymmetricKeyType !== "ed25519") throw refuse();
  return key;
}
