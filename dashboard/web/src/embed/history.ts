import type { History, Unit } from '../feed/types';
import { curveData, endingIn, livePoint, refreshMs, type Series } from '../progress/points';
import { drawCurve } from './curve';
import { follow } from './poll';
import { s } from './dom';
import type { View } from './view';

/** The curve of one series of one unit, asked for again about once a step of it. Precincts have none. */
export class HistoryCurve {
  readonly root = s('svg', { class: 'curve' });
  #history: History | null = null;
  #url = '';
  #stop: (() => void) | null = null;
  #view: View | null = null;
  readonly #watcher = new ResizeObserver(() => this.#draw());

  constructor(
    private readonly series: Series,
    private readonly step: number,
  ) {
    this.#watcher.observe(this.root);
  }

  update(view: View, unit: Unit): void {
    this.#view = view;
    this.root.toggleAttribute('hidden', unit.kind === 'precinct');
    if (unit.kind === 'precinct') return;
    const url = `${view.base}/history?unit=${unit.id}&series=${this.series}&step=${this.step}`;
    if (url !== this.#url || !this.#stop) {
      this.stop();
      this.#url = url;
      const every = Math.max(5000, refreshMs(this.step, view.summary.speed));
      this.#stop = follow<History>(url, every, ({ value }) => {
        this.#history = value ?? this.#history;
        this.#draw();
      });
    }
    this.#draw();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = null;
  }

  #draw(): void {
    const view = this.#view;
    const unit = view?.unit;
    if (!view || !unit) return;
    const { summary, definition, t } = view;
    const known = this.#history?.unit === unit.id ? this.#history : { unit: unit.id, series: this.series, step: this.step, points: [] };
    const ending = endingIn(known, livePoint(unit, summary, this.series));
    drawCurve(this.root, curveData(ending, this.series, definition, Date.parse(summary.generated_at) / 1000), {
      clock: (ms) => view.clock(ms),
      percent: (value) => `${view.n(value)} %`,
      target: t.target,
      label: this.series === 'turnout' ? t.turnout : t.reported,
    });
  }
}
