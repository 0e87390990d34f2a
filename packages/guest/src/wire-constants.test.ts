import { CAPTURE_PORT, MACHINE_ADDRESS, NAME_RANGES, NOT_PUBLIC } from "@emberbox/wire";
import { expect, test } from "vitest";

test("Python reads the same constants as TypeScript; `vitest -u` writes them", async () => {
  const constants = {
    capturePort: CAPTURE_PORT,
    machineAddress: MACHINE_ADDRESS,
    nameRanges: NAME_RANGES,
    notPublic: NOT_PUBLIC,
  };
  await expect(`${JSON.stringify(constants, undefined, 2)}\n`).toMatchFileSnapshot("../wire.json");
});
