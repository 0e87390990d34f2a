// needs: IMAGE
import { Sandbox, Template } from "emberbox";

const template = Template()
  .fromImage(process.env["IMAGE"] ?? "python:3.12-slim")
  .runCmd("python3 --version > /srv/version", { user: "root" });

const { name } = await Template.build(template, {
  name: "slim",
  onBuildLogs: ({ text }) => console.log(text.trimEnd()),
});

const sandbox = await Sandbox.create(name);
console.log((await sandbox.runCode("open('/srv/version').read()")).text);
await sandbox.kill();
await Template.delete(name);
