import { describe, expect, it } from 'vitest';
import { LOCAL_PROVIDER_ID, parseTokenArgs } from './token-args.js';

const PROVIDER = '0195a0c4-7a10-7000-8000-000000000009';

describe(parseTokenArgs, () => {
  it.each([
    ['--scope read', { scopes: ['read'] }],
    ['--scope write', { scopes: ['write'], providerId: LOCAL_PROVIDER_ID }],
    [`--scope=write --provider=${PROVIDER}`, { scopes: ['write'], providerId: PROVIDER }],
    ['--scope read,operate --name Kim', { scopes: ['read', 'operate'], name: 'Kim' }],
    [`--scope read --provider ${PROVIDER}`, { scopes: ['read'], providerId: PROVIDER }],
  ])('parses %s', (line, claims) => {
    expect(parseTokenArgs(line.split(' '))).toEqual(claims);
  });

  it.each([
    ['', 'expected --scope read|write|operate[,…] [--provider UUID] [--name NAME]'],
    ['--scope admin', 'expected --scope read|write|operate[,…] [--provider UUID] [--name NAME]'],
    ['--scope read,admin', 'expected --scope read|write|operate[,…] [--provider UUID] [--name NAME]'],
    ['--scope read,read', 'expected --scope read|write|operate[,…] [--provider UUID] [--name NAME]'],
    ['--scope read --for good', 'expected --scope read|write|operate[,…] [--provider UUID] [--name NAME]'],
    ['--scope read --provider me', '--provider: expected a UUID, got "me"'],
  ])('reports the problem of "%s"', (line, problem) => {
    expect(parseTokenArgs(line.split(' ').filter((word) => word !== ''))).toEqual({ problem });
  });
});
