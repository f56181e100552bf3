import { Map as GlMap, setWorkerUrl, type GeoJSONSource, type MapMouseEvent, type PointLike } from 'maplibre-gl';
import workerUrl from 'virtual:maplibre-worker';
import type { FeatureCollection } from 'geojson';
import type { BaseLayer, Layer } from './boundaries';
import { paddingOf, type Padding } from './fit';
import { joined, type Bounds } from './geometry';
import { hatching } from './hatch';
import type { Theme } from './ground';
import type { Spot } from './keyboard';
import { LEVEL_KIND, type Level } from './level';
import type { Shade } from './shade';
import { baseStyle, borderColour, circleGrowth, HATCH, LEVELS, PARENTS, repaint } from './style';

setWorkerUrl(workerUrl);

export interface MapEvents {
  hovered(id: string | null, x: number, y: number): void;
  chosen(id: string): void;
  /** Zoom counted from the one at which the country fills the map. */
  zoomed(zoomIn: number): void;
  /** What was to be drawn is. */
  drawn(): void;
}

/** What of a level lies under its parts until they are drawn. */
const UNDER = ['ground', 'hatch', 'fill'] as const;

type Mark = 'chosen' | 'hovered' | 'focused';
const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
const levelOf = (id: string) => LEVELS.find((each) => id.startsWith(`${LEVEL_KIND[each]}:`));
const PULSE_MS = 700;
/** More at once is not a signal but a flicker. */
const PULSES_AT_ONCE = 40;

/** The map as the page sees it: levels of units that are coloured, marked and chosen. Draws; decides nothing. */
export class CountryMap {
  readonly #map: GlMap;
  readonly #layers = new Map<Level, Layer>();
  readonly #shades = new Map<string, Shade>();
  readonly #marks = new Map<Mark, string>();
  readonly #pulses = new Map<string, number>();
  #country: Bounds | null = null;
  #fitZoom = 0;
  #level: Level = 'regions';
  #parents: Level[] = [];
  /** Whether any unit was ever marked: before, there are no outlines to prepare. */
  #marked = false;
  /** Whether what is on the canvas is all there is to draw. */
  #drawn = false;
  #circles = false;
  #frame = 0;
  /** The reader has gone to another page; what was still on its way here comes too late. */
  #gone = false;

  private constructor(
    map: GlMap,
    private theme: Theme,
    private scale: number,
    private readonly events: MapEvents,
  ) {
    this.#map = map;
    this.#addHatch();
    this.#listen();
  }

  /** Resolves when the map can be given what is to be on it. */
  static async create(container: HTMLElement, theme: Theme, scale: number, events: MapEvents): Promise<CountryMap> {
    await Promise.all(['400 16px Inter', '600 16px "Inter SemiBold"'].map((font) => document.fonts.load(font, 'Ңa')));
    const map = new GlMap({
      container,
      style: baseStyle(theme, scale),
      bounds: [69.2, 39.1, 80.4, 43.3],
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      keyboard: false,
      renderWorldCopies: false,
      fadeDuration: still() ? 0 : 150,
      maxZoom: 15,
    });
    map.touchZoomRotate.disableRotation();
    // The container takes the keys and the name; a second stop inside it would take neither.
    for (const name of ['tabindex', 'role', 'aria-label']) map.getCanvas().removeAttribute(name);
    await new Promise<void>((resolve, reject) => {
      // Not until it is drawn: what will be on it can be on its way meanwhile.
      map.once('style.load', () => resolve());
      map.once('error', (event) => reject(event.error));
    });
    return new CountryMap(map, theme, scale, events);
  }

  remove(): void {
    this.#gone = true;
    cancelAnimationFrame(this.#frame);
    this.#map.remove();
  }

  setBase(source: BaseLayer, data: FeatureCollection): void {
    this.#fill(source, data);
  }

  setLayer(level: Level, layer: Layer): void {
    if (this.#gone || this.#layers.has(level)) return;
    this.#layers.set(level, layer);
    this.#fill(level, layer.areas);
    if (level === 'regions') {
      this.#country = joined([...layer.bounds.values()]);
      this.fit(true);
    }
  }

  /** Labels and circles of a level, biggest first where they compete for room. */
  setPoints(level: Level, points: { id: string; at: [number, number]; label: string; registered: number }[]): void {
    this.#fill(`${level}-at`, {
      type: 'FeatureCollection',
      features: points.map(({ id, at, label, registered }) => ({
        type: 'Feature',
        properties: { id, label, registered },
        geometry: { type: 'Point', coordinates: at },
      })),
    });
  }

  has(level: Level): boolean {
    return this.#layers.has(level);
  }

