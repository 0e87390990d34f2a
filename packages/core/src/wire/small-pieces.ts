import type { Dispatcher } from "undici";
import { Gathered } from "./gathered.ts";

/** Pieces of a body below this size, in bytes, are passed on together. */
const SMALL = 4096;
/** The most bytes gathered before they are passed on. */
const ENOUGH = 16_384;

const guarded = new WeakMap<Dispatcher, Dispatcher>();

/**
 * Wraps a dispatcher so that bodies never arrive in many small pieces, however they were sent: each piece would cost
 * more than its bytes, and keep everything that came with it alive until it is read. `onStart` is called when a
 * connection takes a request.
 */
export function withoutSmallPieces(dispatcher: Dispatcher, onStart?: () => void): Dispatcher {
  if (onStart !== undefined) return guard(dispatcher, onStart);
  let wrapped = guarded.get(dispatcher);
  if (wrapped === undefined) guarded.set(dispatcher, (wrapped = guard(dispatcher)));
  return wrapped;
}

function guard(dispatcher: Dispatcher, onStart?: () => void): Dispatcher {
  return dispatcher.compose(
    (dispatch) => (options, handler) => dispatch(options, gathering(handler, onStart)),
  );
}

function gathering(
  handler: Dispatcher.DispatchHandler,
  onStart: (() => void) | undefined,
): Dispatcher.DispatchHandler {
  const small = new Gathered();
  let isDue = false;
  let isOver = false;
  const flush = (controller: Dispatcher.DispatchController): void => {
    if (small.length > 0 && !isOver) handler.onResponseData?.(controller, small.take());
  };
  return {
    onRequestStart(...args) {
      onStart?.();
      handler.onRequestStart?.(...args);
    },
    onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
    onResponseStart: (...args) => handler.onResponseStart?.(...args),
    onResponseData(controller, chunk) {
      if (chunk.length < SMALL) small.push(chunk);
      if (chunk.length >= SMALL || small.length >= ENOUGH) flush(controller);
      if (chunk.length >= SMALL) return handler.onResponseData?.(controller, chunk);
      if (isDue || small.length === 0) return;
      isDue = true;
      // After everything that arrived at once has been read.
      process.nextTick(() => {
        isDue = false;
        flush(controller);
      });
    },
    onResponseEnd(controller, trailers) {
      flush(controller);
      isOver = true;
      handler.onResponseEnd?.(controller, trailers);
    },
    onResponseError(controller, error) {
      isOver = true;
      handler.onResponseError?.(controller, error);
    },
  };
}
