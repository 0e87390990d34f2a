import { answer, codes, readQuestion } from "../../../packages/guest/src/egress/dns.ts";
import { check, type Target } from "../target.ts";

/** Queries for the guest's resolver. */
export const target: Target = {
  refuses: () => false,
  run(input) {
    const question = readQuestion(input);
    if (question === undefined) return;
    check(question.end <= input.length, "a question that ends after its message");
    const answered = answer(input, question, codes.ok, 0x01_02_03_04);
    check(answered.length <= input.length + 16, "an answer that is longer than it needs to be");
    check(answered.readUInt16BE(0) === question.id, "another question's answer");
    check(readQuestion(answered) === undefined, "an answer that is a question");
    answered[2]! &= 0x7f;
    check(readQuestion(answered)?.name === question.name, "it repeats another name");
  },
};
