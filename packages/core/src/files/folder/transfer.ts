import { randomUUID } from "node:crypto";
import { BoundedText } from "../../bounded-text.ts";
import type { Commands } from "../../commands/commands.ts";
import { EmberboxError } from "../../errors.ts";
import type { FileOptions } from "../read.ts";
import { scriptError } from "./guest.ts";
import { Handover } from "./handover.ts";
import type { FolderCopy } from "./options.ts";
import type { Receiver } from "./receive.ts";

/** What a user's profile may print before the archive, in bytes. */
const NOISE_BYTES = 64 * 1024;
/** What `tar` says, with exit code 1, of files that are being written to: they are copied as they are. */
const HARMLESS = /^tar: .*: (?:file changed as we read it|File removed before we read it)$/;

/** Runs the script, whose output the receiver reads as fast as it can. What fails first is the reason. */
export async function transfer(
  commands: Commands,
  script: (mark: string) => string,
  guestDir: string,
  request: FileOptions,
  receiver: Receiver,
): Promise<FolderCopy> {
  const mark = `emberbox-${randomUUID()}`;
  const messages = new BoundedText();
  const decoder = new TextDecoder();
  const pipe = new Handover();
  const received = receiver.receive(withoutNoise(pipe, mark));
  // Ends the command, too, which may have nothing more to say.
  const stop = new AbortController();
  received.catch((error: unknown) => {
    pipe.fail(error);
    stop.abort(error);
  });
  const sent = (async () => {
    const command = await commands.stream(script(mark), {
      ...request,
      signal: AbortSignal.any([stop.signal, ...(request.signal ? [request.signal] : [])]),
      onStdout: (bytes) => pipe.write(bytes),
      onStderr: (bytes) => messages.push(decoder.decode(bytes, { stream: true })),
    });
    const { exitCode } = await command.wait();
    const stderr = String(messages);
    const isHarmless =
      exitCode === 1 &&
      stderr
        .trim()
        .split("\n")
        .every((line) => HARMLESS.test(line));
    if (exitCode !== 0 && !isHarmless) throw scriptError(exitCode, stderr, guestDir);
    pipe.end();
  })();
  sent.catch((error: unknown) => pipe.fail(error));
  const [copy, end] = await Promise.allSettled([received, sent]);
  if (end.status === "rejected") throw end.reason;
  if (copy.status === "rejected") throw copy.reason;
  return copy.value;
}

async function* withoutNoise(
  chunks: AsyncIterable<Uint8Array>,
  mark: string,
): AsyncGenerator<Uint8Array> {
  let before = Buffer.alloc(0);
  let isBegun = false;
  for await (const chunk of chunks) {
    if (isBegun) {
      yield chunk;
      continue;
    }
    before = Buffer.concat([before, chunk]);
    const at = before.indexOf(mark);
    if (at !== -1) {
      isBegun = true;
      yield before.subarray(at + mark.length);
    } else if (before.length > NOISE_BYTES)
      throw new EmberboxError("protocol_error", "The sandbox sent something else than an archive");
  }
}
