/** The style of the report. Colours of charts are distinguishable in greyscale. */
export const REPORT_STYLE = `
:root { color-scheme: light; --ink: #16202b; --soft: #54616f; --line: #d7dde3; --first: #1f6fb2; --second: #d9822b; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1000px; padding: 24px 16px 48px; background: #fff; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { margin: 0; font-size: 28px; line-height: 1.2; }
h2 { margin: 40px 0 4px; padding-top: 12px; border-top: 2px solid var(--ink); font-size: 20px; }
h3 { margin: 20px 0 2px; font-size: 15px; }
p { margin: 4px 0; }
.soft, .definition, figcaption { color: var(--soft); font-size: 13px; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 24px; margin: 8px 0 0; padding: 0; list-style: none; color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(215px, 1fr)); gap: 12px; margin: 16px 0 0; padding: 0; list-style: none; }
.figures li { padding: 12px 14px; border: 1px solid var(--line); border-radius: 8px; break-inside: avoid; }
.figures .name { font-weight: 600; }
.figures .value { display: block; font-size: 28px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.figures .change { display: block; font-size: 13px; }
.figures .definition { display: block; margin-top: 6px; line-height: 1.35; }
figure { margin: 8px 0 0; break-inside: avoid; }
svg { display: block; width: 100%; height: auto; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 8px 28px; }
.charts > div { break-inside: avoid; }
.maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 20px; }
.grid { stroke: var(--line); }
.axis { fill: var(--soft); font-size: 14px; }
rect.first { fill: var(--first); } rect.second { fill: var(--second); }
polyline { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
polyline.first { stroke: var(--first); } polyline.second { stroke: var(--second); stroke-dasharray: 7 4; }
circle.first { fill: var(--first); } circle.second { fill: var(--second); }
rect.hidden { fill: none; stroke: var(--soft); stroke-dasharray: 2 2; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; }
.key::before { content: ""; display: inline-block; width: 14px; height: 10px; margin-right: 6px; border: 1px solid #0003; background: currentcolor; }
.key.first::before { background: var(--first); } .key.second::before { background: var(--second); }
.backdrop { fill: #f1f4f6; }
polygon { stroke: #fff; stroke-width: .5; }
polygon.none { fill: #e3e8ec; } polygon.hidden { fill: #fff; stroke: var(--soft); stroke-dasharray: 2 2; }
.shade-0 { fill: #d3e3f3; background: #d3e3f3; } .shade-1 { fill: #a6c9e8; background: #a6c9e8; } .shade-2 { fill: #6fa8d8; background: #6fa8d8; }
.shade-3 { fill: #3a83c1; background: #3a83c1; } .shade-4 { fill: #1a5f9e; background: #1a5f9e; } .shade-5 { fill: #0b3c6b; background: #0b3c6b; }
.part-0 { fill: #0b3c6b; background: #0b3c6b; } .part-1 { fill: #3a83c1; background: #3a83c1; } .part-2 { fill: #a6c9e8; background: #a6c9e8; }
.part-3 { fill: #d9822b; background: #d9822b; } .part-4 { fill: #c9d1d8; background: #c9d1d8; } .part-5 { fill: #8a97a3; background: #8a97a3; }
.swatch { display: inline-block; width: 14px; height: 10px; margin-right: 6px; border: 1px solid #0003; }
.swatch.hidden { border: 1px dashed var(--soft); background: #fff; }
.scale { fill: none; stroke: var(--ink); stroke-width: 1.5; }
table { width: 100%; margin: 8px 0; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
thead th { color: var(--soft); font-size: 13px; font-weight: 600; }
.scroll { overflow-x: auto; }
details { margin: 8px 0; } summary { color: var(--soft); font-size: 13px; cursor: pointer; }
.empty { margin: 12px 0; padding: 12px 14px; border: 1px dashed var(--line); border-radius: 8px; color: var(--soft); }
.few { color: var(--soft); }
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; }
  h2, h3 { break-after: avoid; } table, tr { break-inside: avoid; }
  details:not([open]) { display: none; }
  rect, polygon, .swatch, .key::before { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @page { margin: 15mm; }
}
`;
