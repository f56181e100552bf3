import type { Geometry, Position } from 'geojson';
import type { Bounds } from './geometry';

/** Room left free around the country, px. */
export interface Padding {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** For a map of some width; `scale` is how much larger than usual everything is written. */
export function paddingOf(width: number, scale: number): Padding {
  const rem = 16 * scale;
  // The controls stand over the map's upper edge; on a telephone the legend stands over its lower one.
  const wide = width > 40 * rem;
  // The names of the outermost units reach beyond them by as much on any screen.
  const side = wide ? Math.round(width * 0.025) : 1.9 * rem;
  return { top: (wide ? 2.5 : 3.25) * rem, bottom: (wide ? 1.25 : width < 360 ? 5.25 : 4.25) * rem, left: side, right: side };
}

/** From degrees to px from the upper left corner. */
export type Project = (at: Position) => [number, number];

const radians = (degrees: number) => (degrees * Math.PI) / 180;
const mercator = (latitude: number) => Math.log(Math.tan(Math.PI / 4 + radians(latitude) / 2));

/** Where the map puts places when these bounds fill it, as far as the padding lets them (Web Mercator). */
export function fitted([west, south, east, north]: Bounds, width: number, height: number, { top, bottom, left, right }: Padding): Project {
  const [w, e, s, n] = [radians(west), radians(east), mercator(south), mercator(north)];
  const zoom = Math.max(0, Math.min((width - left - right) / (e - w), (height - top - bottom) / (n - s)));
  const x0 = (left + width - right - zoom * (w + e)) / 2;
  const y0 = (top + height - bottom + zoom * (s + n)) / 2;
  return ([longitude = 0, latitude = 0]) => [x0 + zoom * radians(longitude), y0 - zoom * mercator(latitude)];
}

/** Shorter steps of an outline are not seen, px. */
const UNSEEN = 0.6;

/** An area as the `d` of an SVG path; of what is no area nothing. */
export function outline(geometry: Geometry, project: Project): string {
  const rings = geometry.type === 'Polygon' ? geometry.coordinates : geometry.type === 'MultiPolygon' ? geometry.coordinates.flat() : [];
  return rings.map((ring) => path(ring, project)).join('');
}

function path(ring: Position[], project: Project): string {
  let d = '';
  let [lastX, lastY] = [Infinity, Infinity];
  for (const at of ring) {
    const [x, y] = project(at);
    if (Math.abs(x - lastX) + Math.abs(y - lastY) < UNSEEN) continue;
    d += `${d === '' ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    [lastX, lastY] = [x, y];
  }
  return d === '' ? '' : `${d}Z`;
}
