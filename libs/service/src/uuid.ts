/** Pattern of a UUID in lower case, as MDS writes it. */
export const UUID_PATTERN = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';

const anyCase = new RegExp(UUID_PATTERN, 'i');

/** Whether a text is a UUID, in upper or lower case. */
export function isUuid(text: string): boolean {
  return anyCase.test(text);
}
