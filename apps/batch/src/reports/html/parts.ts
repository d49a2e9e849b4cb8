import { escapeText } from '../charts/svg.js';

/** A cell of a table: its text, or a count that is suppressed. */
export type Cell = string | { readonly isFew: true };

/** @param minCount below which counts are suppressed */
export function htmlTable(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  minCount: number,
): string {
  const head = columns.map((name) => `<th scope="col">${escapeText(name)}</th>`).join('');
  const body = rows.map(([first = '', ...others]) => {
    const cells = others.map((cell) => `<td>${cellText(cell, minCount)}</td>`).join('');
    return `<tr><th scope="row">${cellText(first, minCount)}</th>${cells}</tr>`;
  });
  // Tables that are wider than the window are scrolled with the keyboard, too.
  return `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

export function emptyNote(text: string): string {
  return `<p class="empty">${escapeText(text)}</p>`;
}

export function heading(title: string, definition: string): string {
  return `<h2>${escapeText(title)}</h2><p class="definition">${escapeText(definition)}</p>`;
}

export function chartHeading(title: string, definition: string): string {
  return `<h3>${escapeText(title)}</h3><p class="definition">${escapeText(definition)}</p>`;
}

export function asDetails(summary: string, content: string): string {
  return `<details><summary>${escapeText(summary)}</summary>${content}</details>`;
}

function cellText(cell: Cell, minCount: number): string {
  return typeof cell === 'string' ? escapeText(cell) : suppressedText(minCount);
}

/** In place of a count that is suppressed. */
export function suppressedText(minCount: number): string {
  return `<span class="few" title="fewer than ${minCount} rides, or needed to hide such a count">suppressed</span>`;
}
