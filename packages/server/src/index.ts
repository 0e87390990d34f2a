// This file is the public API.
import "@emberbox/core"; // First: it refuses a Node that is too old for the rest.

export { type EmberboxServer, serve } from "./server.ts";
export { newApiKey, type ServeOptions } from "./options.ts";
