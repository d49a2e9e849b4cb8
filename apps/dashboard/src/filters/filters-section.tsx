import './filters.css';
import { Choice } from '../controls/choice.js';
import { useDashboard } from '../dashboard.js';
import { formatCount } from '../format.js';
import { t } from '../locale/text.js';
import { labelChoices } from '../city-state/label-choice.js';
import { useStore } from '../store.js';
import { contactChoices, hidesAll } from '../city-state/fleet-filter.js';
import { useFleetFilter } from './use-fleet-filter.js';

/** Battery levels below which vehicles are shown, in percent. */
const batteryLimits = [10, 20, 30, 50] as const;

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
      <h2 id="filters-heading">{t('filters.title')}</h2>
      <Choice
        label={t('filters.battery')}
        value={battery === null ? '' : String(battery)}
        isActive={battery !== null}
        options={[
          ['', t('filters.batteryAny')],
          ...limits.map((limit) => [String(limit), t('filters.batteryBelow', { percent: limit })] as const),
        ]}
        onChange={(value) => city.battery.set(value === '' ? null : Number(value))}
      />
      <Choice
        label={t('filters.contact')}
        value={contact}
        isActive={contact !== 'any'}
        options={contactChoices.map((choice) => [choice, t(`filters.contact.${choice}`)] as const)}
        onChange={(value) => city.contact.set(contactChoices.find((choice) => choice === value) ?? 'any')}
      />
      <Choice
        label={t('filters.labels')}
        value={labels}
        isActive={false}
        options={labelChoices.map((choice) => [choice, t(`filters.label.${choice}`)] as const)}
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
    ? t('filters.noState')
    : count === null
      ? t('filters.counting')
      : t('filters.shown', { matching: formatCount(count.matching), known: formatCount(count.known) });
  const notDrawn = count === null ? 0 : count.matching - count.drawn;
  return (
    <p className="filters-count">
      <strong data-testid="shown-count">{words}</strong>
      {notDrawn > 0 && `, ${t('filters.notDrawn', { count: formatCount(notDrawn) })}`}
      {filter.battery !== null &&
        count !== null &&
        `. ${t('filters.batteryUnknown', { count: formatCount(count.known - count.withBattery) })}`}
      <button type="button" className="link-button" onClick={() => city.showEverything()}>
        {t('filters.clear')}
      </button>
    </p>
  );
}
