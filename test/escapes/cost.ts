import type { Attempt } from "./attempt.ts";
import { agent } from "./channel.ts";
import { readFile, runCode, runCommand, type Told } from "./takeover.ts";

const REFUSED = "protocol_error";
const GIVEN_UP = "timeout";
const MB = 1_000_000;

const cost = (id: string, tries: string, refusedBy: string, codes: string, told: Told): Attempt =>
  agent(id, tries, told, codes, refusedBy);

const ENVELOPES = `
def envelope(message): return struct.pack(">BI", 0, len(message)) + message
more(stream, b"HTTP/1.1 200 OK\\r\\nContent-Type: application/connect+json\\r\\n" + CHUNKED)
more(stream, chunk(envelope(b'{"event":{"start":{"pid":7}}}')))`;

/** By an agent that has been taken over: little for it to send, much for the host to read or to keep. */
export const costAttempts: readonly Attempt[] = [
  cost(
    "tiny-frames",
    "have 64 KiB kept for each byte of an answer",
    "the channel's streams",
    GIVEN_UP,
    {
      answer: `more(stream, HEAD + b"Content-Length: 100000\\r\\n\\r\\n")
nonsense = frame(2, 4_000_000_000, bytes(65_000))
for _ in range(1000): send(frame(2, stream, b" ") + nonsense)`,
      bytes: 4 * MB,
    },
  ),
  cost(
    "many-entries",
    "answer with 4 million entries of 2 bytes",
    "the parser of documents",
    REFUSED,
    {
      answer: `more(stream, HEAD + CHUNKED + chunk(b'{"entries":['))
for _ in range(190): more(stream, chunk(b"{}," * 21_000))
more(stream, chunk(b"{}]}") + b"0\\r\\n\\r\\n")`,
      bytes: MB,
    },
  ),
  cost("brackets", "answer with 30 million brackets", "the parser of documents", REFUSED, {
    answer: `more(stream, HEAD + CHUNKED)
for _ in range(500): more(stream, chunk(b"[" * 60_000))`,
    bytes: 50_000,
  }),
  cost("deep-json", "answer with JSON 5 000 levels deep", "the parser of documents", REFUSED, {
    answer: `body = b'{"entries":' + b"[" * 5000 + b"]" * 5000 + b"}"
more(stream, HEAD + b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)`,
    bytes: 10_000,
  }),
  cost("json-flood", "give a result of 20 million values", "the parser of documents", REFUSED, {
    ask: runCode,
    answer: `more(stream, HEAD + CHUNKED + chunk(b'{"type":"result","json":['))
for _ in range(700): more(stream, chunk(b"0," * 30_000))`,
    bytes: MB,
  }),
  cost("deep-result", "give a result 5 000 levels deep", "the parser of documents", REFUSED, {
    ask: runCode,
    answer: `body = b'{"type":"result","json":' + b"[" * 5000 + b"]" * 5000 + b"}\\n"
more(stream, HEAD + b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)`,
    bytes: 10_000,
  }),
  cost(
    "ndjson-flood",
    "send messages of an execution without end",
    "the caller's time limit",
    GIVEN_UP,
    {
      ask: runCode,
      answer: `more(stream, HEAD + CHUNKED)
flood = chunk(b'{"type":"x"}\\n' * 4000)
while True: more(stream, flood)`,
      bytes: MB / 2,
    },
  ),
  cost("event-flood", "send empty events without end", "the caller's time limit", GIVEN_UP, {
    ask: runCommand,
    answer: `${ENVELOPES}
flood = chunk(envelope(b"{}") * 8000)
while True: more(stream, flood)`,
    bytes: MB / 4,
  }),
  cost(
    "tiny-chunks",
    "send an event of 4 MB byte by byte",
    "the parser of events, or the caller's time limit",
    `${REFUSED}|${GIVEN_UP}`,
    {
      ask: runCommand,
      answer: `${ENVELOPES}
more(stream, chunk(struct.pack(">BI", 0, 4_000_000)))
flood = chunk(b"x") * 8000
while True: more(stream, flood)`,
      bytes: MB / 4,
    },
  ),
  cost(
    "padded-chunks",
    "have each byte of an answer come in 8 KiB of padding",
    "the parser of HTTP, or the caller's time limit",
    `${REFUSED}|${GIVEN_UP}|connection_failed`,
    {
      answer: `more(stream, HEAD + CHUNKED)
while True: more(stream, b"1;" + b"x" * 8192 + b"\\r\\n \\r\\n")`,
      bytes: 8192,
    },
  ),
  cost("preliminary", "send preliminary answers without end", "the HTTP client's limit", REFUSED, {
    answer: `while True: more(stream, b"HTTP/1.1 103 Early Hints\\r\\n\\r\\n" * 500)`,
    bytes: 1000,
  }),
  cost("slow-body", "send a file a byte at a time", "the read's time limit", GIVEN_UP, {
    ask: readFile,
    answer: `more(stream, HEAD + b"Content-Length: 100000\\r\\n\\r\\n")
while True: more(stream, b"x"); time.sleep(0.05)`,
    bytes: 100,
  }),
];
