/** A model's answer: a tool call, or its last words. */
export type ModelAnswer = { readonly name: string; readonly arguments: string } | string;

/** A model that gives scripted answers, one per request. */
export function scriptedModel(
  answers: readonly ModelAnswer[],
): (messages: readonly unknown[], tools: readonly unknown[]) => Promise<ModelAnswer> {
  const left = [...answers];
  return async () => {
    const answer = left.shift();
    if (answer === undefined) throw new Error("The script has no more answers");
    return answer;
  };
}
