import { codeMethods } from "./code-methods.ts";
import { fileMethods } from "./file-methods.ts";
import { gitMethods } from "./git-methods.ts";
import type { Method } from "./method.ts";
import { optionMethods } from "./option-methods.ts";
import { otherMethods } from "./other-methods.ts";
import { processMethods } from "./process-methods.ts";
import { sandboxMethods } from "./sandbox-methods.ts";
import { secretMethods } from "./secret-methods.ts";

/** Every public method of the SDKs. */
export const methods: readonly Method[] = [
  ...sandboxMethods,
  ...codeMethods,
  ...fileMethods,
  ...processMethods,
  ...gitMethods,
  ...otherMethods,
  ...optionMethods,
  ...secretMethods,
];
