/** The beginning of the ids of numbered events. */
const PREFIX = '0197a1c0-6d1f-7000-9000-';

/** The id of an event that ends with its number, so that millions can be counted in little memory. */
export function eventId(number: number): string {
  return `${PREFIX}${number.toString(16).padStart(12, '0')}`;
}

/** The number of an event; `undefined` if the id is not of a numbered one. */
export function eventNumber(id: string): number | undefined {
  return id.startsWith(PREFIX) ? Number.parseInt(id.slice(PREFIX.length), 16) : undefined;
}
