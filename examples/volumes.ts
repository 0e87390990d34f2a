import { Sandbox, Volume } from "emberbox";

await Volume.destroy("notes");
const volume = await Volume.create("notes");
await volume.writeFile("/todo.txt", "one\n");

const options = { volumeMounts: { "/mnt/notes": volume } };
const writer = await Sandbox.create(options);
const reader = await Sandbox.create(options);
try {
  await writer.commands.run("echo two >> /mnt/notes/todo.txt");
  console.log((await reader.commands.run("cat /mnt/notes/todo.txt")).stdout);
} finally {
  await Promise.all([writer.kill(), reader.kill()]);
}
