/** A time to the minute in the browser's time zone; empty is `null`. */
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
          const time = target.value === '' ? null : new Date(target.value).getTime();
          if (time === null || !Number.isNaN(time)) onChange(time);
        }}
      />
    </label>
  );
}

/** In the form of the field: 2026-11-29T08:42. */
function toLocal(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
