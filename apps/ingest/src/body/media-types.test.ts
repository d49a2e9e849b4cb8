import { describe, expect, it } from 'vitest';
import { answerType, isJsonInUtf8 } from './media-types.js';

const JSON_UTF8 = 'application/json; charset=utf-8';
const MDS = 'application/vnd.mds+json;version=2.0';

describe(answerType, () => {
  it.each([
    [undefined, JSON_UTF8],
    ['*/*', JSON_UTF8],
    ['application/json', JSON_UTF8],
    ['text/html', JSON_UTF8],
    ['application/vnd.mds+json;version=2.0', MDS],
    ['application/vnd.mds+json; version="2.0"', MDS],
    ['application/vnd.mds+json', MDS],
    ['application/vnd.mds+json;version=2.0.2', MDS],
    ['application/vnd.mds+json;version=1.2, application/vnd.mds+json;version=2.0;q=0.5', MDS],
    ['application/vnd.mds+json;version=1.2, */*;q=0.1', JSON_UTF8],
    ['application/vnd.mds+json;version=1.2', undefined],
    ['application/vnd.mds+json;version=2.1, application/vnd.mds+json;version=3.0', undefined],
  ])('responds to Accept: %s with %s', (accept, type) => {
    expect(answerType(accept)).toBe(type);
  });
});

describe(isJsonInUtf8, () => {
  it.each([
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['application/json;charset="UTF-8"', true],
    ['application/json; charset=us-ascii', true],
    ['application/json; charset=utf8', true],
    ['application/json; charset=utf-16', false],
    ['application/json; charset=iso-8859-1', false],
  ])('returns for %s: %s', (contentType, is) => {
    expect(isJsonInUtf8(contentType)).toBe(is);
  });
});
