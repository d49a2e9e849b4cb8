import type { DeadLetterDetail, RecordBytes } from '@hailstream/events/dead-letters';
import { Fact } from '../card/card-frame.js';
import { formatCount, formatDateTime } from '../format.js';
import { ListCard } from '../lists/list-card.js';
import { plural, t } from '../locale/text.js';
import { useDeadLetter } from './use-dead-letters.js';

/** Shows the reason, the origin and the record of a dead letter. */
export function DeadLetterCard({ id, onClose }: { id: string; onClose: () => void }) {
  const { body, failure } = useDeadLetter(id);
  return (
    <ListCard
      title={t('letter.title')}
      id={id}
      label={t('letter.label', { id })}
      closeLabel={t('letter.close')}
      testId="dead-letter-card"
      onClose={onClose}
    >
      {failure !== null && <p className="card-nothing">{t('failed.it', { reason: failure })}</p>}
      {body === null ? (
        failure === null && <p className="card-nothing">{t('common.loading')}</p>
      ) : (
        <Letter letter={body} />
      )}
    </ListCard>
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
        <Fact
          label={t('letter.state')}
          value={
            redrivenAt === null
              ? t('letter.open')
              : t('letter.redriven', { time: formatDateTime(redrivenAt) })
          }
        />
        <Fact label={t('letter.group')} value={letter.group} />
        <Fact
          label={t('letter.record')}
          value={
            lastOffset === undefined
              ? t('letter.offset', { topic, partition, offset })
              : t('letter.offsets', { topic, partition, offset, last: lastOffset })
          }
        />
        <Fact label={t('letter.received')} value={formatDateTime(letter.receivedAt)} />
        <Fact label={t('letter.firstWritten')} value={formatDateTime(letter.firstWrittenAt)} />
        <Fact label={t('letter.lastWritten')} value={formatDateTime(letter.lastWrittenAt)} />
        <Fact label={t('letter.attempts')} value={formatCount(letter.attempts)} />
        <Fact
          label={t('letter.redrives')}
          value={t('letter.times', { count: formatCount(letter.redrives) })}
        />
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
