import { EmberboxError } from "@emberbox/core";
import { SandboxProviderError, SandboxUnsupportedFeatureError } from "@openai/agents-core/sandbox";

const provider = "EmberboxSandboxClient";

/** The framework's error for a feature that is not supported here. */
export function unsupported(message: string, feature: string): SandboxUnsupportedFeatureError {
  return new SandboxUnsupportedFeatureError(message, { provider, feature });
}

/** Turns a failure of the engine into the framework's error; other errors pass unchanged. */
export function providerError(error: unknown, operation: string): unknown {
  if (!EmberboxError.isInstance(error) || error.code === "invalid_argument") return error;
  const message = `${error.message}. ${error.hint}`;
  return new SandboxProviderError(message, { provider, operation, code: error.code, cause: error });
}
