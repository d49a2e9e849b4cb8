/** One environment variable that is wrong. `got` never shows a secret. */
export interface ConfigIssue {
  readonly variable: string;
  readonly expected: string;
  readonly got: string;
}

/** The environment does not configure this process: names every variable that is wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';

  constructor(readonly issues: readonly ConfigIssue[]) {
    super(
      issues.map(({ variable, expected, got }) => `${variable}: expected ${expected}, got ${got}`).join('\n'),
    );
  }
}
