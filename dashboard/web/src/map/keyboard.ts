export type Direction = 'left' | 'right' | 'up' | 'down';

export interface Spot {
  id: string;
  x: number;
  y: number;
}

export const ARROWS: Record<string, Direction> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

/**
 * The unit an arrow key leads to: the nearest within a quarter turn of the direction, straying counted double.
 * Screen coordinates, y downwards. Null where nothing lies that way.
 */
export function neighbour(from: Spot, spots: Spot[], direction: Direction): Spot | null {
  let best: Spot | null = null;
  let shortest = Infinity;
  for (const spot of spots) {
    if (spot.id === from.id) continue;
    const dx = spot.x - from.x;
    const dy = spot.y - from.y;
    const along = { left: -dx, right: dx, up: -dy, down: dy }[direction];
    const across = Math.abs(direction === 'left' || direction === 'right' ? dy : dx);
    if (along <= 0 || across > along * 1.5) continue;
    const length = along + 2 * across;
    if (length < shortest) [shortest, best] = [length, spot];
  }
  return best;
}
