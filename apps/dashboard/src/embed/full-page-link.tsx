import { type ReactNode, type SyntheticEvent, useState } from 'react';
import { fullPageOf } from './full-page.js';

/** A link to the whole page in a tab of its own: in the frame, it would replace the map. */
export function FullPageLink(props: { className: string; label?: string; children: ReactNode }) {
  const { className, label, children } = props;
  const [first] = useState(() => fullPageOf(location));
  // The address changes whenever the map is moved, and is needed only when the link is used.
  const update = ({ currentTarget }: SyntheticEvent<HTMLAnchorElement>) => {
    currentTarget.href = fullPageOf(location);
  };
  return (
    <a
      className={className}
      href={first}
      target="_blank"
      rel="noopener"
      aria-label={label}
      title={label}
      onPointerDown={update}
      onFocus={update}
      onClick={update}
    >
      {children}
    </a>
  );
}
