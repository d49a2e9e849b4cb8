import '../card/card.css';
import type { DeadLetterDetail, RecordBytes } from '@hailstream/events/dead-letters';
import type { ReactNode } from 'react';
import { formatCount, formatDateTime } from '../format.js';
import { CloseIcon } from '../icons.js';
import { plural, t } from '../locale/text.js';
import { useDeadLetter } from './use-dead-letters.js';

/** Shows the reason, the origin and the record of a dead letter. */
export function DeadLetterCard({ id, onClose }: { id: string; onClose: () => void }) {
  const { body, failure } = useDeadLetter(id);
  return (
    <aside className="letter" aria-label={t('letter.label', { id })} data-testid="dead-letter-card">
      <header className="card-header">
        <div>
          <h2>{t('letter.title')}</h2>
          <p className="card-id letter-id">{id}</p>
        </div>
        <button
          type="button"
          className="bar-button"
          aria-label={t('letter.close')}
          title={t('common.closeEsc')}
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      </header>
      <div className="card-body" tabIndex={0}>
        {failure !== null && <p className="card-nothing">{t('failed.it', { reason: failure })}</p>}
        {body === null ? (
          failure === null && <p className="card-nothing">{t('common.loading')}</p>
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
        <Fact label={t('letter.state')}>
          {redrivenAt === null
            ? t('letter.open')
            : t('letter.redriven', { time: formatDateTime(redrivenAt) })}
        </Fact>
        <Fact label={t('letter.group')}>{letter.group}</Fact>
        <Fact label={t('letter.record')}>
          {lastOffset === undefined
            ? t('letter.offset', { topic, partition, offset })
            : t('letter.offsets', { topic, partition, offset, last: lastOffset })}
        </Fact>
        <Fact label={t('letter.received')}>{formatDateTime(letter.receivedAt)}</Fact>
        <Fact label={t('letter.firstWritten')}>{formatDateTime(letter.firstWrittenAt)}</Fact>
        <Fact label={t('letter.lastWritten')}>{formatDateTime(letter.lastWrittenAt)}</Fact>
        <Fact label={t('letter.attempts')}>{formatCount(letter.attempts)}</Fact>
        <Fact label={t('letter.redrives')}>{t('letter.times', { count: formatCount(letter.redrives) })}</Fact>
      </dl>
      <Part title={t('letter.key')} bytes={letter.key} omitted={letter.omittedKey} />
      <section className="card-section">
        <h3>{t('letter.headers')}</h3>
        {letter.headers.length === 0 && <p className="card-none">{t('letter.none')}</p>}
        <dl className="letter-headers">
          {letter.headers.map(({ name, value }, index) => (
            // A record may have several headers with the same name.
            <div key={index}>
              <dt>{name}</dt>
              <dd>{value === null ? t('letter.noValue') : value.content}</dd>
            </div>
          ))}
        </dl>
      </section>
      <Part title={t('letter.value')} bytes={letter.value} omitted={letter.omittedValue} />
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
            ? t('letter.tooLarge', {
                size: plural('letter.bytes', omitted.sizeBytes),
                digest: omitted.sha256,
              })
            : t('letter.none')}
        </p>
      )}
    </section>
  );
}

function sizeWords({ sizeBytes, encoding, isTruncated }: RecordBytes): string {
  return [
    plural('letter.bytes', sizeBytes),
    ...(encoding === 'hex' ? [t('letter.hexadecimal')] : []),
    ...(isTruncated ? [t('letter.truncated')] : []),
  ].join(', ');
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="fact">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
