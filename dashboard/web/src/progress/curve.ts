import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** What the curve is drawn in; read from the page's own tokens. */
export interface CurveStyle {
  ink: string;
  quiet: string;
  hair: string;
  /** Root font size in px. */
  rem: number;
}

export interface CurveData {
  /** Seconds since 1970. */
  at: number[];
  percent: number[];
  /** From 0 at the close of polls to 90 an hour later, where there is such a promise. */
  target: { from: number; to: number } | null;
  /** When polls open and close, where the day is drawn. */
  day: { open: number; close: number } | null;
  range: [number, number];
  top: number;
}

export interface CurveWords {
  clock(seconds: number): string;
  percent(value: number): string;
  target: string;
  open: string;
  close: string;
}

/** The curve of the night. Made once; data, size and colours are given to it as they change. */
export class Curve {
  #plot: uPlot | null = null;
  #data: CurveData | null = null;

  constructor(
    private readonly host: HTMLElement,
    private readonly onCursor: (index: number | null) => void,
  ) {}

  draw(data: CurveData, style: CurveStyle, words: CurveWords): void {
    this.#data = data;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(style, words), [data.at, data.percent], this.host);
  }

  /** New points on the same axes. */
  update(data: CurveData): void {
    this.#data = data;
    this.#plot?.batch(() => {
      this.#plot?.setData([data.at, data.percent], false);
      this.#plot?.setScale('x', { min: data.range[0], max: data.range[1] });
    });
  }

  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width > 0 && height > 0) this.#plot?.setSize({ width, height });
  }

  destroy(): void {
    this.#plot?.destroy();
  }

  #options(style: CurveStyle, words: CurveWords): uPlot.Options {
    const { ink, quiet, hair, rem } = style;
    const font = `${0.75 * rem}px Inter, sans-serif`;
    const axis = { stroke: quiet, font, ticks: { show: false }, gap: 0.3 * rem };
    const top = this.#data?.top ?? 100;
    const splits = top > 60 ? [0, 50, 90] : [0, top / 2, top];
    return {
      width: this.host.clientWidth,
      height: this.host.clientHeight,
      padding: [0.6 * rem, 1.25 * rem, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 0.5 * rem, fill: ink } },
      scales: {
        x: { time: true, range: () => this.#data?.range ?? [0, 1] },
        y: { range: [0, top > 60 ? 102 : top * 1.06] },
      },
      axes: [
        {
          ...axis,
          size: 1.6 * rem,
          grid: { show: false },
          space: 4.5 * rem,
          incrs: [900, 1800, 3600, 7200, 10_800, 14_400],
          values: (_, ticks) => ticks.map(words.clock),
        },
        {
          ...axis,
          size: 3.6 * rem,
          grid: { stroke: hair, width: 1 },
          splits: () => splits,
          values: (_, ticks) => ticks.map(words.percent),
        },
      ],
      series: [{}, { stroke: ink, width: 0.14 * rem, fill: `${ink}14`, points: { show: false } }],
      hooks: {
        drawAxes: [
          (plot) => this.#drawTarget(plot, quiet, font, rem, words.target),
          (plot) => this.#drawDay(plot, quiet, font, rem, words),
        ],
        setCursor: [(plot) => this.onCursor(plot.cursor.idx ?? null)],
      },
    };
  }

  #drawTarget(plot: uPlot, colour: string, font: string, rem: number, text: string): void {
    const target = this.#data?.target;
    if (!target) return;
    const { ctx } = plot;
    const ratio = devicePixelRatio;
    const [x0, x1] = [plot.valToPos(target.from, 'x', true), plot.valToPos(target.to, 'x', true)];
    const [y0, y1] = [plot.valToPos(0, 'y', true), plot.valToPos(90, 'y', true)];
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = 1.25 * ratio;
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.arc(x1, y1, 0.22 * rem * ratio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.font = font.replace(/^[\d.]+/, (size) => String(Number(size) * ratio));
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'left';
    // Beside the lower half of the line, where a count that keeps the promise never is.
    ctx.fillText(text, x0 + (x1 - x0) * 0.55 + 0.75 * rem * ratio, y0 + (y1 - y0) * 0.42);
    ctx.restore();
  }

  /** The hours of voting: a line where polls open and one where they close. */
  #drawDay(plot: uPlot, colour: string, font: string, rem: number, words: CurveWords): void {
    const day = this.#data?.day;
    if (!day) return;
    const { ctx } = plot;
    const ratio = devicePixelRatio;
    const { top, height } = plot.bbox;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = ratio;
    ctx.font = font.replace(/^[\d.]+/, (size) => String(Number(size) * ratio));
    ctx.textBaseline = 'top';
    const gap = 0.375 * rem * ratio;
    for (const [at, text, align] of [[day.open, words.open, 'left'], [day.close, words.close, 'right']] as const) {
      const x = Math.round(plot.valToPos(at, 'x', true));
      ctx.setLineDash([2 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
      ctx.stroke();
      ctx.textAlign = align;
      // By the opening there is room above the curve; by the close below it.
      const y = align === 'left' ? top + 0.625 * rem * ratio : top + height - 1.25 * rem * ratio;
      ctx.fillText(`${words.clock(at)} ${text}`, x + (align === 'left' ? gap : -gap), y);
    }
    ctx.restore();
  }
}
