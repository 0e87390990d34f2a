import type { Dispatcher } from "undici";
import { Gathered } from "./gathered.ts";

/** Pieces of a body below this size are passed on together, `bytes`. */
const SMALL = 4096;
/** What is gathered at most before it is passed on, `bytes`. */
const ENOUGH = 16_384;

const guarded = new WeakMap<Dispatcher, Dispatcher>();

/**
 * The same dispatcher, whose bodies do not come in many small pieces, however they were sent: each would cost more
 * than its bytes, and keep all that came with it while it waits for its reader. `onStart` is called when a connection
 * takes a request.
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
      // When all has been read that came at once.
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
