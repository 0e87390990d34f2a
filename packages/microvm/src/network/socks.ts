import type { Socket } from "node:net";
import { isIP } from "node:net";
import { parseAddress } from "./addresses.ts";

/** What a SOCKS5 proxy wants to know of whoever connects. */
export interface SocksCredentials {
  readonly username: string;
  readonly password: string;
}

/** Bytes of the protocol (RFC 1928, RFC 1929). */
const VERSION = 5;
const [NO_CREDENTIALS, PASSWORD] = [0, 2];
const CONNECT = 1;
const [IPV4, DOMAIN, IPV6] = [1, 3, 4];
const PASSWORD_VERSION = 1;
/** What each kind of address takes in an answer; that of a name is said by its first byte. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { [IPV4]: 4, [IPV6]: 16 };

/** Has a proxy connect to a host, by name or address; the socket is then a connection to that host. @throws Error */
export async function connectBySocks(
  socket: Socket,
  { host, port }: { readonly host: string; readonly port: number },
  credentials: SocksCredentials | undefined,
): Promise<void> {
  const methods = credentials ? [NO_CREDENTIALS, PASSWORD] : [NO_CREDENTIALS];
  socket.write(Buffer.from([VERSION, methods.length, ...methods]));
  const [version, method] = await read(socket, 2);
  if (version !== VERSION) throw new Error("what answers is no SOCKS5 proxy");
  if (method === PASSWORD && credentials) await login(socket, credentials);
  else if (method !== NO_CREDENTIALS) throw new Error("the proxy wants other credentials");
  const portBytes = Buffer.from([port >> 8, port & 255]);
  socket.write(Buffer.concat([Buffer.from([VERSION, CONNECT, 0]), addressOf(host), portBytes]));
  const answer = await read(socket, 4);
  if (answer[0] !== VERSION || answer[1] !== 0)
    throw new Error(`the proxy did not connect (${answer[1]})`);
  const bytes = answer[3] === DOMAIN ? (await read(socket, 1))[0]! : ADDRESS_BYTES[answer[3]!];
  if (bytes === undefined) throw new Error("the proxy answered wrongly");
  await read(socket, bytes + 2);
}

async function login(socket: Socket, { username, password }: SocksCredentials): Promise<void> {
  const [name, secret] = [Buffer.from(username), Buffer.from(password)];
  const parts = [[PASSWORD_VERSION, name.length], name, [secret.length], secret];
  socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as number[]))));
  if ((await read(socket, 2))[1] !== 0) throw new Error("the proxy refused the credentials");
}

function addressOf(host: string): Buffer {
  const kind = isIP(host);
  if (kind === 0) {
    const name = Buffer.from(host);
    return Buffer.concat([Buffer.from([DOMAIN, name.length]), name]);
  }
  const bytes = parseAddress(host)!.toByteArray();
  return Buffer.from([bytes.length === 4 ? IPV4 : IPV6, ...bytes]);
}

/** The next bytes, all of them; what follows stays in the socket. */
function read(socket: Socket, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (act: () => void): void => {
      socket.off("readable", look);
      socket.off("close", gone);
      act();
    };
    const look = (): void => {
      const bytes = socket.read(count) as Buffer | null;
      if (bytes === null) return;
      if (bytes.length === count) done(() => resolve(bytes));
      else gone();
    };
    const gone = (): void => done(() => reject(new Error("the proxy ended the connection")));
    socket.on("readable", look);
    socket.on("close", gone);
    look();
  });
}
