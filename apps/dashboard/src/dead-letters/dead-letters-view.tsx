import '../lists/lists.css';
import './dead-letters.css';
import type {
  DeadLetterGroupSummary,
  DeadLetterPage,
  DeadLetterSummary,
} from '@hailstream/events/dead-letters';
import { useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatDateTime } from '../format.js';
import { ListRows, ListSearch, ListView } from '../lists/list-view.js';
import { plural, t } from '../locale/text.js';
import { useShortcuts } from '../shortcuts.js';
import { useStore } from '../store.js';
import { DeadLetterCard } from './dead-letter-card.js';
import { useDeadLetters } from './use-dead-letters.js';

const PAGE_LETTERS = 50;
/** The service returns no more at once. */
const MAX_LETTERS = 500;

/** The records that consumer groups could not process: groups with the same reason, and the latest of them. */
export function DeadLettersView() {
  const { view } = useDashboard();
  const reason = useStore(view.reason);
  const includesRedriven = useStore(view.includesRedriven);
  const opened = useStore(view.letter) || null;
  const [group, setGroup] = useState<DeadLetterGroupSummary | null>(null);
  const [limit, setLimit] = useState(PAGE_LETTERS);
  const filter = { reason, includesRedriven, limit: 1 };
  const all = useDeadLetters(filter);
  const chosen = group && { group: group.group, topic: group.topic, reason: group.pattern };
  const list = useDeadLetters({ ...filter, ...chosen, limit });
  useShortcuts({ close: opened === null ? undefined : () => view.letter.set('') });
  const failure = list.failure ?? all.failure;

  const choose = (next: DeadLetterGroupSummary): void => {
    setGroup(group !== null && isSameGroup(group, next) ? null : next);
    setLimit(PAGE_LETTERS);
  };
  return (
    <ListView
      title={t('letters.title')}
      testId="dead-letters"
      total={all.body === null ? t('letters.loading') : totalWords(all.body)}
      failure={failure === null ? null : t('letters.failed', { reason: failure })}
      controls={
        <>
          <ListSearch
            label={t('letters.reason')}
            placeholder={t('letters.reason')}
            value={reason}
            onChange={(value) => {
              view.reason.set(value);
              setGroup(null);
            }}
          />
          <RedrivenChoice />
        </>
      }
      detail={
        opened === null ? null : (
          <DeadLetterCard key={opened} id={opened} onClose={() => view.letter.set('')} />
        )
      }
    >
      <ListRows label={t('letters.list')}>
        {all.body?.total === 0 && <NoLetters isFiltered={reason !== ''} />}
        <Groups groups={all.body?.groups ?? []} chosen={group} onChoose={choose} />
        {list.body !== null && list.body.total > 0 && (
          <Letters
            page={list.body}
            opened={opened}
            onOpen={(id) => view.letter.set(id)}
            onMore={limit < MAX_LETTERS ? () => setLimit(limit + PAGE_LETTERS) : null}
          />
        )}
      </ListRows>
    </ListView>
  );
}

function RedrivenChoice() {
  const { view } = useDashboard();
  const includesRedriven = useStore(view.includesRedriven);
  return (
    <label className="letters-redriven">
      <input
        type="checkbox"
        checked={includesRedriven}
        onChange={(event) => view.includesRedriven.set(event.target.checked)}
      />
      {t('letters.redrivenToo')}
    </label>
  );
}

function totalWords({ total, groups, isCurrent, truncated }: DeadLetterPage): string {
  const inGroups = plural('letters.total', groups.length, { total: formatCount(total) });
  const listed = truncated ? t('letters.older', { total: inGroups }) : inGroups;
  return isCurrent ? listed : t('letters.reading', { total: listed });
}

function NoLetters({ isFiltered }: { isFiltered: boolean }) {
  return (
    <p className="list-empty" data-testid="no-dead-letters">
      {t(isFiltered ? 'letters.noMatch' : 'letters.none')}
    </p>
  );
}

function Groups(props: {
  groups: readonly DeadLetterGroupSummary[];
  chosen: DeadLetterGroupSummary | null;
  onChoose: (group: DeadLetterGroupSummary) => void;
}) {
  const { groups, chosen, onChoose } = props;
  return (
    <ul className="letters-groups" aria-label={t('letters.groups')} data-testid="dead-letter-groups">
      {groups.map((group) => (
        <li key={JSON.stringify([group.group, group.topic, group.pattern])}>
          <button
            type="button"
            className="letters-group"
            aria-pressed={chosen !== null && isSameGroup(chosen, group)}
            onClick={() => onChoose(group)}
          >
            <span className="letters-count">{formatCount(group.count)}</span>
            <span className="letters-reason">{group.reason}</span>
            <span className="letters-meta">
              <strong>{group.group}</strong>
              <span>{group.topic}</span>
              <span>
                {formatDateTime(group.firstWrittenAt)} – {formatDateTime(group.lastWrittenAt)}
              </span>
              {group.redriven > 0 && (
                <span>{t('letters.redrivenCount', { count: formatCount(group.redriven) })}</span>
              )}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Letters(props: {
  page: DeadLetterPage;
  opened: string | null;
  onOpen: (id: string) => void;
  onMore: (() => void) | null;
}) {
  const { page, opened, onOpen, onMore } = props;
  const { deadLetters, total } = page;
  return (
    <>
      <h3 className="letters-latest">
        {t('letters.latest', { listed: formatCount(deadLetters.length), total: formatCount(total) })}
      </h3>
      <ol className="letters-rows" data-testid="dead-letter-list">
        {deadLetters.map((letter) => (
          <LetterRow key={letter.id} letter={letter} isOpen={letter.id === opened} onOpen={onOpen} />
        ))}
      </ol>
      {deadLetters.length < total && (
        <p className="letters-more">
          {onMore === null ? (
            t('letters.toSeeOlder')
          ) : (
            <button type="button" className="link-button" onClick={onMore}>
              {t('common.showMore')}
            </button>
          )}
        </p>
      )}
    </>
  );
}

function LetterRow(props: { letter: DeadLetterSummary; isOpen: boolean; onOpen: (id: string) => void }) {
  const { letter, isOpen, onOpen } = props;
  const { id, lastWrittenAt, group, topic, partition, offset, reason, redrives, redrivenAt } = letter;
  return (
    <li>
      <button type="button" className="letters-row" aria-current={isOpen} onClick={() => onOpen(id)}>
        <time className="letters-time" dateTime={lastWrittenAt ?? undefined}>
          {formatDateTime(lastWrittenAt)}
        </time>
        <span className="letters-reason">{reason}</span>
        <span className="letters-meta">
          <strong>{group}</strong>
          <span>{t('letter.offset', { topic, partition, offset })}</span>
          {redrives > 0 && <span>{t('letters.redrivenBefore', { count: formatCount(redrives) })}</span>}
          {redrivenAt !== null && <span className="letters-done">{t('letters.redriven')}</span>}
        </span>
      </button>
    </li>
  );
}

function isSameGroup(one: DeadLetterGroupSummary, other: DeadLetterGroupSummary): boolean {
  return one.group === other.group && one.topic === other.topic && one.pattern === other.pattern;
}
