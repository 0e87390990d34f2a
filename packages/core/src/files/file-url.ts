import { z } from "zod";
import { signFile, type FileGrant } from "../envd.ts";
import { EmberboxError } from "../errors.ts";
import { portUrl } from "../ports.ts";
import { type FieldsOf, parseOptions, positiveInteger, user } from "../options.ts";
import { ENVD_PORT } from "../envd.ts";
import type { SandboxConnection, SandboxProvider } from "../provider.ts";
import { checkPath } from "./path.ts";

/** How long a signed URL is valid, and for which user. */
export interface FileUrlOptions {
  /** How long the URL is valid, in seconds. @default as long as the sandbox lives */
  readonly useSignatureExpiration?: number | undefined;
  /** The user to read or write the file as. @default the sandbox's user */
  readonly user?: string | undefined;
}

const schema = z.strictObject({
  user,
  useSignatureExpiration: positiveInteger,
} satisfies FieldsOf<FileUrlOptions>);

/** A URL that grants one operation on one file. */
export async function fileUrl(
  connection: SandboxConnection,
  provider: SandboxProvider,
  operation: FileGrant["operation"],
  path: string,
  options: FileUrlOptions | undefined,
): Promise<string> {
  checkPath(path);
  const { user: name = "", useSignatureExpiration } = parseOptions(schema, options);
  const url = new URL("/files", await portUrl(connection, provider, ENVD_PORT));
  url.searchParams.set("path", path);
  if (name !== "") url.searchParams.set("username", name);
  const expiration =
    useSignatureExpiration === undefined
      ? null
      : String(Math.floor(Date.now() / 1000) + useSignatureExpiration);
  if (connection.accessToken === undefined) {
    if (expiration === null) return String(url);
    const message = "A URL can expire only where the sandbox demands an access token";
    throw new EmberboxError("invalid_argument", message);
  }
  const signature = signFile({ path, operation, user: name, expiration }, connection.accessToken);
  url.searchParams.set("signature", signature);
  if (expiration !== null) url.searchParams.set("signature_expiration", expiration);
  return String(url);
}
