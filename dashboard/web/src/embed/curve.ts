import type { CurveData } from '../progress/curve';
import { s } from './dom';

const [HEIGHT, TOP, BOTTOM, LEFT] = [200, 12, 24, 46];
/** Before it stands anywhere. */
const NOWHERE = 600;

/** Words and numbers of a curve, in the reader's language. */
export interface CurveText {
  clock(ms: number): string;
  percent(value: number): string;
  target: string;
  label: string;
}

/** A curve of percent over time, with the line it is measured by, as SVG that needs no library. */
export function drawCurve(svg: SVGSVGElement, data: CurveData, text: CurveText): void {
  // One step of the drawing is one px, so that words are as large as those around it.
  const width = svg.clientWidth || NOWHERE;
  const [from, to] = data.range;
  const top = data.top > 60 ? 100 : data.top;
  const x = (at: number) => LEFT + ((width - LEFT) * (Math.min(to, Math.max(from, at)) - from)) / Math.max(1, to - from);
  const y = (percent: number) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * Math.min(top, percent)) / top;
  const parts: SVGElement[] = [];
  for (const percent of top > 60 ? [0, 50, 90] : [0, top / 2, top]) {
    parts.push(s('line', { class: 'grid', x1: LEFT, x2: width, y1: y(percent), y2: y(percent) }));
    parts.push(s('text', { x: LEFT - 8, y: y(percent) + 4, 'text-anchor': 'end' }, text.percent(percent)));
  }
  for (const at of hours(from, to, width)) {
    parts.push(s('text', { x: x(at), y: HEIGHT - 4, 'text-anchor': 'middle' }, text.clock(at * 1000)));
  }
  if (data.target) {
    const { from: start, to: end } = data.target;
    parts.push(s('line', { class: 'target', x1: x(start), y1: y(0), x2: x(end), y2: y(90) }));
    parts.push(s('circle', { class: 'target', cx: x(end), cy: y(90), r: 3 }));
    parts.push(s('text', { x: x(end) + 10, y: y(90) + 18 }, text.target));
  }
  const points = data.at.map((at, i) => `${x(at).toFixed(1)},${y(data.percent[i] ?? 0).toFixed(1)}`);
  if (points.length > 0) parts.push(s('polyline', { class: 'line', points: points.join(' ') }));
  svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', text.label);
  svg.replaceChildren(...parts);
}

/** Whole hours on the axis, so few that their labels stay apart. */
function hours(from: number, to: number, width: number): number[] {
  const most = Math.max(2, Math.min(8, width / 80));
  const step = [3600, 7200, 10_800, 21_600].find((each) => (to - from) / each <= most) ?? 43_200;
  const at: number[] = [];
  for (let hour = Math.ceil((from + step / 4) / step) * step; hour < to - step / 6; hour += step) at.push(hour);
  return at;
}
