import type { FeedStatus } from '@hailstream/events/feeds';
import type { ReactNode } from 'react';

/** A status by shape and colour: a cross, a triangle, a ring, a tick or a dash. The words are next to it. */
export function FeedStatusMark({ status }: { status: FeedStatus }) {
  return (
    <svg
      className="feed-mark"
      data-status={status}
      width="16"
      height="16"
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      {shapes[status]}
    </svg>
  );
}

const shapes: Readonly<Record<FeedStatus, ReactNode>> = {
  error: (
    <>
      <path className="feed-mark-fill" d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" />
      <path className="feed-mark-cut" d="m5.5 5.5 5 5m0-5-5 5" />
    </>
  ),
  warning: (
    <>
      <path className="feed-mark-fill" d="M8 1.2 15.2 14.5H.8z" />
      <path className="feed-mark-cut" d="M8 6v4m0 2v.4" />
    </>
  ),
  notice: <circle className="feed-mark-line" cx="8" cy="8" r="6" />,
  healthy: (
    <>
      <circle className="feed-mark-fill" cx="8" cy="8" r="7" />
      <path className="feed-mark-cut" d="m4.8 8.3 2.2 2.2 4.2-4.6" />
    </>
  ),
  unknown: <path className="feed-mark-line" d="M3 8h10" />,
};
