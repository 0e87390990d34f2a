// index
import { Behaviour, Runner, ToolAnswer, ToolCallOptions, ToolSubject, behaviours, describeProvider$1 as describeProvider, describeTools$1 as describeTools } from "./declarations.js";
export { type Behaviour, type Runner, type ToolAnswer, type ToolCallOptions, type ToolSubject, behaviours, describeProvider, describeTools };

// vitest
import { describeProvider, describeTools } from "./declarations.js";
export { describeProvider, describeTools };

// declarations
import { Capabilities, SandboxProvider } from "@emberbox/core/provider";
import { ToolName, ToolPicture } from "@emberbox/core/tools";
export interface Behaviour {
  readonly holds: string;
  readonly capability?: keyof Capabilities;
  readonly unclaimed?: keyof Capabilities;
  readonly shownBy?: {
    readonly file: string;
    readonly test: string;
  };
}
export declare const behaviours: Readonly<Record<string, Behaviour>>;
export interface Runner {
  describe(name: string, body: () => void): void;
  readonly test: RegisterTest;
  afterAll(body: () => Promise<void>, timeoutMs?: number): void;
  readonly expect: Expect;
}
interface RegisterTest {
  (name: string, body: () => Promise<void>, timeoutMs?: number): void;
  skip(name: string, body: () => Promise<void>): void;
}
interface Expect {
  (actual: unknown, message?: string): Assertion;
}
interface Assertion {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  toContain(expected: unknown): void;
  toMatch(expected: RegExp | string): void;
  toBeLessThan(expected: number): void;
  toBeGreaterThan(expected: number): void;
}
declare function describeProvider$1(name: string, makeProvider: () => SandboxProvider, runner: Runner): void;
export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
  readonly pictures: readonly Pick<ToolPicture, "mimeType" | "base64">[];
}
export interface ToolCallOptions {
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string) => void;
  readonly threadId?: string;
}
export interface ToolSubject extends AsyncDisposable {
  call(tool: ToolName, input: unknown, options?: ToolCallOptions): Promise<ToolAnswer>;
}
type Without = Readonly<Record<string, string>>;
declare function describeTools$1(name: string, makeProvider: () => SandboxProvider, makeSubject: (provider: SandboxProvider) => ToolSubject | Promise<ToolSubject>, runner: Runner, without?: Without): void;
export declare function describeProvider(name: string, makeProvider: () => SandboxProvider): void;
export declare function describeTools(name: string, makeProvider: () => SandboxProvider, makeSubject: (provider: SandboxProvider) => ToolSubject | Promise<ToolSubject>, without?: Without): void;
export { describeProvider$1, describeTools$1 };
