import '../card/card.css';
import type { DeadLetterDetail, RecordBytes } from '@hailstream/events/dead-letters';
import type { ReactNode } from 'react';
import { formatCount, formatDateTime } from '../format.js';
import { CloseIcon } from '../icons.js';
import { useDeadLetter } from './use-dead-letters.js';

/** Shows the reason, the origin and the record of a dead letter. */
export function DeadLetterCard({ id, onClose }: { id: string; onClose: () => void }) {
  const { body, failure } = useDeadLetter(id);
  return (
    <aside className="letter" aria-label={`Dead letter ${id}`} data-testid="dead-letter-card">
      <header className="card-header">
        <div>
          <h2>Dead letter</h2>
          <p className="card-id letter-id">{id}</p>
        </div>
        <button
          type="button"
          className="bar-button"
          aria-label="Close the dead letter"
          title="Close (Esc)"
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      </header>
      <div className="card-body" tabIndex={0}>
        {failure !== null && <p className="card-nothing">It cannot be loaded: {failure}. Trying again.</p>}
        {body === null ? (
          failure === null && <p className="card-nothing">Loading</p>
        ) : (
          <Letter letter={body} />
        )}
      </div>
    </aside>
  );
}

function Letter({ letter }: { letter: DeadLetterDetail }) {
  const { partition, topic, offset, lastOffset, errorName, reason, redrivenAt } = letter;
  return (
    <>
      <p className="letter-reason">
        {errorName !== '' && errorName !== reason && <strong>{errorName}: </strong>}
        {reason}
      </p>
      <dl className="card-figures">
        <Fact label="State">{redrivenAt === null ? 'open' : `redriven ${formatDateTime(redrivenAt)}`}</Fact>
        <Fact label="Consumer group">{letter.group}</Fact>
        <Fact label="Record">
          {topic}/{partition}, offset
          {lastOffset === undefined ? ` ${offset}` : `s ${offset} to ${lastOffset}`}
        </Fact>
        <Fact label="Received">{formatDateTime(letter.receivedAt)}</Fact>
        <Fact label="Written first">{formatDateTime(letter.firstWrittenAt)}</Fact>
        <Fact label="Written last">{formatDateTime(letter.lastWrittenAt)}</Fact>
        <Fact label="Attempts">{formatCount(letter.attempts)}</Fact>
        <Fact label="Redriven before">{formatCount(letter.redrives)} ×</Fact>
      </dl>
      <Part title="Key" bytes={letter.key} omitted={letter.omittedKey} />
      <section className="card-section">
        <h3>Headers</h3>
        {letter.headers.length === 0 && <p className="card-none">None</p>}
        <dl className="letter-headers">
          {letter.headers.map(({ name, value }, index) => (
            // A record may have several headers with the same name.
            <div key={index}>
              <dt>{name}</dt>
              <dd>{value === null ? 'no value' : value.content}</dd>
            </div>
          ))}
        </dl>
      </section>
      <Part title="Value" bytes={letter.value} omitted={letter.omittedValue} />
    </>
  );
}

function Part(props: { title: string; bytes: RecordBytes | null; omitted: DeadLetterDetail['omittedKey'] }) {
  const { title, bytes, omitted } = props;
  return (
    <section className="card-section">
      <h3>
        {title}
        {bytes !== null && <span className="letter-size"> {sizeWords(bytes)}</span>}
      </h3>
      {bytes !== null && <pre className="letter-bytes">{bytes.content}</pre>}
      {bytes === null && (
        <p className="card-none">
          {omitted
            ? `Too large to be kept: ${formatCount(omitted.sizeBytes)} bytes, SHA-256 ${omitted.sha256}`
            : 'None'}
        </p>
      )}
    </section>
  );
}

function sizeWords({ sizeBytes, encoding, isTruncated }: RecordBytes): string {
  const size = `${formatCount(sizeBytes)} ${sizeBytes === 1 ? 'byte' : 'bytes'}`;
  return `${size}${encoding === 'hex' ? ', hexadecimal' : ''}${isTruncated ? ', only the first are shown' : ''}`;
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="fact">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
