/** An invalid environment variable. `got` never contains a secret. */
export interface ConfigIssue {
  readonly variable: string;
  readonly expected: string;
  readonly got: string;
}

/** The environment is invalid. Lists every invalid variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';

  constructor(readonly issues: readonly ConfigIssue[]) {
    super(
      issues.map(({ variable, expected, got }) => `${variable}: expected ${expected}, got ${got}`).join('\n'),
    );
  }
}
