/** They concern one connection only, and are not passed on. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "http2-settings",
]);

/** Headers are flat lists of alternating names and values, as Node has them. */
export function without(
  headers: readonly string[],
  isUnwanted: (name: string) => boolean,
): string[] {
  return headers.flatMap((name, index) =>
    index % 2 === 0 && !isUnwanted(name.toLowerCase()) ? [name, headers[index + 1]!] : [],
  );
}

export const endToEnd = (headers: readonly string[]): string[] =>
  without(headers, (name) => HOP_BY_HOP.has(name));

/** Sets headers, replacing those with the same names. */
export function withHeaders(
  headers: readonly string[],
  set: Readonly<Record<string, string>>,
): string[] {
  const names = new Set(Object.keys(set).map((name) => name.toLowerCase()));
  return [...without(headers, (name) => names.has(name)), ...Object.entries(set).flat()];
}

/** Why a request is not for the host that the connection is to; `undefined` if it is. */
export function wrongRequest(
  url: string,
  headers: readonly string[],
  host: string,
): string | undefined {
  if (!url.startsWith("/") && url !== "*") return "the request is for a proxy";
  const hosts = headers.filter(
    (_value, index) => index % 2 === 1 && headers[index - 1]!.toLowerCase() === "host",
  );
  if (hosts.length !== 1) return "the request does not name one host";
  const named = hosts[0]!
    .toLowerCase()
    .replace(/:\d{1,5}$/, "")
    .replace(/\.$/, "");
  return named === host ? undefined : `the request's Host is ${printable(hosts[0]!)}`;
}

/** What the guest wrote, made printable for a message. */
export const printable = (text: string): string =>
  text.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, "?");
