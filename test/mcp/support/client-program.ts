// A client in the middle of a call: it tells when the command runs, and waits to be killed.
import { callTool, connectStdio } from "./client.ts";

const client = await connectStdio();
const onOutput = () => process.stdout.write("running\n");
// The server may be killed first.
await callTool(client, "run_command", { command: "echo on; sleep 600" }, { onOutput }).catch(
  () => {},
);
