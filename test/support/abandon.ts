// A program that makes sandboxes, tells where its files are, and waits to be killed.
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { paths } from "../../packages/microvm/src/host/paths.ts";

const provider = microvm();
await Promise.all([Sandbox.create({ provider }), Sandbox.create({ provider })]);
process.stdout.write(`${paths().home}\n`);
setInterval(() => {}, 1000);
