import { resultLine } from "./lines.ts";
import type { Message } from "./message.ts";

const RESULT = '{"type":"result",';
const CLEAR = Buffer.from('{"type":"clear_results"}\n');

type Content = Message["content"];

/** What one execution displays. An update names its result by the number of results before it. */
export class Displays {
  readonly #indices = new Map<string, number>();
  #count = 0;
  #isEmpty = true;

  result(content: Content, main: boolean): Buffer | undefined {
    const line = resultLine(content, main);
    if (line === undefined) return undefined;
    const id = idOf(content);
    if (id !== undefined) this.#indices.set(id, this.#count);
    this.#count += 1;
    this.#isEmpty = false;
    return line;
  }

  /** What an earlier execution displayed is gone: its update is a result. */
  update(content: Content): Buffer | undefined {
    const index = this.#indices.get(idOf(content) ?? "");
    if (index === undefined) return this.result(content, false);
    const line = resultLine(content, false);
    if (line === undefined) return undefined;
    const head = `{"type":"result_update","index":${index},`;
    return Buffer.concat([Buffer.from(head), line.subarray(RESULT.length)]);
  }

  clear(): Buffer | undefined {
    this.#indices.clear();
    if (this.#isEmpty) return undefined;
    this.#isEmpty = true;
    return CLEAR;
  }
}

function idOf(content: Content): string | undefined {
  const transient = content["transient"] as { display_id?: unknown } | null | undefined;
  const id = transient?.display_id;
  return typeof id === "string" ? id : undefined;
}
