import { EmberboxError } from "../../../packages/core/src/errors.ts";
import { ExecutionCollector } from "../../../packages/core/src/interpreter/collector.ts";
import { readNdjson } from "../../../packages/core/src/wire/ndjson.ts";
import { check, inPieces, type Target } from "../target.ts";

/** What running code gives: lines of JSON, and the execution that is made of them. */
export const target: Target = {
  refuses: (error) => EmberboxError.isInstance(error) && error.code === "protocol_error",
  maxBytes: 32_768,
  heapBytesPerByte: 1024,
  microsecondsPerByte: 5,
  words: [
    ...['{"type":"stdout","text":"a"}', '{"type":"result","text":"1","is_main_result":true}', "\n"],
    ...[
      '{"type":"error","name":"E","value":"v","traceback":["t"]}',
      '"extra":{',
      '"chart":{',
      "[[",
    ],
    ...['"type":"line"', '"elements":[', '"points":[', '"data":{', "}", "]", ",", "null", "1e999"],
    ...[
      '"reason":"timeout"',
      '"files":[{"path":"/a","change":"added"',
      "__proto__",
      "\\u0000",
      "-0",
    ],
  ],
  async run(input) {
    const { bytes, pieces } = inPieces(input);
    let shown = 0;
    const count = (): void => void shown++;
    const collector = new ExecutionCollector({ onStdout: count, onStderr: count, onResult: count });
    const body = async function* (): AsyncGenerator<Buffer> {
      yield* pieces;
    };
    for await (const lines of readNdjson(body()))
      for (const { message, cost } of lines) await collector.accept(message, cost);
    const execution = collector.execution();
    const text = JSON.stringify(execution);
    check(text.length <= 4096 + 32 * bytes.length, `${bytes.length} bytes became ${text.length}`);
    check(typeof (execution.text ?? "") === "string", "a text that is none");
    check(shown <= bytes.length, "more was shown than was said");
  },
};
