/** Headers that concern one connection only: RFC 9110, 7.6.1, and similar ones that older software sends. */
const ofOneConnection: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"],
  ...["upgrade", "http2-settings", "proxy-authenticate", "proxy-authorization", "expect"],
]);

type IsDropped = (name: string, value: string) => boolean;
type Header = readonly [name: string, value: string];

/**
 * The headers of a message that are passed on, in their order and as they were written. Headers are a flat list of
 * names and values in turn, as Node and undici have them; `isDropped` is asked with names in lower case.
 */
export function passedOn(headers: readonly string[], isDropped: IsDropped = () => false): string[] {
  const named = new Set(
    valuesOf(headers, "connection").flatMap((value) => value.toLowerCase().split(/[\s,]+/)),
  );
  return pairsOf(headers)
    .filter(([written, value]) => {
      const name = written.toLowerCase();
      const isHop = ofOneConnection.has(name) || named.has(name) || name.startsWith(":");
      return !isHop && !isDropped(name, value);
    })
    .flat();
}

/** The same for a request, with exactly one `Host`: the one that it was sent to, or `host`. */
export function requestHeaders(
  headers: readonly string[],
  host: string | undefined,
  isDropped: IsDropped = () => false,
): string[] {
  const [authority] = valuesOf(headers, ":authority");
  const known = host ?? authority ?? valuesOf(headers, "host")[0];
  const cookies = valuesOf(headers, "cookie");
  // HTTP/2 has the host in a pseudo-header, and may send cookies separately: RFC 9113, 8.2.3.
  const isApart = authority !== undefined && cookies.length > 1;
  const passed = passedOn(
    headers,
    (name, value) => name === "host" || (isApart && name === "cookie") || isDropped(name, value),
  );
  if (isApart && !isDropped("cookie", cookies.join("; ")))
    passed.push("cookie", cookies.join("; "));
  return known === undefined ? passed : ["Host", known, ...passed];
}

/** The `Host` that a server inside sees; `${PORT}` stands for its port. */
export function maskedHost(mask: string | undefined, port: number): string | undefined {
  return mask?.replaceAll("${PORT}", String(port));
}

/** The head of an answer, for a connection that Node no longer writes to. */
export function headOf(status: number, text: string, headers: readonly string[]): Buffer {
  const lines = pairsOf(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} ${text}\r\n${lines.join("")}\r\n`, "latin1");
}

/** The values that a header was sent with; `name` is in lower case. */
export function valuesOf(headers: readonly string[], name: string): string[] {
  return pairsOf(headers)
    .filter(([written]) => written.toLowerCase() === name)
    .map(([, value]) => value);
}

function pairsOf(headers: readonly string[]): Header[] {
  return headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1]!] as const] : []));
}
