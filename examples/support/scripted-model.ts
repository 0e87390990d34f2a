/** What a model answers: a call of a tool, or its last words. */
export type ModelAnswer = { readonly name: string; readonly arguments: string } | string;

/** A model that gives prepared answers, one for each request. */
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
