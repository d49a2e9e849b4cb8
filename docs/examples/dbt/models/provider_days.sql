-- One row per provider and day (UTC) of the pick-up.
with trips as (
  select
    provider_id,
    (picked_up_at at time zone 'UTC')::date as day,
    count(*) as completed_trips,
    percentile_cont(0.5) within group (order by wait_seconds) as median_wait_seconds,
    sum(distance_meters) as distance_meters
  from {{ ref('trips') }}
  where state = 'completed'
  group by 1, 2
), working as (
  select
    provider_id,
    (hour at time zone 'UTC')::date as day,
    sum(working_seconds) / 3600 as vehicle_hours
  from {{ source('analysis', 'utilisation') }}
  group by 1, 2
)
select
  trips.*,
  vehicle_hours,
  completed_trips / nullif(vehicle_hours, 0) as trips_per_vehicle_hour
from trips
left join working using (provider_id, day)
