/**
 * The style of the report. Colours of charts are distinguishable in greyscale. On a screen, the theme is that of the system;
 * paper is always light.
 */
export const REPORT_STYLE = `
:root { color-scheme: light; --paper: #fff; --ink: #16202b; --soft: #54616f; --line: #d7dde3; --first: #1f6fb2; --second: #c96f16;
  --backdrop: #f1f4f6; --none: #e3e8ec; --edge: #fff; --on-map: #16202b; --halo: #fffd;
  --shade-0: #dceaf7; --shade-1: #b9d5ee; --shade-2: #8fbce2; --shade-3: #62a0d3; --shade-4: #3a83c1; --shade-5: #1a649f;
  --fall-2: #3a83c1; --fall-1: #a6c9e8; --steady: #e3e8ec; --rise-1: #f3c496; --rise-2: #d9822b;
  --part-0: #0b3c6b; --part-1: #3a83c1; --part-2: #a6c9e8; --part-3: #d9822b; --part-4: #c9d1d8; --part-5: #8a97a3; }
@media screen and (prefers-color-scheme: dark) {
  :root { color-scheme: dark; --paper: #10161d; --ink: #e6ecf2; --soft: #a2afbc; --line: #2d3843; --first: #58a6e6; --second: #eba05a;
    --backdrop: #171f28; --none: #222c37; --edge: #10161d; --on-map: #f4f8fc; --halo: #10161dd9;
    --shade-0: #17324a; --shade-1: #1c4468; --shade-2: #225a8c; --shade-3: #2d75b3; --shade-4: #4a96d6; --shade-5: #86c2f2;
    --fall-2: #4a96d6; --fall-1: #225a8c; --steady: #2d3843; --rise-1: #7d4f1f; --rise-2: #d9822b;
    --part-0: #86c2f2; --part-1: #3a83c1; --part-2: #1c4f7d; --part-3: #d9822b; --part-4: #46535f; --part-5: #7b8894; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1000px; padding: 24px 16px 48px; background: var(--paper); color: var(--ink);
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
.maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 220px), 1fr)); gap: 20px; }
.maps.wide { grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
.maps > div { break-inside: avoid; } .maps.wide > div { max-width: 480px; }
.grid { stroke: var(--line); }
.axis { fill: var(--soft); font-size: 14px; }
rect.first { fill: var(--first); } rect.second { fill: var(--second); }
polyline.before { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 2 3; } circle.before { fill: var(--soft); }
polyline { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
polyline.first { stroke: var(--first); } polyline.second { stroke: var(--second); stroke-dasharray: 7 4; }
circle.first { fill: var(--first); } circle.second { fill: var(--second); }
rect.hidden { fill: none; stroke: var(--soft); stroke-dasharray: 2 2; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; }
.key::before { content: ""; display: inline-block; width: 14px; height: 10px; margin-right: 6px; border: 1px solid #8884; background: currentcolor; }
.key.first::before { background: var(--first); } .key.second::before { background: var(--second); }
.key.before::before { height: 0; border: 0; border-top: 2px dotted var(--soft); background: none; vertical-align: middle; }
.backdrop { fill: var(--backdrop); }
.area { stroke: var(--edge); stroke-width: .6; fill-rule: evenodd; }
.area.none { fill: var(--none); } .area.hidden { fill: var(--paper); stroke: var(--soft); stroke-dasharray: 2 2; }
.outline { fill: none; stroke: var(--soft); stroke-width: .8; }
.place { fill: var(--on-map); stroke: var(--halo); stroke-width: 3; paint-order: stroke; stroke-linejoin: round; font-size: 11.5px; }
.place .value { font-weight: 650; }
.shade-0 { fill: var(--shade-0); background: var(--shade-0); } .shade-1 { fill: var(--shade-1); background: var(--shade-1); }
.shade-2 { fill: var(--shade-2); background: var(--shade-2); } .shade-3 { fill: var(--shade-3); background: var(--shade-3); }
.shade-4 { fill: var(--shade-4); background: var(--shade-4); } .shade-5 { fill: var(--shade-5); background: var(--shade-5); }
.fall-2 { fill: var(--fall-2); background: var(--fall-2); } .fall-1 { fill: var(--fall-1); background: var(--fall-1); }
.steady { fill: var(--steady); background: var(--steady); } .rise-1 { fill: var(--rise-1); background: var(--rise-1); }
.rise-2 { fill: var(--rise-2); background: var(--rise-2); }
.part-0 { fill: var(--part-0); background: var(--part-0); } .part-1 { fill: var(--part-1); background: var(--part-1); }
.part-2 { fill: var(--part-2); background: var(--part-2); } .part-3 { fill: var(--part-3); background: var(--part-3); }
.part-4 { fill: var(--part-4); background: var(--part-4); } .part-5 { fill: var(--part-5); background: var(--part-5); }
.swatch { display: inline-block; width: 14px; height: 10px; margin-right: 6px; border: 1px solid #8884; }
.swatch.hidden { border: 1px dashed var(--soft); background: var(--paper); }
.scale { fill: none; stroke: var(--ink); stroke-width: 1.5; }
table { width: 100%; margin: 8px 0; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
thead th { color: var(--soft); font-size: 13px; font-weight: 600; }
.scroll { overflow-x: auto; }
details { margin: 8px 0; } summary { color: var(--soft); font-size: 13px; cursor: pointer; }
.empty { margin: 12px 0; padding: 12px 14px; border: 1px dashed var(--line); border-radius: 8px; color: var(--soft); }
.few { color: var(--soft); } .value .few { font-size: 20px; }
@media screen and (max-width: 500px) { .axis { font-size: 17px; } }
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; }
  h2, h3, .definition, .legend { break-after: avoid; } figcaption, table, tr { break-inside: avoid; }
  figure .legend { break-after: auto; } .charts, .maps.wide { grid-template-columns: 1fr 1fr; }
  details:not([open]) { display: none; }
  rect, path, .swatch, .key::before { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @page { margin: 15mm; }
}
`;
