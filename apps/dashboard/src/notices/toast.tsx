import type { ReactNode } from 'react';

/** A note at the lower edge of the map. */
export function Toast({ children }: { children: ReactNode }) {
  return (
    <p className="toast" role="status">
      {children}
    </p>
  );
}
