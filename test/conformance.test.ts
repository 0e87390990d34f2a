import { describeProvider } from "@emberbox/conformance/vitest";
import { microvm } from "@emberbox/microvm";

describeProvider("microvm", () => microvm());
