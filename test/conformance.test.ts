import { describeProvider } from "@emberbox/conformance/vitest";
import { engine } from "./support/sandboxes.ts";

describeProvider("microvm", () => engine());
