import { describeProvider } from "@emberbox/conformance/vitest";
import { microvm } from "@emberbox/microvm";
import { spread } from "./spread.ts";

describeProvider("spread", () => spread([microvm(), microvm()]));
