import './choice.css';
import { useId } from 'react';

/** A list of options with its label. */
export function Choice(props: {
  label: string;
  value: string;
  /** Whether the choice differs from the usual one. */
  isActive: boolean;
  options: readonly (readonly [value: string, words: string])[];
  onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="choice" data-active={props.isActive}>
      <label htmlFor={id}>{props.label}</label>
      <select id={id} value={props.value} onChange={(event) => props.onChange(event.target.value)}>
        {props.options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}
