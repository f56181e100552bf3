import { expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { contextOf, launch, serverUrl } from './browser';

/**
 * Compressed bytes of everything that is fetched until the map can be dragged, ms until the country is seen coloured and
 * with its figures, ms until the map can be dragged, and ms of script on the main thread.
 */
const BOUNDS = { bytes: 600_000, seen: 1500, drawn: 4000, script: 50 };
const base = serverUrl();
const ROUNDS = 5;

interface Resource {
  path: string;
  bytes: number;
}

/** Every answer's bytes as they come over the wire, heads included, those of the map's workers among them. */
function watch(page: Page, resources: Promise<Resource>[]): void {
  page.on('requestfinished', (request) => {
    const { pathname: path } = new URL(request.url());
    resources.push(request.sizes().then(({ responseHeadersSize, responseBodySize }) => ({ path, bytes: responseHeadersSize + responseBodySize })));
  });
}

/** Until the level in view is drawn whole; ms since the navigation began. */
async function mapDrawn(page: Page): Promise<number> {
  await page.waitForSelector('.pane canvas[data-drawn]', { state: 'attached', timeout: 60_000 });
  await page.waitForSelector('.pane [aria-busy="true"]', { state: 'detached' });
  await page.waitForSelector('.pane canvas[data-drawn]', { state: 'attached' });
  return page.evaluate(() => performance.now());
}

/** Until the country is on the screen in its colours, with its names, and beside it who has how many votes; ms likewise. */
async function countrySeen(page: Page): Promise<number> {
  await page.waitForSelector('.pane[data-seen]', { timeout: 60_000 });
  await page.waitForSelector('#results tr[data-option] [data-figure="votes"]');
  // A frame that was drawn may still be on its way to the screen: the first of all is there when the browser says so.
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  const ms = await page.evaluate(() => performance.now());
  // What is said to be seen is looked at: areas of the country in colour, with their names, and rows of figures within the window.
  const seen = await page.evaluate(() => {
    const sketch = document.querySelector<HTMLCanvasElement>('canvas[data-sketch]');
    const { width = 1, height = 1 } = sketch ?? {};
    const pixels = sketch?.getContext('2d')?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
    let coloured = 0;
    for (let at = 0; at < pixels.length; at += 4) {
      const rgb = [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0];
      if (Math.max(...rgb) - Math.min(...rgb) > 40) coloured += 1;
    }
    const rows = [...document.querySelectorAll('#results tr[data-option]')].map((row) => row.getBoundingClientRect());
    return {
      areas: Number(sketch?.dataset['sketch']),
      names: Number(sketch?.dataset['names']),
      coloured: coloured / (width * height),
      rows: rows.filter(({ top, width }) => top < innerHeight && width > 0).length,
    };
  });
  expect(seen.areas).toBeGreaterThanOrEqual(7);
  expect(seen.names).toBeGreaterThanOrEqual(6);
  expect(seen.coloured).toBeGreaterThan(0.15);
  expect(seen.rows).toBeGreaterThan(0);
  return ms;
}

async function firstView(): Promise<{ seen: number; drawn: number; resources: Resource[] }> {
  const browser = await launch();
  const context = await contextOf(browser, 'laptop', false);
  const page = await context.newPage();
  const resources: Promise<Resource>[] = [];
  // A reader's browser has been started long ago; nothing of the page is in it.
  await page.waitForTimeout(1500);
  watch(page, resources);
  await page.goto(base);
  const seen = await countrySeen(page);
  const drawn = await mapDrawn(page);
  const fetched = await Promise.all(resources);
  await browser.close();
  return { seen, drawn, resources: fetched };
}

/** Main-thread script while a version arrives in which every precinct is another, the map showing all of them. */
async function allPrecincts(): Promise<number[]> {
  const browser = await launch();
  const context = await contextOf(browser, 'laptop', false);
  const page = await context.newPage();
  // The newest frame is handed to the page again, with every precinct changed, through the connection it has.
  await page.addInitScript(() => {
    const Native = WebSocket;
    class Held extends Native {
      constructor(url: string | URL) {
        super(url);
        (window as unknown as { live: WebSocket }).live = this;
      }
    }
    window.WebSocket = Held;
  });
  await page.goto(`${base}/?mode=leading`);
  await mapDrawn(page);
  for (let zoom = 0; zoom < 4; zoom += 1) await page.locator('.pane .map').press('+');
  await page.waitForFunction(() => document.querySelector<HTMLCanvasElement>('.pane canvas')?.dataset['drawn'] === 'precincts', null, { timeout: 60_000 });
  await page.waitForTimeout(1500);
  const profiler = await context.newCDPSession(page);
  await profiler.send('Performance.enable');
  const script = async () => {
    const { metrics } = await profiler.send('Performance.getMetrics');
    return 1000 * (metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? 0);
  };
  const election = ((await (await fetch(`${base}/api/v1/elections`)).json()) as { id: string }[])[0]?.id;
  const times: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const snapshot = await (await fetch(`${base}/api/v1/elections/${election}/precincts`)).json();
    for (const unit of snapshot.units) {
      for (const contest of Object.values<{ urns: { votes?: Record<string, number> } }>(unit.contests)) {
        const { votes } = contest.urns;
        if (!votes) continue;
        // Another leads in every round, so that every colour is another.
        const ids = Object.keys(votes);
        const leader = ids[round % ids.length] ?? '';
        votes[leader] = 10 * Math.max(...Object.values(votes)) + round;
      }
    }
    const frame = JSON.stringify({ ...snapshot, type: 'delta', from: 0, version: snapshot.version + round });
    const handed = await page.evaluate((data) => ((window as unknown as { next: string }).next = data).length, frame);
    if (handed !== frame.length) throw new Error('the frame did not arrive whole');
    await page.waitForTimeout(300);
    const before = await script();
    await page.evaluate(() => {
      const { live, next } = window as unknown as { live: WebSocket; next: string };
      live.dispatchEvent(new MessageEvent('message', { data: next }));
    });
    await page.waitForTimeout(1000);
    times.push((await script()) - before);
  }
  await browser.close();
  return times.sort((a, b) => a - b);
}

it('the first view of the map is light and quick', async () => {
  const views = [];
  for (let round = 0; round < ROUNDS; round += 1) views.push(await firstView());
  const middle = (of: number[]) => Math.round(of.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Infinity);
  const [seen, drawn] = [views.map((view) => view.seen), views.map((view) => view.drawn)].map(middle) as [number, number];
  const { resources } = views[0] as (typeof views)[number];
  for (const { path, bytes } of [...resources].sort((a, b) => b.bytes - a.bytes)) console.info(`${String(bytes).padStart(8)}  ${path}`);
  const bytes = Math.max(...views.map((view) => view.resources.reduce((sum, each) => sum + each.bytes, 0)));
  const of = views.map((view) => [view.seen, view.drawn].map(Math.round));
  console.info(JSON.stringify({ first_view_bytes: bytes, first_view_ms: seen, map_drawn_ms: drawn, of }));
  expect(bytes).toBeLessThanOrEqual(BOUNDS.bytes);
  expect(seen).toBeLessThanOrEqual(BOUNDS.seen);
  expect(drawn).toBeLessThanOrEqual(BOUNDS.drawn);
});

it('a version in which every precinct is another holds the page for no longer than a blink', async () => {
  const times = await allPrecincts();
  console.info(JSON.stringify({ all_precincts_script_ms: times.map((ms) => Math.round(ms)) }));
  expect(times[Math.floor(times.length / 2)]).toBeLessThanOrEqual(BOUNDS.script);
});
