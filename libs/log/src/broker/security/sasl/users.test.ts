import { describe, expect, it } from 'vitest';
import { parseUsers } from './users.js';

describe('parseUsers', () => {
  it('parses one name and password per line, with any characters in the password', () => {
    const text = '# operators\nada:s3cret\r\n\nops: a:b#c \n';
    expect([...parseUsers(text, 'users')]).toEqual([
      ['ada', 's3cret'],
      ['ops', ' a:b#c '],
    ]);
  });

  it.each([
    ['ada', /^users, line 1: expected name:password$/],
    ['# x\n:s3cret', /^users, line 2: expected name:password$/],
    ['ada:', /^users, line 1: expected name:password$/],
    ['ada:s3cret\nada:s3cret', /^users, line 2: duplicate user name$/],
    ['', /^users has no users/],
    [
      Array.from({ length: 1001 }, (_, i) => `user${i}:s3cret`).join('\n'),
      /^users has more than 1000 users$/,
    ],
  ])('reports file and line without secrets: %j', (text, message) => {
    expect(() => parseUsers(text, 'users')).toThrow(message);
  });
});
