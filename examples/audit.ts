import { readAuditLog } from "@emberbox/core/audit";
import { Sandbox } from "emberbox";

const sandbox = await Sandbox.create({ audit: { directory: "audit" } });
try {
  await sandbox.files.write("data.csv", "a,b\n1,2\n");
  await sandbox.commands.run("wc -l data.csv");
} finally {
  await sandbox.kill();
}

const { events, problems } = await readAuditLog("audit", ({ event, method, by, files, exitCode }) =>
  console.log(event, method ?? "", { by, files, exitCode }),
);
console.log(`${events} events, ${problems.length} of them not as they were written`);
