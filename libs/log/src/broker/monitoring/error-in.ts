/** Fields of responses with elements that have an error code. */
const LISTS = ['topics', 'partitions', 'responses', 'results', 'groups', 'members', 'coordinators'] as const;

/** The first error code in a response, at any level; 0 if there is none. */
export function errorIn(answer: unknown): number {
  if (typeof answer !== 'object' || answer === null) return 0;
  const fields = answer as Readonly<Record<string, unknown>>;
  const code = fields['errorCode'] ?? fields['error'];
  if (typeof code === 'number' && code !== 0) return code;
  for (const name of LISTS) {
    const list = fields[name];
    if (!Array.isArray(list)) continue;
    for (const each of list) {
      const found = errorIn(each);
      if (found !== 0) return found;
    }
  }
  return 0;
}
