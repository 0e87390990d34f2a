/**
 * Where the interpreter tells what each thread of the machine's programs has had of the processor: a string, or `null`
 * where there are too many.
 */
export const PROCESSOR_TIMES_PATH = "/emberbox/processor-times";
