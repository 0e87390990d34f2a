import { microvm } from "@emberbox/microvm";
import { serve } from "@emberbox/server";

const provider = microvm();
const server = await serve({ provider, port: 0 });
console.log(`${server.url} takes the key ${server.apiKey}`);

await server.close();
await provider[Symbol.asyncDispose]();
