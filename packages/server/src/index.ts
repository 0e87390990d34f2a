// This file is the public API.
export { type EmberboxServer, serve } from "./server.ts";
export { newApiKey, type ServeOptions } from "./options.ts";
