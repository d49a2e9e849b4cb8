import './heat.css';
import { useDashboard } from '../dashboard.js';
import { Choice } from '../controls/choice.js';
import { formatCount } from '../format.js';
import { keyOf } from '../shortcuts.js';
import { useStore } from '../store.js';
import { heatChoices, heatMinutes, type HeatChoice } from '../address/choices.js';
import { heatClasses, heatClassOf, isUnserved, mostWanted } from './heat-classes.js';

const words: Readonly<Record<HeatChoice, string>> = {
  none: 'Off',
  balance: 'Requests and free vehicles',
  demand: 'Requests',
  supply: 'Free vehicles',
};

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
      <h2 id="heat-heading">Demand and supply</h2>
      <Choice
        label={`On the map (${keyOf('heat')})`}
        value={choice}
        isActive={choice !== 'none'}
        options={heatChoices.map((each) => [each, words[each]] as const)}
        onChange={(value) => view.heat.set(heatChoices.find((each) => each === value) ?? 'none')}
      />
      {choice !== 'none' && (
        <>
          <Choice
            label="Requests of the last"
            value={String(minutes)}
            isActive={false}
            options={heatMinutes.map((each) => [String(each), `${each} minutes`] as const)}
            onChange={(value) =>
              view.heatMinutes.set(heatMinutes.find((each) => String(each) === value) ?? 15)
            }
          />
          {failure !== null && <p className="heat-note">The cells cannot be loaded: {failure}.</p>}
          {demand === null ? <p className="heat-note">Loading the cells</p> : <HeatLegend choice={choice} />}
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
        <caption className="visually-hidden">Cells on the map, by class</caption>
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
        {!isAnyoneWaiting && 'No rider waits in view.'}
        {isAnyoneWaiting && unserved === 0 && 'Every rider who waits in view has a free vehicle near.'}
        {unserved > 0 &&
          `Riders wait in ${formatCount(unserved)} ${unserved === 1 ? 'cell' : 'cells'} without a free vehicle near.`}
      </p>
      {listed.length > 0 && (
        <ul className="heat-cells" aria-label="Cells where riders wait">
          {listed.map((cell) => {
            const [id, , waiting, , nearby, corners] = cell;
            return (
              <li key={id}>
                <button
                  type="button"
                  className="link-button"
                  onClick={() => city.placeToReveal.set(centre(corners))}
                >
                  {formatCount(waiting)} waiting, {nearby === 0 ? 'none' : formatCount(nearby)} free near
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </>
  );
}

function centre(corners: readonly number[]): { lat: number; lng: number } {
  const count = corners.length / 2;
  const mean = (offset: 0 | 1) =>
    corners.filter((_, at) => at % 2 === offset).reduce((sum, degrees) => sum + degrees, 0) / count;
  return { lat: mean(0), lng: mean(1) };
}
