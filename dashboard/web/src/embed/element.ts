import { h, s } from './dom';
import { followUnits } from './live';
import { once, type Answer } from './poll';
import { ATTRIBUTES, settingsOf } from './settings';
import { sheets } from './style';
import { View, type Part, type Summary } from './view';
import { WORDS } from './words';

/** Until what could not be loaded is tried again, ms. */
const RETRY_MS = 5000;
/** Without a good answer for so long, an element says how old it is. */
const STALE_MS = 20_000;
const SPEAK_MS = 60_000;
const API = '/api/v1/elections';

/** What makes an element what it is; its program is fetched when the element is first near the screen. */
export interface Design {
  tag: string;
  /** Whether it needs the units that its own is divided into. */
  parts: boolean;
  load(): Promise<() => Part>;
}

/** Makes a custom element of a design. `origin` is where this program came from, and where all of its data come from. */
export function define(origin: string, design: Design): void {
  class SanakElement extends HTMLElement {
    static readonly observedAttributes = ATTRIBUTES;
    readonly #shadow = this.attachShadow({ mode: 'open' });
    readonly #heading = h('h3', { part: 'heading' });
    readonly #marks = h('p', { class: 'marks', part: 'marks' });
    readonly #notice = h('p', { class: 'notice', role: 'status', hidden: true });
    readonly #body = h('div', { class: 'body' }, h('div', { class: 'skeleton', 'aria-hidden': 'true' }));
    readonly #spoken = h('p', { class: 'hidden', 'aria-live': 'polite' });
    readonly #credit = h('a', { target: '_blank', rel: 'noopener', part: 'credit' });
    readonly #about = h('span', {});
    readonly #pause = h('button', { type: 'button', class: 'pause', 'aria-pressed': 'false' });
    readonly #root = h(
      'section',
      { class: 'root', part: 'root' },
      h('header', {}, this.#heading, this.#marks),
      this.#notice,
      this.#body,
      this.#spoken,
      h('footer', {}, h('p', {}, this.#credit, this.#about), this.#pause),
    );
    readonly #dark = matchMedia('(prefers-color-scheme: dark)');
    readonly #near = new IntersectionObserver((entries) => this.#seen(entries.some(({ isIntersecting }) => isIntersecting)), { rootMargin: '400px' });
    #part: Part | null = null;
    #summary: Summary | null = null;
    #answer: Answer<unknown> | null = null;
    #election: string | null = null;
    #stop: (() => void) | null = null;
    #clock: ReturnType<typeof setInterval> | undefined;
    #visible = false;
    #paused = false;
    #spokenAt = 0;
    readonly #shown = () => this.#go();
    readonly #redraw = () => this.#draw();

    connectedCallback(): void {
      this.#shadow.adoptedStyleSheets = sheets();
      this.#shadow.replaceChildren(this.#root);
      this.#pause.onclick = () => {
        this.#paused = !this.#paused;
        this.#go();
        this.#draw();
      };
      document.addEventListener('visibilitychange', this.#shown);
      this.#dark.addEventListener('change', this.#redraw);
      this.#clock = setInterval(() => this.#tellState(), 5000);
      this.#near.observe(this);
      this.#draw();
    }

    disconnectedCallback(): void {
      document.removeEventListener('visibilitychange', this.#shown);
      this.#dark.removeEventListener('change', this.#redraw);
      clearInterval(this.#clock);
      this.#near.disconnect();
      this.#visible = false;
      this.#go();
    }

    attributeChangedCallback(name: string, before: string | null, now: string | null): void {
      if (before === now || !this.isConnected) return;
      if (['election', 'contest', 'unit', 'mode'].includes(name)) {
        this.#stop?.();
        this.#stop = null;
        this.#summary = null;
        this.#election = null;
        this.#go();
      }
      this.#draw();
    }

    #seen(near: boolean): void {
      this.#visible = near;
      this.#go();
    }

    /** Follows the figures while somebody can see them and wants them to move. */
    #go(): void {
      const wanted = this.#visible && !document.hidden && !this.#paused;
      if (!wanted) {
        this.#stop?.();
        this.#stop = null;
        this.#part?.stop?.();
      } else if (!this.#stop) {
        let stopped = false;
        this.#stop = () => (stopped = true);
        void this.#start(() => stopped);
      }
    }

    async #start(stopped: () => boolean): Promise<void> {
      try {
        const settings = settingsOf(this);
        const [make, election] = await Promise.all([design.load(), settings.election ?? newest(origin)]);
        if (stopped()) return;
        this.#part ??= make();
        this.#election = election;
        const query = new URLSearchParams({ unit: settings.unit });
        if (design.parts) {
          query.set('parts', 'auto');
          if (settings.contest) query.set('contest', settings.contest);
        }
        this.#stop = followUnits(`${origin}${API}/${election}`, query.toString(), (answer) => {
          if (stopped()) return;
          this.#answer = answer;
          this.#summary = answer.value ?? this.#summary;
          this.#draw();
        });
      } catch {
        if (stopped()) return;
        this.#answer = { value: null, at: this.#answer?.at ?? null, failed: 0 };
        this.#stop = null;
        this.#draw();
        setTimeout(() => this.#go(), RETRY_MS);
      }
    }

    #draw(): void {
      const settings = settingsOf(this);
      const dark = settings.theme === 'dark' || (settings.theme === 'auto' && this.#dark.matches);
      const t = WORDS[settings.lang];
      this.#root.lang = settings.lang;
      this.#root.dataset['theme'] = dark ? 'dark' : 'light';
      for (const [name, value] of Object.entries(settings.colours)) {
        if (value === null) this.#root.style.removeProperty(`--${name}`);
        else this.#root.style.setProperty(`--${name}`, value);
      }
      this.#pause.setAttribute('aria-pressed', String(this.#paused));
      const label = this.#paused ? t.resume : t.pause;
      this.#pause.title = label;
      this.#pause.setAttribute('aria-label', label);
      this.#pause.replaceChildren(
        s('svg', { viewBox: '0 0 20 20', 'aria-hidden': 'true' }, s('path', { d: this.#paused ? 'M6.5 4v12l9.5-6z' : 'M7 4.5v11M13 4.5v11' })),
      );
      if (this.#summary && this.#part && this.#election) {
        const view = new View(this.#summary, settings, dark, `${origin}${API}/${this.#election}`);
        this.#write(view, this.#part);
        this.#speak(view);
      }
      this.#tellState();
    }

    #write(view: View, part: Part): void {
      const { t, summary, definition, settings } = view;
      this.#heading.textContent = part.heading(view);
      const marks = [
        ...(summary.test ? [h('b', { title: t.simulationNote }, t.simulation)] : []),
        ...(summary.status === 'certified' ? [] : [h('span', {}, t.preliminary)]),
        h('span', {}, t.status[summary.status]),
      ];
      this.#marks.replaceChildren(...marks);
      part.update(view);
      if (part.root.parentNode !== this.#body) this.#body.replaceChildren(part.root);
      const place = settings.unit === 'country' ? '' : `/${settings.unit.replace(':', '/')}`;
      this.#credit.href = `${origin}/${definition.id}${place}?lang=${settings.lang}`;
      this.#credit.textContent = `${view.name(definition.name)} · Sanak`;
      const time = h('time', { datetime: summary.generated_at, 'data-version': `${summary.epoch}:${summary.version}` }, view.clock(summary.generated_at));
      this.#about.replaceChildren(' · ', time, ` · ${t.data(definition.data_licence)}`);
    }

    #tellState(): void {
      const t = WORDS[settingsOf(this).lang];
      const { at = null, failed = null } = this.#answer ?? {};
      const age = at === null ? 0 : Date.now() - at;
      let text = '';
      if (this.#paused) text = t.paused;
      else if (!this.#summary) text = failed === null ? t.loading : failed === 404 || failed === 400 ? t.unknown : t.failed;
      else if (failed !== null && age > STALE_MS) text = t.stale(ageText(age, t));
      else if (this.#summary.stalled_since) text = t.stalled;
      this.#notice.hidden = text === '';
      if (this.#notice.textContent !== text) this.#notice.textContent = text;
      this.#notice.classList.toggle('calm', this.#paused || !this.#summary);
    }

    /** A screen reader hears how far the count is, at most once a minute. */
    #speak(view: View): void {
      const now = Date.now();
      const { unit, t } = view;
      if (!unit || now - this.#spokenAt < SPEAK_MS) return;
      this.#spokenAt = now;
      this.#spoken.textContent = `${t.reported}: ${t.of(view.n(unit.reported.precincts), view.n(unit.precincts))}.`;
    }
  }
  if (!customElements.get(design.tag)) customElements.define(design.tag, SanakElement);
}

async function newest(origin: string): Promise<string> {
  const all = await once<{ id: string; date: string; archived?: boolean }[]>(`${origin}${API}`);
  const [latest] = all.filter(({ archived }) => !archived).sort((a, b) => b.date.localeCompare(a.date));
  if (!latest) throw new Error('no election is published here');
  return latest.id;
}

function ageText(ms: number, t: (typeof WORDS)['en']): string {
  // Tens of seconds, so that it is not read out every five.
  const seconds = Math.floor(ms / 10_000) * 10;
  if (seconds < 120) return t.seconds(String(seconds));
  if (seconds < 7200) return t.minutes(String(Math.floor(seconds / 60)));
  return t.hours(String(Math.floor(seconds / 3600)));
}
