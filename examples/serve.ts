import { microvm } from "@emberbox/microvm";
import { serve } from "@emberbox/server";

await using provider = microvm();
await using server = await serve({ provider, port: 0 });
console.log(`${server.url} takes the key ${server.apiKey}`);
