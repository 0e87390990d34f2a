import { EmberboxError } from "../../../packages/core/src/errors.ts";
import { wholeEnvelopes } from "../../../packages/core/src/wire/body.ts";
import { check, inPieces, type Target } from "../target.ts";

/** Connect's envelopes, as they are passed on. */
export const target: Target = {
  refuses: (error) => EmberboxError.isInstance(error) && error.code === "protocol_error",
  async run(input) {
    const { bytes, pieces } = inPieces(input);
    const passed: Buffer[] = [];
    const body = async function* (): AsyncGenerator<Buffer> {
      yield* pieces;
    };
    for await (const chunk of wholeEnvelopes(body())) passed.push(chunk);
    check(Buffer.concat(passed).equals(bytes), "other bytes were passed on");
  },
};
