/**
 * Which counts of a table must not be shown, so that no count from 1 to `minCount` - 1 is known to a reader who also knows the
 * total of the table.
 *
 * Small counts are suppressed first. The suppressed counts together are the total minus the others, so counts are suppressed
 * until there are at least two, with a sum of at least `minCount`: the smallest others first. Zeros are shown, because nobody
 * is behind them.
 *
 * @returns the indexes of the suppressed counts
 */
export function suppressedCounts(counts: readonly number[], minCount: number): ReadonlySet<number> {
  const suppressed = new Set<number>();
  let sum = 0;
  for (const [index, count] of counts.entries()) {
    if (count <= 0 || count >= minCount) continue;
    suppressed.add(index);
    sum += count;
  }
  if (suppressed.size === 0) return suppressed;
  const others = [...counts.keys()]
    .filter((index) => counts[index]! >= minCount)
    .sort((left, right) => counts[left]! - counts[right]! || left - right);
  for (const index of others) {
    if (suppressed.size >= 2 && sum >= minCount) break;
    suppressed.add(index);
    sum += counts[index]!;
  }
  return suppressed;
}

/** A row with `null` for the values that are not shown, and their names. */
type Suppressed<Row> = Row & { readonly suppressed: readonly string[] };

/**
 * Suppresses small counts of rows, each of their columns as a table with a known total. `dependents` are the values that are
 * suppressed with a count, because they are computed from it.
 */
export function suppressRows<Row extends object>(
  rows: readonly Row[],
  dependents: Readonly<Partial<Record<keyof Row, readonly (keyof Row)[]>>>,
  minCount: number,
): Suppressed<Row>[] {
  const names = rows.map(() => new Set<keyof Row>());
  for (const [column, others] of Object.entries(dependents) as [keyof Row, readonly (keyof Row)[]][]) {
    const counts = rows.map((row) => (row[column] as number | null) ?? 0);
    for (const index of suppressedCounts(counts, minCount))
      for (const name of [column, ...others]) names[index]!.add(name);
  }
  return rows.map((row, index) => {
    const hidden = names[index]!;
    const shown = Object.entries(row).map(([name, value]) => [
      name,
      hidden.has(name as keyof Row) ? null : value,
    ]);
    return { ...(Object.fromEntries(shown) as Row), suppressed: [...hidden].map(String) };
  });
}
