import type { Severity } from '@hailstream/events/alerts';

/** Each severity has a shape, so that it does not depend on the colour. */
const shapes: Readonly<Record<Severity, string>> = {
  critical: 'M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2Z',
  warning: 'M8 1.6 15.2 14.4H.8Z',
  info: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z',
};

export function SeverityIcon({ severity }: { severity: Severity }) {
  return (
    <svg
      className="severity-icon"
      data-severity={severity}
      width="16"
      height="16"
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      <path d={shapes[severity]} />
    </svg>
  );
}