  ids(level: Level): string[] {
    return [...(this.#layers.get(level)?.bounds.keys() ?? [])];
  }

  bounds(level: Level, id: string): Bounds | undefined {
    return this.#layers.get(level)?.bounds.get(id);
  }

  /** Which level is in view, drawn as areas or as circles, and the levels around it. */
  show(level: Level, parents: Level[], circles: boolean): void {
    // Areas and circles are coloured when they are in view, not both whenever a figure moves.
    if (circles !== this.#circles) this.#shades.clear();
    this.#level = level;
    this.#parents = parents;
    this.#circles = circles;
    const visible = (layer: string, on: boolean) =>
      this.#map.setLayoutProperty(layer, 'visibility', on ? 'visible' : 'none');
    for (const each of LEVELS) {
      const on = each === level;
      for (const part of ['ground', 'line', 'label']) visible(`${each}-${part}`, on);
      visible(`${each}-chosen`, this.#marked && (on || parents.includes(each)));
      for (const part of ['hatch', 'fill', 'firm']) visible(`${each}-${part}`, on && !circles);
      visible(`${each}-circle`, on && circles);
      this.#map.setPaintProperty(`${each}-line`, 'line-color', borderColour(this.theme, circles));
    }
    for (const each of PARENTS) visible(`${each}-parent`, parents.includes(each));
    // Until the precincts are drawn over it, what they are parts of keeps its colour.
    if (level === 'precincts' && parents[0]) {
      for (const part of UNDER) visible(`${parents[0]}-${part}`, !circles);
      void this.#map.once('idle', () => this.#clearUnder());
    }
    visible('lakes-label', !circles);
    // Towns come in as orientation where the parts are small enough.
    visible('settlements-label', level === 'precincts' || level === 'raions');
    this.#map.setPaintProperty(`${level}-circle`, 'circle-radius', circleGrowth(this.#fitZoom));
    this.#map.setLayerZoomRange('precincts-label', this.#fitZoom + 4.2, 24);
    this.#map.setLayerZoomRange('settlements-label', this.#fitZoom + 1.6, 24);
  }

  /** Land between precincts has no colour of its own. */
  #clearUnder(): void {
    if (this.#level !== 'precincts') return;
    for (const parent of PARENTS) {
      for (const part of UNDER) this.#map.setLayoutProperty(`${parent}-${part}`, 'visibility', 'none');
    }
  }

  /** Colours a unit; where `pulse` is set and the colour is another than before, the unit pulses once. */
  shade(level: Level, id: string, shade: Shade, pulse: boolean): void {
    const known = this.#shades.get(id);
    if (known?.fill === shade.fill && known.complete === shade.complete) return;
    this.#shades.set(id, shade);
    this.#tellDrawn(false);
    this.#paint(this.#circles ? `${level}-at` : level, id, shade);
    if (pulse && known && !this.#circles && this.#pulses.size < PULSES_AT_ONCE) this.#pulse(id);
  }

  #paint(source: string, id: string, { fill, complete }: Shade): void {
    this.#map.setFeatureState({ source, id }, { fill: fill ?? this.theme.land, counted: fill !== null, complete });
  }

  radius(level: Level, id: string, radius: number): void {
    this.#map.setFeatureState({ source: `${level}-at`, id }, { radius });
  }

  /** Marks one unit of the level in view; null clears the mark. */
  mark(mark: Mark, id: string | null): void {
    const before = this.#marks.get(mark);
    if (before === (id ?? undefined)) return;
    if (before !== undefined) this.#setMark(mark, before, false);
    if (id === null) this.#marks.delete(mark);
    else {
      this.#marks.set(mark, id);
      this.#setMark(mark, id, true);
    }
  }

  fit(instantly = false): void {
    if (!this.#country) return;
    const camera = this.#map.cameraForBounds(this.#country, { padding: this.#padding() });
    if (camera?.zoom === undefined) return;
    this.#fitZoom = camera.zoom;
    this.#map.setMinZoom(Math.max(0, this.#fitZoom - 0.5));
    this.#map.fitBounds(this.#country, { padding: this.#padding(), ...this.#flight(instantly) });
    this.events.zoomed(instantly ? 0 : this.#map.getZoom() - this.#fitZoom);
  }

  flyTo(bounds: Bounds, deepest: number): void {
    this.#map.fitBounds(bounds, {
      padding: this.#padding(),
      maxZoom: this.#fitZoom + deepest,
      ...this.#flight(false),
    });
  }

  zoomBy(step: number): void {
    this.#map.easeTo({ zoom: this.#map.getZoom() + step, ...this.#flight(false) });
  }

  resize(): void {
    this.#map.resize();
  }

  size(): { width: number; height: number } {
    const { clientWidth: width, clientHeight: height } = this.#map.getContainer();
    return { width, height };
  }

  /** Where the units of the level in view are on the screen. */
  spots(points: Map<string, [number, number]>): Spot[] {
    return [...points].map(([id, at]) => {
      const { x, y } = this.#map.project(at);
      return { id, x, y };
    });
  }

  setTheme(theme: Theme, scale: number): void {
    this.theme = theme;
    this.scale = scale;
    this.#shades.clear();
    this.#addHatch();
    for (const { layer, paint } of repaint(theme, scale)) {
      for (const [name, value] of Object.entries(paint)) {
        type Setter = Parameters<GlMap['setPaintProperty']>;
        this.#map.setPaintProperty(layer, name as Setter[1], value as Setter[2]);
      }
    }
  }

  get level(): Level {
    return this.#level;
  }

  #addHatch(): void {
    const ratio = Math.max(1, Math.round(window.devicePixelRatio * this.scale));
    const tile = hatching(this.theme.hatch, ratio);
    const { width, height } = tile;
    const data = tile.getContext('2d')?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray(4 * width * height);
    if (this.#map.hasImage(HATCH)) this.#map.removeImage(HATCH);
    this.#map.addImage(HATCH, { width, height, data }, { pixelRatio: Math.max(1, window.devicePixelRatio) });
  }

  #listen(): void {
    const at = (point: PointLike): string | null => {
      const layers = this.#circles ? [`${this.#level}-circle`, `${this.#level}-ground`] : [`${this.#level}-ground`];
      for (const layer of layers) {
        const id = this.#map.queryRenderedFeatures(point, { layers: [layer] })[0]?.properties['id'];
        if (typeof id === 'string') return id;
      }
      return null;
    };
    this.#map.on('mousemove', ({ point }: MapMouseEvent) => {
      const id = at(point);
      this.#map.getCanvas().style.cursor = id ? 'pointer' : '';
      this.events.hovered(id, point.x, point.y);
    });
    this.#map.on('mouseout', () => this.events.hovered(null, 0, 0));
    this.#map.on('dragstart', () => this.events.hovered(null, 0, 0));
    this.#map.on('click', ({ point }: MapMouseEvent) => {
      const id = at(point);
      if (id) this.events.chosen(id);
    });
    // Says whether what is on the canvas is all there is to draw; pictures of the page wait for it.
    this.#map.on('idle', () => {
      this.#tellDrawn(true);
      if (this.#layers.size > 0) this.events.drawn();
    });
    for (const begins of ['movestart', 'dataloading'] as const) this.#map.on(begins, () => this.#tellDrawn(false));
    this.#map.on('zoom', () => this.events.zoomed(this.#map.getZoom() - this.#fitZoom));
  }

  #tellDrawn(drawn: boolean): void {
    if (!drawn && !this.#drawn) return;
    this.#drawn = drawn;
    const canvas = this.#map.getCanvas();
    if (drawn) canvas.dataset['drawn'] = this.#level;
    else delete canvas.dataset['drawn'];
  }

  #padding(): Padding {
    return paddingOf(this.size().width, this.scale);
  }

  #flight(instantly: boolean): { animate?: boolean; duration?: number } {
    return instantly || still() ? { animate: false } : { duration: 700 };
  }

  #setMark(mark: Mark, id: string, on: boolean): void {
    const level = levelOf(id);
    if (!level) return;
    if (!this.#marked) {
      this.#marked = true;
      // A chosen raion or district keeps its outline around its precincts.
      for (const each of [this.#level, ...this.#parents]) this.#map.setLayoutProperty(`${each}-chosen`, 'visibility', 'visible');
    }
    for (const source of [level, `${level}-at`]) this.#map.setFeatureState({ source, id }, { [mark]: on });
  }

  #pulse(id: string): void {
    if (still()) return;
    const idle = this.#pulses.size === 0;
    this.#pulses.set(id, performance.now());
    const of = (each: string) => this.#layers.get(levelOf(each) ?? this.#level)?.areas.features.find(({ properties }) => properties.id === each);
    const features = [...this.#pulses.keys()].flatMap((each) => of(each) ?? []);
    this.#fill('pulses', { type: 'FeatureCollection', features });
    if (idle) this.#frame = requestAnimationFrame((now) => this.#beat(now));
  }

  #beat(now: number): void {
    for (const [id, since] of this.#pulses) {
      const left = Math.max(0, 1 - (now - since) / PULSE_MS);
      this.#map.setFeatureState({ source: 'pulses', id }, { pulse: 0.7 * left });
      if (left === 0) this.#pulses.delete(id);
    }
    if (this.#pulses.size > 0) this.#frame = requestAnimationFrame((next) => this.#beat(next));
  }

  #fill(source: string, data: FeatureCollection): void {
    if (this.#gone) return;
    (this.#map.getSource(source) as GeoJSONSource).setData(data);
  }
}
