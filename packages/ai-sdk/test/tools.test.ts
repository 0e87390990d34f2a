import { describeTools } from "@emberbox/conformance/vitest";
import { microvm } from "@emberbox/microvm";
import { createSandboxTools } from "../src/index.ts";
import { callThroughModel } from "./support/call.ts";

describeTools(
  "The AI SDK",
  () => microvm(),
  (provider) => {
    const sandbox = createSandboxTools(provider, { maxPictureBytes: 100_000, modelPictures: true });
    return {
      call: (tool, input, options) => callThroughModel(sandbox, tool, input, options),
      [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
    };
  },
);
