import type { Tiling } from '../election/election';
import type { UnitKind } from '../feed/types';

/** What the map is divided into just now. */
export type Level = 'regions' | 'raions' | 'districts' | 'precincts';

export const LEVEL_KIND: Record<Level, UnitKind> = {
  regions: 'region',
  raions: 'raion',
  districts: 'district',
  precincts: 'precinct',
};

const RAIONS_FROM = 0.85;
const PRECINCTS_FROM = 2.6;
/** A chosen unit shows its parts this much before the zoom alone would. */
const EARLIER = 0.75;

/**
 * The level for a zoom, counted from the one at which the country fills the map, so that a phone and a wall show the
 * same. A chosen region, raion or district brings its parts into view somewhat earlier.
 */
export function levelFor(tiling: Tiling, zoomIn: number, chosen: UnitKind | null): Level {
  const reach = (from: number, brings: boolean) => zoomIn >= (brings ? from - EARLIER : from);
  const intoPrecincts = chosen === 'raion' || chosen === 'district' || chosen === 'precinct';
  if (reach(PRECINCTS_FROM, intoPrecincts)) return 'precincts';
  if (tiling === 'districts') return 'districts';
  return reach(RAIONS_FROM, chosen !== null && chosen !== 'country') ? 'raions' : 'regions';
}
