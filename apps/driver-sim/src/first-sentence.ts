/** What an error of `parseArgs` says first: the rest is advice, on lines of its own. */
export function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\.?(?:\s*\n|\. |$)/)[0]!;
}
