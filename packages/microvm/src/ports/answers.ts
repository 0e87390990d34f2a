const reasons = {
  400: ["Bad Request", "The port takes HTTP requests only, to paths, with one host"],
  403: ["Forbidden", "The header e2b-traffic-access-token is missing or wrong"],
  502: ["Bad Gateway", "The sandbox is running but port is not open"],
} as const;

export type Refusal = keyof typeof reasons;

interface Place {
  readonly sandboxId: string;
  readonly port: number;
}

export function refusalBody(
  { sandboxId, port }: Place,
  code: Refusal,
  message: string = reasons[code][1],
): string {
  return JSON.stringify({ sandboxId, message, port, code });
}

/** Why a request does not reach a server inside, in E2B's form: a whole answer, after which the connection ends. */
export function refusal(place: Place, code: Refusal, message?: string): string {
  const body = refusalBody(place, code, message);
  return [
    `HTTP/1.1 ${code} ${reasons[code][0]}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}
