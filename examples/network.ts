// A sandbox's network policy, and a secret that it can use but never sees. Run it with: node examples/network.ts
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "emberbox";
import { startApi } from "./support/api.ts";

// Stands in for a service on the internet, and records what it was sent (examples/support/api.ts).
const api = await startApi("api.example.com");
const provider = microvm({ network: api.network });

const sandbox = await Sandbox.create({
  provider,
  // Only these hosts; the address is listed because it is not public.
  network: { allowOut: ["api.example.com", api.address], denyOut: ["0.0.0.0/0"] },
  secrets: { API_KEY: { value: "sk-live-51Hx", hosts: ["api.example.com"] } },
  onNetwork: ({ decision, host, port }) => console.log(`  ${decision}: ${host} ${port ?? ""}`),
});

// Programs need no settings: this one knows nothing of a proxy or special certificates.
const call = `import os, requests
key = os.environ["API_KEY"]
answer = requests.get("${api.url}", headers={"Authorization": f"Bearer {key}"})
print(answer.status_code, answer.text.strip(), "with", key[:16])`;
console.log((await sandbox.runCode(call)).logs.stdout.join("").trim());
console.log("the service was sent:", api.keys.at(-1));

// The value is in none of the sandbox's variables or files.
const search = "grep -rlsF sk-live-51Hx /proc/[0-9]*/environ /home /etc /tmp /run | wc -l";
console.log("found in the sandbox:", (await sandbox.commands.run(search)).stdout.trim());

// Anything else fails at once, and says why.
const refused = await sandbox.commands.run("curl -sS https://pastebin.example/; true");
console.log(refused.stdout.trim());
const { refusals } = await sandbox.getNetworkLog();
console.log("it wanted:", [...new Set(refusals.map(({ host }) => host))].join(", "));

// The policy can be replaced while the sandbox runs.
await sandbox.updateNetwork(false);
console.log((await sandbox.commands.run("curl -sS https://api.example.com/")).stdout.trim());

await provider[Symbol.asyncDispose](); // Ends its sandboxes.
await api.close();
