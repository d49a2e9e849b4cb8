import { fromLocal, toLocal } from './day.js';

/** A time to the minute in the page's time zone; empty is `null`. */
export function TimeField(props: {
  label: string;
  at: number | null;
  onChange: (at: number | null) => void;
}) {
  const { label, at, onChange } = props;
  return (
    <label className="trips-time">
      <span>{label}</span>
      <input
        type="datetime-local"
        className="trips-field"
        value={at === null ? '' : toLocal(at)}
        onChange={({ target }) => {
          const time = target.value === '' ? null : fromLocal(target.value);
          if (time === null || !Number.isNaN(time)) onChange(time);
        }}
      />
    </label>
  );
}
