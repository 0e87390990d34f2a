import type { Experimental_SandboxSession } from "ai";

/** A session with everything in the newest `ai`; disposed of at the end, if it can be. */
export type SessionSubject = Experimental_SandboxSession & Partial<AsyncDisposable>;

export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export const everyByte: Uint8Array<ArrayBuffer> = Uint8Array.from({ length: 256 }, (_, at) => at);
