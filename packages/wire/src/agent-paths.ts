/**
 * Where the interpreter tells where all threads of the machine's programs wait: a string, or `null` when one runs or
 * waits for a time.
 */
export const WAITING_PATH = "/emberbox/waiting";
