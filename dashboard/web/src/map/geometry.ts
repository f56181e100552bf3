import type { Feature, FeatureCollection, MultiPolygon, Polygon, Position } from 'geojson';

export type Area = Feature<Polygon | MultiPolygon, { id: string }>;
export type Areas = FeatureCollection<Polygon | MultiPolygon, { id: string }>;
/** West, south, east, north. */
export type Bounds = [number, number, number, number];

function polygons(area: Area): Position[][][] {
  return area.geometry.type === 'Polygon' ? [area.geometry.coordinates] : area.geometry.coordinates;
}

export function boundsOf(area: Area): Bounds {
  return joined(polygons(area).map(([ring = []]) => ringBounds(ring)));
}

export function joined(all: Bounds[]): Bounds {
  return all.reduce<Bounds>(
    ([w, s, e, n], b) => [Math.min(w, b[0]), Math.min(s, b[1]), Math.max(e, b[2]), Math.max(n, b[3])],
    [Infinity, Infinity, -Infinity, -Infinity],
  );
}

function ringBounds(ring: Position[]): Bounds {
  return joined(ring.map(([x = 0, y = 0]) => [x, y, x, y]));
}

function ringArea(ring: Position[]): number {
  let twice = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    twice += (ring[j]?.[0] ?? 0) * (ring[i]?.[1] ?? 0) - (ring[i]?.[0] ?? 0) * (ring[j]?.[1] ?? 0);
  }
  return Math.abs(twice / 2);
}

/** Distance from a point to the outline of a polygon: positive inside, negative outside. */
function depth(x: number, y: number, rings: Position[][]): number {
  let inside = false;
  let nearest = Infinity;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const [ax = 0, ay = 0] = ring[i] ?? [];
      const [bx = 0, by = 0] = ring[j] ?? [];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
      nearest = Math.min(nearest, segmentDistance(x, y, ax, ay, bx, by));
    }
  }
  return inside ? nearest : -nearest;
}

function segmentDistance(x: number, y: number, ax: number, ay: number, bx: number, by: number): number {
  const dx = bx - ax;
  const dy = by - ay;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

function overlap(a: Bounds, b: Bounds): boolean {
  return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
}

/** Whether a point lies in an area. */
export function contains(area: Area, [x, y]: [number, number]): boolean {
  return polygons(area).some((rings) => depth(x, y, rings) >= 0);
}

/** The middle of a ring's bounds. */
export function middle(ring: Position[]): [number, number] {
  const [w, s, e, n] = ringBounds(ring);
  return [(w + e) / 2, (s + n) / 2];
}

/** The outlines of lakes, for labels to keep clear of. */
export function shores(areas: Feature[]): Position[][] {
  return areas.flatMap(({ geometry }) => {
    if (geometry.type === 'Polygon') return geometry.coordinates.slice(0, 1);
    return geometry.type === 'MultiPolygon' ? geometry.coordinates.flatMap((part) => part.slice(0, 1)) : [];
  });
}

const GRID = 12;
const ROUNDS = 4;
/** Shorter steps of an outline than this part of an area's size do not move its label. */
const STEP = 1 / 200;

/** A ring without the points that lie nearer than `step` to the one before. */
function thinned(ring: Position[], step: number): Position[] {
  const kept: Position[] = [];
  let [x, y] = [Infinity, Infinity];
  for (const at of ring) {
    if (Math.hypot((at[0] ?? 0) - x, (at[1] ?? 0) - y) < step) continue;
    [x = 0, y = 0] = at;
    kept.push(at);
  }
  return kept;
}

/**
 * Where a label or circle of an area belongs: about the point deepest inside its largest part, clear of water. A grid is laid over
 * the part and laid again, finer, around the best point; good to a hundredth of the area's size.
 */
export function labelPoint(area: Area, water: Position[][]): [number, number] {
  const part = polygons(area).reduce((a, b) => (ringArea(b[0] ?? []) > ringArea(a[0] ?? []) ? b : a));
  const within = ringBounds(part[0] ?? []);
  const lakes = water.filter((ring) => overlap(within, ringBounds(ring)));
  let [w, s, e, n] = within;
  // Degrees of longitude are shorter than those of latitude here (41° N): measured on a map, not on a grid of degrees.
  const squeeze = Math.cos((((s + n) / 2) * Math.PI) / 180);
  const step = Math.max((e - w) * squeeze, n - s) * STEP;
  const flatten = (ring: Position[]) => thinned(ring.map(([x = 0, y = 0]): Position => [x * squeeze, y]), step);
  const land = part.map(flatten);
  const flatLakes = lakes.map((ring) => [flatten(ring)]);
  [w, e] = [w * squeeze, e * squeeze];
  const centre: [number, number] = [(w + e) / 2, (s + n) / 2];
  let best = centre;
  let deepest = -Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let i = 0; i <= GRID; i += 1) {
      for (let j = 0; j <= GRID; j += 1) {
        const x = w + ((e - w) * i) / GRID;
        const y = s + ((n - s) * j) / GRID;
        // Among points about as deep, the one nearer the middle.
        const clear = Math.min(depth(x, y, land), ...flatLakes.map((lake) => -depth(x, y, lake)));
        const d = clear - Math.hypot(x - centre[0], y - centre[1]) / 50;
        if (d > deepest) [deepest, best] = [d, [x, y]];
      }
    }
    const [reachX, reachY] = [(e - w) / GRID, (n - s) / GRID];
    [w, s, e, n] = [best[0] - reachX, best[1] - reachY, best[0] + reachX, best[1] + reachY];
  }
  return [best[0] / squeeze, best[1]];
}
