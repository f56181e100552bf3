import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Place, Snapshot } from '../src/feed/types';
import { contextOf, SIZES, type Size } from './browser';
import { api, base, browser, definition, json, NIGHT_MS, SCREENSHOTS, watched } from './night';
import { PublicPage, type Shown } from './public-page';

watched('the beginning');

/** The country's figures of the first country-wide contest, as the API has them. */
async function published(): Promise<{ shown: Shown; complete: boolean; votesKnown: boolean }> {
  const snapshot = await json<Snapshot>(`${api}/results`);
  const country = snapshot.units.find((unit) => unit.id === 'country');
  const contest = definition.contests.find((each) => each.scope === 'country');
  const urns = contest && country?.contests[contest.id]?.urns;
  if (!country || !contest || !urns) throw new Error('the results have no country or no country-wide contest');
  const listed = contest.options.filter((option) => option.status === 'active' || (urns.votes?.[option.id] ?? 0) > 0);
  return {
    shown: {
      version: `${snapshot.epoch}:${snapshot.version}`,
      votes: Object.fromEntries(listed.map(({ id }) => [id, urns.votes?.[id] ?? 0])),
      ballots: urns.ballots ?? 0,
      invalid: urns.invalid ?? 0,
      identified: country.turnout.identified,
    },
    complete: snapshot.status === 'complete' || snapshot.status === 'certified',
    votesKnown: (urns.ballots ?? 0) > 0,
  };
}

const figures = ({ votes, ballots, invalid, identified }: Shown) => ({ votes, ballots, invalid, identified });

describe('the public page', () => {
  it('reaches the figures of the api by itself, without a reload', async () => {
    const context = await contextOf(browser, 'laptop', false);
    const page = new PublicPage(await context.newPage(), base);
    const feed = { wire: 0, plain: 0 };
    page.page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        feed.wire += payload.length;
        feed.plain += typeof payload === 'string' ? payload.length : inflateSync(payload).length;
      }),
    );
    await page.open('?lang=en');
    const before = await published();
    await page.votesShown(NIGHT_MS);
    await page.openBelowThreshold();

    const versions = new Set<string>();
    const deadline = Date.now() + NIGHT_MS;
    let now = await published();
    let shown = await page.shown();
    while (Date.now() < deadline) {
      [now, shown] = [await published(), await page.shown()];
      versions.add(shown.version);
      if (now.complete && JSON.stringify(figures(shown)) === JSON.stringify(sorted(now.shown, shown))) break;
      await page.page.waitForTimeout(500);
    }
    expect(figures(shown)).toEqual(figures(now.shown));
    expect(now.votesKnown).toBe(true);
    if (!before.complete) expect(versions.size).toBeGreaterThan(1);
    console.info(`the live feed: ${feed.wire} bytes over the wire, ${feed.plain} inflated`);
    // Frames of single units, which a wide page follows abroad, are deflated from their second reader on.
    expect(feed.wire).toBeLessThan(feed.plain);
    expect(page.navigations).toBe(1);
    expect(page.errors).toEqual([]);
    expect(page.foreign).toEqual([]);
    await context.close();
  });

  it('says in its title and beside its heading that a simulation is one', async () => {
    const context = await contextOf(browser, 'laptop', false);
    const page = new PublicPage(await context.newPage(), base);
    await page.open('?lang=en');
    const badge = await page.page.locator('.simulation').count();
    expect((await page.page.title()).startsWith('Simulation')).toBe(definition.test);
    expect(badge).toBe(definition.test ? 1 : 0);
    await context.close();
  });

  it('says the same in its header and at the end of its curve', async () => {
    const context = await contextOf(browser, 'laptop', false);
    const page = new PublicPage(await context.newPage(), base);
    await page.open('?lang=en');
    await page.page.locator('figure .switch button').first().click();
    await page.page.waitForSelector('figure .readout:not(:empty)');
    await page.page.waitForTimeout(2000);
    const { time, share, curve } = await page.lastPoint();
    expect(curve.startsWith(time)).toBe(true);
    expect(curve.endsWith(share)).toBe(true);
    await context.close();
  });

  it('shows the results before the curve on a telephone', async () => {
    const context = await contextOf(browser, 'phone', false);
    const page = new PublicPage(await context.newPage(), base);
    await page.open('?lang=en');
    const top = async (selector: string) => (await page.page.locator(selector).first().boundingBox())?.y ?? NaN;
    expect(await top('#results figure')).toBeGreaterThan(await top('#results-title'));
    await context.close();
  });

  it('finds a precinct by number, shows its reports, and goes back with the back button', async () => {
    const context = await contextOf(browser, 'laptop', false);
    const page = new PublicPage(await context.newPage(), base);
    const place = (await json<Place[]>(`${api}/places`)).find((each) => each.parent !== 'abroad');
    if (!place) throw new Error('no precinct at home');
    await page.open('?lang=en');
    await page.search(String(place.precinct));
    await page.page.waitForSelector(`h2:has-text("Precinct ${place.precinct}")`);
    await page.mapDrawn();
    await page.page.screenshot({ path: `${SCREENSHOTS}precinct-laptop-light-en.png` });
    await page.page.goBack();
    expect(await page.heading()).toBe('The whole country');
    await context.close();
  });

  it('has no horizontal scroll at 320 px', async () => {
    const context = await contextOf(browser, 'phone', false);
    const page = new PublicPage(await context.newPage(), base);
    await page.page.setViewportSize({ width: 320, height: 640 });
    for (const lang of ['ky', 'ru', 'en']) {
      await page.open(`?lang=${lang}`);
      expect(await page.overflow()).toBeLessThanOrEqual(0);
    }
    await context.close();
  });

  it('is pictured in every size, theme and language', async () => {
    for (const size of Object.keys(SIZES) as Size[]) {
      for (const dark of [false, true]) {
        const context = await contextOf(browser, size, dark);
        const page = new PublicPage(await context.newPage(), base);
        for (const lang of ['ky', 'ru', 'en']) {
          await page.open(`?lang=${lang}`);
          await page.mapDrawn();
          expect(await page.overflow()).toBeLessThanOrEqual(0);
          await page.page.screenshot({ path: `${SCREENSHOTS}page-${size}-${dark ? 'dark' : 'light'}-${lang}.png` });
        }
        expect(page.errors).toEqual([]);
        await context.close();
      }
    }
  });

  it('is pictured in its other views', async () => {
    const views = {
      districts: '?lang=ru&contest=single',
      turnout: '?lang=ky&mode=turnout',
      reported: '?lang=ky&mode=reported',
      voters: '?lang=ru&mode=voters',
      table: '?lang=en&view=table',
      region: `?lang=ky&unit=${definition.units.find((unit) => unit.kind === 'region')?.id}`,
      raion: `?lang=ru&unit=${definition.units.find((unit) => unit.kind === 'raion')?.id}`,
    };
    const context = await contextOf(browser, 'laptop', false);
    const page = new PublicPage(await context.newPage(), base);
    for (const [name, query] of Object.entries(views)) {
      await page.open(query);
      await page.mapDrawn();
      await page.page.screenshot({ path: `${SCREENSHOTS}${name}-laptop-light.png` });
    }
    expect(page.errors).toEqual([]);
    await context.close();
  });
});

/** The same figures, with the options in the order the page shows them in. */
function sorted(published: Shown, shown: Shown): Omit<Shown, 'version'> {
  const votes = Object.fromEntries(Object.keys(shown.votes).map((id) => [id, published.votes[id] ?? -1]));
  return figures({ ...published, votes });
}
