import './lists.css';
import type { ReactNode } from 'react';
import { SearchIcon } from '../icons.js';

interface ListViewProps {
  readonly title: string;
  /** Used for `testId-total`, too. */
  readonly testId: string;
  /** What is listed, in a few words. */
  readonly total: string;
  /** Why the list cannot be loaded. */
  readonly failure: string | null;
  /** What is to be known of the list. */
  readonly note?: ReactNode;
  /** Shown next to the title. */
  readonly controls?: ReactNode;
  /** The card of what is opened. */
  readonly detail?: ReactNode;
  readonly children: ReactNode;
}

/** A list that is shown instead of the map. On narrow windows, an opened card covers it. */
export function ListView(props: ListViewProps) {
  const { title, testId, total, failure, note, controls, detail = null, children } = props;
  return (
    <section
      className="list-view"
      aria-labelledby={`${testId}-heading`}
      data-testid={testId}
      data-opened={detail !== null}
    >
      <header className="list-header">
        <h2 id={`${testId}-heading`}>{title}</h2>
        <p className="list-total" role="status" data-testid={`${testId}-total`}>
          {total}
        </p>
        {controls}
      </header>
      {failure !== null && (
        <p className="list-failure" role="alert">
          {failure}
        </p>
      )}
      {note}
      <div className="list-columns">
        <div className="list-column">{children}</div>
        {detail}
      </div>
    </section>
  );
}

/** The part of a list that scrolls. */
export function ListRows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="list-rows" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

export function ListSearch(props: {
  label: string;
  placeholder: string;
  value: string;
  maxLength?: number;
  onChange: (value: string) => void;
}) {
  const { label, onChange, ...input } = props;
  return (
    <label className="list-search">
      <SearchIcon />
      <input
        type="search"
        aria-label={label}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
        {...input}
      />
    </label>
  );
}
