/** As much of DNS as a resolver that answers with one address needs. */
export interface Question {
  readonly id: number;
  readonly flags: number;
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Where the question ends in the message. */
  readonly end: number;
}
export declare const recordTypes: {
  readonly A: 1;
};
export declare const codes: {
  readonly ok: 0;
  readonly serverFailed: 2;
  readonly noSuchName: 3;
  readonly notImplemented: 4;
};
/** The question of a query, or `undefined` when the message is none. */
export declare function readQuestion(message: Buffer): Question | undefined;
/** The answer to a query: a code, and an IPv4 address where there is one. */
export declare function answer(
  message: Buffer,
  question: Question,
  code: number,
  address?: number,
): Buffer;
