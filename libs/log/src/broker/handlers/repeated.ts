/** The values that occur more than once. */
export function repeatedIn(values: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(values.filter((value) => seen.size === seen.add(value).size));
}

/** The first value of each key. Descriptions are returned once, so that the response is bounded by what exists. */
export function uniqueBy<T>(values: readonly T[], keyOf: (value: T) => string): T[] {
  const unique = new Map<string, T>();
  for (const value of values) {
    const key = keyOf(value);
    if (!unique.has(key)) unique.set(key, value);
  }
  return [...unique.values()];
}
