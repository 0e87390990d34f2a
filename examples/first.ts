import { Sandbox } from "emberbox";

const sandbox = await Sandbox.create();

await sandbox.files.write("sales.csv", "month,sold\n1,12\n2,19\n3,31\n");
const { text, error } = await sandbox.runCode(`
import pandas as pd
pd.read_csv("sales.csv").describe()
`);
console.log(error?.traceback ?? text);
await sandbox.kill();
