// One template with two builds, each under a tag. Then: node examples/template-tags.ts
import { Sandbox, Template } from "emberbox";

const shop = (greeting: string) => Template().setEnvs({ GREETING: greeting });
await Template.build(shop("hello"), { name: "greeter" });
// `greeter` is as it was until the new build has proven itself.
await Template.build(shop("welcome"), { name: "greeter:next" });

const sandbox = await Sandbox.create("greeter:next");
console.log((await sandbox.commands.run("echo $GREETING")).stdout);
await sandbox.kill();

await Template.assignTags("greeter:next", "default");
await Template.removeTags("greeter", "next");
console.log((await Template.getTags("greeter")).map(({ tag }) => tag));
await Template.delete("greeter");
