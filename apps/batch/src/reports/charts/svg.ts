/** Escapes a text for HTML and SVG, also in attributes. */
export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A coordinate with at most one decimal: smaller differences cannot be seen. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** The start of a drawing that scales with its container. `label` describes it to readers who do not see it. */
export function openSvg(size: { readonly width: number; readonly height: number }, label: string): string {
  return `<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escapeText(label)}">`;
}
