import type { Theme } from '../theme/theme.js';

export type Rgba = [red: number, green: number, blue: number, alpha: number];

/** The speed, in metres per second, at the bright end of the ramp: 60 km/h. */
export const FASTEST_SHOWN = 60 / 3.6;

/** From 0 to `FASTEST_SHOWN`. Lightness increases evenly, so that the ramp also works without colour. */
const stops: Readonly<Record<Theme, readonly (readonly [number, number, number])[]>> = {
  light: [
    [214, 120, 30],
    [162, 56, 120],
    [64, 30, 110],
  ],
  dark: [
    [116, 78, 178],
    [52, 166, 160],
    [244, 226, 110],
  ],
};

/** The colour of a speed in metres per second; an unknown speed has the colour of 0. */
export function speedColor(speed: number | null, theme: Theme, alpha = 255): Rgba {
  const ramp = stops[theme];
  const position = (Math.min(Math.max(speed ?? 0, 0), FASTEST_SHOWN) / FASTEST_SHOWN) * (ramp.length - 1);
  const index = Math.min(Math.floor(position), ramp.length - 2);
  const [from, to] = [ramp[index]!, ramp[index + 1]!];
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(from[channel] + (to[channel] - from[channel]) * (position - index));
  return [mix(0), mix(1), mix(2), alpha];
}

/** The ramp as a CSS gradient, for its legend. */
export function speedGradient(theme: Theme): string {
  return `linear-gradient(to right, ${stops[theme].map((rgb) => `rgb(${rgb.join(' ')})`).join(', ')})`;
}
