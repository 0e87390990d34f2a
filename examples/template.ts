// A template of your own: what its steps install and start is there in every sandbox. Then: node examples/template.ts
import { Sandbox, Template, waitForPort } from "emberbox";

const template = Template()
  .fromBaseImage()
  .setEnvs({ SHOP: "flowers" })
  .makeDir("/srv/shop", { user: "root", mode: 0o777 })
  .setWorkdir("/srv/shop")
  .runCmd("echo tulips: 12 > stock.txt")
  .setStartCmd("python3 -m http.server 8000", waitForPort(8000));

const { name } = await Template.build(template, {
  name: "shop",
  onBuildLogs: (log) => {
    if (log.type === "step") console.log(`${log.step}/${log.steps} ${log.text}`);
  },
});

// The server answers already, and the second build of this program takes no time.
const sandbox = await Sandbox.create(name);
const { stdout } = await sandbox.commands.run("pwd; echo $SHOP; curl -s localhost:8000/stock.txt");
console.log(stdout);
await sandbox.kill();
await Template.delete(name);
