/** Returns the first sentence of an error of `parseArgs`, without the advice that follows. */
export function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\.?(?:\s*\n|\. |$)/)[0]!;
}
