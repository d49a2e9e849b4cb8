import './filters.css';
import { Choice } from '../controls/choice.js';
import { useDashboard } from '../dashboard.js';
import { formatCount } from '../format.js';
import { labelChoices } from '../city-state/label-choice.js';
import { useStore } from '../store.js';
import { contactChoices, hidesAll, type ContactChoice } from '../city-state/fleet-filter.js';
import { useFleetFilter } from './use-fleet-filter.js';

/** Battery levels below which vehicles are shown, in percent. */
const batteryLimits = [10, 20, 30, 50] as const;

const contactWords: Readonly<Record<ContactChoice, string>> = {
  any: 'Any time',
  live: 'Within a minute',
  quiet: 'Not for a minute',
  silent: 'Not for 10 minutes',
};

const labelWords = { none: 'None', id: 'Vehicle', provider: 'Provider', battery: 'Battery' } as const;

/** Further filters of the vehicles on the map and in the table, and the labels of marks. */
export function FiltersSection() {
  const { city } = useDashboard();
  const battery = useStore(city.battery);
  const contact = useStore(city.contact);
  const labels = useStore(city.labels);
  const limits: readonly number[] =
    battery === null || batteryLimits.some((limit) => limit === battery)
      ? batteryLimits
      : [...batteryLimits, battery];
  return (
    <section className="panel-section filters" aria-labelledby="filters-heading" data-testid="filters">
      <h2 id="filters-heading">Filters and labels</h2>
      <Choice
        label="Battery"
        value={battery === null ? '' : String(battery)}
        isActive={battery !== null}
        options={[['', 'Any level'], ...limits.map((limit) => [String(limit), `Below ${limit} %`] as const)]}
        onChange={(value) => city.battery.set(value === '' ? null : Number(value))}
      />
      <Choice
        label="Last heard"
        value={contact}
        isActive={contact !== 'any'}
        options={contactChoices.map((choice) => [choice, contactWords[choice]] as const)}
        onChange={(value) => city.contact.set(contactChoices.find((choice) => choice === value) ?? 'any')}
      />
      <Choice
        label="Labels, zoomed in"
        value={labels}
        isActive={false}
        options={labelChoices.map((choice) => [choice, labelWords[choice]] as const)}
        onChange={(value) => city.labels.set(labelChoices.find((choice) => choice === value) ?? 'id')}
      />
      <ShownCount />
    </section>
  );
}

/** How many vehicles match the filters, of how many. */
function ShownCount() {
  const { city } = useDashboard();
  const filter = useFleetFilter();
  const count = useStore(city.count);
  const isFiltered = filter.hidden.size > 0 || filter.battery !== null || filter.contact !== 'any';
  if (!isFiltered) return null;
  const words = hidesAll(filter)
    ? 'No state is shown'
    : count === null
      ? 'Counting the vehicles'
      : `${formatCount(count.matching)} of ${formatCount(count.known)} shown`;
  const notDrawn = count === null ? 0 : count.matching - count.drawn;
  return (
    <p className="filters-count">
      <strong data-testid="shown-count">{words}</strong>
      {notDrawn > 0 && `, ${formatCount(notDrawn)} in the table only, because they are silent or elsewhere`}
      {filter.battery !== null &&
        count !== null &&
        `. The battery level of ${formatCount(count.known - count.withBattery)} is not known`}
      <button type="button" className="link-button" onClick={() => city.showEverything()}>
        Clear filters
      </button>
    </p>
  );
}
