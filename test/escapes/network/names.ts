import type { Attempt } from "../attempt.ts";
import { because, by, python, withSent } from "./by.ts";

const listed = (id: string, tries: string, script: string, refused: RegExp): Attempt =>
  by("listed", id, tries, script, refused);
/** Speaks to a host byte by byte: \`say(host, port, text)\`, with TLS for \`name\` where there is one. */
const SAY = `
def say(host, port, text, name=None):
    s = socket.create_connection((host, port), 20)
    if name is not None:
        context = ssl._create_unverified_context()
        s = context.wrap_socket(s, server_hostname=name or None)
    s.sendall(text.replace("\\n", "\\r\\n").encode())
    got = b""
    try:
        while more := s.recv(65536): got += more
    except OSError: pass
    print(got.decode("latin1") or "nothing")
`;
const say = (code: string): string =>
  python(`${SAY}try:\n    ${code}\nexcept Exception as error: print(type(error).__name__)`);

/** By names, TLS and HTTP that do not say what they are for. */
export const names: readonly Attempt[] = [
  listed(
    "unlisted",
    "reach a name that is not allowed",
    "curl -sS -m 20 http://loopback.test:$OWN/ 2>&1",
    because("loopback.test is not in allowOut"),
  ),
  listed(
    "redirect",
    "be sent on to the metadata service",
    "curl -sSL -m 20 'http://api.test:'$WEB'/to?http://169.254.169.254/' 2>&1",
    because("169.254.169.254 is a link-local address"),
  ),
  listed(
    "redirect-name",
    "be sent on to a name that is not allowed",
    "curl -sSL -m 20 'http://api.test:'$WEB'/to?http://metadata.test/' 2>&1",
    because("metadata.test is not in allowOut"),
  ),
  listed(
    "sni",
    "ask for another name in TLS",
    say(`say("cdn.test", int(os.environ["TLS"]), "GET / HTTP/1.0\\n\\n", "evil.test")`),
    /^(?![^]*GOT)[^]*its TLS is for evil.test/,
  ),
  listed(
    "sni-missing",
    "ask for no name in TLS",
    say(`say("cdn.test", int(os.environ["TLS"]), "GET / HTTP/1.0\\n\\n", "")`),
    /^(?![^]*GOT)[^]*its TLS is for no name/,
  ),
  listed(
    "sni-slow",
    "send the other name late and in pieces",
    python(`${SAY}
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
try: ssl._create_unverified_context().wrap_bio(incoming, outgoing, server_hostname="evil.test").do_handshake()
except ssl.SSLWantReadError: pass
import time
s = socket.create_connection(("cdn.test", int(os.environ["TLS"])), 20)
try:
    for byte in outgoing.read(): s.send(bytes([byte])); time.sleep(0.002)
    print("GOT" if s.recv(1) else "nothing")
except OSError as error: print(type(error).__name__)`),
    because("its TLS is for evil.test"),
  ),
  listed(
    "host",
    "name another host in the request",
    say(`say("api.test", 80, "GET / HTTP/1.1\\nHost: evil.test\\n\\n")`),
    because("the request's Host is evil.test"),
  ),
  listed(
    "host-twice",
    "name two hosts",
    say(`say("api.test", 80, "GET / HTTP/1.1\\nHost: api.test\\nHost: evil.test\\n\\n")`),
    /^(nothing|HTTP\/1.1 40[03])/,
  ),
  listed(
    "host-missing",
    "name none",
    say(`say("api.test", 80, "GET / HTTP/1.0\\n\\n")`),
    because("the request does not name one host"),
  ),
  listed(
    "host-absolute",
    "name it in the request's line",
    say(`say("api.test", 80, "GET http://evil.test/ HTTP/1.1\\nHost: api.test\\n\\n")`),
    because("the request is for a proxy"),
  ),
  listed(
    "host-tls",
    "name another host inside TLS that the gateway reads",
    say(
      `say("api.test", int(os.environ["TLS"]), "GET /tls HTTP/1.1\\nHost: cdn.test\\n\\n", "api.test")`,
    ),
    because("the request's Host is cdn.test"),
  ),
  withSent(
    "pipelined",
    "name another host in a second request",
    say(
      `say("api.test", int(os.environ["TLS"]), "GET /one HTTP/1.1\\nHost: api.test\\n\\nGET /two HTTP/1.1\\nHost: cdn.test\\n\\n", "api.test")`,
    ),
    /the request's Host is cdn.test[^]*sent: GET \/one [^,]*$/,
  ),
  listed(
    "smuggling",
    "hide a request in another one's body",
    say(
      `say("api.test", int(os.environ["TLS"]), "POST /hide HTTP/1.1\\nHost: api.test\\nContent-Length: 4\\nTransfer-Encoding: chunked\\n\\n0\\n\\nGET /hidden HTTP/1.1\\nHost: cdn.test\\n\\n", "api.test")`,
    ),
    /^(?![^]*GOT)(nothing|\w*Error|HTTP\/1.1 400)/,
  ),
  listed(
    "connect",
    "have the gateway connect to an address",
    say(`say("api.test", 80, "CONNECT 10.0.0.1:22 HTTP/1.1\\nHost: api.test\\n\\n")`),
    /HTTP\/1.1 405/,
  ),
  listed(
    "upgrade",
    "ask for another protocol for another host",
    say(
      `say("api.test", int(os.environ["TLS"]), "GET / HTTP/1.1\\nHost: cdn.test\\nConnection: Upgrade\\nUpgrade: websocket\\n\\n", "api.test")`,
    ),
    because("the request's Host is cdn.test"),
  ),
];
