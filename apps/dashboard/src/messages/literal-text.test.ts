import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const sources = fileURLToPath(new URL('..', import.meta.url));

/** Attributes whose value users see or hear. */
const spoken = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label', 'kind', 'aria-valuetext']);

/** Names and symbols that are the same in all languages. */
const same = new Set(['Hailstream']);

/** The texts in elements and in spoken attributes that are written in the code. */
function literalTexts(file: string, code: string): string[] {
  const found: string[] = [];
  const note = (node: ts.Node, text: string) => {
    const words = text.trim();
    if (/\p{L}{2}/u.test(words) && !same.has(words)) found.push(`${file}: ${words}`);
    else if (ts.isTemplateExpression(node))
      for (const { literal } of node.templateSpans) note(literal, literal.text);
  };
  const noteValue = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) note(node, node.text);
    else if (ts.isTemplateExpression(node)) note(node, node.head.text);
    else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(noteValue);
    else if (ts.isBinaryExpression(node)) noteValue(node.right);
    else if (ts.isParenthesizedExpression(node)) noteValue(node.expression);
  };
  const visit = (node: ts.Node): void => {
    const isCode = ts.isJsxElement(node) && node.openingElement.tagName.getText() === 'code';
    if (isCode) return;
    if (ts.isJsxText(node)) note(node, node.text);
    if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent) && node.expression)
      noteValue(node.expression);
    if (ts.isJsxAttribute(node) && spoken.has(node.name.getText()) && node.initializer) {
      if (ts.isStringLiteral(node.initializer)) note(node, node.initializer.text);
      else if (ts.isJsxExpression(node.initializer) && node.initializer.expression)
        noteValue(node.initializer.expression);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX));
  return found;
}

describe('components', () => {
  it('have no texts of their own', () => {
    const files = readdirSync(sources, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.tsx'))
      .map((file) => relative(sources, join(sources, file)));
    expect(files.length).toBeGreaterThan(15);
    const texts = files.flatMap((file) => literalTexts(file, readFileSync(join(sources, file), 'utf8')));
    expect(texts).toEqual([]);
  });
});

describe('literalTexts', () => {
  it.each([
    ['<p>Trips now</p>', ['Trips now']],
    ["<p>{isOpen ? 'Close' : t('open')}</p>", ['Close']],
    ['<p>{count} found</p>', ['found']],
    ['<p>{count > 0 && `${count} found`}</p>', ['found']],
    ['<i aria-label="Zoom in" className="map zoom" />', ['Zoom in']],
    ['<i title={`Theme: ${choice}`} />', ['Theme:']],
    ["<p>{t('found')} – {count} × <code>--no-sim</code></p>", []],
    ['<h1>Hailstream</h1>', []],
  ])('finds them in %s', (code, texts) => {
    expect(literalTexts('a.tsx', code)).toEqual(texts.map((text) => `a.tsx: ${text}`));
  });
});
