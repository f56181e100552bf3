/** A place in the chamber, in units of the outer radius: the speaker at (0, 0), `y` upwards. */
export interface Place {
  x: number;
  y: number;
}

export interface Chamber {
  /** From the left end to the right, so that neighbours in this order are neighbours in the chamber. */
  places: Place[];
  /** Of one place, in the same units. */
  radius: number;
}

/** The empty middle of the half circle, where the number stands. */
const INNER = 0.42;

/** Half a circle of so many places in rows of even spacing. */
export function chamber(seats: number): Chamber {
  if (seats <= 0) return { places: [], radius: 0 };
  const rows = rowsFor(seats);
  const radii = Array.from({ length: rows }, (_, row) => (rows === 1 ? 0.8 : INNER + ((1 - INNER) * row) / (rows - 1)));
  const counts = share(seats, radii);
  const places = radii.flatMap((radius, row) => arc(counts[row] ?? 0, radius));
  places.sort((a, b) => b.angle - a.angle || b.radius - a.radius);
  // Half of the least distance between two places: along a row, or from row to row.
  const along = radii.map((radius, row) => ((counts[row] ?? 0) > 1 ? (Math.PI * radius) / ((counts[row] ?? 2) - 1) : 1));
  const across = rows > 1 ? (1 - INNER) / (rows - 1) : 1;
  const radius = 0.43 * Math.min(across, ...along, 0.32);
  return { places: places.map(({ angle, radius }) => ({ x: radius * Math.cos(angle), y: radius * Math.sin(angle) })), radius };
}

/** So many rows that places stand about as close within a row as between rows. */
function rowsFor(seats: number): number {
  for (let rows = 1; rows < 20; rows += 1) {
    const gap = (1 - INNER) / Math.max(1, rows - 1);
    const middle = rows === 1 ? 0.8 : (1 + INNER) / 2;
    if (rows * ((Math.PI * middle) / gap + 1) >= seats) return rows;
  }
  return 20;
}

/** Seats of the rows in proportion to their length, by largest remainders. */
function share(seats: number, radii: number[]): number[] {
  const total = radii.reduce((sum, radius) => sum + radius, 0);
  const exact = radii.map((radius) => (seats * radius) / total);
  const counts = exact.map(Math.floor);
  const left = seats - counts.reduce((sum, count) => sum + count, 0);
  const order = exact.map((_, row) => row).sort((a, b) => (exact[b] ?? 0) % 1 - (exact[a] ?? 0) % 1 || b - a);
  for (const row of order.slice(0, left)) counts[row] = (counts[row] ?? 0) + 1;
  return counts;
}

function arc(count: number, radius: number): { angle: number; radius: number }[] {
  return Array.from({ length: count }, (_, at) => ({
    angle: count === 1 ? Math.PI / 2 : Math.PI * (1 - at / (count - 1)),
    radius,
  }));
}
