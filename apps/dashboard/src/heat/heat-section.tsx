import './heat.css';
import type { DemandCell } from '@hailstream/events/live';
import { useDashboard } from '../dashboard.js';
import { Choice } from '../controls/choice.js';
import { formatCount } from '../format.js';
import { keyOf } from '../shortcuts.js';
import { useStore } from '../store.js';
import { heatChoices, heatMinutes, type HeatChoice } from '../address/choices.js';
import { plural, t } from '../locale/text.js';
import { heatClasses, heatClassOf, isUnserved, mostWanted } from './heat-classes.js';

/** Cells that are listed. */
const LISTED = 5;

/** Demand and supply per cell: what the map shows, its legend, and the cells where riders wait. */
export function HeatSection() {
  const { city, view } = useDashboard();
  const choice = useStore(view.heat);
  const minutes = useStore(view.heatMinutes);
  const demand = useStore(city.demand);
  const failure = useStore(city.demandFailure);
  return (
    <section className="panel-section heat" aria-labelledby="heat-heading" data-testid="heat">
      <h2 id="heat-heading">{t('heat.title')}</h2>
      <Choice
        label={t('heat.onMap', { key: keyOf('heat') })}
        value={choice}
        isActive={choice !== 'none'}
        options={heatChoices.map((each) => [each, t(`heat.choice.${each}`)] as const)}
        onChange={(value) => view.heat.set(heatChoices.find((each) => each === value) ?? 'none')}
      />
      {choice !== 'none' && (
        <>
          <Choice
            label={t('heat.last')}
            value={String(minutes)}
            isActive={false}
            options={heatMinutes.map((each) => [String(each), plural('minutes', each)] as const)}
            onChange={(value) =>
              view.heatMinutes.set(heatMinutes.find((each) => String(each) === value) ?? 15)
            }
          />
          {failure !== null && <p className="heat-note">{t('heat.failed', { reason: failure })}</p>}
          {demand === null ? (
            <p className="heat-note">{t('heat.loading')}</p>
          ) : (
            <HeatLegend choice={choice} />
          )}
        </>
      )}
    </section>
  );
}

function HeatLegend({ choice }: { choice: Exclude<HeatChoice, 'none'> }) {
  const { city, theme } = useDashboard();
  const painted = useStore(theme.theme);
  const demand = useStore(city.demand);
  const cells = demand?.cells ?? [];
  const counts = new Map<number, number>();
  for (const cell of cells) {
    const at = heatClassOf(choice, cell);
    if (at !== null) counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  const unserved = cells.filter(isUnserved).length;
  const isAnyoneWaiting = cells.some(([, , waiting]) => waiting > 0);
  const listed = mostWanted(cells, LISTED);
  return (
    <>
      <table className="heat-legend" data-testid="heat-legend">
        <caption className="visually-hidden">{t('heat.cells')}</caption>
        <tbody>
          {heatClasses(choice).map(({ label, color }, at) => (
            <tr key={label}>
              <th scope="row">
                <span className="heat-swatch" style={{ backgroundColor: color[painted] }} />
                {label}
              </th>
              <td>{formatCount(counts.get(at) ?? 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="heat-note" data-testid="heat-unserved">
        {!isAnyoneWaiting && t('heat.noneWaits')}
        {isAnyoneWaiting && unserved === 0 && t('heat.served')}
        {unserved > 0 && plural('heat.unserved', unserved)}
      </p>
      {listed.length > 0 && (
        <ul className="heat-cells" aria-label={t('heat.cellsWaiting')}>
          {listed.map((cell) => {
            const [id, , , , , corners] = cell;
            return (
              <li key={id}>
                <button
                  type="button"
                  className="link-button"
                  onClick={() => city.placeToReveal.set(centre(corners))}
                >
                  {cellWords(cell)}
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </>
  );
}

/** How many riders wait in a cell, and how many vehicles are free near it. */
function cellWords([, , riders, , nearby]: DemandCell): string {
  const waiting = formatCount(riders);
  return nearby === 0
    ? t('heat.cellUnserved', { waiting })
    : t('heat.cell', { waiting, nearby: formatCount(nearby) });
}

function centre(corners: readonly number[]): { lat: number; lng: number } {
  const count = corners.length / 2;
  const mean = (offset: 0 | 1) =>
    corners.filter((_, at) => at % 2 === offset).reduce((sum, degrees) => sum + degrees, 0) / count;
  return { lat: mean(0), lng: mean(1) };
}
