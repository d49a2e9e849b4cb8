import { useLayoutEffect, useRef, useState } from 'react';

/** Height of a row, as set in the style sheet. */
const ROW_HEIGHT = 36;

/** Rows rendered beyond each edge of the visible part. */
const EXTRA_ROWS = 12;

interface RowWindow {
  /** The rows to render: from `first` up to, and excluding, `last`. */
  readonly first: number;
  readonly last: number;
  /** Height of the rows that are not rendered. */
  readonly before: number;
  readonly after: number;
}

/** The rows of `count` to render for a scroll position and a visible height. */
function rowWindow(count: number, seen: { scrollTop: number; height: number }): RowWindow {
  const first = Math.max(0, Math.min(count, Math.floor(seen.scrollTop / ROW_HEIGHT) - EXTRA_ROWS));
  const last = Math.min(count, Math.ceil((seen.scrollTop + seen.height) / ROW_HEIGHT) + EXTRA_ROWS);
  return { first, last, before: first * ROW_HEIGHT, after: (count - last) * ROW_HEIGHT };
}

/** The scroll position of an element, as a function that has the rows to render of any number. */
export function useRowWindow(): {
  readonly windowOf: (count: number) => RowWindow;
  readonly scroller: React.RefObject<HTMLDivElement | null>;
} {
  const scroller = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ scrollTop: 0, height: 0 });
  useLayoutEffect(() => {
    const element = scroller.current!;
    const look = () => setSeen({ scrollTop: element.scrollTop, height: element.clientHeight });
    look();
    element.addEventListener('scroll', look, { passive: true });
    const resized = new ResizeObserver(look);
    resized.observe(element);
    return () => {
      element.removeEventListener('scroll', look);
      resized.disconnect();
    };
  }, []);
  return { windowOf: (count) => rowWindow(count, seen), scroller };
}
