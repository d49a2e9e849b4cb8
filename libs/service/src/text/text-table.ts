/** A column of a {@link textTable}. */
interface TextColumn {
  readonly heading: string;
  /** Numbers are aligned at the right. */
  readonly isNumber?: boolean;
}

/** A table of texts with a line of headings. Lines have no trailing spaces. */
export function textTable(
  columns: readonly TextColumn[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const headings = columns.map(({ heading }) => heading);
  const all = [headings, ...rows];
  const widths = columns.map((_, index) =>
    all.reduce((width, row) => Math.max(width, row[index]!.length), 0),
  );
  return all.map((row) =>
    row
      .map((cell, index) =>
        columns[index]!.isNumber ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
      )
      .join('  ')
      .trimEnd(),
  );
}
