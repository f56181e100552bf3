import type { Theme } from './ground';
import { hatching } from './hatch';
import type { Placed } from './names';

/** What is on the sketch of a country; px of the page throughout. */
export interface Sketch {
  width: number;
  height: number;
  /** Device pixels to one of the page; how much larger than usual everything is written. */
  ratio: number;
  scale: number;
  ground: Theme;
  neighbours: Path2D;
  /** `fill` null means hatched. */
  areas: { path: Path2D; fill: string | null; complete: boolean }[];
  water: Path2D;
  /** Instead of coloured areas, where voters are shown and not land. */
  circles: { x: number; y: number; r: number; fill: string | null }[] | null;
  names: Placed[];
  /** Size of their letters. */
  size: number;
}

export const nameFont = (size: number) => `600 ${size}px "Inter SemiBold"`;

/** Draws it as the map will (style.ts), layer by layer. */
export function draw(pen: CanvasRenderingContext2D, sketch: Sketch): void {
  const { width, height, ratio, scale, ground, water } = sketch;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.lineJoin = 'round';
  pen.lineWidth = scale;
  pen.fillStyle = ground.sea;
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = ground.neighbour;
  pen.strokeStyle = ground.neighbourLine;
  pen.fill(sketch.neighbours);
  pen.stroke(sketch.neighbours);
  land(pen, sketch);
  if (!sketch.circles) outlines(pen, sketch);
  pen.fillStyle = pen.strokeStyle = ground.water;
  pen.lineWidth = scale;
  pen.fill(water);
  pen.stroke(water);
  for (const { x, y, r, fill } of sketch.circles ?? []) {
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.fillStyle = fill ?? ground.land;
    pen.globalAlpha = fill ? 0.9 : 0.15;
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = fill ? ground.firm : ground.labelQuiet;
    pen.stroke();
  }
  names(pen, sketch);
}

function land(pen: CanvasRenderingContext2D, { areas, circles, ground, ratio, scale }: Sketch): void {
  const hatch = pen.createPattern(hatching(ground.hatch, Math.max(1, Math.round(ratio * scale))), 'repeat');
  hatch?.setTransform(new DOMMatrix().scale(1 / ratio));
  for (const { path, fill } of areas) {
    pen.fillStyle = (circles ? null : fill) ?? ground.land;
    pen.fill(path);
    if (!circles && fill === null && hatch) {
      pen.fillStyle = hatch;
      pen.fill(path);
    }
    pen.strokeStyle = fill !== null && !circles ? ground.line : ground.neighbourLine;
    pen.lineWidth = scale;
    pen.stroke(path);
  }
}

/** A complete unit has a firm outline inside its border. */
function outlines(pen: CanvasRenderingContext2D, { areas, ground, scale }: Sketch): void {
  const whole = areas.filter(({ complete }) => complete);
  for (const { path } of whole) {
    pen.save();
    pen.clip(path);
    pen.globalAlpha = 0.75;
    pen.strokeStyle = ground.firm;
    pen.lineWidth = 2.2 * scale + 0.6;
    pen.stroke(path);
    pen.restore();
  }
  pen.strokeStyle = ground.line;
  pen.lineWidth = scale;
  for (const { path } of whole) pen.stroke(path);
}

function names(pen: CanvasRenderingContext2D, { names, ground, scale, size }: Sketch): void {
  pen.font = nameFont(size);
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.strokeStyle = ground.halo;
  pen.fillStyle = ground.label;
  pen.lineWidth = 2.8 * scale;
  for (const { x, y, lines } of names) {
    lines.forEach((line, at) => {
      const down = y + (at - (lines.length - 1) / 2) * 1.15 * size;
      pen.strokeText(line, x, down);
      pen.fillText(line, x, down);
    });
  }
}
