import { UsageError } from '@hailstream/service/command-line';
import { describe, expect, it } from 'vitest';
import { parseBackupArgs, parseRestoreArgs } from './backup-command.js';

describe(parseBackupArgs, () => {
  it('requires the name of a file', () => {
    expect(parseBackupArgs(['--out', 'a', '--force'])).toEqual({ file: 'a', isForced: true, isJson: false });
    expect(() => parseBackupArgs(['--force'])).toThrow(
      new UsageError('backup --out: expected the name of a file, got ""'),
    );
    expect(() => parseBackupArgs(['--from', 'a'])).toThrow(UsageError);
  });
});

describe(parseRestoreArgs, () => {
  it('requires the name of a file', () => {
    expect(parseRestoreArgs(['--from', 'a', '--json'])).toEqual({ file: 'a', isJson: true });
    expect(() => parseRestoreArgs([])).toThrow(
      new UsageError('restore --from: expected the name of a file, got ""'),
    );
    expect(() => parseRestoreArgs(['--force'])).toThrow(UsageError);
  });
});
