import type { IncomingMessage } from "node:http";

/** How long the whole of a request to the server itself may take, in ms. */
const BODY_MS = 30_000;

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Ends requests whose body does not come, or does not end. */
export function limitBody(request: IncomingMessage): void {
  const timer = setTimeout(() => request.destroy(), BODY_MS);
  timers.set(request, timer);
  const stop = (): void => clearTimeout(timer);
  request.once("end", stop);
  request.once("close", stop);
}

/** Gives a request more time, once it is known that it may have it. */
export function allowLongBody(request: IncomingMessage): void {
  clearTimeout(timers.get(request));
}
