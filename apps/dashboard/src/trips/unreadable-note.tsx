import './page.css';
import { plural } from '../locale/text.js';

/** How many records could not be read; nothing if all were. */
export function UnreadableNote(props: { of: 'unreadable.records' | 'unreadable.audits'; count: number }) {
  const { of, count } = props;
  if (count === 0) return null;
  return (
    <p className="page-note" role="status" data-testid="unreadable">
      {plural(of, count)}
    </p>
  );
}
