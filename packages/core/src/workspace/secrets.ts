/** Directories of programs that keep secrets. */
const DIRECTORIES = new Set([".ssh", ".gnupg", ".aws", ".azure", ".kube", ".password-store"]);
const EXAMPLE = /\.(?:example|sample|template|tmpl|dist|schema)$/i;

const byName: readonly (readonly [RegExp, string])[] = [
  [/^\.env(?:\..+)?$|^.+\.env$|^\.envrc$/i, "settings with secrets"],
  [/^id_(?:rsa|dsa|ecdsa|ed25519|xmss)(?:_sk)?$/, "a private key"],
  [/\.(?:key|p12|pfx|ppk|jks|keystore)$/i, "a private key"],
  [/\.kdbx?$/i, "a database of passwords"],
  [
    /^[._]netrc$|^\.pgpass$|^\.my\.cnf$|^\.git-credentials$|^\.htpasswd$|^\.vault-token$/,
    "passwords",
  ],
];

/** Files that have a secret or not, depending on what is in them. */
const byContent: readonly (readonly [RegExp, RegExp, string])[] = [
  [/(?:^|\/)[^/]+\.pem$/i, /PRIVATE KEY-----/, "a private key"],
  [/(?:^|\/)\.npmrc$/, /_auth|_password/i, "a token of a package registry"],
  [/(?:^|\/)\.yarnrc\.yml$/, /npmAuth/i, "a token of a package registry"],
  [/(?:^|\/)\.pypirc$/, /password/i, "a token of a package registry"],
  [/(?:^|\/)pip\.conf$/, /:\/\/[^/\s:@]*:[^/\s@]+@/, "a token of a package registry"],
  [/(?:^|\/)\.docker\/config\.json$/, /"auth"|"identitytoken"/, "a token of a registry"],
  [
    /(?:^|\/)[^/]*(?:credential|service.?account)[^/]*\.json$/i,
    /private_key|refresh_token|client_secret/,
    "credentials",
  ],
  [
    /(?:^|\/)\.git\/(?:modules\/.+\/)?config$/,
    /:\/\/[^/\s:@]*:[^/\s@]+@|extraheader\s*=.*authorization/i,
    "a password in a remote's address",
  ],
];

/** How much of a file is looked at. */
export const LOOKED_AT: number = 64 * 1024;

/** Why something is taken for a secret; `read` gives the beginning of a file. Paths are bytes. */
export function secretAt(
  path: string,
  isDirectory: boolean,
  read: () => string,
): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (isDirectory) return DIRECTORIES.has(name) ? "a directory of credentials" : undefined;
  if (EXAMPLE.test(name)) return undefined;
  const named = byName.find(([expression]) => expression.test(name));
  if (named !== undefined) return named[1];
  return byContent.find(([where, what]) => where.test(path) && what.test(read()))?.[2];
}
