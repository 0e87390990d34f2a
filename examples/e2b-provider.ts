// needs: E2B_API_URL
import { e2b, Sandbox } from "emberbox";

// Without options: E2B_API_KEY, E2B_DOMAIN, E2B_API_URL and E2B_SANDBOX_URL, as for E2B's SDKs.
const sandbox = await Sandbox.create({ provider: e2b() });
try {
  console.log((await sandbox.runCode("6 * 7")).text);
} finally {
  // Unlike one on this machine, it would outlive the program.
  await sandbox.kill();
}
