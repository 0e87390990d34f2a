import { type Bundle, fieldsOf } from "../mime-bundle.ts";
import type { Channel } from "./channel.ts";
import { bundleOf, isBundle } from "./results.ts";

/** Gives cells `display(value)`, which at once shows a value, or an object of representations by MIME type. */
export function provideDisplay(channel: Channel): void {
  const show = (bundle: Bundle): void => channel.result(fieldsOf(bundle), false);
  const display = async (value: unknown): Promise<void> =>
    show(isBundle(value) ? value : await bundleOf(value));
  const as =
    (mime: string) =>
    (value: unknown): void =>
      show({ [mime]: value });
  Object.assign(display, {
    html: as("text/html"),
    markdown: as("text/markdown"),
    svg: as("image/svg+xml"),
    png: as("image/png"),
    jpeg: as("image/jpeg"),
    latex: as("text/latex"),
    json: as("application/json"),
  });
  Object.defineProperty(globalThis, "display", {
    value: display,
    writable: true,
    configurable: true,
  });
}
