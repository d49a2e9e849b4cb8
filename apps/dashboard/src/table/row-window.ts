import { useLayoutEffect, useRef, useState } from 'react';

/** Height of a row; the style sheet makes it so. */
export const ROW_HEIGHT = 36;

/** Rows beyond each edge that are there already when they are scrolled to. */
const EXTRA_ROWS = 12;

export interface RowWindow {
  /** The rows to render: from `first` up to, not including, `last`. */
  readonly first: number;
  readonly last: number;
  /** Pixels that stand for the rows that are not. */
  readonly before: number;
  readonly after: number;
}

/** Which of `count` rows to render when so much is scrolled past and so much is seen. */
export function rowWindow(count: number, seen: { scrollTop: number; height: number }): RowWindow {
  const first = Math.max(0, Math.min(count, Math.floor(seen.scrollTop / ROW_HEIGHT) - EXTRA_ROWS));
  const last = Math.min(count, Math.ceil((seen.scrollTop + seen.height) / ROW_HEIGHT) + EXTRA_ROWS);
  return { first, last, before: first * ROW_HEIGHT, after: (count - last) * ROW_HEIGHT };
}

/** Keeps the window of rows where the element is scrolled to. */
export function useRowWindow(
  count: number,
): RowWindow & { scroller: React.RefObject<HTMLDivElement | null> } {
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
  return { ...rowWindow(count, seen), scroller };
}
