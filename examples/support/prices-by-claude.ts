import { scriptClaude } from "./claude.ts";
import { calls, lastWords } from "./prices.ts";

scriptClaude(calls, lastWords);
