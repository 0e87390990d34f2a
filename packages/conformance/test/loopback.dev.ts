import { describeProvider } from "../src/vitest.ts";
import { loopback } from "./loopback.ts";
describeProvider("loopback", loopback);
