import { isUuid } from '@hailstream/service/uuid';
import { useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { SearchIcon } from '../icons.js';

/** Opens the card of a vehicle by its id, or by part of the id if the vehicle is on the map. */
export function FindVehicle() {
  const { city } = useDashboard();
  const [found, setFound] = useState<'yes' | 'no'>('yes');
  const [typed, setTyped] = useState('');
  const find = () => {
    const sought = typed.trim().toLowerCase();
    if (sought === '') return;
    // The service finds the provider; if several have a vehicle with this id, it refuses and names them.
    const vehicle = isUuid(sought)
      ? { deviceId: sought, providerId: null }
      : city.shown.get().fleet.find(sought);
    setFound(vehicle === undefined ? 'no' : 'yes');
    if (vehicle !== undefined) city.select(vehicle);
  };
  return (
    <search>
      <form
        className="find"
        onSubmit={(event) => {
          event.preventDefault();
          find();
        }}
      >
        <SearchIcon />
        <input
          id="find-vehicle"
          type="search"
          placeholder="Find a vehicle by id"
          aria-label="Find a vehicle by id"
          aria-describedby="find-result"
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setFound('yes');
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </form>
      <p id="find-result" className="find-result" role="status">
        {found === 'no' && 'No vehicle on the map matches this id.'}
      </p>
    </search>
  );
}
